#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_core::name::SecretName;

use super::*;

const NOW: i64 = 1_790_000_000_000;

fn now() -> Moment {
    Moment::from_ms(NOW)
}

fn record(agent: &str, ttl_s: u64) -> AgentRecord {
    AgentRecord {
        agent: AgentId::parse(agent).unwrap(),
        ttl_s,
        ..AgentRecord::local()
    }
}

fn empty() -> Sessions {
    Sessions::load(None, now()).unwrap()
}

fn code(result: Result<(), Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

#[test]
fn x15_a_token_is_known_and_another_is_not() {
    let sessions = empty();
    let (token, _) = sessions.begin(&record("claude", 60), now()).unwrap();
    let (other, _) = sessions.begin(&record("codex", 60), now()).unwrap();
    let agent = |token: &SessionToken| {
        sessions
            .identify(token)
            .map(|one| one.session.agent.to_string())
    };
    assert_eq!(agent(&token).as_deref(), Some("claude"));
    assert_eq!(agent(&other).as_deref(), Some("codex"));
    assert_eq!(agent(&SessionToken::from_bytes(&[1; 32])), None);
}

#[test]
fn a_session_ends_with_its_time_by_either_clock() {
    let sessions = empty();
    let (token, _) = sessions.begin(&record("claude", 60), now()).unwrap();
    let caller = sessions.identify(&token).unwrap();
    let instant = Instant::now();
    assert_eq!(
        code(caller.check(Moment::from_ms(NOW + 59_999), instant)),
        None
    );
    assert_eq!(
        code(caller.check(Moment::from_ms(NOW + 60_000), instant)),
        Some(Code::SessionExpired)
    );
    // X09: a clock that was set back extends nothing.
    assert_eq!(
        code(caller.check(Moment::from_ms(0), instant + Duration::from_secs(61))),
        Some(Code::SessionExpired)
    );
}

#[test]
fn another_session_has_what_this_one_had_and_no_more() {
    let sessions = empty();
    let hint = |agent: &str| {
        let (_, caller) = sessions.begin(&record(agent, 60), now()).unwrap();
        let over = caller.check(Moment::from_ms(NOW + 60_000), Instant::now());
        over.unwrap_err().hint.as_str().to_owned()
    };
    assert_eq!(
        hint("tiny"),
        "the owner starts another: withheld proxy env --as tiny"
    );
    assert_eq!(
        hint("local"),
        "the owner starts another: withheld proxy env"
    );
}

#[test]
fn removing_an_agent_ends_its_sessions_and_no_other() {
    let sessions = empty();
    let (one, before) = sessions.begin(&record("claude", 60), now()).unwrap();
    let (two, _) = sessions.begin(&record("codex", 60), now()).unwrap();
    let ended = sessions.end(&AgentId::parse("claude").unwrap());
    assert_eq!(ended.len(), 1);
    assert!(Arc::ptr_eq(&ended[0], &before.session));
    assert!(sessions.identify(&one).is_none());
    assert!(sessions.identify(&two).is_some());
    // A tunnel that stood open before asks again for each request.
    assert_eq!(
        code(before.check(now(), Instant::now())),
        Some(Code::SessionExpired)
    );
}

#[test]
fn the_third_partial_hit_ends_the_session() {
    let sessions = empty();
    let local = sessions.local();
    assert!(!local.session.note_partial(1));
    assert!(!local.session.note_partial(1));
    assert_eq!(code(local.session.check()), None);
    assert!(local.session.note_partial(1));
    assert!(!local.session.note_partial(1));
    assert_eq!(code(local.session.check()), Some(Code::SessionExpired));
    sessions.revive_local();
    assert_eq!(code(local.session.check()), None);
}

#[test]
fn sessions_outlive_the_broker_and_the_standing_one_begins_anew() {
    let sessions = empty();
    let (claude, _) = sessions.begin(&record("claude", 600), now()).unwrap();
    let (short, _) = sessions.begin(&record("codex", 5), now()).unwrap();
    let (shell, local) = sessions.begin_local(600, now()).unwrap();
    let name = SecretName::parse("STRIPE_KEY").unwrap();
    let mut known = Placeholders::default();
    known.insert(name.clone(), "withheldStripeKeyXYZ".to_owned());
    local.session.placeholders.store(Arc::new(known));
    local.session.note_partial(3);

    let file = sessions.to_json(now()).unwrap();
    for token in [&claude, &short, &shell] {
        let text = token.as_str().as_bytes();
        assert!(!file.windows(text.len()).any(|window| window == text));
    }
    let later = Moment::from_ms(NOW + 10_000);
    let woken = Sessions::load(Some(&file), later).unwrap();
    assert!(woken.identify(&short).is_none());
    let found = woken.identify(&claude).unwrap();
    assert_eq!(found.session.agent.as_str(), "claude");
    let found = woken.identify(&shell).unwrap();
    assert_ne!(found.session.id, local.session.id);
    assert_eq!(code(found.check(later, Instant::now())), None);
    assert_eq!(
        found.session.placeholders.load().of(&name),
        Some("withheldStripeKeyXYZ")
    );
}

#[test]
fn a_file_that_is_none_of_ours_is_refused() {
    for bytes in [&b""[..], b"{}", b"[{}]"] {
        let refused = Sessions::load(Some(bytes), now()).err();
        assert_eq!(
            refused.map(|refusal| refusal.code),
            Some(Code::StoreCorrupt)
        );
    }
}

#[test]
fn a_placeholder_of_another_session_is_known_as_such() {
    let sessions = empty();
    let (_, claude) = sessions.begin(&record("claude", 60), now()).unwrap();
    let (_, codex) = sessions.begin(&record("codex", 60), now()).unwrap();
    let mut known = Placeholders::default();
    known.insert(
        SecretName::parse("A_KEY").unwrap(),
        "withheldAKeyQ".to_owned(),
    );
    claude.session.placeholders.store(Arc::new(known));
    let text = "Bearer withheldAKeyQ";
    assert!(sessions.holds_of_another(&codex.session, text));
    assert!(!sessions.holds_of_another(&claude.session, text));
    assert!(!sessions.holds_of_another(&codex.session, "Bearer withheldAKey"));
}
