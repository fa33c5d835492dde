#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_core::Code;
use withheld_team::cbor;
use withheld_team::links::Right;

use super::*;
use crate::team::test_team::{Person, Team, key};

/// Alice founds, Bob and Mallory may read; epoch 1 is Alice's.
struct Case {
    alice: Person,
    bob: Person,
    mallory: Person,
    team: Team,
    first: EpochKey,
}

impl Case {
    fn new() -> Self {
        let [alice, bob, mallory] = [1, 2, 3].map(Person::new);
        let mut team = Team::found(&alice);
        team.join(&alice, &bob, Right::Read);
        team.join(&alice, &mallory, Right::Read);
        let first = EpochKey::random(team.epoch_id(1)).unwrap();
        team.begin_epoch(&alice, &first, None);
        Self {
            alice,
            bob,
            mallory,
            team,
            first,
        }
    }

    fn sealed(&self, key: &EpochKey, to: &Person, by: &Person) -> Vec<u8> {
        seal(key, &to.public, by.device, &by.seed).unwrap()
    }

    /// What Bob gets of epoch `n`.
    fn bob_opens(&self, shown: &[&[u8]], n: u64) -> Result<EpochKey, Refusal> {
        let id = self.team.epoch_id(n);
        find(shown.iter().copied(), id, &self.bob.seed, &self.team.chain)
    }
}

fn same(one: &EpochKey, other: &EpochKey) -> bool {
    one.root()
        .look(|one| other.root().look(|other| one == other))
}

fn refused(result: Result<EpochKey, Refusal>) -> (Code, String) {
    let refusal = result.err().unwrap();
    (refusal.code, refusal.message.as_str().to_owned())
}

fn invalid(rule: &str) -> (Code, String) {
    let message = format!("the server shows something that does not verify: {rule}");
    (Code::SignatureInvalid, message)
}

/// Another body, signed by somebody who may.
fn resigned(bytes: &[u8], by: &Person, change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
    let signed: Signed = cbor::decode(bytes).unwrap();
    let mut envelope: Envelope = cbor::decode(&signed.body).unwrap();
    change(&mut envelope);
    envelope.by = by.device;
    let body = envelope.to_bytes();
    let signature = by.seed.sign(Label::SIG_ENVELOPE, &body).unwrap();
    Signed { body, signature }.to_bytes()
}

#[test]
fn an_envelope_brings_the_key_of_the_epoch_whoever_sealed_it() {
    let case = Case::new();
    for by in [&case.alice, &case.mallory] {
        let shown = case.sealed(&case.first, &case.bob, by);
        assert!(same(&case.bob_opens(&[&shown], 1).unwrap(), &case.first));
        // 1262 bytes of body, 64 of signature, 6 that say how long they are.
        assert_eq!(shown.len(), 1332);
    }
}

/// Attack 39: Alice's own envelope, of a key that lost the race for the epoch, in place of the right one.
#[test]
fn an_overwritten_envelope_opens_to_nothing_that_the_chain_knows() {
    let case = Case::new();
    let lost = EpochKey::random(case.team.epoch_id(1)).unwrap();
    let shown = case.sealed(&lost, &case.bob, &case.alice);
    assert_eq!(
        refused(case.bob_opens(&[&shown], 1)),
        invalid("a key that is not the one of its epoch")
    );
}

/// Attack 40.
#[test]
fn an_insider_who_wraps_a_wrong_key_is_not_believed_and_stands_in_nobodys_way() {
    let case = Case::new();
    let wrong = EpochKey::of(case.team.epoch_id(1), key([9; 32])).unwrap();
    let bad = case.sealed(&wrong, &case.bob, &case.mallory);
    assert_eq!(
        refused(case.bob_opens(&[&bad], 1)),
        invalid("a key that is not the one of its epoch")
    );
    let good = case.sealed(&case.first, &case.bob, &case.alice);
    for shown in [[&bad[..], &good], [&good, &bad], [&[0xff; 9], &good]] {
        assert!(same(&case.bob_opens(&shown, 1).unwrap(), &case.first));
    }
}

/// Attack 41.
#[test]
fn an_old_envelope_is_not_one_of_the_new_epoch() {
    let mut case = Case::new();
    let old = case.sealed(&case.first, &case.bob, &case.alice);
    let second = EpochKey::random(case.team.epoch_id(2)).unwrap();
    case.team.begin_epoch(&case.alice, &second, None);
    assert_eq!(refused(case.bob_opens(&[&old], 2)).0, Code::Unverified);
    // An insider signs it again as one of the new epoch.
    let relabelled = resigned(&old, &case.mallory, |envelope| envelope.epoch = 2);
    assert_eq!(
        refused(case.bob_opens(&[&relabelled], 2)),
        invalid("an envelope that does not open")
    );
    // The first key, sealed as the second.
    let again = EpochKey::of(case.team.epoch_id(2), {
        let mut copy = [0; 32];
        case.first.root().look(|root| copy = *root);
        key(copy)
    });
    let sealed = case.sealed(&again.unwrap(), &case.bob, &case.mallory);
    assert_eq!(
        refused(case.bob_opens(&[&sealed], 2)),
        invalid("a key that is not the one of its epoch")
    );
}

/// Attack 42.
#[test]
fn a_withheld_envelope_is_unverified_and_not_an_alarm() {
    let case = Case::new();
    let (code, message) = refused(case.bob_opens(&[], 1));
    assert_eq!((code, code.exit()), (Code::Unverified, 6));
    assert_eq!(
        message,
        "what the server shows is not complete: an envelope with the key of this environment"
    );
}

#[test]
fn an_envelope_is_for_one_device() {
    let case = Case::new();
    let to_mallory = case.sealed(&case.first, &case.mallory, &case.alice);
    assert_eq!(
        refused(case.bob_opens(&[&to_mallory], 1)),
        invalid("an envelope to another device")
    );
    let readdressed = resigned(&to_mallory, &case.mallory, |envelope| {
        envelope.device = case.bob.device;
    });
    assert_eq!(
        refused(case.bob_opens(&[&readdressed], 1)),
        invalid("an envelope that does not open")
    );
}

/// Who joins with such a key locks out nobody but itself, and the caller goes on without it.
#[test]
fn nothing_is_sealed_to_a_key_that_is_none() {
    let case = Case::new();
    let mut device = case.bob.public.clone();
    device.kem = KemKey::of([0xff; 1216]);
    let refusal = seal(&case.first, &device, case.alice.device, &case.alice.seed);
    assert_eq!(refusal.err().unwrap().code, Code::SignatureInvalid);
}
