use super::*;

fn joined() -> Value {
    json!({"workspace": "acme", "member": "newdev", "waiting": [], "environments": [
        {"environment": "billing/dev", "right": "write", "secrets": 42, "keys": true},
        {"environment": "billing/prod", "right": "read", "secrets": null, "keys": false}]})
}

#[test]
fn t7_an_invitation_says_what_it_is_for() {
    let mut card = json!({"workspace": "acme", "member": "newdev", "inviter": "lead", "role": "member",
        "to": [{"environment": "billing/dev", "right": "write"}, {"environment": "billing/prod", "right": "read"}]});
    assert_eq!(
        card_text(&card),
        "You join acme as newdev, invited by lead. Write on billing/dev, read on billing/prod."
    );
    assert_eq!(purpose(&card), "to join acme as newdev");
    card["role"] = json!("admin");
    card["to"] = json!([]);
    assert_eq!(
        card_text(&card),
        "You join acme as newdev (admin), invited by lead. Nothing to open yet."
    );
}

#[test]
fn only_what_is_true_is_said_at_the_end() {
    let pull = json!({"environment": "billing/dev", "diverged": [],
        "pulled": [{"name": "A_KEY", "version": 1}, {"name": "B_KEY", "version": 4}]});
    let later = "The keys of billing/prod are not here yet: a device of the team hands them over. Then: withheld pull -e billing/prod";
    assert_eq!(
        text(&joined(), true, &[pull], Some(VaultKind::Keychain)),
        format!("Joined. 2 secrets are in your keychain. See: withheld ls\n{later}")
    );
    let both = json!({"environment": "billing/dev", "diverged": ["A_KEY"], "pulled": []});
    assert_eq!(
        text(&joined(), true, &[both], Some(VaultKind::File)),
        format!(
            "Joined. No secret has come yet.\n{later}\n1 key in billing/dev had another value here, which stays: A_KEY. See: withheld diff -e billing/dev"
        )
    );
    assert_eq!(
        text(&joined(), false, &[], Some(VaultKind::File)),
        format!(
            "Joined. Nothing is accepted and nothing has come: withheld pending, then withheld pull -e billing/dev\n{later}"
        )
    );
}

#[test]
fn what_is_pulled_has_its_keys_here() {
    let names = |keys| -> Vec<String> {
        readable(&joined(), keys)
            .map(|one| one.to_string())
            .collect()
    };
    assert_eq!(names(true), ["billing/dev"]);
    assert_eq!(names(false), ["billing/prod"]);
}

#[test]
fn the_document_has_what_was_done() {
    let pull = json!({"environment": "billing/dev", "pulled": []});
    let id = WaitingId::parse("b_1f3a9c025b7d8e46").unwrap();
    let document = document(joined(), vec![id], std::slice::from_ref(&pull));
    assert_eq!(document["accepted"], json!(["b_1f3a9c025b7d8e46"]));
    assert_eq!(document["pulls"], json!([pull]));
    assert_eq!(document["member"], "newdev");
}

#[test]
fn what_asks_for_more_is_shown_whole_and_left() {
    let waiting = |id: &str| {
        json!({"id": id, "kind": "binding", "digest": "ab".repeat(32), "secret": "A_KEY", "environment": "billing/dev", "by": "lead",
            "since": "2026-11-26T02:53:10.123Z", "widens": false, "use": [
                {"host": "api.test", "port": 443, "methods": ["GET"], "paths": ["/*"], "inject": "bearer",
                    "format": null, "vars": [], "prefix": null, "auto": false, "private": false,
                    "foreign": false, "ca": ["00ff"], "differs": null}]})
    };
    let card = "A_KEY in billing/dev, bound by lead\n  at    https://api.test\n  as    bearer\n  may   GET\n  trusts certificates of its own instead of the system's: sha256 00ff";
    let all = waiting::read(&json!([
        waiting("b_0000000000000001"),
        waiting("b_0000000000000002")
    ]))
    .unwrap();
    assert_eq!(
        apart(&all[..1]),
        format!(
            "{card}\nThe binding of A_KEY asks for more than a place to go, and waits until you approve by name: withheld approve b_0000000000000001"
        )
    );
    assert_eq!(
        apart(&all),
        format!(
            "{card}\n{card}\n2 bindings ask for more than a place to go, and wait until you approve by name: withheld approve b_0000000000000001 b_0000000000000002"
        )
    );
}
