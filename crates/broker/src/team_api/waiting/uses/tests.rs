use serde_json::{Value, json};

use super::*;

/// Made with: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=example
const PEM: &str = "\
-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUIxZgB/Y0PDE7V7VK8ZVIe/SAYWgwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjYwNzMxNDdaGA8yMTI2MTEwMjA3
MzE0N1owEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABA4iUlK1+Eo5afJVU2Ixi56JpBKJ+foYw828nfLUWqXQsc56x4WmW1d0NGPl
a5W1aGXdqMz2en2ItT7iRcBhY9yjUzBRMB0GA1UdDgQWBBQfYfJiTv0qnrJGJnjR
kqkIBJutvzAfBgNVHSMEGDAWgBQfYfJiTv0qnrJGJnjRkqkIBJutvzAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIGSJCtivhGjOktQNYgRCjO+WlXxL
N0o/etDdSvboCu5iAiAg/iY+yw+Q+gKJhA1GUEZRDUZA2dmEiwO9sZ76xOY1kg==
-----END CERTIFICATE-----
";
/// By: openssl x509 -noout -fingerprint -sha256
const FINGERPRINT: &str = "e8485aee39db2934f61616deaa062935198ed7bd8ef8cba626d56a53b3eea1bc";

fn draft(change: &Value) -> BindingDraft {
    let mut draft = json!({"host": "api.test", "port": 8443, "paths": ["/v1"], "methods": ["GET"],
        "place": "header:X-Bot", "format": "Bot {}", "vars": ["BOT_KEY"], "prefix": "bot_",
        "auto": true, "private": true, "foreign": true, "ca": PEM});
    let changes = change.as_object().unwrap().clone();
    draft.as_object_mut().unwrap().extend(changes);
    serde_json::from_value(draft).unwrap()
}

/// As it is shown where this is in force.
fn shown(in_force: Option<BindingDraft>, draft: &BindingDraft) -> Value {
    let environment = Environment::dev();
    let secret = SecretName::parse("BOT_KEY").unwrap();
    let mut content = PolicyContent::first();
    if let Some(terms) = in_force {
        content.bindings.push(Binding {
            id: withheld_core::name::BindingId::from_bytes([1; 6]),
            environment: environment.clone(),
            secret: secret.clone(),
            terms,
        });
    }
    serde_json::to_value(Use::of(&content, &environment, &secret, draft)).unwrap()
}

#[test]
fn all_of_it_is_shown() {
    let expected = json!({"host": "api.test", "port": 8443, "paths": ["/v1/*"], "methods": ["GET"],
        "inject": "header:X-Bot", "format": "Bot {}", "vars": ["BOT_KEY"], "prefix": "bot_",
        "auto": true, "private": true, "foreign": true, "ca": [FINGERPRINT], "differs": null});
    assert_eq!(shown(None, &draft(&json!({}))), expected);
}

#[test]
fn every_certificate_has_its_fingerprint() {
    let ca = |pem: &str| shown(None, &draft(&json!({ "ca": pem })))["ca"].clone();
    assert_eq!(
        ca(&format!("{PEM}{PEM}")),
        json!([FINGERPRINT, FINGERPRINT])
    );
    // By sha256sum.
    assert_eq!(
        ca("no certificate"),
        json!(["de826f9e5acba22f80b95e447f9a1a29db2441d3f8dee9d83dfbb0e52370dfc0"])
    );
    assert_eq!(shown(None, &draft(&json!({"ca": null})))["ca"], Value::Null);
}

#[test]
fn what_it_would_change_is_named() {
    let differs =
        |change: Value| shown(Some(draft(&change)), &draft(&json!({})))["differs"].clone();
    assert_eq!(differs(json!({})), json!([]));
    for (field, value) in [
        ("methods", json!(["POST"])),
        ("format", json!("Bat {}")),
        ("vars", json!([])),
        ("prefix", Value::Null),
        ("auto", json!(false)),
        ("private", json!(false)),
        ("foreign", json!(false)),
        ("ca", Value::Null),
    ] {
        assert_eq!(differs(json!({ field: value })), json!([field]));
    }
    assert_eq!(differs(json!({"place": "header:X-Bat"})), json!(["inject"]));
    // Another place: it takes nothing's.
    assert_eq!(differs(json!({"paths": ["/v2"]})), Value::Null);
    assert_eq!(differs(json!({"port": 443})), Value::Null);
}
