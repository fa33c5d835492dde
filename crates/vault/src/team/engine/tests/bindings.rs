//! What secrets may be used for, from the one who says so to the one who accepts it.

use super::acts::*;
use super::*;
use crate::team::Broken;
use crate::team::engine::WaitingBinding;
use crate::team::meta::SignedBindings;
use withheld_core::{BindingDraft, PolicyContent};
use withheld_team::drift::State as Drift;

fn drafts(host: &str) -> Vec<BindingDraft> {
    let json = format!(r#"[{{"host":"{host}","port":443,"place":"bearer"}}]"#);
    serde_json::from_str(&json).unwrap()
}

fn policy(bindings: &str) -> PolicyContent {
    let json = format!(
        r#"{{"counter":1,"workspace":"local","bindings":[{bindings}],"allowed":[],"agents":[]}}"#
    );
    serde_json::from_str(&json).unwrap()
}

const ACCEPTED: &str = r#"{"id":"ID","environment":"default/dev","secret":"DB_URL",
    "host":"db.example.com","port":443,"place":"bearer"}"#;

fn accepted() -> PolicyContent {
    let id = withheld_core::name::BindingId::from_bytes([7; 6]);
    policy(&ACCEPTED.replace("ID", &id.to_string()))
}

impl Person {
    fn bind(&self, env: &str, name: &str, host: &str, n: u64) {
        let signed = self.team().sign_bindings(
            &self.proof,
            &bound(&environment(env), &secret(name), &drafts(host)),
            n,
        );
        signed.unwrap();
    }

    fn waiting(&self) -> Vec<WaitingBinding> {
        self.team().waiting(&policy("")).unwrap()
    }

    /// What the record of a name carries.
    fn carried(&self, env: &str, name: &str) -> Option<SignedBindings> {
        let here = self.here(&self.env(env));
        let mut metas = here.records.values().filter_map(|shown| shown.meta());
        metas.find(|meta| meta.name == name)?.bindings.clone()
    }
}

#[test]
fn bindings_travel_with_the_secret_and_wait_for_the_owner() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.bind("dev", "DB_URL", "db.example.com", 4);
    assert_eq!(anna.waiting(), [], "nothing was pushed");
    anna.push("dev").unwrap();
    bob.sync(now()).unwrap();
    let waiting = bob.waiting();
    let [one] = &waiting[..] else {
        panic!("one secret")
    };
    assert_eq!(
        (&one.environment, &one.secret),
        (&environment("dev"), &secret("DB_URL"))
    );
    assert_eq!(one.drafts, drafts("db.example.com"));
    assert_eq!((one.by.clone(), one.since), (Some(person("anna")), now()));
    assert_eq!(bob.team().waiting_one(&one.id).unwrap(), *one);
    // Accepted, they wait no more; denied, neither, and after a start as little.
    assert_eq!(bob.team().waiting(&accepted()).unwrap(), []);
    assert_eq!(bob.team().deny(&one.id).unwrap(), *one);
    bob.restart().unwrap();
    assert_eq!(bob.waiting(), []);
    let unknown = "b_0000000000000000".parse().unwrap();
    assert_eq!(code(bob.team().deny(&unknown)), Some(Code::NotFound));
    assert_eq!(code(bob.team().waiting_one(&unknown)), Some(Code::NotFound));
    // Others for the same secret wait again.
    anna.bind("dev", "DB_URL", "db2.example.com", 5);
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    assert_eq!(bob.waiting()[0].drafts, drafts("db2.example.com"));
    assert_ne!(bob.waiting()[0].id, one.id);
}

#[test]
fn bindings_alone_are_something_to_push() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    anna.bind("dev", "DB_URL", "db.example.com", 4);
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::Ahead));
    let pushed = anna.push("dev").unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 2)]));
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
    // The same once more is nothing.
    anna.bind("dev", "DB_URL", "db.example.com", 5);
    assert_eq!(anna.push("dev").unwrap().pushed, []);
    // With the next version they go along, whoever writes it.
    bob.pull("dev").unwrap();
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYone");
    bob.keep("dev", "DB_URL", b"whCANARYtwo");
    bob.push("dev").unwrap();
    anna.pull("dev").unwrap();
    let carried = anna.carried("dev", "DB_URL").unwrap();
    assert_eq!(carried.drafts(), Ok(drafts("db.example.com")));
    assert_eq!(carried.by(), anna.team().state().file.device);
}

#[test]
fn what_the_other_said_last_stands() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.bind("dev", "DB_URL", "db.example.com", 4);
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    bob.bind("dev", "DB_URL", "db2.example.com", 2);
    bob.push("dev").unwrap();
    anna.pull("dev").unwrap();
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    let carried = anna.carried("dev", "DB_URL").unwrap();
    assert_eq!(
        carried.drafts(),
        Ok(drafts("db2.example.com")),
        "not put back"
    );
}

/// Somebody with a stolen device, who has no owner key: he can commit, and sign no bindings.
#[test]
fn z11_bindings_cannot_be_replayed_moved_or_made_without_an_owner_key() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.bind("dev", "DB_URL", "old.example.com", 4);
    anna.push("dev").unwrap();
    let old = anna.carried("dev", "DB_URL").unwrap();
    anna.bind("dev", "DB_URL", "db.example.com", 5);
    anna.push("dev").unwrap();
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    let new = anna.carried("dev", "DB_URL").unwrap();
    let rid_of = |person: &Person, name: &str| {
        let here = person.here(&dev);
        let row = here
            .file
            .base
            .iter()
            .find(|row| row.name == secret(name))
            .unwrap();
        row.rid
    };
    let bobs_device = bob.team().state().file.device;
    let of = crate::team::meta::BoundTo {
        ws: bob.team().state().file.ws,
        environment: &environment("dev"),
        secret: &secret("DB_URL"),
    };
    // Signed by an owner key, of a device that is not in the team.
    let stranger = Person::new(&Arc::default());
    let forged = SignedBindings::sign(
        &stranger.proof,
        bobs_device,
        of,
        9,
        &drafts("evil.example.com"),
    );
    let forged = forged.unwrap();
    for (name, signed, what) in [
        ("DB_URL", &old, "older ones"),
        ("OTHER", &new, "those of another secret"),
        ("DB_URL", &forged, "by another key"),
    ] {
        let mut bob = bob.copied();
        let mut anna = anna.copied();
        anna.post.shelf = Arc::clone(&bob.post.shelf);
        bob.put_rid(&dev, rid_of(&bob, name), b"whCANARYevil", |rid, key| {
            let evil = value(b"whCANARYevil");
            Meta::new(name, rid, &evil, Some(signed.clone()), key).unwrap()
        });
        let before = anna.held("dev", name);
        let pulled = anna.pull("dev").unwrap();
        assert_eq!(pulled.tampered, secrets(&[name]), "{what}");
        assert_eq!(anna.held("dev", name), before, "{what}");
        assert_eq!(anna.here(&dev).file.quarantine[0].why, Broken::Bindings);
        let offered = anna.waiting();
        assert!(
            offered.iter().all(|one| one.secret != secret(name)),
            "{what}"
        );
        anna.restart().unwrap();
        assert_eq!(anna.state_of("dev", name), Some(Drift::Tampered));
    }
}

/// `unbind` and `rm` sign an empty set: what was signed before goes to nobody any more.
#[test]
fn bindings_that_were_taken_back_are_not_pushed() {
    let (mut anna, mut bob) = two();
    let unbind = |anna: &Person, n| {
        let (dev, name) = (environment("dev"), secret("DB_URL"));
        let signed = anna
            .team()
            .sign_bindings(&anna.proof, &bound(&dev, &name, &[]), n);
        signed.unwrap();
    };
    let none: &[BindingDraft] = &[];
    // Before the first push of them.
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.bind("dev", "DB_URL", "db.example.com", 4);
    anna.drop_value("dev", "DB_URL");
    unbind(&anna, 5);
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    let carried = anna.carried("dev", "DB_URL").unwrap();
    assert_eq!(carried.drafts().as_deref(), Ok(none));
    // After it.
    anna.bind("dev", "DB_URL", "db.example.com", 6);
    anna.push("dev").unwrap();
    unbind(&anna, 7);
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    let carried = bob.carried("dev", "DB_URL").unwrap();
    assert_eq!(carried.drafts().as_deref(), Ok(none));
    assert_eq!(bob.waiting(), []);
    // By somebody who signed none of them.
    anna.bind("dev", "DB_URL", "db.example.com", 8);
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let signed = bob
        .team()
        .sign_bindings(&bob.proof, &bound(&dev, &name, &[]), 2);
    signed.unwrap();
    bob.push("dev").unwrap();
    let carried = bob.carried("dev", "DB_URL").unwrap();
    assert_eq!(carried.drafts().as_deref(), Ok(none));
}

/// Who takes a removal back takes back what went with it.
#[test]
fn what_comes_back_has_the_bindings_of_the_team() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.bind("dev", "DB_URL", "db.example.com", 4);
    anna.push("dev").unwrap();
    anna.drop_value("dev", "DB_URL");
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let signed = anna
        .team()
        .sign_bindings(&anna.proof, &bound(&dev, &name, &[]), 5);
    signed.unwrap();
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::Ahead));
    anna.pull_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
    assert_eq!(anna.push("dev").unwrap().pushed, []);
    let carried = anna.carried("dev", "DB_URL").unwrap();
    assert_eq!(carried.drafts(), Ok(drafts("db.example.com")));
}

#[test]
fn nothing_is_taken_back_where_nothing_was_said() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let signed = anna
        .team()
        .sign_bindings(&anna.proof, &bound(&dev, &name, &[]), 2);
    signed.unwrap();
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
    assert_eq!(anna.push("dev").unwrap().pushed, []);
}

/// Two records of one name, the one that comes last with the older bindings.
#[test]
fn the_newest_bindings_of_a_signer_are_known_whatever_the_order() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    let state = anna.team().state();
    let of = crate::team::meta::BoundTo {
        ws: state.file.ws,
        environment: &environment("dev"),
        secret: &secret("DB_URL"),
    };
    for (rid, n, host) in [(1, 9, "new.example.com"), (2, 4, "old.example.com")] {
        let device = state.file.device;
        let signed = SignedBindings::sign(&anna.proof, device, of, n, &drafts(host)).unwrap();
        anna.put_meta(&dev, rid, b"whCANARYone", |rid, key| {
            let plain = value(b"whCANARYone");
            Meta::new("DB_URL", rid, &plain, Some(signed.clone()), key).unwrap()
        });
    }
    bob.sync(now()).unwrap();
    let known: Vec<u64> = bob
        .here(&dev)
        .file
        .bindings
        .iter()
        .map(|row| row.n)
        .collect();
    assert_eq!(known, [9]);
    assert_eq!(bob.waiting()[0].drafts, drafts("new.example.com"));
}
