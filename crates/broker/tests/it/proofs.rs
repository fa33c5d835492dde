//! The owner's proof is of one command: it proves no other, and nothing twice.

use serde_json::{Value, json};
use withheld_testkit::Temp;

use crate::broker::Broker;

fn allow(broker: &Broker, host: &str) -> Value {
    json!({
        "do": "allow", "hosts": [{"host": host}], "agent": null, "remove": false,
        "proof": broker.proof(),
    })
}

fn allowed(broker: &Broker) -> Vec<String> {
    let listed = broker.owner(&json!({"do": "list", "environment": null}));
    let hosts = listed["allowed"].as_array().unwrap().iter();
    hosts
        .map(|one| one["host"].as_str().unwrap().to_owned())
        .collect()
}

/// The code of a refusal, and what it says.
fn refused(answer: &Value) -> (&str, &str) {
    let error = &answer["error"];
    (
        error["code"].as_str().unwrap_or_default(),
        error["message"].as_str().unwrap_or_default(),
    )
}

const MISUSED: (&str, &str) = ("conflict", "this proof was made for another command");

#[test]
fn a_proof_is_good_for_its_own_request_and_once() {
    let broker = Broker::start(Temp::new());
    broker.init();
    let call = broker.sealed_call(&allow(&broker, "one.test"));
    let proof = &call["request"]["proof"];

    // Moved to another request, with the nonce that belongs to it, and with a fresh one.
    let mut moved = call.clone();
    moved["request"]["hosts"][0]["host"] = json!("evil.test");
    assert_eq!(refused(&broker.sent(&moved)), MISUSED);
    let fresh = broker.owner(&json!({"do": "hello"}))["nonce"].clone();
    for request in [
        call["request"].clone(),
        json!({"do": "unlock", "proof": proof}),
        json!({"do": "session_new", "agent": "local", "proof": proof}),
        json!({"do": "change_passphrase", "proof": proof, "new": proof}),
    ] {
        for nonce in [&fresh, &call["nonce"], &Value::Null] {
            let answer = broker.sent(&json!({"nonce": nonce, "request": request}));
            assert_eq!(refused(&answer), MISUSED);
        }
    }
    // Its own nonce is used up by then.
    assert_eq!(refused(&broker.sent(&call)), MISUSED);
    assert!(allowed(&broker).is_empty());

    // None of these counted as a wrong passphrase: the next one does not wait.
    let call = broker.sealed_call(&allow(&broker, "one.test"));
    assert!(broker.sent(&call)["data"].is_object());
    assert_eq!(refused(&broker.sent(&call)), MISUSED);
    assert_eq!(allowed(&broker), ["one.test"]);
    broker.stop();
}

#[test]
fn the_first_passphrase_is_for_one_vault_and_a_new_one_for_one_change() {
    let broker = Broker::start(Temp::new());
    let init =
        json!({"do": "init", "vault": "file", "auto_unlock": false, "passphrase": broker.proof()});
    let mut call = broker.sealed_call(&init);
    call["request"]["vault"] = json!("keychain");
    assert_eq!(refused(&broker.sent(&call)), MISUSED);
    broker.owner(&init);

    let newer = broker.sealed("another one of mine");
    let change = json!({"do": "change_passphrase", "proof": broker.proof(), "new": newer});
    let call = broker.sealed_call(&change);
    let mut mixed = broker.sealed_call(&change);
    mixed["request"]["new"] = call["request"]["new"].clone();
    assert_eq!(refused(&broker.sent(&mixed)), MISUSED);
    broker.owner(&json!({"do": "unlock", "proof": broker.proof()}));
    assert!(broker.sent(&call)["data"].is_object());
    let unlock = json!({"do": "unlock", "proof": broker.sealed("another one of mine")});
    broker.owner(&unlock);
    broker.stop();
}
