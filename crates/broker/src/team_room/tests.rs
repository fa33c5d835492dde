#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::mpsc;
use std::thread;

use super::*;
use crate::test_team::Founder;

/// A limit for what would wait for ever.
const NEVER: Duration = Duration::from_secs(30);

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

#[test]
fn a_lock_waits_neither_for_a_server_nor_for_the_owners_turn() {
    let founder = Founder::with_team();
    let (case, house) = (&founder.case, &founder.case.house);
    let keys = Arc::downgrade(&house.unlocked().unwrap());
    founder.server.hang(true);
    thread::scope(|scope| {
        let pull = scope.spawn(|| founder.pull());
        assert!(founder.server.asked().starts_with("GET /v1/ws/"));
        let turn = house.owner_turn();
        let (tell, told) = mpsc::channel();
        scope.spawn(move || tell.send(code(case.lock())));
        assert_eq!(told.recv_timeout(NEVER), Ok(None));
        drop(turn);
        assert_eq!(code(pull.join().unwrap()), Some(Code::VaultLocked));
    });
    assert_eq!(code(house.unlocked()), Some(Code::VaultLocked));
    assert!(matches!(**house.team.load(), TeamState::None));
    assert_eq!(keys.strong_count(), 0);
    case.unlock().unwrap();
    assert!(house.team().is_ok());
}

#[test]
fn a_stop_ends_what_waits_for_a_server() {
    let founder = Founder::with_team();
    let house = &founder.case.house;
    let vault = house.unlocked().unwrap();
    founder.server.hang(true);
    thread::scope(|scope| {
        let pull = scope.spawn(|| founder.pull());
        founder.server.asked();
        house.close();
        assert_eq!(code(pull.join().unwrap()), Some(Code::VaultLocked));
    });
    assert!(vault.is_closed());
    assert!(matches!(**house.team.load(), TeamState::None));
}

#[test]
fn a_pull_that_was_fetched_for_another_vault_is_not_applied() {
    let founder = Founder::with_team();
    let (case, house) = (&founder.case, &founder.case.house);
    let team = house.team().unwrap();
    let turn = house.owner_turn();
    let pulled = thread::scope(|scope| {
        let pull = scope.spawn(|| founder.pull());
        // What is needed is here, and kept.
        while team.freshness(clock::now()).seen_at.is_none() {
            assert!(!pull.is_finished());
            thread::yield_now();
        }
        case.lock().unwrap();
        case.unlock_in_turn();
        drop(turn);
        pull.join().unwrap()
    });
    assert_eq!(code(pulled), Some(Code::VaultLocked));
    assert_eq!(code(house.still_team(&team)), Some(Code::VaultLocked));
    founder.pull().unwrap();
}

#[test]
fn many_who_look_ask_a_server_once() {
    let founder = Founder::with_team();
    let house = &founder.case.house;
    let team = house.team().unwrap();
    let before = Arc::strong_count(&team);
    founder.server.hang(true);
    let looks = thread::scope(|scope| {
        let look = || founder.inside(|| house.glance(&team));
        let looks = [(); 8].map(|()| scope.spawn(look));
        looks.map(|look| look.join().unwrap().map(|refusal| refusal.code))
    });
    assert_eq!(looks, [Some(Code::ServerUnreachable); 8]);
    assert!(founder.server.asked().starts_with("GET /v1/ws/"));
    // The one look that goes on.
    assert_eq!(Arc::strong_count(&team), before + 1);
    founder.case.lock().unwrap();
    while lock(&house.glances.0).is_some() {
        thread::yield_now();
    }
    assert_eq!(
        founder.inside(|| house.glance(&team)).unwrap().code,
        Code::VaultLocked
    );
    founder.server.hang(false);
    founder.case.unlock().unwrap();
    let team = house.team().unwrap();
    assert_eq!(founder.inside(|| house.glance(&team)), None);
}

#[test]
fn a_team_that_is_founded_while_the_vault_is_locked_is_not_in_the_house() {
    let founder = Founder::new();
    let (case, house) = (&founder.case, &founder.case.house);
    founder.server.hang(true);
    thread::scope(|scope| {
        let found = scope.spawn(|| founder.found());
        assert_eq!(founder.server.asked(), "POST /v1/ws");
        case.lock().unwrap();
        assert_eq!(code(found.join().unwrap()), Some(Code::VaultLocked));
    });
    assert_eq!(code(house.team()), Some(Code::VaultLocked));
    assert!(matches!(**house.team.load(), TeamState::None));

    // It was not answered, so it is none yet, and the same command goes on with it.
    case.unlock().unwrap();
    assert_eq!(code(house.team()), Some(Code::NotFound));
    founder.server.hang(false);
    founder.found().unwrap();
    assert!(house.team().is_ok());
    assert_eq!(code(founder.found()), Some(Code::Conflict));
}

#[test]
fn a_team_of_another_vault_is_not_taken_in() {
    let founder = Founder::with_team();
    let (case, house) = (&founder.case, &founder.case.house);
    let old = house.unlocked().unwrap();
    let team = || Team::open(&old).unwrap().unwrap();
    let late = [team(), team()];
    case.lock().unwrap();
    let [first, second] = late;
    assert_eq!(code(house.take_in(&old, first)), Some(Code::VaultLocked));
    assert!(matches!(**house.team.load(), TeamState::None));
    case.unlock().unwrap();
    let own = house.team().unwrap();
    assert_eq!(code(house.take_in(&old, second)), Some(Code::VaultLocked));
    assert!(house.still_team(&own).is_ok());
}
