//! Environment chains, records, slots and envelopes against a server, and people, that lie. The attacks
//! are files in `vectors/environment`: one test writes them again from fixed seeds and compares, others
//! read only the files.
#![allow(clippy::unwrap_used, reason = "tests")]

mod cases;
#[allow(unused_imports, reason = "the membership tests use the rest of it")]
#[path = "../common/mod.rs"]
mod common;
mod exposure;
mod format;
mod limits;
mod pages;
mod state;
mod story;
mod version;

use std::path::Path;

use format::{Case, Step, World, chain, history, judge, play, shown};
use withheld_team::commit::{Entry, EnvChain};
use withheld_team::envelope::Envelope;
use withheld_team::record::Record;

const FILES: [&str; 4] = ["commits", "states", "secrets", "envelopes"];

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors/environment")
        .join(name)
        .with_extension("json")
}

fn world() -> World {
    serde_json::from_slice(&std::fs::read(path("world")).unwrap()).unwrap()
}

fn cases(file: &str) -> Vec<Case> {
    serde_json::from_slice(&std::fs::read(path(file)).unwrap()).unwrap()
}

/// A change of a format that is meant is seen here: look at the new files, then copy them.
#[test]
fn the_files_are_what_the_seeds_make() {
    let story = story::Story::new();
    let mut files = vec![(
        "world",
        serde_json::to_string_pretty(&cases::world(&story)).unwrap(),
    )];
    let all = cases::all(&story);
    assert_eq!(all.iter().map(|(name, _)| *name).collect::<Vec<_>>(), FILES);
    files.extend(
        all.iter()
            .map(|(name, cases)| (*name, serde_json::to_string_pretty(cases).unwrap())),
    );
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("environment");
    std::fs::create_dir_all(&fresh).unwrap();
    let mut differ = Vec::new();
    for (name, text) in files {
        let text = text + "\n";
        if std::fs::read_to_string(path(name)).ok().as_deref() != Some(&text) {
            std::fs::write(fresh.join(name).with_extension("json"), text).unwrap();
            differ.push(name);
        }
    }
    assert!(
        differ.is_empty(),
        "{differ:?} differ; the new ones are in {}",
        fresh.display()
    );
}

#[test]
fn every_attack_is_refused_by_its_rule_and_its_twin_is_accepted() {
    let world = world();
    for file in FILES {
        for case in cases(file) {
            let name = format!("{file} {}: {}", case.id, case.name);
            assert_eq!(play(&world, &case, &case.attack), case.expected, "{name}");
            assert_eq!(
                play(&world, &case, &case.honest),
                "accepted",
                "the twin of {name}"
            );
        }
    }
}

#[test]
fn the_attacks_of_the_design_are_there() {
    let all: Vec<_> = FILES.iter().flat_map(|file| cases(file)).collect();
    for id in [
        "15", "22", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "37", "38", "47",
        "48", "82", "90", "91", "92", "93", "94", "95", "97", "98", "99", "102", "103", "104",
        "109", "110",
    ] {
        assert!(all.iter().any(|case| case.id == id), "{id}");
    }
}

/// Who began with a snapshot and who read everything judge every next commit alike.
#[test]
fn a_snapshot_is_as_good_as_the_history() {
    let world = world();
    let mut compared = 0;
    for case in cases("commits") {
        let w = chain(&world, case.links);
        let whole = history(&world, &w, case.commits);
        for begun in 1..=case.commits {
            let mut e = snapshot_at(&world, begun);
            for commit in &world.commits[begun..case.commits] {
                e.apply(&w, &commit.0).unwrap();
            }
            assert_eq!(e.head(), whole.head());
            assert!(e.entries().eq(whole.entries()));
            assert_eq!((e.epoch(), e.w_seq()), (whole.epoch(), whole.w_seq()));
            assert_eq!(e.holds_cuts(&w), whole.holds_cuts(&w));
            for step in [&case.attack, &case.honest] {
                let verdicts = [whole.clone(), e.clone()].map(|e| shown(judge(w.clone(), e, step)));
                assert_eq!(
                    verdicts[0], verdicts[1],
                    "{} {}, begun at {begun}",
                    case.id, case.name
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

fn snapshot_at(world: &World, commits: usize) -> EnvChain {
    let w = chain(world, world.links.len());
    let entries: Vec<Entry> = history(world, &w, commits).entries().copied().collect();
    EnvChain::from_snapshot(&w, &world.env, &world.commits[commits - 1].0, &entries).unwrap()
}

#[test]
fn no_bit_of_a_commit_can_be_changed() {
    let world = world();
    let w = chain(&world, world.links.len());
    for (at, commit) in world.commits.iter().enumerate() {
        let e = history(&world, &w, at);
        every_flip(&commit.0, |bytes| e.clone().apply(&w, bytes).is_err());
        assert!(e.clone().apply(&w, &commit.0).is_ok());
    }
}

#[test]
fn no_bit_of_a_record_or_an_envelope_can_be_changed() {
    let world = world();
    let secrets = cases("secrets");
    for case in secrets
        .iter()
        .filter(|case| ["27", "37b"].contains(&&*case.id))
    {
        let w = chain(&world, case.links);
        let e = history(&world, &w, case.commits);
        let Step::Secret { rid, record, .. } = &case.honest else {
            unreachable!("a secret");
        };
        let refused = |bytes: &[u8]| {
            let record = Record::read(bytes);
            record
                .and_then(|record| record.stands(&w, &e.env(), e.entry(rid).unwrap()))
                .is_err()
        };
        every_flip(&record.0, refused);
        assert!(!refused(&record.0));
    }
    let case = &cases("envelopes")[0];
    let w = chain(&world, case.links);
    let Step::Envelope { envelope } = &case.honest else {
        unreachable!("an envelope");
    };
    every_flip(&envelope.0, |bytes| Envelope::read(bytes, &w).is_err());
}

fn every_flip(bytes: &[u8], refused: impl Fn(&[u8]) -> bool) {
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(refused(&changed), "bit {bit}");
    }
}

#[test]
fn a_refused_commit_changes_nothing() {
    let world = world();
    for case in cases("commits") {
        let w = chain(&world, case.links);
        let before = history(&world, &w, case.commits);
        let mut after = before.clone();
        let Step::Commit { commit } = &case.attack else {
            unreachable!("a commit");
        };
        assert!(after.apply(&w, &commit.0).is_err());
        assert_eq!(after, before, "{}", case.name);
    }
}
