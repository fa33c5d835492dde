//! A record that was set aside for its bindings is mended with what is here.

use super::acts::*;
use super::*;
use crate::team::engine::formats::SeenBindings;
use crate::team::meta::{BoundTo, SignedBindings};
use withheld_core::BindingDraft;
use withheld_team::drift::State as Drift;

fn drafts(host: &str) -> Vec<BindingDraft> {
    let json = format!(r#"[{{"host":"{host}","port":443,"place":"bearer"}}]"#);
    serde_json::from_str(&json).unwrap()
}

fn bind(anna: &Person, host: &str, n: u64) {
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let team = anna.team();
    let signed = team.sign_bindings(&anna.proof, &bound(&dev, &name, &drafts(host)), n);
    signed.unwrap();
}

fn carried(person: &Person) -> Option<SignedBindings> {
    let here = person.here(&person.env("dev"));
    let mut metas = here.records.values().filter_map(|shown| shown.meta());
    metas.find(|meta| meta.name == "DB_URL")?.bindings.clone()
}

/// Bob wrote a version whose bindings somebody signed who is not in the team.
fn forged_over(anna: &mut Person, bob: &mut Person) {
    let dev = anna.env("dev");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    let state = bob.team().state();
    let of = BoundTo {
        ws: state.file.ws,
        environment: &environment("dev"),
        secret: &secret("DB_URL"),
    };
    let stranger = Person::new(&Arc::default());
    let evil = drafts("evil.example.com");
    let forged = SignedBindings::sign(&stranger.proof, state.file.device, of, 9, &evil).unwrap();
    let rid = bob.here(&dev).file.base[0].rid;
    bob.put_rid(&dev, rid, b"whCANARYevil", |rid, key| {
        let plain = value(b"whCANARYevil");
        Meta::new("DB_URL", rid, &plain, Some(forged.clone()), key).unwrap()
    });
    assert_eq!(anna.pull("dev").unwrap().tampered, secrets(&["DB_URL"]));
}

#[test]
fn what_is_here_mends_a_record_with_bad_bindings() {
    for is_bound in [true, false] {
        let (mut anna, mut bob) = two();
        anna.keep("dev", "DB_URL", b"whCANARYone");
        if is_bound {
            bind(&anna, "db.example.com", 4);
        }
        forged_over(&mut anna, &mut bob);
        let pushed = anna.push_of("dev", &["DB_URL"], true).unwrap();
        assert_eq!(pushed.pushed, versions(&[("DB_URL", 3)]), "{is_bound}");
        assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
        bob.pull_of("dev", &["DB_URL"], true).unwrap();
        assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
        assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYone");
        let drafts = carried(&bob).map(|signed| signed.drafts().unwrap());
        assert_eq!(drafts, is_bound.then(|| self::drafts("db.example.com")));
    }
}

/// Whoever set up this home anew has a counter that begins anew.
#[test]
fn bindings_are_signed_above_all_that_were_seen_of_this_device() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    bind(&anna, "db.example.com", 40);
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    // What was signed is not here any more; what was seen of it is.
    let mut saying = anna.team().say();
    saying.next.file.bindings.clear();
    saying.keep().unwrap();
    let seen: Vec<SeenBindings> = anna.here(&anna.env("dev")).file.bindings.clone();
    assert_eq!(seen[0].n, 40);
    bind(&anna, "db2.example.com", 7);
    anna.push("dev").unwrap();
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
    assert_eq!(bob.pull("dev").unwrap().tampered, []);
    assert_eq!(
        carried(&bob).unwrap().drafts(),
        Ok(drafts("db2.example.com"))
    );
}
