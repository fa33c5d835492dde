//! Sessions outlive the broker, and nobody else can write one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use withheld_testkit::Temp;

use crate::broker::Broker;

/// How a call with this token is answered: a host that is not allowed is a 403, a stranger a 401.
fn answered(broker: &Broker, token: &str) -> String {
    let reply = broker.port(&format!(
        "GET /call HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nWithheld-Url: https://evil.test/\r\nWithheld-Session: {token}\r\n\r\n",
        broker.address
    ));
    reply[9..12].to_owned()
}

fn restarted(temp: Temp) -> Broker {
    let broker = Broker::start(temp);
    broker.owner(&json!({"do": "unlock", "proof": broker.proof()}));
    broker
}

#[test]
fn x15_a_session_that_the_owner_did_not_give_is_none() {
    let broker = Broker::start(Temp::new());
    broker.init();
    let given = broker.owner(&json!({
        "do": "agent_add", "proof": broker.proof(),
        "record": {
            "agent": "claude", "workspace": "local", "environment": "dev", "grants": ["*"],
            "hosts": [], "ttl_s": 3600, "rate": "60/m",
        },
    }));
    let token = given["token"].as_str().unwrap();
    assert_eq!(answered(&broker, token), "403");
    let broker = restarted(broker.stop());
    assert_eq!(answered(&broker, token), "403");

    let home = broker.home();
    let temp = broker.stop();
    let planted = format!("whs_{}", "A".repeat(43));
    let file = String::from_utf8(std::fs::read(home.sessions()).unwrap()).unwrap();
    let digest = |token: &str| STANDARD.encode(Sha256::digest(token.as_bytes()));
    assert!(file.contains(&digest(token)));
    let forged = file.replace(&digest(token), &digest(&planted));
    home.write(&home.sessions(), forged.as_bytes()).unwrap();
    let broker = restarted(temp);
    assert_eq!(answered(&broker, &planted), "401");
    broker.stop();
}
