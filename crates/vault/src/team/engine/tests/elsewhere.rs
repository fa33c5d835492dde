//! Somebody is cut off by an admin who may not read the environment, and a server that would choose
//! where.

use serde_json::{Value, json};

use super::hostile::{flip, tamper};
use super::shelf::problem;
use super::*;
use crate::team::engine::state::State;
use withheld_team::api::ProblemCode;
use withheld_team::chain::Head;

/// Anna founded it and may not read `billing/prod`, where Bob has written twice; what is there.
fn closed_to_the_admin() -> (Person, Person, EnvId, Head) {
    let (mut anna, mut bob) = two();
    let prod = anna.env("billing/prod");
    let write = [right("billing/prod", Right::Write)];
    anna.set("bob", &write, Some(Role::Admin)).unwrap();
    let none = [right("billing/prod", Right::None)];
    anna.set("anna", &none, None).unwrap();
    bob.sync(hour(5)).unwrap();
    bob.put(&prod, 7, "STRIPE_KEY", b"whCANARYone");
    bob.put(&prod, 8, "GITHUB_TOKEN", b"whCANARYtwo");
    let head = bob.here(&prod).chain.head();
    (anna, bob, prod, head)
}

fn is_in_it(anna: &Person, name: &str) -> bool {
    let rows = anna.team().members();
    let row = rows.iter().find(|row| row.name == Some(person(name)));
    row.unwrap().removed.is_none()
}

fn last_cut(anna: &Person, env: &EnvId) -> (u64, Hash) {
    let state = anna.team().state();
    let cut = state.chain.cuts(env).last().unwrap();
    (cut.seq, cut.hash)
}

/// What the heads say is nothing that anybody signed.
#[test]
fn the_server_does_not_choose_where_somebody_is_cut_off() {
    let (mut anna, mut bob, prod, head) = closed_to_the_admin();
    tamper(&mut anna, "/heads", move |heads| {
        for env in heads["envs"].as_array_mut().unwrap() {
            if env["env"] == json!(prod) {
                env["hash"] = "ab".repeat(32).into();
                env["seq"] = 1.into();
            }
        }
    });
    anna.remove("bob").unwrap();
    assert_eq!(last_cut(&anna, &prod), (head.seq, head.hash));
    // Nobody who reads it finds anything wrong.
    anna.post.change = None;
    assert_eq!(code(bob.sync(hour(7))), Some(Code::UnknownCaller));
    assert_eq!(bob.here(&prod).chain.head(), head);
}

#[test]
fn without_commits_that_verify_nobody_is_cut_off() {
    let refused = |expected: Code, change: fn(&mut Value)| {
        let (mut anna, _bob, ..) = closed_to_the_admin();
        tamper(&mut anna, "/commits", change);
        let refusal = anna.remove("bob").unwrap_err();
        assert_eq!(refusal.code, expected, "{refusal}");
        assert!(
            refusal.message.as_str().contains("`billing/prod`"),
            "{refusal}"
        );
        assert!(
            refusal.hint.as_str().contains("withheld team members"),
            "{refusal}"
        );
        let lowered = anna.set("bob", &[right("billing/prod", Right::Read)], None);
        assert_eq!(code(lowered), Some(expected));
        assert!(is_in_it(&anna, "bob"));
        anna.post.change = None;
        anna.remove("bob").unwrap();
        assert!(!is_in_it(&anna, "bob"));
    };
    refused(Code::SignatureInvalid, |page| {
        let list = page["commits"].as_array_mut().unwrap();
        list.remove(0);
    });
    refused(Code::SignatureInvalid, |page| {
        flip(&mut page["commits"][0], 40);
    });
    refused(Code::Unverified, |page| page["commits"] = "none".into());
    refused(Code::RollbackDetected, |page| {
        let commit = page["commits"][0].clone();
        page["commits"] = vec![commit; 501].into();
    });
}

#[test]
fn a_server_that_shows_no_commits_is_refused() {
    let (mut anna, _bob, ..) = closed_to_the_admin();
    anna.post.change = Some(Box::new(|request, answer| {
        if request.path.contains("/commits?") {
            *answer = problem(ProblemCode::NotFound);
        }
    }));
    let refusal = anna.remove("bob").unwrap_err();
    assert_eq!(refusal.code, Code::Unverified, "{refusal}");
    assert!(is_in_it(&anna, "bob"));
}

/// What was verified for one removal is not taken back at the next.
#[test]
fn the_next_cut_is_not_before_the_last_one_that_was_verified() {
    let (mut anna, _bob, prod, _) = closed_to_the_admin();
    let team = anna.team.as_ref().unwrap();
    team.look_elsewhere(&mut anna.post, &[prod], hour(5))
        .unwrap();
    anna.restart().unwrap();
    tamper(&mut anna, "/commits", |page| {
        page["commits"].as_array_mut().unwrap().pop();
    });
    // As if nothing but that was kept: the whole of it is asked for again.
    let mut next = State::clone(&anna.team().state());
    next.envs.remove(&prod);
    *crate::team::engine::lock(&anna.team().state) = Arc::new(next);
    let team = anna.team.as_ref().unwrap();
    let shown = team.look_elsewhere(&mut anna.post, &[prod], hour(6));
    assert_eq!(code(shown), Some(Code::RollbackDetected));
}
