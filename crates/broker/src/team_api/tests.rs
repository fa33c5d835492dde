#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use withheld_audit::read::{Entry, Filter, records};
use withheld_core::BindingDraft;
use withheld_core::name::SessionId;

use super::*;
use crate::clock;
use crate::test_house::name;
use crate::test_team::Founder;

#[test]
fn an_answer_to_what_waits_is_not_given_for_another_vault() {
    let founder = Founder::with_team();
    let (case, house) = (&founder.case, &founder.case.house);
    let old = case.unlock_in_turn();
    case.lock().unwrap();
    let own = case.unlock_in_turn();
    let before = house.policy().unwrap().content().counter;
    for refused in [
        waiting::approve(house, &old, &[]),
        waiting::deny(house, &old, &[]),
    ] {
        assert_eq!(refused.err().unwrap().code, Code::VaultLocked);
    }
    assert_eq!(house.policy().unwrap().content().counter, before);
    waiting::deny(house, &own, &[]).unwrap();
}

/// What the log has of versions that came or went: act, secrets, and whose it is.
fn synced(founder: &Founder) -> Vec<(String, Vec<String>, SessionId)> {
    let house = &founder.case.house;
    let entries = records(&house.home.audit(), &Filter::default()).unwrap();
    let rows = entries.into_iter().filter_map(|shown| match shown.entry {
        Entry::Sync(row) => Some(row),
        _ => None,
    });
    rows.map(|row| {
        let act = serde_json::to_value(row.act).unwrap();
        let names = row.secrets.iter().map(ToString::to_string);
        (
            act.as_str().unwrap().to_owned(),
            names.collect(),
            row.session,
        )
    })
    .collect()
}

fn row(act: &str, name: &str, session: SessionId) -> (String, Vec<String>, SessionId) {
    (act.to_owned(), vec![name.to_owned()], session)
}

/// A founder whose team has a secret, of which there is a new version here; and an agent.
fn with_news() -> (Founder, Caller) {
    let founder = Founder::with_team();
    let case = &founder.case;
    case.store("KEY");
    founder.push().unwrap();
    let token = case.add("coder");
    case.store_value("KEY", "whCANARYtwo4RzP8sWn3B7Qm2xV9");
    let agent = case.house.sessions.identify(&token).unwrap();
    (founder, agent)
}

#[test]
fn a_push_without_an_answer_is_in_the_log_and_so_is_its_end() {
    let (founder, agent) = with_news();
    let (house, own) = (&founder.case.house, agent.session.id);
    let local = house.sessions.local().session.id;
    founder.server.be_deaf(true);
    let pushed = founder.push_as(&agent);
    assert_eq!(pushed.unwrap_err().code, Code::ServerUnreachable);
    let begun = [
        row("pushing", "KEY", local),
        row("pushed", "KEY", local),
        row("pushing", "KEY", own),
    ];
    assert_eq!(synced(&founder), begun);
    // Nobody asks: the watch sends it again.
    founder.server.be_deaf(false);
    let team = house.team().unwrap();
    founder.inside(|| house.sync(&team)).unwrap();
    assert_eq!(synced(&founder)[3..], [row("pushed", "KEY", own)]);
    founder.inside(|| house.sync(&team)).unwrap();
    assert_eq!(synced(&founder).len(), 4, "once");
}

#[test]
fn an_agent_is_told_of_no_push_of_others() {
    let (founder, agent) = with_news();
    let (house, own) = (&founder.case.house, agent.session.id);
    let local = house.sessions.local().session.id;
    founder.case.store("ADMIN_KEY");
    founder.server.be_deaf(true);
    let pushed = founder.push();
    assert_eq!(pushed.unwrap_err().code, Code::ServerUnreachable);
    founder.server.be_deaf(false);
    founder
        .case
        .store_value("KEY", "whCANARYthree8sWn3B7Qm2xV9tL");
    let pushed = founder.push_as(&agent).unwrap();
    assert_eq!(pushed["pushed"], json!([{"name": "KEY", "version": 3}]));
    assert!(!pushed.to_string().contains("ADMIN_KEY"), "{pushed}");
    let of_agent = synced(&founder).into_iter().filter(|row| row.2 == own);
    let expected = [row("pushing", "KEY", own), row("pushed", "KEY", own)];
    assert_eq!(of_agent.collect::<Vec<_>>(), expected);
    let both = vec!["ADMIN_KEY".to_owned(), "KEY".to_owned()];
    let mut of_owner = synced(&founder).into_iter().filter(|row| row.2 == local);
    assert_eq!(
        of_owner.next_back(),
        Some(("pushed".to_owned(), both, local))
    );
}

fn drafts(host: &str) -> Vec<BindingDraft> {
    let json = json!([{"host": host, "port": 443, "place": "bearer"}]);
    serde_json::from_value(json).unwrap()
}

/// What was shown under a name is what is accepted under it, however short the name is.
#[test]
fn another_binding_than_the_one_that_was_shown_is_not_accepted() {
    let founder = Founder::with_team();
    let (case, house) = (&founder.case, &founder.case.house);
    case.store("KEY");
    let (team, owner) = (house.team().unwrap(), case.unlock_in_turn());
    let shown = |host: &str| -> Value {
        let dev = Environment::dev();
        let n = house.policy().unwrap().content().counter;
        team.sign_bindings(
            &owner.proof,
            &BTreeMap::from([((dev, name("KEY")), drafts(host))]),
            n,
        )
        .unwrap();
        founder.push().unwrap();
        let waiting = founder.inside(|| waiting::waiting(house, &team)).unwrap();
        let [one] = &waiting[..] else {
            panic!("one waits")
        };
        json!({"id": one.id, "digest": one.digest})
    };
    let (first, second) = (shown("one.example.com"), shown("two.example.com"));
    let approve = |id: &Value, digest: &Value| {
        let shown = json!([{"id": id["id"], "digest": digest["digest"]}]);
        founder.act(json!({"act": "approve", "shown": shown}))
    };
    let before = house.policy().unwrap().content().clone();
    let refused = approve(&second, &first).unwrap_err();
    assert_eq!(refused.code, Code::Conflict, "{refused}");
    assert_eq!(approve(&first, &first).unwrap_err().code, Code::NotFound);
    assert_eq!(*house.policy().unwrap().content(), before);
    approve(&second, &second).unwrap();
    let policy = house.policy().unwrap();
    let mut bound = policy.content().bindings.iter();
    assert!(bound.any(|one| one.terms.host.to_string() == "two.example.com"));
    let seen = team.freshness(clock::now()).seen_at;
    assert!(seen.is_some());
}
