//! The attacks, each with its honest twin. The numbers are the design's.

use withheld_team::commit::{Changes, Entry};
use withheld_team::id::{Hash, RecordId};

use crate::common::Device;
use crate::format::{Case, Hex, Step, World, row};
use crate::pages::Draft;
use crate::story::{DEV, Story};
use crate::version::Version;

mod changes;
mod commits;
mod committed;
mod envelopes;
mod late;
mod numbers;
mod secrets;
mod states;

/// Every file of cases, and what is in it.
pub(crate) fn all(story: &Story) -> Vec<(&'static str, Vec<Case>)> {
    vec![
        (
            "commits",
            [
                commits::cases(story),
                changes::cases(story),
                numbers::commits(story),
            ]
            .concat(),
        ),
        (
            "states",
            [
                states::cases(story),
                late::cases(story),
                numbers::states(story),
            ]
            .concat(),
        ),
        (
            "secrets",
            [
                secrets::cases(story),
                committed::cases(story),
                numbers::secrets(story),
            ]
            .concat(),
        ),
        ("envelopes", envelopes::cases(story)),
    ]
}

pub(crate) fn world(story: &Story) -> World {
    World {
        ws: story.book.ws,
        env: DEV,
        links: story.book.links.iter().cloned().map(Hex).collect(),
        commits: story.now().commits.iter().cloned().map(Hex).collect(),
    }
}

const NOT_ONE_ENCODING: &str = "invalid: bytes that are not in the one encoding";
const BAD_SIGNATURE: &str = "invalid: a bad signature";
const OTHER_ENVIRONMENT: &str = "invalid: a commit of another environment";
const OTHER_ROOT: &str = "invalid: a state other than the one that was signed";
const NOT_ALL: &str = "invalid: a re-wrap of other secrets than the live ones";
const NO_RIGHT: &str = "invalid: a commit by somebody without the right to write";
const BEHIND_A_CUT: &str = "invalid: a commit after a removal that had not seen it";
const NOT_THE_CUT: &str = "invalid: a commit other than the one that a removal pinned";

/// A client that has verified so many links and commits.
#[derive(Clone, Copy)]
struct At(usize, usize);

const NOW: At = At(14, 6);

impl At {
    fn case(self, id: &str, name: &str, expected: &str, attack: Step, honest: &Step) -> Case {
        Case {
            id: id.to_owned(),
            name: name.to_owned(),
            links: self.0,
            commits: self.1,
            attack,
            expected: expected.to_owned(),
            honest: honest.clone(),
        }
    }
}

/// A commit that changes one secret.
fn change(
    story: &Story,
    At(_, commits): At,
    anchor: usize,
    epoch: u64,
    author: &Device,
    rid: RecordId,
) -> Draft {
    let version = story.next(commits, rid, author).under(epoch);
    let changes = Changes::Records(vec![version.entry()]);
    story.dev[commits].say(story.anchor(anchor), author, epoch, changes)
}

fn commit(draft: &Draft) -> Step {
    bytes(draft.seal())
}

fn bytes(commit: Vec<u8>) -> Step {
    Step::Commit {
        commit: Hex(commit),
    }
}

fn snapshot(commit: Vec<u8>, entries: &[Entry]) -> Step {
    Step::Snapshot {
        commit: Hex(commit),
        entries: entries.iter().map(row).collect(),
    }
}

/// All that is stored of a version.
fn show(commit: Option<&Draft>, rid: RecordId, version: &Version) -> Step {
    let value = version.slot.is_some();
    Step::Secret {
        commit: commit.map(|commit| Hex(commit.seal())),
        rid,
        record: Hex(version.seal()),
        meta: value.then(|| Hex(version.meta.clone())),
        value: value.then(|| Hex(version.value.clone())),
        slot: (version.slot.as_ref()).map(|slot| Hex(slot.to_bytes())),
    }
}

const SOMETHING: Hash = Hash::of([0x99; 32]);

/// The same bytes without the last, or with one bit of one byte changed.
fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.pop();
    bytes
}

fn flip(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 1;
    bytes
}
