//! What the owner changes: what an agent was once given stays out of its replies.

use std::io::{Read as _, Write as _};

use serde_json::{Value, json};
use withheld_testkit::{Answer, Latch};

use crate::broker::{CANARY, bindings};
use crate::set::Set;

const OTHER: &str = "whCANARYother5Yt8Wq1Zx6Vb";

impl Set {
    /// A second key, bound to the same host.
    fn other(&self, terms: &Value) {
        self.broker.owner(&json!({
            "do": "store", "environment": "dev", "proof": self.broker.proof(),
            "items": [{"name": "OTHER_KEY", "value": self.broker.value(OTHER), "bindings": terms}],
        }));
    }

    fn set(&self, value: &str) {
        self.broker.owner(&json!({
            "do": "store", "environment": "dev", "proof": self.broker.proof(),
            "items": [{"name": "API_KEY", "value": self.broker.value(value), "bindings": []}],
        }));
    }

    /// Makes the upstream say these, whatever it is sent.
    fn says(&self, text: String) {
        self.upstream.answer(move |_| Answer::ok(text.clone()));
    }

    /// The reply to a call with the second key.
    fn called(&self, token: &str) -> String {
        let reply = self.broker.port(&format!(
            "GET /call HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nWithheld-Url: https://{}/v1/x\r\nWithheld-Secret: OTHER_KEY\r\nWithheld-Session: {token}\r\n\r\n",
            self.broker.address, self.to
        ));
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
        reply
    }

    /// Arms every session for what counts now alone.
    fn settle(&self) {
        self.broker.owner(&json!({"do": "lock"}));
        self.broker
            .owner(&json!({"do": "unlock", "proof": self.broker.proof()}));
    }
}

#[test]
fn a_value_that_was_replaced_is_washed_out_of_later_replies() {
    let set = Set::up();
    let newer = "whCANARYnewer5Yt8Wq1Zx6Vb";
    set.set(newer);
    set.settle();
    set.says(format!("{CANARY} and {newer}"));
    let reply = set.broker.tunnelled(&set.token, &set.to, &set.get(""));
    let expected = format!("{} and {}", set.placeholder, set.placeholder);
    assert!(reply.ends_with(&expected), "{reply}");
    set.broker.stop();
}

#[test]
fn a_value_that_was_removed_is_washed_out_of_later_replies() {
    let set = Set::up();
    set.broker.owner(&json!({
        "do": "remove", "environment": "dev", "names": ["API_KEY"], "proof": set.broker.proof(),
    }));
    let listed = set
        .broker
        .owner(&json!({"do": "list", "environment": null}));
    assert_eq!(listed["secrets"], json!([]));
    set.other(&bindings(&set.upstream, &set.authority));
    set.says(format!("still here: {CANARY}"));
    let reply = set.called(&set.token);
    assert!(
        reply.ends_with(&format!("still here: {}", set.placeholder)),
        "{reply}"
    );
    set.broker.stop();
}

/// Nothing is armed anew in between: each change gives what it brings.
#[test]
fn what_a_name_had_is_washed_out_after_one_change_upon_another() {
    let set = Set::up();
    let values = [
        "whCANARYtwo5Yt8Wq1Zx6Vb",
        "whCANARYthree8Wq1Zx6Vb",
        "whCANARYfour1Zx6VbKp3m",
    ];
    let remove = || {
        set.broker.owner(&json!({
            "do": "remove", "environment": "dev", "names": ["API_KEY"], "proof": set.broker.proof(),
        }));
    };
    set.set(values[0]);
    set.set(values[1]);
    remove();
    set.set(values[2]);
    set.other(&bindings(&set.upstream, &set.authority));
    set.says(format!("{CANARY} {} {OTHER}", values.join(" ")));
    let reply = set.called(&set.token);
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    let mut words = body.split(' ');
    let own: Vec<&str> = words.by_ref().take(4).collect();
    assert_eq!(own, [&set.placeholder[..]; 4]);
    // The other key has a placeholder of its own.
    assert!(
        words.all(|word| word.contains("withheldOtherKey")),
        "{body}"
    );
    set.broker.stop();
}

#[test]
fn a_value_whose_grant_was_revoked_is_washed_out_of_the_session() {
    let set = Set::up();
    set.other(&bindings(&set.upstream, &set.authority));
    let granted = |grants: &[&str]| {
        set.broker.owner(&json!({
            "do": "agent_add", "proof": set.broker.proof(),
            "record": {
                "agent": "codex", "workspace": "local", "environment": "dev", "grants": grants,
                "hosts": [], "ttl_s": 3600, "rate": "60/m",
            },
        }))
    };
    let first = granted(&["API_*", "OTHER_*"]);
    let token = first["token"].as_str().unwrap();
    let placeholder = first["vars"]["API_KEY"].as_str().unwrap();
    granted(&["OTHER_*"]);
    set.settle();
    set.says(format!("still here: {CANARY}"));
    let reply = set.called(token);
    assert!(
        reply.ends_with(&format!("still here: {placeholder}")),
        "{reply}"
    );
    set.broker.stop();
}

#[test]
fn a_reply_that_is_open_when_a_key_is_replaced_is_cut_and_why_says_so() {
    let set = Set::up();
    let (latch, newer) = (Latch::default(), "whCANARYnewer5Yt8Wq1Zx6Vb");
    let wait = latch.clone();
    set.upstream.answer(move |_| {
        let begin = Answer::head(200, &[("content-length", "200000")]);
        let begin = begin.then("x".repeat(150_000).as_bytes()).wait(&wait);
        begin.then(newer.repeat(2_000).as_bytes())
    });
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.1");
    let mut tls = set.broker.tls(tunnel, "localhost").unwrap();
    tls.write_all(set.get("").as_bytes()).unwrap();
    tls.flush().unwrap();
    let mut begin = vec![0; 100_000];
    tls.read_exact(&mut begin).unwrap();
    assert!(begin.starts_with(b"HTTP/1.1 200 "));
    set.set(newer);
    latch.lift();
    let mut rest = Vec::new();
    let _ = tls.read_to_end(&mut rest);
    let rest = String::from_utf8(rest).unwrap();
    assert!(!rest.contains(&newer[8..]) && !rest.ends_with("0\r\n\r\n"));
    assert_eq!(set.outcomes(), ["unknown_outcome"]);
    let why = set.broker.agent(&json!({"do": "why_last"}), "");
    assert_eq!(why["last"]["code"], "conflict");
    assert_eq!(
        why["last"]["message"],
        "Withheld sent this request, and did not hand on its whole reply (status 200): \
         the keys of this session changed while the reply was open"
    );
    set.broker.stop();
}

#[test]
fn a_reply_that_is_open_when_the_vault_is_locked_is_cut_and_why_says_so() {
    let set = Set::up();
    let latch = Latch::default();
    let wait = latch.clone();
    set.upstream.answer(move |_| {
        let begin = Answer::head(200, &[("content-length", "200000")]);
        let begin = begin.then("x".repeat(150_000).as_bytes()).wait(&wait);
        begin.then("after".repeat(10_000).as_bytes())
    });
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.1");
    let mut tls = set.broker.tls(tunnel, "localhost").unwrap();
    tls.write_all(set.get("").as_bytes()).unwrap();
    tls.flush().unwrap();
    let mut begin = vec![0; 100_000];
    tls.read_exact(&mut begin).unwrap();
    assert!(begin.starts_with(b"HTTP/1.1 200 "));
    set.broker.owner(&json!({"do": "lock"}));
    latch.lift();
    let mut rest = Vec::new();
    let _ = tls.read_to_end(&mut rest);
    let rest = String::from_utf8(rest).unwrap();
    assert!(!rest.contains("after"), "it went on");
    assert_eq!(set.outcomes(), ["unknown_outcome"]);
    let why = set.broker.agent(&json!({"do": "why_last"}), "");
    assert_eq!(why["last"]["code"], "vault_locked");
    set.broker.stop();
}
