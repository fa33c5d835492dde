//! The variables themselves: which program reads which was tried with each of them.

use serde_json::Value;
use withheld_vault::home::Home;

use super::{Begun, git, no_proxy};

/// Read by curl, Python, Go, Rust and most others; some read only the one in lower case.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Variables that take the place of a program's roots: they name the system's roots and ours.
const REPLACE_ROOTS: [&str; 8] = [
    // OpenSSL, curl, Go, Python's ssl, uv, gh
    "SSL_CERT_FILE",
    // curl
    "CURL_CA_BUNDLE",
    // requests, pip
    "REQUESTS_CA_BUNDLE",
    // git reads no other
    "GIT_SSL_CAINFO",
    // aws, boto3
    "AWS_CA_BUNDLE",
    "npm_config_cafile",
    "CARGO_HTTP_CAINFO",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
];
/// Variables that add to a program's roots: they name ours alone.
const ADD_ROOTS: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];
const NOTE: &str = "Keys here are placeholders; the real ones are added on the way out. Call APIs as usual. More: withheld status --json";

/// All variables in the order in which they are written.
pub(super) fn all(
    home: &Home,
    begun: &Begun,
    uses: &Value,
    own_no_proxy: &str,
) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut set = |name: &str, value: &str| all.push((name.to_owned(), value.to_owned()));
    let proxy = format!("http://withheld:{}@{}", begun.token, begun.listen);
    let names: Vec<&str> = begun.secrets.iter().map(|name| name.as_str()).collect();
    set("WITHHELD", "1");
    set("WITHHELD_AGENT", begun.agent.as_str());
    set("WITHHELD_SECRETS", &names.join(","));
    set("WITHHELD_NOTE", NOTE);
    set("WITHHELD_SESSION", &begun.token);
    for name in PROXY {
        set(name, &proxy);
    }
    let reached: Vec<_> = begun.bound.iter().chain(&begun.allowed).collect();
    let direct = no_proxy::of(own_no_proxy, &reached);
    for name in NO_PROXY {
        set(name, &direct);
    }
    let bundle = home.bundle_pem();
    for name in REPLACE_ROOTS {
        set(name, &bundle.to_string_lossy());
    }
    let ours = home.ca_pem();
    for name in ADD_ROOTS {
        set(name, &ours.to_string_lossy());
    }
    // Node 24 reads the proxy variables only when it is told to.
    set("NODE_USE_ENV_PROXY", "1");
    for (name, value) in git::variables(begun, uses) {
        set(&name, &value);
    }
    for (name, placeholder) in &begun.vars {
        set(name.as_str(), placeholder);
    }
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use serde_json::json;

    #[test]
    fn every_variable_of_the_contract_is_there() {
        let begun: Begun = serde_json::from_value(json!({
            "agent": "claude", "environment": "default/dev",
            "session": "s_BwcHBwcHBwcH", "token": "whs_token", "expires_at": null,
            "listen": "127.0.0.1:7717", "secrets": ["A_KEY", "B_KEY"],
            "vars": {"A_KEY": "withheldA1", "OTHER": "withheldB2"},
            "bound": ["localhost"], "allowed": []
        }))
        .unwrap();
        let home = Home::at(Path::new("/h")).unwrap();
        let all: BTreeMap<String, String> =
            super::all(&home, &begun, &json!({"secrets": []}), "corp.test")
                .into_iter()
                .collect();
        for (name, value) in [
            ("HTTPS_PROXY", "http://withheld:whs_token@127.0.0.1:7717"),
            ("https_proxy", "http://withheld:whs_token@127.0.0.1:7717"),
            ("HTTP_PROXY", "http://withheld:whs_token@127.0.0.1:7717"),
            ("NO_PROXY", "127.0.0.1,::1,corp.test"),
            ("no_proxy", "127.0.0.1,::1,corp.test"),
            ("SSL_CERT_FILE", "/h/ca/bundle.pem"),
            ("CURL_CA_BUNDLE", "/h/ca/bundle.pem"),
            ("REQUESTS_CA_BUNDLE", "/h/ca/bundle.pem"),
            ("GIT_SSL_CAINFO", "/h/ca/bundle.pem"),
            ("AWS_CA_BUNDLE", "/h/ca/bundle.pem"),
            ("npm_config_cafile", "/h/ca/bundle.pem"),
            ("CARGO_HTTP_CAINFO", "/h/ca/bundle.pem"),
            ("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "/h/ca/bundle.pem"),
            ("NODE_EXTRA_CA_CERTS", "/h/ca/ca.pem"),
            ("DENO_CERT", "/h/ca/ca.pem"),
            ("NODE_USE_ENV_PROXY", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("WITHHELD", "1"),
            ("WITHHELD_AGENT", "claude"),
            ("WITHHELD_SECRETS", "A_KEY,B_KEY"),
            ("WITHHELD_SESSION", "whs_token"),
            ("A_KEY", "withheldA1"),
            ("OTHER", "withheldB2"),
        ] {
            assert_eq!(all.get(name).map(String::as_str), Some(value), "{name}");
        }
    }
}
