//! A04: everything that somebody who holds the files can do to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use withheld_audit::{Act, Anchored, OwnerAct, Paper, verify_folder};
use withheld_core::{Code, Refusal};
use withheld_testkit::Temp;

use crate::common::{Hands, NOON_MS, Vault, delivered, open, permit, who};

const SEGMENTS: u64 = 3;

/// Three segments, closed properly.
struct House {
    temp: Temp,
    vault: Arc<Vault>,
}

impl House {
    fn new() -> Self {
        let house = Self {
            temp: Temp::new(),
            vault: Vault::new(true),
        };
        let hands = Hands::at(NOON_MS);
        for number in 1..=SEGMENTS {
            let log = open(&house.folder(), &house.vault, &hands).unwrap();
            let (receipt, closing) = log
                .intend(&who(), Paper::Permit(&permit(number)), &[7])
                .unwrap();
            receipt.spend();
            closing.close(delivered()).unwrap();
            log.owner(OwnerAct::of(Act::Lock)).unwrap();
            log.shutdown();
        }
        verify_folder(&house.folder(), Some(&house.vault.public()), None).unwrap();
        house
    }

    fn folder(&self) -> PathBuf {
        self.temp.path().join("audit")
    }

    fn anchor(&self) -> Anchored {
        Anchored::of(&self.folder()).unwrap().unwrap()
    }

    /// The lines of each segment.
    fn lines(&self) -> Vec<Vec<String>> {
        (1..=SEGMENTS)
            .map(|number| fs::read_to_string(file(&self.folder(), number)).unwrap())
            .map(|text| text.split_inclusive('\n').map(str::to_owned).collect())
            .collect()
    }

    /// A copy with other lines. What `verify` says of it.
    fn with(&self, lines: &[Vec<String>]) -> Result<(), Refusal> {
        let temp = Temp::new();
        for (number, lines) in (1..).zip(lines) {
            fs::write(file(temp.path(), number), lines.concat()).unwrap();
        }
        fs::copy(self.folder().join("anchor"), temp.path().join("anchor")).unwrap();
        verify_folder(temp.path(), Some(&self.vault.public()), None).map(|_| ())
    }
}

fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.jsonl"))
}

/// The code, and the record and the file that the message names.
#[track_caller]
fn names(said: Result<(), Refusal>, code: Code, seq: u64, segment: u64) {
    let refusal = said.unwrap_err();
    assert_eq!(refusal.code, code, "{refusal}");
    assert_eq!(refusal.code.exit(), 8);
    let named = format!("from record {seq} on, in `audit/{segment:08}.jsonl`: ");
    assert!(
        refusal.message.as_str().contains(&named),
        "{seq} {segment}: {refusal}"
    );
}

#[test]
fn a04_edited_deleted_repeated_reordered_and_inserted_records() {
    let house = House::new();
    let sound = house.lines();
    house.with(&sound).unwrap();
    let mut seq = 0;
    for segment in 0..sound.len() {
        let number = segment as u64 + 1;
        for at in 0..sound[segment].len() {
            seq += 1;
            let mut lines = sound.clone();
            lines[segment].remove(at);
            let last = seq == house.anchor().head.seq;
            let code = if last {
                Code::RollbackDetected
            } else {
                Code::LogBroken
            };
            // A gap between two files shows at the beginning of the second.
            let ends = at + 1 == sound[segment].len() && !last;
            names(house.with(&lines), code, seq, number + u64::from(ends));

            let mut lines = sound.clone();
            let copy = lines[segment][at].clone();
            lines[segment].insert(at, copy);
            names(house.with(&lines), Code::LogBroken, seq, number);

            if at + 1 < sound[segment].len() {
                let mut lines = sound.clone();
                lines[segment].swap(at, at + 1);
                names(house.with(&lines), Code::LogBroken, seq, number);
            }
            if sound[segment][at].contains("api.test") {
                let mut lines = sound.clone();
                lines[segment][at] = sound[segment][at].replace("api.test", "api.tesu");
                names(house.with(&lines), Code::LogBroken, seq, number);
            }
        }
    }
}

#[test]
fn a04_files_swapped_or_taken_away() {
    let house = House::new();
    let sound = house.lines();
    let first = sound[0].len() as u64;

    let mut lines = sound.clone();
    lines.swap(1, 2);
    names(house.with(&lines), Code::LogBroken, first + 1, 2);
    let mut lines = sound.clone();
    lines.swap(0, 1);
    names(house.with(&lines), Code::LogBroken, 1, 1);

    for gone in 1..=SEGMENTS {
        let temp = Temp::new();
        for name in (1..=SEGMENTS).filter(|number| *number != gone) {
            fs::copy(file(&house.folder(), name), file(temp.path(), name)).unwrap();
        }
        fs::copy(house.folder().join("anchor"), temp.path().join("anchor")).unwrap();
        let refusal = verify_folder(temp.path(), None, None).unwrap_err();
        assert_eq!(refusal.code, Code::LogBroken);
        assert!(
            refusal
                .message
                .as_str()
                .contains(&format!("`audit/{gone:08}.jsonl` is missing")),
            "{refusal}"
        );
        let started = open(temp.path(), &house.vault, &Hands::at(NOON_MS))
            .err()
            .unwrap();
        assert_eq!(started.code, Code::LogBroken);
    }
}

#[test]
fn a04_an_end_taken_away() {
    let house = House::new();
    let sound = house.lines();
    let seq = house.anchor().head.seq;
    let mut lines = sound.clone();
    for gone in 0..sound[2].len() as u64 {
        lines[2].pop();
        names(
            house.with(&lines),
            Code::RollbackDetected,
            seq - gone,
            SEGMENTS,
        );
    }
    // Half a record, that the anchor saw whole.
    let mut lines = sound.clone();
    let last = lines[2].last_mut().unwrap();
    last.truncate(20);
    names(house.with(&lines), Code::RollbackDetected, seq, SEGMENTS);
}

#[test]
fn a04_everything_deleted_is_seen_by_a_copy_of_the_anchor() {
    let house = House::new();
    let head = house.anchor().head;
    let empty = Temp::new();
    verify_folder(empty.path(), None, None).unwrap();
    let refusal = verify_folder(empty.path(), None, Some(head)).unwrap_err();
    assert_eq!(refusal.code, Code::RollbackDetected);

    // Begun anew, and longer than before.
    let hands = Hands::at(NOON_MS);
    let log = open(empty.path(), &house.vault, &hands).unwrap();
    for _ in 0..head.seq {
        log.owner(OwnerAct::of(Act::Lock)).unwrap();
    }
    log.shutdown();
    verify_folder(empty.path(), None, None).unwrap();
    let refusal = verify_folder(empty.path(), None, Some(head)).unwrap_err();
    assert_eq!(refusal.code, Code::LogBroken);
    let named = format!("from record {} on, in `audit/00000001.jsonl`", head.seq);
    assert!(refusal.message.as_str().contains(&named), "{refusal}");
}
