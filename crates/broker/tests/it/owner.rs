//! What only the owner may do, and what happens when somebody else tries.

use serde_json::{Value, json};
use withheld_testkit::Temp;

use crate::broker::Broker;

#[test]
fn x10_a_policy_that_the_owner_did_not_sign_is_not_served() {
    let broker = Broker::start(Temp::new());
    broker.init();
    let first = std::fs::read(broker.home().policy()).unwrap();
    let allow = json!({
        "do": "allow", "hosts": [{"host": "pkg.test"}], "agent": null, "remove": false,
        "proof": broker.proof(),
    });
    broker.owner(&allow);
    let home = broker.home();
    let newest = std::fs::read(home.policy()).unwrap();
    let temp = broker.stop();
    let refused = |bytes: &[u8]| {
        home.write(&home.policy(), bytes).unwrap();
        withheld_broker::serve(home.clone(), false, |_| ())
            .err()
            .unwrap()
    };
    let mut changed = newest.clone();
    *changed.last_mut().unwrap() ^= 1;
    let forged = refused(&changed);
    assert_eq!(forged.code.as_str(), "signature_invalid");
    assert!(forged.message.as_str().contains("`policy`"));
    assert_eq!(refused(&first).code.as_str(), "rollback_detected");
    home.write(&home.policy(), &newest).unwrap();
    Broker::start(temp).stop();
}

#[test]
fn wrong_passphrases_wait_and_places_that_cannot_carry_are_refused() {
    let broker = Broker::start(Temp::new());
    broker.init();
    let refused = |request: &Value| {
        let answer = broker.asked(request);
        let error = &answer["error"];
        (
            error["code"].as_str().unwrap_or_default().to_owned(),
            error["hint"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let store = |value: &str, place: &str| {
        json!({
            "do": "store", "environment": "dev", "proof": broker.proof(),
            "items": [{"name": "A_KEY", "value": broker.value(value),
                "bindings": [{"host": "api.test", "port": 443, "place": place}]}],
        })
    };
    assert_eq!(
        refused(&store("whCANARYone\nwhCANARYtwo", "bearer")).0,
        "usage"
    );
    let listed = broker.owner(&json!({"do": "list", "environment": null}));
    assert_eq!(listed["secrets"], json!([]));
    broker.owner(&store("whCANARYone\nwhCANARYtwo", "query:key"));

    let unlock = || json!({"do": "unlock", "proof": broker.sealed("another passphrase")});
    let right = || json!({"do": "unlock", "proof": broker.proof()});
    // Two are free, and a right one after them is right.
    for _ in 0..2 {
        assert_eq!(refused(&unlock()).0, "wrong_passphrase");
    }
    assert_eq!(broker.asked(&right())["error"], Value::Null);
    let told: Vec<_> = (0..3).map(|_| refused(&unlock())).collect();
    assert!(told.iter().all(|(code, _)| code == "wrong_passphrase"));
    let (_, hint) = told.last().unwrap();
    assert_eq!(hint, "next try in 2 s");
    // Each wrong one doubles the wait; one that comes too early counts for nothing.
    let wait = |hint: &str| {
        hint.split(' ')
            .nth(3)
            .and_then(|seconds| seconds.parse().ok())
    };
    while wait(&refused(&unlock()).1).is_none_or(|seconds: u32| seconds < 4) {}
    assert_eq!(refused(&right()).0, "wrong_passphrase");
    broker.stop();
}
