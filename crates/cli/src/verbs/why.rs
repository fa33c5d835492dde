//! `withheld why`: would this request pass, and which rule says so; or the last refusal.

use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::AgentRequest;
use withheld_core::destination::MethodName;

use crate::cli::Why;
use crate::context::Context;
use crate::drafts;
use crate::exit;
use crate::failure::Failure;
use crate::output::{Outcome, clean, table};
use crate::said::{word, words};
use crate::socket::ANSWER;

pub(super) fn run(context: &Context, arguments: &Why) -> Outcome {
    let request = request(arguments)?;
    let socket = match request {
        AgentRequest::WhyLast => context.agent_socket()?,
        _ => context.session_socket()?,
    };
    let said = socket.ask(&request, ANSWER)?;
    match request {
        AgentRequest::WhyLast => last(context, said),
        _ => dry_run(context, said),
    }
}

fn request(arguments: &Why) -> Outcome<AgentRequest> {
    let (Some(method), Some(url)) = (&arguments.method, &arguments.url) else {
        return Ok(AgentRequest::WhyLast);
    };
    let method = MethodName::parse(method).map_err(|_| {
        Failure::refuse(
            Code::Usage,
            "the method is not a word in capitals",
            "write it first, like: withheld why GET https://api.example.com/x",
        )
    })?;
    Ok(AgentRequest::Why {
        method,
        url: url.clone(),
        secret: arguments
            .secret
            .as_deref()
            .map(drafts::secret)
            .transpose()?,
    })
}

fn dry_run(context: &Context, said: Value) -> Outcome {
    let is_refused = said["outcome"] == "refused";
    let text = stages(&said);
    context.output.result("withheld.why/1", said, &text)?;
    answered(is_refused)
}

/// The stages as a list, and the end.
fn stages(said: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows: Vec<Vec<String>> = said["stages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|stage| {
            let mark = match stage["result"].as_str() {
                Some("pass") => "ok",
                Some("stop") => "STOP",
                _ => "-",
            };
            vec![mark.to_owned(), word(&stage["stage"]), word(&stage["note"])]
        })
        .collect();
    let end = match said["outcome"].as_str() {
        Some("with_credential") => {
            let uses: Vec<String> = said["uses"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| {
                    format!(
                        "{} as {} (rule {})",
                        word(&one["secret"]),
                        word(&one["inject"]),
                        word(&one["rule"])
                    )
                })
                .collect();
            format!("It would pass, with {}.", clean(&uses.join(" and ")))
        }
        Some("refused") => format!("It would be refused: {}.", word(&said["code"])),
        _ => format!(
            "It would pass without a key: {}",
            clean(&word(&said["message"]))
        ),
    };
    let mut text = format!("{}\n{end}", table(&rows));
    text.push_str(&hint(said));
    text
}

/// The rule that stands, where there is one, and the hint.
fn hint(said: &Value) -> String {
    let Some(hint) = said["hint"].as_str() else {
        return String::new();
    };
    let facts = &said["facts"];
    let rule = match facts["rule"].as_str() {
        Some(rule) => {
            let secret = word(&facts["secret"]);
            let bound = words(&facts["bound"], ", ");
            let rule = match bound.as_str() {
                "" => format!("{rule} of {secret}"),
                bound => format!("{rule} of {secret}, which is bound for {bound}"),
            };
            format!("\n  rule: {}", clean(&rule))
        }
        None => String::new(),
    };
    format!("{rule}\n  hint: {}", clean(hint))
}

fn last(context: &Context, said: Value) -> Outcome {
    let is_refused = said.pointer("/last/code").is_some_and(Value::is_string);
    let text = match said["last"].as_object() {
        None => {
            "Nothing was refused in this session, and nothing went out without a key.".to_owned()
        }
        Some(last) => {
            let word = |key: &str| {
                last.get(key)
                    .and_then(Value::as_str)
                    .map(|word| clean(word).into_owned())
                    .unwrap_or_default()
            };
            let what = match last.get("code").and_then(Value::as_str) {
                Some(code) => format!("refused: {}", clean(code)),
                None => "sent without a key".to_owned(),
            };
            let port = match last.get("port").and_then(Value::as_u64) {
                None | Some(443) => String::new(),
                Some(port) => format!(":{port}"),
            };
            format!(
                "{}  {} {}{port}{}  {what}\n{}{}",
                word("at"),
                word("method"),
                word("host"),
                word("path"),
                word("message"),
                hint(&said["last"])
            )
        }
    };
    context.output.result("withheld.why_last/1", said, &text)?;
    answered(is_refused)
}

/// The status of an answer: a refusal is a no.
fn answered(is_refused: bool) -> Outcome {
    if is_refused {
        return Err(Failure::Answered(exit::NO));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_comes_with_its_rule_and_a_way_on() {
        let mut said = json!({"hint": "see what you may use: withheld status",
            "facts": {"secret": "K", "rule": "b_3f", "bound": ["GET /v1/*", "POST /v2"]}});
        assert_eq!(
            hint(&said),
            "\n  rule: b_3f of K, which is bound for GET /v1/*, POST /v2\n  hint: see what you may use: withheld status"
        );
        said = json!({"hint": "use https://a.test:8443/", "facts": {}});
        assert_eq!(hint(&said), "\n  hint: use https://a.test:8443/");
    }

    #[test]
    fn the_list_stops_where_the_rule_stands() {
        let said = json!({"outcome":"refused","code":"host_denied","hint":"see which: withheld ls","stages":[
            {"stage":"read","result":"pass","note":"it can be read in one way"},
            {"stage":"decide","result":"stop","note":"`a.test` is not allowed"},
            {"stage":"note","result":"not_tried","note":"not reached"}]});
        assert_eq!(
            stages(&said),
            "ok    read    it can be read in one way
STOP  decide  `a.test` is not allowed
-     note    not reached
It would be refused: host_denied.
  hint: see which: withheld ls"
        );
    }
}
