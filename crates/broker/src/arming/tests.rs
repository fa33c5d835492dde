#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use withheld_core::api::{OwnerCall, OwnerRequest};
use withheld_core::destination::Host;
use withheld_testkit::Temp;
use withheld_vault::Home;
use withheld_vault::intake::{How, PublicKey, from_file, passphrase_file};

use super::*;
use crate::owner_api;

/// A house, and its owner.
struct Case {
    temp: Temp,
    house: Arc<House>,
}

impl Case {
    fn new() -> Self {
        let temp = Temp::new();
        let home = Home::at(&temp.path().join("home")).unwrap();
        home.create().unwrap();
        let house = House::build(home).unwrap();
        Self { temp, house }
    }

    fn file(&self, text: &str) -> std::path::PathBuf {
        let file = self.temp.path().join("typed");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    fn value(&self) -> Value {
        let key: PublicKey = self.house.unlocked().unwrap().facts().intake_public.clone();
        let file = self.file("whCANARY7Qm2xV9tLk4RzP8sWn3B");
        let how = How {
            raw: false,
            shapes: &[],
        };
        json!(from_file(&file, &key, how).unwrap().deposit)
    }

    /// Asks this, with the owner's proof at its place.
    fn owner(&self, mut request: Value, place: &str) {
        request[place] = json!("AAAA");
        let asked: OwnerRequest = serde_json::from_value(request).unwrap();
        let nonce = self.house.nonces.give().unwrap();
        let context = asked.proof_context(&nonce).unwrap();
        let passphrase = passphrase_file(&self.file("correct horse battery")).unwrap();
        let proof = passphrase.seal(self.house.intake.public(), &context);
        let call = OwnerCall {
            nonce: Some(nonce),
            request: asked.with_proof(proof.unwrap()),
        };
        assert!(owner_api::answer(&self.house, call).is_ok());
    }

    fn washes(&self, host: &str) -> bool {
        self.house.wire.washes(&Host::parse(host).unwrap())
    }
}

#[test]
fn a_host_that_lost_its_binding_is_washed_on() {
    let case = Case::new();
    case.owner(
        json!({"do": "init", "vault": "file", "auto_unlock": false}),
        "passphrase",
    );
    assert!(!case.washes("api.test"));
    case.owner(
        json!({
            "do": "store", "environment": "dev",
            "items": [{"name": "API_KEY", "value": case.value(), "bindings": [
                {"host": "api.test", "port": 443, "place": "bearer"},
            ]}],
        }),
        "proof",
    );
    assert!(case.washes("api.test") && !case.washes("other.test"));
    case.owner(
        json!({
            "do": "unbind", "environment": "dev", "names": ["API_KEY"], "host": "api.test",
        }),
        "proof",
    );
    assert!(case.house.policy().unwrap().bindings().is_empty());
    assert!(case.washes("api.test"));
}
