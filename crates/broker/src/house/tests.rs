#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use withheld_audit::{Act, OwnerAct, SessionAct};
use withheld_core::Moment;
use withheld_core::api::AgentRequest;
use withheld_core::destination::Host;
use withheld_core::name::AgentId;
use withheld_core::record::AgentRecord;
use withheld_core::session::SessionToken;
use withheld_testkit::Temp;

use super::*;
use crate::anchor;
use crate::session::Caller;
use crate::test_house::{Case, copy_of, home, name, runtime};
use crate::test_team::Founder;
use crate::visitor::Visitor;

const KEY: &str = "API_KEY";

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

fn record(agent: &str) -> AgentRecord {
    AgentRecord {
        agent: AgentId::parse(agent).unwrap(),
        ..AgentRecord::local()
    }
}

fn allow(host: &str) -> Value {
    json!({"do": "allow", "hosts": [{"host": host}], "agent": null, "remove": false})
}

/// Who shows this token, where it still counts.
fn counts(case: &Case, token: &SessionToken) -> Option<Caller> {
    let caller = case.house.sessions.identify(token)?;
    let checked = caller.check(clock::now(), std::time::Instant::now());
    checked.is_ok().then_some(caller)
}

/// Where the vault keeps what has this name.
fn item(temp: &Temp, what: &str) -> PathBuf {
    let digest = Sha256::digest(what);
    let hex = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    home(temp).items().join(hex.collect::<String>())
}

#[test]
fn a_session_that_starts_while_a_key_is_stored_is_armed_for_it() {
    let case = Case::open();
    let house = &case.house;
    let local = house.sessions.local();
    let given = || local.session.placeholders.load_full();
    let vars = thread::scope(|scope| {
        // Stopped here, the key is given to the sessions that there are, and not stored yet.
        let writing = house.saving.lock().unwrap();
        let store = scope.spawn(|| case.store(KEY));
        while given().of(&name(KEY)).is_none() && !store.is_finished() {
            thread::yield_now();
        }
        let before = given();
        let start = scope.spawn(|| case.agent(AgentRequest::ProxyEnv));
        // It comes when the store is over. One that does not wait has been given its keys before the
        // log has been on the disk so often: it waits for the disk once.
        let who = Visitor::of(local.clone()).who();
        for _ in 0..20 {
            if !Arc::ptr_eq(&before, &given()) {
                break;
            }
            let log = house.log().unwrap();
            log.session(&who, SessionAct::Started).unwrap();
        }
        drop(writing);
        store.join().unwrap();
        start.join().unwrap().unwrap()["vars"].clone()
    });
    let placeholder = given().of(&name(KEY)).unwrap().to_owned();
    assert_eq!(vars, json!({ KEY: placeholder }));
    // The wire takes it, and nothing answers there.
    assert_eq!(case.sent(local, KEY, || ()), Code::UpstreamUnreachable);
}

#[test]
fn sessions_that_start_at_once_are_all_in_the_file() {
    let case = Case::open();
    case.add("claude");
    let house = &case.house;
    let start = || {
        let (token, _) = house
            .sessions
            .begin(&record("claude"), clock::now())
            .unwrap();
        house.save_sessions().unwrap();
        let file = fs::read(house.home.sessions()).unwrap();
        let digest = STANDARD.encode(Sha256::digest(token.as_str()));
        assert!(String::from_utf8(file).unwrap().contains(&digest));
        token
    };
    let started: Vec<SessionToken> = thread::scope(|scope| {
        let starts = [(); 8].map(|()| scope.spawn(|| [(); 8].map(|()| start())));
        let starts = starts.into_iter();
        starts.flat_map(|one| one.join().unwrap()).collect()
    });
    let case = case.restarted();
    assert!(started.iter().all(|token| counts(&case, token).is_some()));
}

#[test]
fn a_policy_that_is_older_than_one_before_a_kill_is_seen() {
    let case = Case::open().restarted();
    let before = case.stop();
    let killed = copy_of(&before);
    let case = Case::start(before);
    case.ask(allow("one.test"), "proof").unwrap();
    let later = case.stop();
    let policy = |temp: &Temp| fs::read(home(temp).policy()).unwrap();
    let (older, newer) = (policy(&killed), policy(&later));
    let put = |temp: &Temp, file: &[u8]| home(temp).write(&home(temp).policy(), file).unwrap();

    // The newer one was written, and nothing that says so.
    put(&killed, &newer);
    let temp = Case::start(killed).restarted().stop();
    put(&temp, &older);
    assert_eq!(
        code(House::build(home(&temp))),
        Some(Code::RollbackDetected)
    );
    // Also where the log has lost its anchor: the vault knows it too.
    fs::remove_file(home(&temp).audit().join("anchor")).unwrap();
    let case = Case::start(temp);
    assert_eq!(code(case.unlock()), Some(Code::RollbackDetected));
    assert_eq!(code(case.house.unlocked()), Some(Code::VaultLocked));
    let temp = case.stop();
    put(&temp, &newer);
    Case::start(temp).unlock().unwrap();
}

/// Writes twenty records, and waits until the vault has a copy of an anchor behind them.
fn anchored(case: Case) -> Temp {
    let log = case.house.log().unwrap();
    for _ in 0..20 {
        log.owner(OwnerAct::of(Act::Lock)).unwrap();
    }
    let written = log.anchor().unwrap().head.seq;
    let vault = case.house.unlocked().unwrap();
    while anchor::kept(&vault)
        .unwrap()
        .is_none_or(|kept| kept.head.seq < written)
    {
        thread::yield_now();
    }
    case.stop()
}

/// A home whose log is not the one that the copy of its anchor saw is refused, whatever is done to it.
fn is_missed(temp: Temp) {
    let copy = fs::read(item(&temp, "anchor")).unwrap();
    let case = Case::start(temp);
    assert_eq!(code(case.unlock()), Some(Code::RollbackDetected));

    // A log does not become the right one by being written to: it takes a while to read, and each
    // owner's act in it is an anchor whose copy is put in its place as soon as that can be had.
    let log = case.house.log().unwrap();
    let who = Visitor::of(case.house.sessions.local()).who();
    let host = Host::parse("one.test").unwrap();
    for _ in 0..4000 {
        log.tunnel(&who, &host, 443, None).unwrap();
    }
    let over = AtomicBool::new(false);
    let refused = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                log.owner(OwnerAct::of(Act::Lock)).unwrap();
            }
        });
        let refused = [(); 2].map(|()| code(case.unlock()));
        over.store(true, Ordering::Relaxed);
        refused
    });
    assert_eq!(refused, [Some(Code::LogBroken); 2]);
    assert_eq!(code(case.house.unlocked()), Some(Code::VaultLocked));
    let temp = case.stop();
    assert_eq!(fs::read(item(&temp, "anchor")).unwrap(), copy);
}

#[test]
fn a_log_that_was_taken_away_is_missed_and_its_copy_stays() {
    let temp = anchored(Case::open());
    fs::remove_dir_all(home(&temp).audit()).unwrap();
    is_missed(temp);
}

#[test]
fn a_log_that_was_put_back_is_seen_and_its_copy_stays() {
    let before = Case::open().stop();
    let older = copy_of(&before);
    let case = Case::start(before);
    case.unlock().unwrap();
    let temp = anchored(case);
    fs::remove_dir_all(home(&temp).audit()).unwrap();
    fs::rename(home(&older).audit(), home(&temp).audit()).unwrap();
    is_missed(temp);
}

#[test]
fn a_copy_of_the_anchor_that_cannot_be_read_is_none_that_agrees() {
    let temp = anchored(Case::open());
    let file = item(&temp, "anchor");
    fs::write(&file, b"torn").unwrap();
    let case = Case::start(temp);
    assert_eq!(code(case.unlock()), Some(Code::StoreCorrupt));
    assert_eq!(code(case.house.unlocked()), Some(Code::VaultLocked));
    let temp = case.stop();
    assert_eq!(fs::read(item(&temp, "anchor")).unwrap(), b"torn");
}

#[test]
fn a_lock_drops_what_replies_are_searched_for() {
    let case = Case::open();
    case.store(KEY);
    let sent = |meanwhile: &dyn Fn()| case.sent(case.house.sessions.local(), KEY, meanwhile);
    assert_eq!(sent(&|| ()), Code::UpstreamUnreachable);
    let lock = || drop(case.lock().unwrap());
    assert_eq!(sent(&lock), Code::VaultLocked);
    case.unlock().unwrap();
    assert_eq!(sent(&|| ()), Code::UpstreamUnreachable);
}

#[test]
fn a_session_that_is_armed_while_the_vault_is_locked_has_no_needles() {
    let case = Case::open();
    let house = &case.house;
    case.store(KEY);
    let local = house.sessions.local();
    let (vault, policy) = (house.unlocked().unwrap(), house.policy().unwrap());
    let late = || {
        case.lock().unwrap();
        let records = [(&*policy, &AgentRecord::local())];
        let armed = house.arm(&vault, &records, None, &local.session);
        assert_eq!(code(armed), Some(Code::VaultLocked));
    };
    assert_eq!(case.sent(local.clone(), KEY, late), Code::VaultLocked);
}

#[test]
fn one_at_a_time_founds_a_team_or_gives_it_an_environment() {
    let founder = Founder::new();
    let (case, house) = (&founder.case, &founder.case.house);
    let ends = |work: &(dyn Fn() -> Result<Value, Refusal> + Sync)| {
        founder.server.hang(true);
        thread::scope(|scope| {
            let working = scope.spawn(work);
            founder.server.asked();
            assert!(house.founding.try_lock().is_err());
            case.lock().unwrap();
            assert_eq!(code(working.join().unwrap()), Some(Code::VaultLocked));
        });
        founder.server.hang(false);
        case.unlock().unwrap();
    };
    ends(&|| founder.found());
    founder.found().unwrap();
    founder.server.asked();
    ends(&|| founder.share("live"));
}

#[test]
fn a_session_that_is_over_keeps_no_needles() {
    let case = Case::open();
    let house = &case.house;
    let token = case.add("claude");
    case.store(KEY);
    let (vault, policy) = (house.unlocked().unwrap(), house.policy().unwrap());
    let given = |begun: Moment| {
        let (_, caller) = house.sessions.begin(&record("claude"), begun).unwrap();
        let records = [(&*policy, &record("claude"))];
        house.arm(&vault, &records, None, &caller.session).unwrap();
        caller
    };
    let (expired, blocked) = (given(Moment::from_ms(0)), given(clock::now()));
    blocked.session.note_partial(3);
    let sent = |caller: &Caller, meanwhile: &dyn Fn()| case.sent(caller.clone(), KEY, meanwhile);
    for over in [&expired, &blocked] {
        assert_eq!(sent(over, &|| ()), Code::UpstreamUnreachable);
    }
    house.save_sessions().unwrap();
    for over in [&expired, &blocked] {
        assert_eq!(sent(over, &|| ()), Code::VaultLocked);
    }
    let other = counts(&case, &token).unwrap();
    assert_eq!(sent(&other, &|| ()), Code::UpstreamUnreachable);
}

#[test]
fn a_vault_that_cannot_be_read_is_locked_all_the_same_and_opens_again() {
    let case = Case::open();
    let house = &case.house;
    case.store(KEY);
    let file = house.home.vault_key();
    let good = fs::read(&file).unwrap();
    let local = house.sessions.local();
    house.home.write(&file, b"torn").unwrap();
    let lock = || assert_eq!(code(case.lock()), Some(Code::StoreCorrupt));
    assert_eq!(case.sent(local.clone(), KEY, lock), Code::VaultLocked);

    // Nothing that needs it works, and nothing takes it for a home without one.
    assert_eq!(code(house.unlocked()), Some(Code::VaultLocked));
    let admitted = house.admit(&Visitor::of(local.clone()));
    assert_eq!(code(admitted), Some(Code::VaultLocked));
    let refused = case.agent(AgentRequest::ProxyEnv);
    assert_eq!(code(refused), Some(Code::VaultLocked));
    assert_eq!(code(case.unlock()), Some(Code::StoreCorrupt));
    let refused = case.ask(allow("one.test"), "proof");
    assert_eq!(code(refused), Some(Code::StoreCorrupt));
    let init = json!({"do": "init", "vault": "file", "auto_unlock": false});
    assert_eq!(code(case.ask(init, "passphrase")), Some(Code::Conflict));
    assert_eq!(fs::read(&file).unwrap(), b"torn");

    // What needs no value still answers.
    let status = case.agent(AgentRequest::Status).unwrap();
    assert_eq!(status["vault"], "locked");
    assert_eq!(status["secrets"][0]["name"], KEY);

    house.home.write(&file, &good).unwrap();
    assert_eq!(code(house.unlocked()), Some(Code::VaultLocked));
    case.unlock().unwrap();
    assert_eq!(case.sent(local, KEY, || ()), Code::UpstreamUnreachable);
}

#[test]
fn a_session_whose_record_is_gone_does_not_come_back() {
    let case = Case::open();
    let token = case.add("codex");
    let other = case.add("claude");
    let file = fs::read(case.house.home.sessions()).unwrap();
    case.ask(json!({"do": "agent_rm", "agent": "codex"}), "proof")
        .unwrap();
    // Killed when the policy was written and the sessions were not.
    let temp = case.stop();
    home(&temp).write(&home(&temp).sessions(), &file).unwrap();
    let case = Case::start(temp);
    case.unlock().unwrap();
    assert!(counts(&case, &token).is_none());
    assert!(counts(&case, &other).is_some());
    // Nor with a later record of the same name, of which it is none.
    case.add("codex");
    assert!(counts(&case, &token).is_none());
    let case = case.restarted();
    assert!(counts(&case, &token).is_none());
}

#[test]
fn a_session_that_its_replies_ended_stays_so() {
    let case = Case::open();
    let (token, other) = (case.add("codex"), case.add("claude"));
    let caller = counts(&case, &token).unwrap();
    assert!(caller.session.note_partial(3));
    let runtime = runtime();
    runtime.block_on(async {
        case.house.session_blocked(&Visitor::of(caller));
        // Its work is done when what was given after it is.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    });
    // Killed now.
    let file = fs::read(case.house.home.sessions()).unwrap();
    let temp = case.stop();
    home(&temp).write(&home(&temp).sessions(), &file).unwrap();
    let case = Case::start(temp);
    case.unlock().unwrap();
    assert!(counts(&case, &token).is_none());
    assert!(counts(&case, &other).is_some());
}

#[test]
fn what_a_stop_finds_of_a_session_outlives_it() {
    let case = Case::open();
    let (ended, near) = (case.add("codex"), case.add("claude"));
    // The broker stops before what its last replies said of them is in the file.
    counts(&case, &ended).unwrap().session.note_partial(3);
    counts(&case, &near).unwrap().session.note_partial(2);
    let case = case.restarted();
    assert!(counts(&case, &ended).is_none());
    let near = counts(&case, &near).unwrap();
    assert!(near.session.note_partial(1));
}
