//! A team that was begun and not answered: it is not there yet, and another one can be begun.

use super::*;
use crate::home::kill;
use withheld_team::api::ProblemCode;

fn create(anna: &mut Person, name: &str, server: &str, founder: &str) -> Result<(), Refusal> {
    let create = Create {
        workspace: Workspace::parse(name).unwrap(),
        server: server.to_owned(),
        founder: person(founder),
    };
    let team = Team::create(&anna.vault, &anna.proof, &mut anna.post, &create, hour(1))?;
    anna.team = Some(team);
    Ok(())
}

/// Somebody who mistyped the address of the server.
fn mistyped() -> Person {
    let mut anna = Person::new(&Arc::default());
    anna.post.trouble = Trouble::Down;
    let created = create(&mut anna, "acme", "https://tema.example.com", "anna");
    assert_eq!(code(created), Some(Code::ServerUnreachable));
    anna.post.trouble = Trouble::None;
    anna.post.seen.clear();
    anna.restart().unwrap();
    assert!(anna.team().is_begun());
    let (dev, name) = (environment("dev"), secret("DB_URL"));
    let drafts = r#"[{"host":"db.example.com","port":443,"place":"bearer"}]"#;
    let drafts: Vec<withheld_core::BindingDraft> = serde_json::from_str(drafts).unwrap();
    let signed = anna
        .team()
        .sign_bindings(&anna.proof, &bound(&dev, &name, &drafts), 2);
    signed.unwrap();
    anna
}

#[test]
fn another_team_can_be_founded_than_the_one_that_was_begun() {
    for (name, server, founder) in [
        ("acme", "https://team.example.com", "anna"),
        ("acme2", "https://tema.example.com", "anna"),
        ("acme", "https://tema.example.com", "anna.b"),
    ] {
        let mut anna = mistyped();
        let ws = anna.team().state().file.ws;
        create(&mut anna, name, server, founder).unwrap();
        anna.restart().unwrap();
        assert!(!anna.team().is_begun());
        assert_ne!(anna.team().state().file.ws, ws);
        assert_eq!(anna.team().server().written(), server);
        assert_eq!(anna.team().workspace().unwrap().as_str(), name);
        assert_eq!(anna.team().members()[0].name, Some(person(founder)));
        anna.sync(hour(2)).unwrap();
        // Of the first one nothing is left: no file, no environment.
        let files = anna.home.names(&anna.home.team()).unwrap();
        let envs = anna.team().state().envs.len();
        let kept = files.iter().filter(|name| name.starts_with("env-"));
        assert_eq!(kept.count(), envs);
        let again = create(&mut anna, "other", server, founder);
        assert_eq!(code(again), Some(Code::Conflict), "there is one now");
    }
}

#[test]
fn who_began_a_team_can_join_one() {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let line = anna.invite("bob", Role::Member, &[right("dev", Right::Read)]);
    let mut bob = mistyped();
    bob.post.shelf = Arc::clone(&shelf);
    bob.join(&line, hour(3)).unwrap();
    anna.sync(hour(3)).unwrap();
    bob.sync(hour(3)).unwrap();
    bob.restart().unwrap();
    assert_eq!(bob.epoch(&bob.env("dev")), Some(1));
}

#[test]
fn who_began_to_join_can_join_with_another_line_or_found_a_team() {
    let begun = || {
        let shelf = Arc::default();
        let mut anna = Person::founder(&shelf);
        let line = anna.invite("bob", Role::Member, &[]);
        let mut bob = Person::new(&shelf);
        bob.post.trouble = Trouble::NoStores;
        assert_eq!(
            code(bob.join(&line, hour(3))),
            Some(Code::ServerUnreachable)
        );
        bob.post.trouble = Trouble::None;
        bob.restart().unwrap();
        assert!(bob.team().is_begun());
        (anna, bob)
    };
    // Of another team.
    let (_, mut bob) = begun();
    let shelf = Arc::default();
    let mut dora = Person::founder(&shelf);
    let line = dora.invite("bob", Role::Member, &[]);
    bob.post.shelf = Arc::clone(&shelf);
    bob.join(&line, hour(3)).unwrap();
    assert_eq!(bob.team().state().file.ws, dora.team().state().file.ws);
    bob.restart().unwrap();
    bob.sync(hour(3)).unwrap();
    // Of the same team, because somebody else was faster.
    let (mut anna, mut bob) = begun();
    let line = anna.invite("bob", Role::Member, &[]);
    bob.join(&line, hour(3)).unwrap();
    bob.restart().unwrap();
    assert!(!bob.team().is_begun());
    // One of his own.
    let (_, mut bob) = begun();
    bob.post.shelf = Arc::default();
    bob.create().unwrap();
    bob.restart().unwrap();
    assert!(bob.sync(hour(3)).unwrap().changed);
}

/// What a server answers that has not judged, or somebody on the way, says nothing of the first try.
#[test]
fn a_team_that_may_be_stored_is_not_forgotten() {
    let html = |status| crate::team::post::Answer {
        status,
        etag: None,
        body: b"<html>".to_vec(),
    };
    let answers = [
        html(400),
        html(401),
        html(403),
        html(404),
        html(408),
        html(409),
        html(425),
        html(429),
        html(507),
        shelf::problem(ProblemCode::Clock),
        shelf::problem(ProblemCode::Leased),
        shelf::problem(ProblemCode::Rate),
        shelf::problem(ProblemCode::Unavailable),
        shelf::problem(ProblemCode::Unsigned),
    ];
    let mut anna = Person::new(&Arc::default());
    anna.post.trouble = Trouble::Deaf;
    assert_eq!(code(anna.create()), Some(Code::ServerUnreachable));
    anna.post.trouble = Trouble::None;
    for answer in answers {
        let what = format!(
            "{} {:?}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        anna.post.change = Some(Box::new(move |_, shown| *shown = answer.clone()));
        assert!(anna.create().is_err(), "{what}");
        anna.restart().unwrap();
        assert!(anna.team().is_begun(), "{what}");
    }
    anna.post.change = None;
    let first = anna.post.seen[0].clone();
    anna.post.seen.clear();
    anna.create().unwrap();
    assert_eq!(anna.post.seen, [first]);
    anna.sync(hour(2)).unwrap();
}

#[test]
fn a_commit_that_may_be_stored_is_not_forgotten() {
    use super::acts::*;
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.post.change = Some(Box::new(|request, answer| {
        if request.path.ends_with("/commits") {
            *answer = shelf::problem(ProblemCode::Rate);
        }
    }));
    assert_eq!(code(anna.push("dev")), Some(Code::ServerUnreachable));
    anna.post.change = None;
    assert_eq!(anna.push("dev").unwrap().pushed, versions(&[("DB_URL", 1)]));
    assert_eq!(anna.here(&anna.env("dev")).chain.head().seq, 1);
}

/// Killed at any write of forgetting one team and beginning another: nothing is missed at the next start,
/// and there is one team in the end.
#[test]
fn what_was_only_begun_is_not_missed() {
    let mut killed = 0;
    for write in 0.. {
        let mut anna = mistyped();
        kill::after(write);
        let created = create(&mut anna, "acme", "https://team.example.com", "anna");
        if !kill::never() {
            created.unwrap();
            break;
        }
        killed += 1;
        let mut anna = anna.reopened();
        if anna.team.as_ref().is_none_or(Team::is_begun) {
            create(&mut anna, "acme", "https://team.example.com", "anna").unwrap();
        }
        let mut anna = anna.reopened();
        assert!(!anna.team().is_begun(), "{write}");
        anna.sync(hour(2)).unwrap();
        assert_eq!(anna.team().members().len(), 1, "{write}");
    }
    assert!(killed > 6, "{killed}");
}

#[test]
fn a_team_that_was_refused_is_not_missed() {
    for write in 0.. {
        let mut anna = Person::new(&Arc::default());
        anna.post.change = Some(Box::new(|_, answer| {
            *answer = shelf::problem(ProblemCode::Invalid);
        }));
        kill::after(write);
        let created = anna.create();
        if !kill::never() {
            assert_eq!(code(created), Some(Code::Unverified));
            break;
        }
        let mut anna = anna.reopened();
        assert!(anna.team.as_ref().is_none_or(Team::is_begun), "{write}");
        anna.post.change = None;
        anna.post.shelf = Arc::default();
        anna.create().unwrap();
        anna.restart().unwrap();
        anna.sync(hour(2)).unwrap();
    }
}
