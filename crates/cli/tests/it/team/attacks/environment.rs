//! Attacks on what an environment holds.

use withheld_testkit::encode::{base64url, hex};
use withheld_testkit::items;
use withheld_testkit::rogue::{
    DIRECTORY, Device, Entry, EpochKey, Hand, Id, Item, Shown, Version, derive, random, root,
    signed,
};
use withheld_testkit::serde_json::{Value, json};

use super::stage::{READ, Stage, WRITE};
use super::{Lie, Row};
use crate::team::script::flip;

pub(super) const ROWS: &[Row] = rows! {
     22 "the last commit is taken back"               ROLLBACK Liar                rolled_back;
     26 "one bit of a value"                          INVALID  Liar                bit_flip;
     27 "two secrets are exchanged"                   INVALID  Refuses("invalid")  swapped;
     28 "an old version as the new one"               INVALID  Refuses("invalid")  old_as_new;
     29 "a record from another environment"           INVALID  Refuses("invalid")  elsewhere;
     30 "a commit is left out"                        INVALID  Refuses("conflict") omitted;
     31 "a commit in the founder's name"              INVALID  Refuses("invalid")  forged_commit;
     32 "a reader writes"                             INVALID  Refuses("invalid")  reader_writes;
     33 "a removed writer says that it wrote before"  INVALID  Refuses("conflict") removed_writer;
     34 "a new value under the key that a leaver has" INVALID  Refuses("conflict") stale_key;
     37 "a secret is gone from the state unsaid"      INVALID  Refuses("invalid")  hidden_deletion;
     38 "a version is skipped"                        INVALID  Refuses("invalid")  version_skip;
     43 "a slot with another secret's keys"           INVALID  Blind               swapped_slot;
     44 "a slot with its two keys exchanged"          INVALID  Blind               confused_slot;
     45 "a second key that opens the value"           INVALID  Blind               second_key;
    109 "a commit with a stranger's signature"        INVALID  Refuses("invalid")  commit_signature;
    110 "a record in the founder's name"              INVALID  Refuses("invalid")  record_signature;
};

/// The state as it was one commit ago.
fn rolled_back(stage: &mut Stage) -> Lie {
    let mut shown = stage.boss.shown();
    shown.commits.get_mut(&stage.dev).unwrap().pop();
    Lie::of(shown, None)
}

/// The author wrote a good one.
fn bit_flip(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let version = stage.evil(&shown, &key);
    stage
        .stores(&shown, &key, std::slice::from_ref(&version))
        .is(200);
    let mut shown = stage.boss.shown();
    let mut parts = version.parts();
    flip(&mut parts["value"], 50);
    shown.show(stage.dev, (version.rid, version.ver), parts);
    Lie::of(shown, None)
}

/// A commit that says this, by the rogue; what it names is shown with it, and sent with it.
fn says(stage: &Stage, shown: Shown, key: &EpochKey, of: &[(Id, Entry, Value)]) -> Lie {
    let entries: Vec<_> = of.iter().map(|(rid, entry, _)| (*rid, *entry)).collect();
    let author = stage.boss.device.id;
    let changes = Entry::changes(&entries);
    let body = shown.next_commit(stage.dev, author, key.n, changes);
    commits(stage, shown, &body, &stage.boss.device.ops(), of)
}

fn commits(
    stage: &Stage,
    shown: Shown,
    body: &Item,
    hand: &Hand,
    of: &[(Id, Entry, Value)],
) -> Lie {
    let (mut shown, commit) = (shown, signed("commit", body, hand));
    let mut of = of.to_vec();
    of.sort_by_key(|(rid, _, _)| *rid);
    let part = |record: &Value, part: &str| record[part].clone();
    let records: Vec<_> = of
        .iter()
        .map(|(_, _, parts)| {
            json!({
                "record": part(parts, "record"),
                "meta": part(parts, "meta"),
                "value": part(parts, "value"),
            })
        })
        .collect();
    let slots: Vec<_> = of.iter().map(|(_, _, parts)| part(parts, "slot")).collect();
    let stored = json!({
        "env": hex(&stage.dev), "commit": base64url(&commit), "records": records, "slots": slots
    });
    let reply = stage.boss.sends_commit(stage.dev, &stored);
    shown.commit(stage.dev, commit);
    for (rid, entry, parts) in of {
        shown.show(stage.dev, (rid, entry.ver), parts);
    }
    Lie::of(shown, Some(reply))
}

fn row(version: &Version) -> (Id, Entry, Value) {
    (version.rid, version.entry(), version.parts())
}

fn swapped(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let evil = stage.evil_bytes();
    let [one, two] = ["KEY", "OTHER_KEY"].map(|name| stage.version(&shown, &key, name, evil));
    let in_place_of = |there: &Version, it: &Version| {
        let entry = Entry {
            ver: there.ver,
            ..it.entry()
        };
        (there.rid, entry, it.parts())
    };
    let of = [in_place_of(&one, &two), in_place_of(&two, &one)];
    says(stage, shown, &key, &of)
}

fn old_as_new(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let known = stage.key_now(&shown, &key);
    let parts = stage.boss.parts(stage.dev, known.rid, known.entry.ver);
    let entry = Entry {
        ver: known.entry.ver + 1,
        ..known.entry
    };
    says(stage, shown, &key, &[(known.rid, entry, parts)])
}

/// A record of the directory, which everybody may read.
fn elsewhere(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let known = stage.key_now(&shown, &key);
    let state = shown.state(DIRECTORY);
    let (rid, there) = state.iter().find(|(_, it)| it.slot.is_some()).unwrap();
    let parts = stage.boss.parts(DIRECTORY, *rid, there.ver);
    let entry = Entry {
        ver: known.entry.ver + 1,
        ..*there
    };
    says(stage, shown, &key, &[(known.rid, entry, parts)])
}

fn omitted(stage: &mut Stage) -> Lie {
    let (honest, key) = stage.now();
    let mut shown = honest.clone();
    stage.evil_commit(&mut shown, &key);
    let other = stage.version(&honest, &key, "OTHER_KEY", stage.evil_bytes());
    let mut lie = says(stage, shown, &key, &[row(&other)]);
    let commits = lie
        .shown
        .as_mut()
        .unwrap()
        .commits
        .get_mut(&stage.dev)
        .unwrap();
    commits.remove(commits.len() - 2);
    lie
}

/// A commit of the evil version, with this about its body changed, signed by this hand.
fn evil(stage: &Stage, hand: &Hand, change: impl FnOnce(&Shown, Item) -> Item) -> Lie {
    let (shown, key) = stage.now();
    let version = stage.evil(&shown, &key);
    let changes = Entry::changes(&[(version.rid, version.entry())]);
    let body = shown.next_commit(stage.dev, stage.boss.device.id, key.n, changes);
    let body = change(&shown, body);
    commits(stage, shown, &body, hand, &[row(&version)])
}

fn forged_commit(stage: &mut Stage) -> Lie {
    let hand = stage.boss.device.ops();
    evil(stage, &hand, |shown, body| {
        body.with(9, stage.built(shown)[0].device)
    })
}

fn reader_writes(stage: &mut Stage) -> Lie {
    let reader = stage.hires(READ).device;
    evil(stage, &reader.ops(), |_, body| body.with(9, reader.id))
}

/// The member is shown the removal, and a commit on top of what the remover had seen.
fn removed_writer(stage: &mut Stage) -> Lie {
    let gone = stage.hires(WRITE);
    let (old, key) = stage.now();
    let version = stage.version_by(&gone.device.ops(), &old, &key, "KEY", stage.evil_bytes());
    let before = stage.fires(&gone);
    let changes = Entry::changes(&[(version.rid, version.entry())]);
    let body = before.next_commit(stage.dev, gone.device.id, key.n, changes);
    let shown = at_the_removal(stage, before);
    commits(stage, shown, &body, &gone.device.ops(), &[row(&version)])
}

/// What the server had before a removal, and the link that removes.
fn at_the_removal(stage: &Stage, mut before: Shown) -> Shown {
    let removal = stage.boss.shown().links[before.links.len()].clone();
    before.links.push(removal);
    before
}

/// The writer has seen the removal, and does not wait for the new key.
fn stale_key(stage: &mut Stage) -> Lie {
    let gone = stage.hires(WRITE);
    let (old, key) = stage.now();
    let version = stage.evil(&old, &key);
    let before = stage.fires(&gone);
    let shown = at_the_removal(stage, before);
    says(stage, shown, &key, &[row(&version)])
}

fn hidden_deletion(stage: &mut Stage) -> Lie {
    let key = stage.now().1;
    let hand = stage.boss.device.ops();
    evil(stage, &hand, |shown, body| {
        let other = stage.boss.secrets(shown, &key)["OTHER_KEY"].rid;
        let mut after = shown.clone();
        after.commit(stage.dev, items![body.encode(), [0; 64]].encode());
        let mut state = after.state(stage.dev);
        state.remove(&other).unwrap();
        body.with(11, root(&state))
    })
}

fn version_skip(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let known = stage.key_now(&shown, &key);
    let before = Entry {
        ver: known.entry.ver + 1,
        ..known.entry
    };
    let names = ("KEY", known.bindings.as_ref());
    let hand = stage.boss.device.ops();
    let version = Version::new(
        &key,
        known.rid,
        Some(before),
        &hand,
        names,
        stage.evil_bytes(),
    );
    says(stage, shown, &key, &[row(&version)])
}

/// Stores an evil version of `KEY` that was changed like this, with a good one of `OTHER_KEY` beside it.
fn stored(stage: &mut Stage, change: impl FnOnce(&EpochKey, Version, [u8; 32]) -> Version) -> Lie {
    let (shown, key) = stage.now();
    let others = stage.boss.secrets(&shown, &key)["OTHER_KEY"].deks[1];
    let bad = change(&key, stage.evil(&shown, &key), others);
    let value = stage.liar.two.value();
    let good = stage.version(&shown, &key, "OTHER_KEY", value.bytes());
    let beside = Some(good.ver);
    let reply = stage.stores(&shown, &key, &[bad, good]);
    Lie {
        beside,
        ..Lie::stored(reply)
    }
}

fn swapped_slot(stage: &mut Stage) -> Lie {
    stored(stage, |key, mut version, others| {
        let wrap = key.wrap("value", (version.rid, version.ver), &others);
        version.slot = version.slot.with(6, wrap);
        version
    })
}

fn confused_slot(stage: &mut Stage) -> Lie {
    stored(stage, |_, mut version, _| {
        let [meta, value] = [5, 6].map(|at| version.slot.at(at).clone());
        version.slot = version.slot.with(5, value).with(6, meta);
        version
    })
}

/// The value opens with the key in the slot, and its author committed to another.
fn second_key(stage: &mut Stage) -> Lie {
    stored(stage, |_, mut version, _| {
        let other = derive(&random::<32>(), "dek/commit", b"");
        let sealed = version.body.at(1).clone().with(1, other);
        version.body = version.body.with(1, sealed);
        version
    })
}

fn commit_signature(stage: &mut Stage) -> Lie {
    evil(stage, &Device::fresh().ops(), |_, body| body)
}

fn record_signature(stage: &mut Stage) -> Lie {
    let (shown, key) = stage.now();
    let founder = stage.built(&shown)[0].device;
    let hand = stage.boss.device.ops().in_the_name_of(founder);
    let version = stage.version_by(&hand, &shown, &key, "KEY", stage.evil_bytes());
    says(stage, shown, &key, &[row(&version)])
}
