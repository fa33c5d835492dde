//! Agents: each has what its record grants, as often as that says, and nothing of another's.

use serde_json::{Value, json};
use withheld_testkit::Answer;

use crate::broker::CANARY;
use crate::set::Set;

impl Set {
    /// A session of an agent with these grants, at most two requests an hour.
    fn agent(&self, name: &str, grants: &[&str]) -> Value {
        self.broker.owner(&json!({
            "do": "agent_add", "proof": self.broker.proof(),
            "record": {
                "agent": name, "workspace": "local", "environment": "dev", "grants": grants,
                "hosts": [], "ttl_s": 3600, "rate": "2/h",
            },
        }))
    }

    fn call(&self, token: &Value, secret: &str) -> String {
        let token = token.as_str().unwrap();
        self.broker.port(&format!(
            "GET /call HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nWithheld-Url: https://{}/v1/x\r\nWithheld-Secret: {secret}\r\nWithheld-Session: {token}\r\n\r\n",
            self.broker.address, self.to
        ))
    }
}

#[test]
fn a_name_outside_the_record_does_not_exist_and_a_budget_ends() {
    let set = Set::up();
    let other = set.agent("claude", &["OTHER_*"]);
    let reply = set.call(&other["token"], "API_KEY");
    assert!(
        reply.starts_with("HTTP/1.1 404 Withheld not_found\r\n"),
        "{reply}"
    );
    assert_eq!(other["vars"], json!({}));

    let granted = set.agent("codex", &["API_*"]);
    for _ in 0..2 {
        let reply = set.call(&granted["token"], "API_KEY");
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    }
    let reply = set.call(&granted["token"], "API_KEY");
    assert!(
        reply.starts_with("HTTP/1.1 429 Withheld budget_spent\r\n"),
        "{reply}"
    );
    assert_eq!(set.upstream.seen().len(), 2);
    set.broker.stop();
}

#[test]
fn a_placeholder_of_another_session_is_a_tripwire() {
    let set = Set::up();
    let granted = set.agent("codex", &["API_*"]);
    let token = granted["token"].as_str().unwrap();
    // It shows the one of `local`.
    let reply = set.broker.tunnelled(token, &set.to, &set.get(""));
    assert!(
        reply.starts_with("HTTP/1.1 403 Withheld tripwire\r\n"),
        "{reply}"
    );
    assert!(set.upstream.seen().is_empty());
    set.broker.stop();
}

#[test]
fn an_agent_sees_its_own_records_and_secrets_and_starts_no_session() {
    let set = Set::up();
    let other = set.agent("claude", &["OTHER_*"]);
    set.call(&other["token"], "API_KEY");
    let shows = format!("Withheld-Session: {}\r\n", other["token"].as_str().unwrap());
    let audit = json!({"do": "audit", "secret": null, "host": null, "denied": false, "since_ms": null, "last": null});
    let records = set.broker.agent(&audit, &shows);
    let records = records["records"].as_array().unwrap();
    assert!(!records.is_empty());
    assert!(
        records.iter().all(|record| record["agent"] == "claude"),
        "{records:?}"
    );
    let status = set.broker.agent(&json!({"do": "status"}), &shows);
    assert_eq!(status["you"]["kind"], "agent");
    assert_eq!(status["secrets"], json!([]));
    let own = set.broker.agent(&json!({"do": "status"}), "");
    assert_eq!(own["secrets"][0]["name"], "API_KEY");
    assert_eq!(own["secrets"][0]["usable"], true);
    let refused = set.broker.agent_answer(&json!({"do": "proxy_env"}), &shows);
    assert_eq!(refused["error"]["code"], "owner_needed");
    set.broker.stop();
}

#[test]
fn why_says_what_a_request_would_meet_and_sends_nothing() {
    let set = Set::up();
    let why = |method: &str, path: &str, secret: Value| {
        let url = format!("https://{}{path}", set.to);
        let ask = json!({"do": "why", "method": method, "url": url, "secret": secret});
        set.broker.agent(&ask, "")
    };
    let stop = |why: &Value| {
        let stages = why["stages"].as_array().unwrap().clone();
        assert_eq!(stages.len(), 10);
        let at = stages.into_iter().find(|stage| stage["result"] == "stop");
        at.map(|stage| stage["stage"].clone())
    };
    let passes = why("GET", "/v1/x", json!("API_KEY"));
    assert_eq!(passes["outcome"], "with_credential");
    assert_eq!(passes["uses"][0]["inject"], "bearer");
    assert_eq!(stop(&passes), None);
    let refused = why("POST", "/v1/x", json!("API_KEY"));
    assert_eq!(refused["code"], "binding_violation");
    assert_eq!(stop(&refused), Some(json!("decide")));
    let unread = why("GET", "/v1/../x", json!("API_KEY"));
    assert_eq!(stop(&unread), Some(json!("read")));
    let without = why("GET", "/v1/x", Value::Null);
    assert_eq!(without["outcome"], "without_credential");
    assert!(set.upstream.seen().is_empty());
    set.broker.stop();
}

#[test]
fn a_new_value_is_used_and_washed_at_once_and_its_placeholder_stays() {
    let set = Set::up();
    let newer = "whCANARYnewer5Yt8Wq1Zx6Vb";
    set.broker.owner(&json!({
        "do": "store", "environment": "dev", "proof": set.broker.proof(),
        "items": [{"name": "API_KEY", "value": set.broker.value(newer), "bindings": []}],
    }));
    set.echo();
    let reply = set.broker.tunnelled(&set.token, &set.to, &set.get(""));
    let sent = format!("Bearer {newer}");
    assert_eq!(
        set.upstream.last().header("authorization"),
        Some(sent.as_str())
    );
    assert!(
        reply.ends_with(&format!("Bearer {}", set.placeholder)),
        "{reply}"
    );
    set.broker.stop();
}

#[test]
fn the_third_partial_hit_ends_local_until_the_next_unlock() {
    let set = Set::up();
    set.upstream.answer(|seen| {
        let sent = seen.header("authorization").unwrap_or_default();
        Answer::ok(&sent.as_bytes()[..sent.len() - 8])
    });
    let get = || set.broker.tunnelled(&set.token, &set.to, &set.get(""));
    for _ in 0..2 {
        let reply = get();
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        assert!(!reply.contains(&CANARY[..15]), "{reply}");
    }
    let reply = get();
    assert!(
        reply.starts_with("HTTP/1.1 407 Withheld session_expired\r\n"),
        "{reply}"
    );
    let status = set.broker.owner(&json!({"do": "status"}));
    assert_eq!(status["local_blocked"], true);
    set.broker
        .owner(&json!({"do": "unlock", "proof": set.broker.proof()}));
    let reply = get();
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    set.broker.stop();
}
