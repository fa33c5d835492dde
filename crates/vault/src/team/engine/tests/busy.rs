//! What the owner does while somebody talks to the server, and what a conversation does when the vault was
//! locked meanwhile.

use super::acts::*;
use super::*;
use crate::home::kill;
use crate::team::post::{Answer, Outgoing};
use withheld_core::{BindingDraft, PolicyContent};
use withheld_team::drift::State as Drift;

/// Does something in the moment in which an answer is on its way.
pub(super) struct Meanwhile<'a> {
    pub(super) post: &'a mut Carrier,
    /// To what ends like this.
    pub(super) at: &'static str,
    pub(super) act: Option<Box<dyn FnOnce() + 'a>>,
}

impl Post for Meanwhile<'_> {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        let path = request.path.split('?').next().unwrap().to_owned();
        let answer = self.post.carry(request);
        if path.ends_with(self.at)
            && let Some(act) = self.act.take()
        {
            act();
        }
        answer
    }
}

fn drafts(host: &str) -> Vec<BindingDraft> {
    let json = format!(r#"[{{"host":"{host}","port":443,"place":"bearer"}}]"#);
    serde_json::from_str(&json).unwrap()
}

fn nothing_accepted() -> PolicyContent {
    let json = r#"{"counter":1,"workspace":"local","bindings":[],"allowed":[],"agents":[]}"#;
    serde_json::from_str(json).unwrap()
}

fn bind(person: &Person, host: &str, n: u64) {
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let team = person.team();
    team.sign_bindings(&person.proof, &bound(&dev, &name, &drafts(host)), n)
        .unwrap();
}

#[test]
fn the_owner_is_heard_while_a_sync_waits_for_the_server() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    bind(&anna, "db.example.com", 4);
    anna.push("dev").unwrap();
    bob.sync(now()).unwrap();
    let waiting = bob.team().waiting(&nothing_accepted()).unwrap();
    // What the sync brings is kept, and so is what the owner said during it.
    anna.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    anna.invite("carl", Role::Member, &[]);
    let Person {
        team, post, proof, ..
    } = &mut bob;
    let team = team.as_ref().unwrap();
    let act = || {
        let (dev, name) = (environment("dev"), secret("DB_URL"));
        team.sign_bindings(proof, &bound(&dev, &name, &drafts("bobs.example.com")), 2)
            .unwrap();
        team.deny(&waiting[0].id).unwrap();
    };
    let mut post = Meanwhile {
        post,
        at: "/commits",
        act: Some(Box::new(act)),
    };
    team.sync(&mut post, now()).unwrap();
    assert!(post.act.is_none());
    drop(post);
    for _ in 0..2 {
        let dev = bob.env("dev");
        assert_eq!(bob.names(&dev).len(), 2);
        let state = bob.team().state();
        assert_eq!(state.chain.head(), anna.team().state().chain.head());
        let unpushed: Vec<_> = state.unpushed(&environment("dev")).cloned().collect();
        assert_eq!(unpushed, secrets(&["DB_URL"]));
        assert_eq!(bob.team().waiting(&nothing_accepted()).unwrap(), []);
        bob = bob.reopened();
    }
}

#[test]
fn values_are_compared_while_a_sync_waits_for_the_server() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    // Set again to what it was, which only a look at the value tells.
    bob.keep("dev", "DB_URL", b"whCANARYone");
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Ahead));
    let Person { team, post, .. } = &mut bob;
    let team = team.as_ref().unwrap();
    let seen = std::cell::Cell::new(None);
    let act = || {
        let dev = environment("dev");
        team.compare(&dev).unwrap();
        seen.set(team.drift(&dev, now()).first().map(|row| row.state));
    };
    let mut post = Meanwhile {
        post,
        at: "/heads",
        act: Some(Box::new(act)),
    };
    team.sync(&mut post, now()).unwrap();
    drop(post);
    assert_eq!(seen.take(), Some(Drift::InSync));
    // A value that is another one stays ahead.
    bob.keep("dev", "DB_URL", b"whCANARYtwo");
    bob.team().compare(&environment("dev")).unwrap();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Ahead));
}

#[test]
fn what_is_signed_while_its_forerunner_is_pushed_is_still_to_be_pushed() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    bind(&anna, "old.example.com", 4);
    let Person {
        team, post, proof, ..
    } = &mut anna;
    let team = team.as_ref().unwrap();
    let act = || {
        let (dev, name) = (environment("dev"), secret("DB_URL"));
        team.sign_bindings(proof, &bound(&dev, &name, &drafts("new.example.com")), 5)
            .unwrap();
    };
    let mut post = Meanwhile {
        post,
        at: "/commits",
        act: Some(Box::new(act)),
    };
    let names = secrets(&["DB_URL"]);
    let dev = environment("dev");
    team.push(&mut post, &dev, Some(&names), false, now())
        .unwrap();
    assert!(post.act.is_none());
    drop(post);
    anna.push("dev").unwrap();
    let here = anna.here(&anna.env("dev"));
    let carried = here
        .records
        .values()
        .find_map(|shown| shown.meta())
        .unwrap();
    let carried = carried.bindings.clone().unwrap();
    assert_eq!(carried.drafts(), Ok(drafts("new.example.com")));
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
}

/// Bob has fetched what Anna pushed.
fn fetched() -> (Person, Person, crate::team::engine::Fetched) {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    let team = bob.team.as_ref().unwrap();
    let dev = environment("dev");
    let fetched = team.fetch(&mut bob.post, &dev, None, false, now()).unwrap();
    (anna, bob, fetched)
}

#[test]
fn nothing_is_applied_while_somebody_talks_to_the_server() {
    let (_anna, mut bob, fetched) = fetched();
    let Person { team, post, .. } = &mut bob;
    let team = team.as_ref().unwrap();
    let applied = std::cell::Cell::new(None);
    let act = || applied.set(Some(team.apply(fetched, now())));
    let mut post = Meanwhile {
        post,
        at: "/heads",
        act: Some(Box::new(act)),
    };
    team.sync(&mut post, now()).unwrap();
    drop(post);
    assert_eq!(applied.take(), Some(Ok(None)));
    assert_eq!(bob.held("dev", "DB_URL"), None);
    assert_eq!(bob.pull("dev").unwrap().pulled, versions(&[("DB_URL", 1)]));
}

#[test]
fn a_look_between_fetching_and_applying_holds_nothing_up() {
    let (mut anna, mut bob, fetched) = fetched();
    anna.keep("billing/prod", "OTHER", b"whCANARYother");
    anna.push("billing/prod").unwrap();
    assert!(bob.sync(now()).unwrap().changed, "another environment");
    assert!(!bob.sync(now()).unwrap().changed, "only asked");
    let pulled = bob.team().apply(fetched, now()).unwrap().unwrap();
    assert_eq!(pulled.pulled, versions(&[("DB_URL", 1)]));
    // What the looks brought is not lost with it.
    let (prod, theirs) = (bob.env("billing/prod"), anna.env("billing/prod"));
    assert_eq!(
        bob.here(&prod).chain.head(),
        anna.here(&theirs).chain.head()
    );
    let bob = bob.reopened();
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::InSync));
}

#[test]
fn what_the_team_has_newer_by_then_is_fetched_anew() {
    let (mut anna, mut bob, fetched) = fetched();
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.push("dev").unwrap();
    bob.sync(now()).unwrap();
    assert_eq!(bob.team().apply(fetched, now()), Ok(None));
    // Rights may have changed with a link.
    let dev = environment("dev");
    let team = bob.team.as_ref().unwrap();
    let fetched = team.fetch(&mut bob.post, &dev, None, false, now()).unwrap();
    anna.set("bob", &[right("dev", Right::None)], None).unwrap();
    bob.sync(now()).unwrap();
    assert_eq!(bob.team().apply(fetched, now()), Ok(None));
    assert_eq!(bob.held("dev", "DB_URL"), None);
}

#[test]
fn a_vault_that_was_locked_meanwhile_says_and_writes_nothing() {
    let (mut anna, mut bob, fetched) = fetched();
    bob.post.seen.clear();
    bob.vault.close();
    kill::seen();
    let locked = Some(Code::VaultLocked);
    assert_eq!(code(bob.team().apply(fetched, now())), locked);
    assert_eq!(code(bob.sync(now())), locked);
    assert_eq!(code(bob.pull("dev")), locked);
    assert_eq!(code(bob.push("dev")), locked);
    let Person { team, proof, .. } = &bob;
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let team = team.as_ref().unwrap();
    let signed = team.sign_bindings(proof, &bound(&dev, &name, &drafts("db.example.com")), 2);
    assert_eq!(code(signed), locked);
    assert_eq!(bob.post.seen, [], "nothing was sent");
    // Locked while the answer was on its way: nothing is kept of it.
    let Person {
        team, vault, post, ..
    } = &mut anna;
    let mut post = Meanwhile {
        post,
        at: "/heads",
        act: Some(Box::new(|| vault.close())),
    };
    let synced = team.as_ref().unwrap().sync(&mut post, hour(9));
    assert_eq!(code(synced), locked);
    assert_eq!(kill::seen(), [] as [std::path::PathBuf; 0]);
    // Who comes with nothing yet is not heard either.
    let line = value(b"not read");
    let joined = Team::join(&bob.vault, &bob.proof, &line, &mut bob.post, now());
    assert!(joined.is_err());
    assert_eq!(bob.post.seen, []);
}
