//! Attacks on the keys of an environment.

use withheld_testkit::rogue::{Device, EpochKey, Item, Shown, envelope, envelope_of, signed};

use super::stage::{Stage, WRITE};
use super::{Lie, Row};

pub(super) const ROWS: &[Row] = rows! {
     39 "an envelope is written over"     UNVERIFIED Liar  overwritten;
     40 "an insider seals another key"    UNVERIFIED Blind wrong_key;
     41 "an old envelope again"           UNVERIFIED Liar  old_envelope;
     42 "an envelope is withheld"         UNVERIFIED Liar  withheld;
     89 "a wrong key of the epoch before" UNVERIFIED Blind wrong_previous;
};

/// A new epoch with an honest key for everybody; the member is shown these envelopes instead of its own.
fn rotated(
    stage: &Stage,
    envelopes: impl FnOnce(&Shown, &EpochKey, &EpochKey) -> Vec<Vec<u8>>,
) -> Lie {
    let (shown, key) = stage.now();
    let next = key.next();
    stage.rotates(&shown, &key, &next, 0).is(200);
    let mut shown = stage.boss.shown();
    shown.envelopes = Some(envelopes(&shown, &key, &next));
    Lie::of(shown, None)
}

/// By a stranger, and by the server in the rogue's name.
fn overwritten(stage: &mut Stage) -> Lie {
    rotated(stage, |shown, _, next| {
        let [_, member] = stage.built(shown);
        let stranger = Device::fresh();
        let body = envelope_of(next, &member, stage.boss.device.id);
        vec![
            envelope(next, &member, &stranger),
            signed("envelope", &body, &stranger.ops()),
        ]
    })
}

/// Sealed and signed as it should be, by one of several who have the key: the server keeps it beside the
/// good one, and shows it alone.
fn wrong_key(stage: &mut Stage) -> Lie {
    let insider = stage.hires(WRITE);
    let mut reply = None;
    let lie = rotated(stage, |shown, _, next| {
        let [_, member] = stage.built(shown);
        let wrong = vec![envelope(&next.forged(), &member, &insider.device)];
        reply = Some(insider.sends_envelopes(&wrong));
        wrong
    });
    Lie { reply, ..lie }
}

/// As it was, and signed anew as that of the new epoch.
fn old_envelope(stage: &mut Stage) -> Lie {
    rotated(stage, |shown, key, next| {
        let [_, member] = stage.built(shown);
        let old = envelope_of(key, &member, stage.boss.device.id);
        let renamed: Item = old.clone().with(3, next.n);
        let sign = |body: &Item| signed("envelope", body, &stage.boss.device.ops());
        vec![sign(&old), sign(&renamed)]
    })
}

fn withheld(stage: &mut Stage) -> Lie {
    rotated(stage, |_, _, _| Vec::new())
}

/// Two epochs: everything is under the first, and the member is given the key of the second, which is to
/// open the first and does not.
fn wrong_previous(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let first = key.next();
    stage.rotates(&shown, &key, &first, 0).is(200);
    let mut shown = stage.boss.shown();
    let second = first.next();
    let says = stage.epoch(&shown, &first.forged(), &second);
    shown.links.push(stage.begins(&shown, says));
    let envelopes = stage.envelopes(&shown, &second);
    let links = &shown.links[shown.links.len() - 1..];
    let reply = stage.boss.sends(links, &envelopes, &[]);
    let [_, member] = stage.built(&shown);
    let mut shown = stage.boss.shown();
    shown.envelopes = Some(vec![envelope(&second, &member, &stage.boss.device)]);
    Lie::of(shown, Some(reply))
}
