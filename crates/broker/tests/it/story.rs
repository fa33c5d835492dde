//! The whole way: a key comes in, goes out to its host and nowhere else, and is seen by nobody.

use serde_json::{Value, json};
use withheld_testkit::{Answer, Authority, Temp, Upstream};

use crate::broker::{Broker, CANARY, bindings, over};

#[test]
fn from_init_to_a_call_and_to_the_end() {
    let broker = Broker::start(Temp::new());
    let hello = broker.owner(&json!({"do": "hello"}));
    assert_eq!(hello["vault"], Value::Null);
    broker.init();
    assert_eq!(broker.owner(&json!({"do": "hello"}))["unlocked"], true);

    let authority = Authority::new();
    let upstream = Upstream::start(&authority, &["localhost"]);
    upstream.answer(|seen| {
        let sent = seen.header("authorization").unwrap_or("none").to_owned();
        Answer::ok(format!("you sent {sent}"))
    });
    let stored = broker.store(&bindings(&upstream, &authority));
    assert_eq!(stored["stored"], json!([{"name": "API_KEY", "version": 1}]));

    let env = broker.agent(&json!({"do": "proxy_env"}), "");
    let token = env["token"].as_str().unwrap();
    let placeholder = env["vars"]["API_KEY"].as_str().unwrap();
    let to = format!("localhost:{}", upstream.port());

    // By its placeholder, in a tunnel; the echo is taken out of the reply.
    let get = |path: &str, fields: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{fields}\r\n")
    };
    let with = format!("Authorization: Bearer {placeholder}\r\n");
    let reply = broker.tunnelled(token, &to, &get("/v1/x", &with));
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    assert!(reply.contains("withheld-injected: API_KEY"), "{reply}");
    assert!(
        reply.ends_with(&format!("you sent Bearer {placeholder}")),
        "{reply}"
    );
    let bearer = format!("Bearer {CANARY}");
    assert_eq!(
        upstream.last().header("authorization"),
        Some(bearer.as_str())
    );

    // Where the binding does not reach, it stops inside the tunnel.
    let reply = broker.tunnelled(token, &to, &get("/v2/x", &with));
    assert!(
        reply.starts_with("HTTP/1.1 403 Withheld binding_violation\r\n"),
        "{reply}"
    );
    assert_eq!(upstream.seen().len(), 1);

    // By its name, at the call endpoint of the port and of the socket.
    let head = |broker: &Broker| {
        format!(
            "GET /call HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nWithheld-Url: https://{to}/v1/y\r\nWithheld-Secret: API_KEY\r\n",
            broker.address
        )
    };
    let call = head(&broker);
    let reply = broker.port(&format!("{call}Withheld-Session: {token}\r\n\r\n"));
    assert!(reply.contains("withheld-redactions: 1"), "{reply}");
    let reply = over(&broker.home().agent_sock(), &format!("{call}\r\n"));
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    assert!(!reply.contains(CANARY));
    assert_eq!(upstream.seen().len(), 3);

    // Without a token, or from a page, nobody learns more than a status.
    let reply = broker.port(&format!("{call}\r\n"));
    assert!(
        reply.starts_with("HTTP/1.1 401 ") && !reply.contains("withheld-error"),
        "{reply}"
    );
    let reply = broker.port(&format!("{call}Origin: https://evil.test\r\n\r\n"));
    assert!(reply.starts_with("HTTP/1.1 421 "), "{reply}");
    let connect = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
    let reply = broker.port(&connect);
    assert!(reply.starts_with("HTTP/1.1 407 "), "{reply}");
    assert!(
        reply.contains("proxy-authenticate: Basic realm=\"withheld\""),
        "{reply}"
    );

    let records = broker.agent(&json!({"do": "audit", "secret": "API_KEY", "host": null, "denied": false, "since_ms": null, "last": null}), "");
    let outcomes: Vec<_> = records["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["kind"] == "request")
        .map(|record| record["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["delivered", "refused", "delivered", "delivered"]);
    let why = broker.agent(&json!({"do": "why_last"}), "");
    assert_eq!(why["last"]["code"], "binding_violation");

    // Locked, nothing goes out; the session outlives the broker, and its placeholder with it.
    broker.owner(&json!({"do": "lock"}));
    let reply = broker.port(&format!("{call}Withheld-Session: {token}\r\n\r\n"));
    assert!(
        reply.starts_with("HTTP/1.1 503 Withheld vault_locked\r\n"),
        "{reply}"
    );
    let broker = Broker::start(broker.stop());
    broker.owner(&json!({"do": "unlock", "proof": broker.proof()}));
    let reply = broker.tunnelled(token, &to, &get("/v1/z", &with));
    assert!(
        reply.ends_with(&format!("you sent Bearer {placeholder}")),
        "{reply}"
    );

    // The owner takes the agent away: its token is nobody's.
    broker.owner(&json!({"do": "agent_rm", "agent": "local", "proof": broker.proof()}));
    let call = head(&broker);
    let reply = broker.port(&format!("{call}Withheld-Session: {token}\r\n\r\n"));
    assert!(reply.starts_with("HTTP/1.1 401 "), "{reply}");
    broker.stop();
}
