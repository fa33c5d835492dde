//! git: remotes over ssh go over https where a key is bound to the host, and git is handed the
//! placeholder as its password there. The rules are git's own configuration, in variables.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Begun;

/// A key that git can use: bound at the place where git puts a password.
struct Login {
    origin: String,
    user: String,
    placeholder: String,
}

/// `GIT_TERMINAL_PROMPT` and the `GIT_CONFIG_*` variables.
pub(super) fn variables(begun: &Begun, uses: &Value) -> Vec<(String, String)> {
    let mut rules = Vec::new();
    for (host, origin) in origins(uses) {
        let base = format!("url.{origin}/.insteadOf");
        rules.push((base.clone(), format!("git@{host}:")));
        rules.push((base, format!("ssh://git@{host}/")));
    }
    for login in logins(begun, uses) {
        let key = format!("credential.{}.helper", login.origin);
        // An empty helper first: the user's own would hand out a real password.
        rules.push((key.clone(), String::new()));
        rules.push((key, helper(&login)));
    }
    let mut variables = vec![
        ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ("GIT_CONFIG_COUNT".to_owned(), rules.len().to_string()),
    ];
    for (index, (key, value)) in rules.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{index}"), key));
        variables.push((format!("GIT_CONFIG_VALUE_{index}"), value));
    }
    variables
}

/// Every exact host that a key is bound to, with its origin. A wildcard names no one remote.
fn origins(uses: &Value) -> BTreeMap<String, String> {
    uses["secrets"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|secret| secret["use"].as_array().into_iter().flatten())
        .filter_map(|one| Some((one["host"].as_str()?.to_owned(), origin(one)?)))
        .collect()
}

fn origin(one: &Value) -> Option<String> {
    let host = one["host"].as_str().filter(|host| !host.contains('*'))?;
    Some(match one["port"].as_u64() {
        None | Some(443) => format!("https://{host}"),
        Some(port) => format!("https://{host}:{port}"),
    })
}

/// A shell function that says user and placeholder when git asks for them.
fn helper(login: &Login) -> String {
    format!(
        "!f() {{ test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' {} {}; }}; f",
        quoted(&login.user),
        quoted(&login.placeholder)
    )
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn logins(begun: &Begun, uses: &Value) -> Vec<Login> {
    let mut logins = Vec::new();
    for secret in uses["secrets"].as_array().into_iter().flatten() {
        let vars = secret["vars"].as_array().into_iter().flatten();
        let placeholder = vars
            .filter_map(Value::as_str)
            .find_map(|var| placeholder(begun, var));
        let Some(placeholder) = placeholder else {
            continue;
        };
        for one in secret["use"].as_array().into_iter().flatten() {
            let place = one["inject"].as_str().unwrap_or_default();
            let Some(user) = user_of(place) else {
                continue;
            };
            let Some(origin) = origin(one) else {
                continue;
            };
            logins.push(Login {
                origin,
                user: user.to_owned(),
                placeholder: placeholder.to_owned(),
            });
        }
    }
    logins
}

fn placeholder<'a>(begun: &'a Begun, var: &str) -> Option<&'a str> {
    let known = begun.vars.iter().find(|(name, _)| name.as_str() == var);
    known.map(|(_, placeholder)| placeholder.as_str())
}

/// The user that goes with the place; git sends only Basic.
fn user_of(place: &str) -> Option<&str> {
    match place.split_once(':') {
        Some(("basic", user)) => Some(user),
        None if place == "basic" => Some("withheld"),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    fn begun() -> Begun {
        serde_json::from_value(json!({
            "agent": "local", "session": "s_BwcHBwcHBwcH", "token": "t", "expires_at": null,
            "listen": "127.0.0.1:7717", "secrets": ["GH_TOKEN"],
            "vars": {"GH_TOKEN": "ghp_withheldX"},
            "bound": ["api.github.com", "github.com", "*.example.com"], "allowed": []
        }))
        .unwrap()
    }

    fn uses() -> Value {
        json!({"secrets": [{"name": "GH_TOKEN", "vars": ["GH_TOKEN"], "use": [
            {"host": "api.github.com", "port": 443, "inject": "bearer"},
            {"host": "*.example.com", "port": 443, "inject": "bearer"},
            {"host": "git.test", "port": 8443, "inject": "bearer"},
            {"host": "github.com", "port": 443, "inject": "basic:x-access-token"}]}]})
    }

    #[test]
    fn ssh_remotes_of_bound_hosts_go_over_https() {
        let variables = variables(&begun(), &uses());
        let find = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| key == name)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(find("GIT_TERMINAL_PROMPT"), "0");
        assert_eq!(find("GIT_CONFIG_COUNT"), "8");
        assert_eq!(
            find("GIT_CONFIG_KEY_2"),
            "url.https://git.test:8443/.insteadOf"
        );
        assert_eq!(
            find("GIT_CONFIG_KEY_4"),
            "url.https://github.com/.insteadOf"
        );
        assert_eq!(find("GIT_CONFIG_VALUE_4"), "git@github.com:");
        assert_eq!(find("GIT_CONFIG_VALUE_5"), "ssh://git@github.com/");
        assert_eq!(
            find("GIT_CONFIG_KEY_6"),
            "credential.https://github.com.helper"
        );
        assert_eq!(find("GIT_CONFIG_VALUE_6"), "");
        assert!(!variables.iter().any(|(_, value)| value.contains('*')));
    }

    #[test]
    fn the_helper_says_the_placeholder_to_get_and_nothing_else() {
        let login = Login {
            origin: "https://github.com".into(),
            user: "x-access-token".into(),
            placeholder: "ghp_withheld'$(id)X".into(),
        };
        let helper = helper(&login);
        let run = |action: &str| {
            let script = format!("{} {action}", helper.strip_prefix('!').unwrap());
            let said = std::process::Command::new("sh")
                .arg("-c")
                .arg(script)
                .output()
                .unwrap();
            String::from_utf8(said.stdout).unwrap()
        };
        assert_eq!(
            run("get"),
            "username=x-access-token\npassword=ghp_withheld'$(id)X\n"
        );
        assert_eq!(run("store"), "");
    }
}
