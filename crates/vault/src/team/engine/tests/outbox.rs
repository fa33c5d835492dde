//! Whose push it was that waited for an answer, and what is written down of it.

use super::acts::*;
use super::*;
use crate::team::post::{Answer, Asker, Noted, Outgoing, PushStep};
use withheld_core::name::SessionId;

/// What was written down: whose, how far, what.
type Row<T> = (T, PushStep, Vec<(T, u64)>);

/// A way to the server for one who is known, and what was written down on it.
struct As<'a> {
    post: &'a mut Carrier,
    asker: Asker,
    noted: Vec<Row<String>>,
    /// How many bytes had been carried when the first was.
    before: usize,
    can_note: bool,
}

impl<'a> As<'a> {
    fn of(post: &'a mut Carrier, agent: &str, session: u8) -> Self {
        Self {
            before: post.seen.len(),
            post,
            asker: Asker {
                agent: agent.parse().unwrap(),
                session: SessionId::from_bytes([session; 9]),
            },
            noted: Vec::new(),
            can_note: true,
        }
    }

    fn rows(&self) -> Vec<Row<&str>> {
        let rows = self.noted.iter();
        rows.map(|(agent, step, versions)| {
            let versions = versions.iter().map(|(name, ver)| (name.as_str(), *ver));
            (agent.as_str(), *step, versions.collect())
        })
        .collect()
    }
}

impl Post for As<'_> {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        if request.method == "POST" && request.path.ends_with("/commits") {
            assert!(!self.noted.is_empty(), "first it is written down");
        }
        self.post.carry(request)
    }

    fn asker(&self) -> Option<Asker> {
        Some(self.asker.clone())
    }

    fn note(&mut self, noted: Noted) -> Result<(), Refusal> {
        if !self.can_note {
            return Err(Refusal::new(Code::AuditUnavailable, "full", "make room"));
        }
        assert_eq!(noted.environment, environment("dev"));
        let by = noted.by.agent.as_str().to_owned();
        let versions = noted.versions.into_iter();
        let versions = versions.map(|(name, ver)| (name.to_string(), ver));
        self.noted.push((by, noted.step, versions.collect()));
        Ok(())
    }
}

fn push(team: &Team, post: &mut As<'_>) -> Result<super::super::Pushed, Refusal> {
    team.push(post, &environment("dev"), None, false, now())
}

/// A program of the owner's pushed a secret that no agent knows of, and got no answer.
#[test]
fn who_pushes_next_is_told_of_no_push_of_others() {
    for trouble in [Trouble::DeafToStores, Trouble::NoStores] {
        let (mut anna, _bob) = two();
        anna.keep("dev", "DB_URL", b"whCANARYone");
        anna.push("dev").unwrap();
        anna.keep("dev", "ADMIN_KEY", b"whCANARYadmin");
        anna.post.trouble = trouble;
        let team = anna.team.as_ref().unwrap();
        let mut owner = As::of(&mut anna.post, "local", 1);
        assert_eq!(code(push(team, &mut owner)), Some(Code::ServerUnreachable));
        let begun = ("local", PushStep::Begun, vec![("ADMIN_KEY", 1)]);
        assert_eq!(owner.rows(), [begun]);
        anna.post.trouble = Trouble::None;
        anna.vault
            .store(
                &environment("dev"),
                &[(secret("DB_URL"), value(b"whCANARYtwo"))],
                Origin::Owner,
                now(),
            )
            .unwrap();
        let mut agent = As::of(&mut anna.post, "coder", 2);
        agent
            .noted
            .push(("resend".to_owned(), PushStep::Begun, Vec::new()));
        let names = secrets(&["DB_URL"]);
        let pushed = team.push_known(&mut agent, &environment("dev"), &names, now());
        assert_eq!(pushed.unwrap().pushed, versions(&[("DB_URL", 2)]));
        // What was the owner's is written down as the owner's.
        assert_eq!(
            agent.rows()[1..],
            [
                ("local", PushStep::Stored, vec![("ADMIN_KEY", 1)]),
                ("coder", PushStep::Begun, vec![("DB_URL", 2)]),
                ("coder", PushStep::Stored, vec![("DB_URL", 2)]),
            ]
        );
    }
}

#[test]
fn whoever_pushed_is_told_by_the_next_push_and_so_is_the_log() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.post.trouble = Trouble::NoStores;
    let team = anna.team.as_ref().unwrap();
    let mut agent = As::of(&mut anna.post, "coder", 2);
    assert_eq!(code(push(team, &mut agent)), Some(Code::ServerUnreachable));
    agent.post.trouble = Trouble::None;
    let pushed = push(team, &mut agent).unwrap();
    assert_eq!(pushed.pushed, versions(&[("DB_URL", 1)]));
    let rows = [
        ("coder", PushStep::Begun, vec![("DB_URL", 1)]),
        ("coder", PushStep::Stored, vec![("DB_URL", 1)]),
    ];
    assert_eq!(agent.rows(), rows);
    // Another session of the same agent is somebody else.
    anna.keep("dev", "OTHER", b"whCANARYone");
    anna.post.trouble = Trouble::NoStores;
    let team = anna.team.as_ref().unwrap();
    let mut agent = As::of(&mut anna.post, "coder", 2);
    assert_eq!(code(push(team, &mut agent)), Some(Code::ServerUnreachable));
    anna.post.trouble = Trouble::None;
    let mut again = As::of(&mut anna.post, "coder", 3);
    again
        .noted
        .push(("resend".to_owned(), PushStep::Begun, Vec::new()));
    assert_eq!(push(team, &mut again).unwrap().pushed, []);
}

#[test]
fn nothing_is_sent_that_cannot_be_written_down() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    let team = anna.team.as_ref().unwrap();
    let mut agent = As::of(&mut anna.post, "coder", 2);
    agent.can_note = false;
    assert_eq!(code(push(team, &mut agent)), Some(Code::AuditUnavailable));
    let sent = agent.post.seen[agent.before..].iter();
    assert_eq!(sent.filter(|one| one.method == "POST").count(), 0);
    assert!(anna.here(&anna.env("dev")).file.outbox.is_none());
    // What was stored is not settled before it is written down either.
    anna.post.trouble = Trouble::DeafToStores;
    let team = anna.team.as_ref().unwrap();
    let mut agent = As::of(&mut anna.post, "coder", 2);
    assert_eq!(code(push(team, &mut agent)), Some(Code::ServerUnreachable));
    agent.post.trouble = Trouble::None;
    agent.can_note = false;
    assert_eq!(
        code(team.sync(&mut agent, now())),
        Some(Code::AuditUnavailable)
    );
    agent.can_note = true;
    team.sync(&mut agent, now()).unwrap();
    assert_eq!(agent.rows().len(), 2);
    // What goes is written down as what goes.
    anna.drop_value("dev", "DB_URL");
    let team = anna.team.as_ref().unwrap();
    let mut owner = As::of(&mut anna.post, "local", 1);
    let names = secrets(&["DB_URL"]);
    let pushed = team.push(&mut owner, &environment("dev"), Some(&names), false, now());
    assert_eq!(pushed.unwrap().removed, names);
    let rows = [
        ("local", PushStep::Begun, vec![("DB_URL", 0)]),
        ("local", PushStep::Withdrawn, vec![("DB_URL", 0)]),
    ];
    assert_eq!(owner.rows(), rows);
}
