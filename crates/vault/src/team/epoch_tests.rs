#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_core::Code;

use super::*;
use crate::team::test_team::{ENV, Person, Team, key};
use crate::test_values::value;

fn refused<T>(result: Result<T, Refusal>) -> (Code, String) {
    let refusal = result.err().unwrap();
    (refusal.code, refusal.message.as_str().to_owned())
}

fn invalid(rule: &str) -> (Code, String) {
    let message = format!("the server shows something that does not verify: {rule}");
    (Code::SignatureInvalid, message)
}

/// Epochs 1 and 2, the second with this as the wrapped key of the first.
fn chained(wrapped: impl FnOnce(&EpochKey, &EpochKey) -> [u8; WRAP]) -> (Team, EpochKey) {
    let alice = Person::new(1);
    let mut team = Team::found(&alice);
    let first = EpochKey::of(team.epoch_id(1), key([0xA1; 32])).unwrap();
    let second = EpochKey::random(team.epoch_id(2)).unwrap();
    team.begin_epoch(&alice, &first, None);
    team.begin_epoch(&alice, &second, Some(wrapped(&first, &second)));
    (team, second)
}

#[test]
fn the_newest_key_opens_the_past() {
    let (team, second) = chained(|first, second| second.wrap_prev(first).unwrap());
    let second = second.proven(&team.chain).unwrap();
    let first = second.unwrap_prev(&team.chain).unwrap().unwrap();
    first.root().look(|root| assert_eq!(root, &[0xA1; 32]));
    assert_eq!(first.id(), team.epoch_id(1));
    assert!(first.unwrap_prev(&team.chain).unwrap().is_none());
}

/// Attack 89.
#[test]
fn a_wrong_previous_key_is_not_believed() {
    let wrong = invalid("a key that is not the one of its epoch");
    let (team, second) = chained(|first, second| {
        let other = EpochKey::random(first.id()).unwrap();
        second.wrap_prev(&other).unwrap()
    });
    assert_eq!(refused(second.unwrap_prev(&team.chain)), wrong);
    let unopened = invalid("a wrapped key of an earlier epoch");
    let (team, second) = chained(|_, _| [7; WRAP]);
    assert_eq!(refused(second.unwrap_prev(&team.chain)), unopened);
    // The right key, wrapped as that of another epoch.
    let (team, second) = chained(|first, second| {
        let id = EpochId { n: 7, ..first.id() };
        let other = EpochKey::of(id, key([0xA1; 32])).unwrap();
        second.wrap_prev(&other).unwrap()
    });
    assert_eq!(refused(second.unwrap_prev(&team.chain)), unopened);
}

#[test]
fn a_key_is_proven_for_one_epoch_of_one_environment_of_one_workspace() {
    let (team, second) = chained(|first, second| second.wrap_prev(first).unwrap());
    let again = |id| {
        EpochKey::of(id, key([0xA1; 32]))
            .unwrap()
            .proven(&team.chain)
            .err()
    };
    let first = team.epoch_id(1);
    let wrong = Some(Verdict::Invalid("a key that is not the one of its epoch"));
    let unknown = Some(Verdict::Invalid("an epoch that is not on the chain"));
    assert_eq!(again(first), None);
    assert_eq!(again(second.id()), wrong);
    assert_eq!(again(EpochId { n: 3, ..first }), unknown);
    let env = EnvId::DIRECTORY;
    assert_eq!(again(EpochId { env, ..first }), unknown);
    let ws = WorkspaceId::of([1; 32]);
    assert_eq!(again(EpochId { ws, ..first }), unknown);
}

/// The commitment to the key for names counts too: half a right key is a wrong one.
#[test]
fn both_commitments_count() {
    let (team, second) = chained(|first, second| second.wrap_prev(first).unwrap());
    let half = EpochKey {
        commit_meta: Hash::ZERO,
        ..second
    };
    assert!(half.proven(&team.chain).is_err());
}

#[test]
fn equal_values_show_in_one_record_under_one_key_only() {
    let id = EpochId {
        ws: WorkspaceId::of([1; 32]),
        env: ENV,
        n: 1,
    };
    let rid = RecordId::of([2; 16]);
    let epoch = |id| EpochKey::of(id, key([3; 32])).unwrap();
    let tag = |id, rid, plain| epoch(id).value_tag(&rid, &value(plain)).unwrap();
    let one = tag(id, rid, b"whCANARYtag");
    assert_eq!(one, tag(id, rid, b"whCANARYtag"));
    assert_ne!(one, tag(id, rid, b"whCANARYtaG"));
    assert_ne!(one, tag(id, RecordId::of([4; 16]), b"whCANARYtag"));
    assert_ne!(one, tag(EpochId { n: 2, ..id }, rid, b"whCANARYtag"));
}
