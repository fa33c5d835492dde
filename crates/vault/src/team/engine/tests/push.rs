//! What goes to the team, and what does not.

use super::acts::*;
use super::*;
use crate::team::post::Answer;
use withheld_team::drift::State as Drift;

fn commits(person: &Person, env: &str) -> usize {
    let env = person.env(env);
    person.post.shelf().envs[&env].commits.len()
}

/// The bodies that were sent to be stored as commits.
fn sent(person: &Person) -> Vec<Vec<u8>> {
    let seen = person.post.seen.iter();
    let commits = seen.filter(|one| one.method == "POST" && one.path.ends_with("/commits"));
    commits.map(|one| one.body.clone()).collect()
}

#[test]
fn what_is_here_is_pushed_once_and_what_an_agent_put_there_never() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.keep_as("dev", "AGENTS", b"whCANARYagents", Origin::Agent);
    anna.keep_as("dev", "CAUGHT", b"whCANARYcaught", Origin::Capture);
    let pushed = anna.push("dev").unwrap();
    assert_eq!(pushed.pushed, versions(&[("CAUGHT", 1), ("DB_URL", 1)]));
    assert_eq!(pushed.total, 2);
    assert_eq!(anna.push("dev").unwrap().pushed, []);
    assert_eq!(commits(&anna, "dev"), 1);
    assert_eq!(
        code(anna.push_of("dev", &["AGENTS"], false)),
        Some(Code::NoGrant)
    );
    assert_eq!(
        code(anna.push_of("dev", &["AGENTS"], true)),
        Some(Code::NoGrant)
    );
    assert_eq!(anna.state_of("dev", "AGENTS"), Some(Drift::LocalOnly));
    bob.pull("dev").unwrap();
    assert_eq!(bob.held("dev", "AGENTS"), None);
    // Nor in place of one that was removed.
    anna.drop_value("dev", "DB_URL");
    anna.keep_as("dev", "DB_URL", b"whCANARYagents", Origin::Agent);
    assert_eq!(anna.push("dev").unwrap().pushed, []);
    assert_eq!(
        code(anna.push_of("dev", &["DB_URL"], true)),
        Some(Code::NoGrant)
    );
    assert_eq!(commits(&anna, "dev"), 1);
}

#[test]
fn only_new_versions_of_what_the_team_has_are_pushed_where_nothing_else_is_meant() {
    let (mut anna, mut bob) = two();
    for name in ["DB_URL", "GONE", "SWAPPED"] {
        anna.keep("dev", name, b"whCANARYone");
    }
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    // Since the names were chosen one was changed, one removed, one removed by the team, one put in by
    // an agent, and one was never shared.
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.drop_value("dev", "GONE");
    bob.keep("dev", "TAKEN", b"whCANARYtaken");
    bob.push("dev").unwrap();
    anna.pull("dev").unwrap();
    bob.drop_value("dev", "TAKEN");
    bob.push_of("dev", &["TAKEN"], false).unwrap();
    anna.keep("dev", "TAKEN", b"whCANARYanew");
    anna.drop_value("dev", "SWAPPED");
    anna.keep_as("dev", "SWAPPED", b"whCANARYagents", Origin::Agent);
    anna.keep("dev", "NEVER", b"whCANARYnever");
    let names = secrets(&["DB_URL", "GONE", "NEVER", "SWAPPED", "TAKEN"]);
    let team = anna.team.as_ref().unwrap();
    let pushed = team.push_known(&mut anna.post, &environment("dev"), &names, now());
    let pushed = pushed.unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 2)]));
    assert_eq!(pushed.removed, []);
    bob.pull("dev").unwrap();
    assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYtwo");
    assert_eq!(bob.held("dev", "GONE").unwrap(), b"whCANARYone");
    assert_eq!(bob.held("dev", "SWAPPED").unwrap(), b"whCANARYone");
    assert_eq!(bob.held("dev", "NEVER"), None);
    assert_eq!(bob.held("dev", "TAKEN"), None);
}

#[test]
fn whoever_may_not_write_or_names_what_is_nowhere_is_told() {
    let (mut anna, mut bob) = two();
    anna.push("billing/prod").unwrap();
    bob.keep("billing/prod", "DB_URL", b"whCANARYone");
    assert_eq!(code(bob.push("billing/prod")), Some(Code::NoGrant));
    assert_eq!(code(bob.push("qa")), Some(Code::NotFound));
    assert_eq!(
        code(bob.push_of("dev", &["NOWHERE"], false)),
        Some(Code::NotFound)
    );
    let hint = |refusal: Option<Refusal>| refusal.unwrap().hint.to_string();
    let told = hint(bob.push("qa").err());
    assert!(told.contains("withheld push -e default/qa"), "{told}");
}

#[test]
fn a_removal_goes_only_by_its_name() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    bob.pull("dev").unwrap();
    anna.drop_value("dev", "DB_URL");
    assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::Ahead));
    let pushed = anna.push("dev").unwrap();
    assert_eq!((pushed.removed, pushed.total), (vec![], 1));
    let pushed = anna.push_of("dev", &["DB_URL"], false).unwrap();
    assert_eq!((pushed.removed, pushed.total), (secrets(&["DB_URL"]), 0));
    assert_eq!(anna.drift("dev"), []);
    assert_eq!(bob.pull("dev").unwrap().removed, secrets(&["DB_URL"]));
    assert_eq!(
        code(anna.push_of("dev", &["DB_URL"], false)),
        Some(Code::NotFound)
    );
}

#[test]
fn of_two_who_push_one_name_the_second_decides() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYannas");
    bob.keep("dev", "DB_URL", b"whCANARYbobs");
    bob.keep("dev", "OTHER", b"whCANARYother");
    anna.push("dev").unwrap();
    let pushed = bob.push("dev").unwrap();
    assert_eq!(pushed.pushed, versions(&[("OTHER", 1)]), "the others go on");
    assert_eq!(pushed.diverged, secrets(&["DB_URL"]));
    assert_eq!(
        bob.held("dev", "DB_URL").unwrap(),
        b"whCANARYbobs",
        "nothing is lost"
    );
    assert_eq!(bob.state_of("dev", "DB_URL"), Some(Drift::Diverged));
    let pushed = bob.push_of("dev", &["DB_URL"], true).unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 2)]));
    anna.pull("dev").unwrap();
    assert_eq!(anna.held("dev", "DB_URL").unwrap(), b"whCANARYbobs");
}

/// Between the look of one and his commit, the commit of another comes.
#[test]
fn whoever_is_second_commits_anew_and_overwrites_nothing() {
    for take_local in [false, true] {
        let (mut anna, mut bob) = two();
        anna.keep("dev", "DB_URL", b"whCANARYone");
        anna.push("dev").unwrap();
        bob.pull("dev").unwrap();
        bob.keep("dev", "DB_URL", b"whCANARYbobs");
        bob.keep("dev", "OTHER", b"whCANARYother");
        anna.keep("dev", "DB_URL", b"whCANARYannas");
        anna.keep("dev", "THIRD", b"whCANARYthird");
        let mut once = Some(anna);
        let (back, anna) = std::sync::mpsc::channel();
        bob.post.change = Some(Box::new(move |request, _: &mut Answer| {
            if request.path.ends_with("/heads")
                && let Some(mut anna) = once.take()
            {
                anna.push("dev").unwrap();
                back.send(anna).unwrap();
            }
        }));
        let pushed = bob
            .push_of("dev", &["DB_URL", "OTHER"], take_local)
            .unwrap();
        assert_eq!(pushed.pushed, versions(&[("OTHER", 1)]), "{take_local}");
        assert_eq!(
            pushed.diverged,
            secrets(&["DB_URL"]),
            "what came since was not meant"
        );
        assert_eq!(sent(&bob).len(), 2);
        let mut anna = anna.recv().unwrap();
        anna.pull("dev").unwrap();
        assert_eq!(anna.held("dev", "DB_URL").unwrap(), b"whCANARYannas");
        assert_eq!(anna.held("dev", "OTHER").unwrap(), b"whCANARYother");
        assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYbobs");
        bob.pull("dev").unwrap();
        assert_eq!(bob.held("dev", "THIRD").unwrap(), b"whCANARYthird");
        assert_eq!(commits(&bob, "dev"), 3);
    }
}

#[test]
fn a_commit_without_an_answer_is_sent_again_unchanged() {
    for (trouble, arrived) in [(Trouble::DeafToStores, 1), (Trouble::NoStores, 0)] {
        let (mut anna, mut bob) = two();
        anna.keep("dev", "DB_URL", b"whCANARYone");
        anna.post.trouble = trouble;
        assert_eq!(code(anna.push("dev")), Some(Code::ServerUnreachable));
        assert_eq!(commits(&anna, "dev"), arrived);
        anna.restart().unwrap();
        assert_eq!(code(anna.sync(now())), Some(Code::ServerUnreachable));
        anna.post.trouble = Trouble::None;
        anna.sync(now()).unwrap();
        let sent = sent(&anna);
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|body| *body == sent[0]), "byte for byte");
        assert_eq!(commits(&anna, "dev"), 1, "once");
        assert_eq!(anna.state_of("dev", "DB_URL"), Some(Drift::InSync));
        assert_eq!(anna.push("dev").unwrap().pushed, []);
        bob.pull("dev").unwrap();
        assert_eq!(bob.held("dev", "DB_URL").unwrap(), b"whCANARYone");
    }
}

#[test]
fn a_push_tells_of_what_was_waiting_for_an_answer() {
    let (mut anna, mut bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.post.trouble = Trouble::NoStores;
    assert_eq!(code(anna.push("dev")), Some(Code::ServerUnreachable));
    anna.post.trouble = Trouble::None;
    let pushed = anna.push("dev").unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 1)]));
    // Somebody else was faster: it is written anew, not lost.
    anna.keep("dev", "DB_URL", b"whCANARYtwo");
    anna.post.trouble = Trouble::NoStores;
    assert_eq!(code(anna.push("dev")), Some(Code::ServerUnreachable));
    bob.keep("dev", "OTHER", b"whCANARYother");
    bob.push("dev").unwrap();
    anna.post.trouble = Trouble::None;
    let pushed = anna.push("dev").unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 2)]));
    assert_eq!(commits(&anna, "dev"), 3);
}

#[test]
fn more_than_a_commit_holds_is_several_commits() {
    let (mut anna, mut bob) = two();
    let items: Vec<_> = (0..1001)
        .map(|number| (secret(&format!("KEY_{number}")), value(b"whCANARYvalue")))
        .collect();
    anna.vault
        .store(&environment("dev"), &items, Origin::Owner, now())
        .unwrap();
    let pushed = anna.push("dev").unwrap();
    assert_eq!(
        (pushed.pushed.len(), pushed.total, pushed.at),
        (1001, 1001, 2)
    );
    bob.sync(now()).unwrap();
    assert_eq!(bob.drift("dev").len(), 1001);
    // Long values make a commit full before so many are in it.
    let items: Vec<_> = (0..70)
        .map(|number| (secret(&format!("LONG_{number}")), value(&[b'x'; 65_536])))
        .collect();
    anna.vault
        .store(&environment("dev"), &items, Origin::Owner, now())
        .unwrap();
    assert_eq!(anna.push("dev").unwrap().at, 4);
    let longest = sent(&anna).iter().map(Vec::len).max().unwrap();
    assert!(longest <= 8 << 20, "{longest}");
}

/// After somebody lost access, nothing is written under a key that they have.
#[test]
fn a_push_is_under_a_key_that_nobody_has_who_left() {
    let (mut anna, mut bob) = two();
    anna.set("bob", &[right("dev", Right::None)], None).unwrap();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    assert_eq!(anna.here(&anna.env("dev")).chain.epoch(), 2);
    bob.sync(now()).unwrap();
    assert_eq!(code(bob.push("dev")), Some(Code::NoGrant));
}
