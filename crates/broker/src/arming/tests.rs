#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use withheld_core::destination::Host;

use crate::test_house::Case;

#[test]
fn a_host_that_lost_its_binding_is_washed_on() {
    let case = Case::open();
    let washes = |host: &str| case.house.wire.washes(&Host::parse(host).unwrap());
    assert!(!washes("localhost"));
    case.store("API_KEY");
    assert!(washes("localhost") && !washes("other.test"));
    let unbind = json!({
        "do": "unbind", "environment": "dev", "names": ["API_KEY"], "host": "localhost",
    });
    case.ask(unbind, "proof").unwrap();
    assert!(case.house.policy().unwrap().bindings().is_empty());
    assert!(washes("localhost"));
}
