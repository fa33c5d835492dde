//! A log of three segments, and everything that can be done to it by somebody who holds its files.
#![allow(clippy::unwrap_used, reason = "tests")]

use ed25519_dalek::{Signer as _, SigningKey};
use withheld_core::plain;

use super::*;
use crate::chain::Unwritable;
use crate::key::{LocalKey, SegmentKey};

plain! {
    struct Sample { at: Moment, kind: &'static str, status: u16 }
    struct OwnSeq { seq: u64, at: Moment, kind: &'static str }
    struct NoKind { at: Moment }
}

const RECORDS: u64 = 5;

/// The lines of each segment, with their newlines.
struct Log {
    segments: Vec<Vec<Vec<u8>>>,
    head: Head,
    audit_key: [u8; 32],
}

fn sample(ms: i64) -> Sample {
    Sample {
        at: Moment::from_ms(ms),
        kind: "request",
        status: 200,
    }
}

/// Three segments: key, five records, seal; the vault certifies the first two in the third.
fn log() -> Log {
    let audit = SigningKey::from_bytes(&[9; 32]);
    let mut head = Head::START;
    let mut segments = Vec::new();
    let mut keys = Vec::new();
    for number in 1..=3 {
        let key = LocalKey::generate().unwrap();
        let mut lines = vec![head.seal(Moment::from_ms(1000), number, &key).unwrap()];
        head = lines[0].head;
        for _ in 0..RECORDS {
            let line = head.record(&sample(1000)).unwrap();
            head = line.head;
            lines.push(line);
        }
        if number == 3 {
            for (number, public) in (1..).zip(&keys) {
                let word = audit.sign(&certificate_message(number, public)).to_bytes();
                let line = head
                    .certificate(Moment::from_ms(1000), number, public, &word)
                    .unwrap();
                head = line.head;
                lines.push(line);
            }
        }
        let seal = head.seal(Moment::from_ms(1000), number, &key).unwrap();
        head = seal.head;
        lines.push(seal);
        keys.push(key.public());
        segments.push(lines.into_iter().map(|line| line.bytes).collect());
    }
    Log {
        segments,
        head,
        audit_key: audit.verifying_key().to_bytes(),
    }
}

impl Log {
    fn verify(&self) -> Result<Report, Broken> {
        let mut verifier = Verifier::new(Some(&self.audit_key), Some(self.head))?;
        for lines in &self.segments {
            verifier.segment(&lines.concat())?;
        }
        verifier.finish()
    }

    /// Segment and place of every record, in the order of their numbers.
    fn places(&self) -> Vec<(usize, usize)> {
        (0..self.segments.len())
            .flat_map(|segment| (0..self.segments[segment].len()).map(move |at| (segment, at)))
            .collect()
    }
}

#[test]
fn a_sound_log() {
    let log = log();
    let report = log.verify().unwrap();
    assert_eq!(report.head, log.head);
    assert_eq!(report.sealed, log.head.seq);
    assert_eq!(report.torn_bytes, 0);
    assert_eq!(report.uncertified, [3]);
    assert_eq!(report.clock_back, None);
}

#[test]
fn the_written_form() {
    let line = Head::START.record(&sample(0)).unwrap();
    let zeros = "0".repeat(64);
    assert_eq!(
        String::from_utf8(line.bytes.clone()).unwrap(),
        format!(
            "{{\"seq\":1,\"at\":\"1970-01-01T00:00:00.000Z\",\"kind\":\"request\",\"status\":200,\"prev\":\"{zeros}\"}}\n"
        )
    );
    let second = line.head.record(&sample(0)).unwrap();
    let mut hash = Vec::new();
    hex::push(&mut hash, &line.head.hash);
    assert!(second.bytes.ends_with(&[&hash[..], b"\"}\n"].concat()));
}

#[test]
fn what_would_not_verify_is_not_written() {
    let at = Moment::from_ms(0);
    let seal = Sample {
        at,
        kind: SEAL,
        status: 0,
    };
    assert_eq!(Head::START.record(&seal), Err(Unwritable));
    assert_eq!(Head::START.record(&NoKind { at }), Err(Unwritable));
    assert_eq!(Head::START.record(&7_u64), Err(Unwritable));
    let own = OwnSeq {
        seq: 1,
        at,
        kind: "request",
    };
    assert_eq!(Head::START.record(&own), Err(Unwritable));
    let end = Head {
        seq: u64::MAX,
        hash: [0; 32],
    };
    assert_eq!(end.record(&sample(0)), Err(Unwritable));
}

#[test]
fn every_changed_byte_is_found_at_its_record() {
    let sound = log();
    for (seq, (segment, at)) in (1..).zip(sound.places()) {
        for byte in 0..sound.segments[segment][at].len() {
            let mut log = log_like(&sound);
            log.segments[segment][at][byte] ^= 1;
            let broken = log.verify().unwrap_err();
            // A change of `prev` reads as a change of the record that it names.
            assert!(
                (seq - 1..=seq).contains(&broken.seq) || broken.fault == Fault::OutOfOrder,
                "byte {byte} of {seq}: {broken:?}"
            );
            assert!(broken.seq <= seq, "byte {byte} of {seq}: {broken:?}");
        }
    }
}

#[test]
fn deleted_repeated_and_reordered_records() {
    let sound = log();
    let places = sound.places();
    for (seq, &(segment, at)) in (1_u64..).zip(&places) {
        let mut log = log_like(&sound);
        log.segments[segment].remove(at);
        assert_eq!(log.verify().unwrap_err().seq, seq, "deleted {seq}");

        let mut log = log_like(&sound);
        let copy = log.segments[segment][at].clone();
        log.segments[segment].insert(at, copy);
        assert_eq!(log.verify().unwrap_err().seq, seq, "repeated {seq}");

        if at + 1 < sound.segments[segment].len() {
            let mut log = log_like(&sound);
            log.segments[segment].swap(at, at + 1);
            assert_eq!(log.verify().unwrap_err().seq, seq, "reordered {seq}");
        }
    }
}

#[test]
fn an_inserted_record_with_the_right_hash() {
    let mut log = log();
    let head = Head::START.past(log.segments[0][0].strip_suffix(b"\n").unwrap());
    let forged = head.unwrap().record(&sample(1)).unwrap();
    log.segments[0].insert(1, forged.bytes);
    assert_eq!(log.verify().unwrap_err().seq, 2);
}

#[test]
fn swapped_missing_and_emptied_files() {
    let sound = log();
    let first = sound.segments[0].len() as u64;

    let mut log = log_like(&sound);
    log.segments.swap(1, 2);
    assert_eq!(log.verify().unwrap_err().seq, first + 1);

    let mut log = log_like(&sound);
    log.segments.remove(0);
    assert_eq!(log.verify().unwrap_err().seq, 1);

    let mut log = log_like(&sound);
    log.segments[1].clear();
    assert_eq!(log.verify().unwrap_err().seq, first + 1);
}

#[test]
fn a_shortened_log_is_an_alarm() {
    let sound = log();
    for keep in 0..sound.head.seq {
        let mut log = log_like(&sound);
        let mut left = usize::try_from(keep).unwrap();
        for lines in &mut log.segments {
            lines.truncate(left);
            left = left.saturating_sub(lines.len());
        }
        log.segments.retain(|lines| !lines.is_empty());
        let broken = log.verify().unwrap_err();
        assert_eq!(broken.seq, keep + 1);
        assert_eq!(broken.fault, Fault::RolledBack);
        assert_eq!(Refusal::from(broken).code, Code::RollbackDetected);
    }
}

#[test]
fn a_tail_after_the_last_seal_is_held_by_the_anchor() {
    let key = LocalKey::generate().unwrap();
    let opened = Head::START.seal(Moment::from_ms(0), 1, &key).unwrap();
    let honest = opened.head.record(&sample(0)).unwrap();
    let forged = opened.head.record(&sample(1)).unwrap();
    let file = [opened.bytes, forged.bytes].concat();
    let mut verifier = Verifier::new(None, Some(honest.head)).unwrap();
    let broken = verifier.segment(&file).unwrap_err();
    assert_eq!((broken.seq, broken.fault), (2, Fault::NotAnchored));
    // Without an anchor the report says how far the seals go.
    let mut verifier = Verifier::new(None, None).unwrap();
    verifier.segment(&file).unwrap();
    let report = verifier.finish().unwrap();
    assert_eq!((report.sealed, report.head.seq), (1, 2));
}

#[test]
fn a_chain_computed_anew_has_no_seal_and_no_certificate() {
    let sound = log();
    // The seal stays as it was, everything before it is computed anew.
    let opened = &sound.segments[0][0];
    let mut head = Head::START
        .past(opened.strip_suffix(b"\n").unwrap())
        .unwrap();
    let mut file = opened.clone();
    for _ in 0..RECORDS {
        let line = head.record(&sample(77)).unwrap();
        head = line.head;
        file.extend_from_slice(&line.bytes);
    }
    // Sealed with a key of the forger's own: not the one that the segment began with.
    let own = LocalKey::generate().unwrap();
    let seal = head.seal(Moment::from_ms(77), 1, &own).unwrap();
    let mut verifier = Verifier::new(None, None).unwrap();
    let broken = verifier.segment(&[file, seal.bytes].concat()).unwrap_err();
    assert_eq!((broken.seq, broken.fault), (RECORDS + 2, Fault::Seal));
}

#[test]
fn a_certificate_of_another_vault_is_refused() {
    let mut log = log();
    log.audit_key = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
    assert_eq!(log.verify().unwrap_err().fault, Fault::Certificate);
    let mut verifier = Verifier::new(None, None).unwrap();
    for lines in &log.segments {
        verifier.segment(&lines.concat()).unwrap();
    }
    assert_eq!(verifier.finish().unwrap().uncertified, [1, 2, 3]);
}

#[test]
fn a_record_cut_short_by_a_crash_is_told_at_every_cut() {
    let key = LocalKey::generate().unwrap();
    let opened = Head::START.seal(Moment::from_ms(0), 1, &key).unwrap();
    let line = opened.head.record(&sample(0)).unwrap();
    for cut in 0..line.bytes.len() {
        let file = [&opened.bytes[..], &line.bytes[..cut]].concat();
        let mut verifier = Verifier::new(None, Some(opened.head)).unwrap();
        verifier.segment(&file).unwrap();
        let report = verifier.finish().unwrap();
        assert_eq!((report.head, report.torn_bytes), (opened.head, cut));
        // Acknowledged to the anchor and yet not whole: no crash does that.
        let mut verifier = Verifier::new(None, Some(line.head)).unwrap();
        verifier.segment(&file).unwrap();
        assert_eq!(verifier.finish().unwrap_err().fault, Fault::RolledBack);
    }
}

#[test]
fn a_clock_set_back_is_told_and_is_no_fault() {
    let key = LocalKey::generate().unwrap();
    let opened = Head::START.seal(Moment::from_ms(5), 1, &key).unwrap();
    let line = opened.head.record(&sample(4)).unwrap();
    let mut verifier = Verifier::new(None, None).unwrap();
    verifier
        .segment(&[opened.bytes, line.bytes].concat())
        .unwrap();
    assert_eq!(verifier.finish().unwrap().clock_back, Some(2));
}

#[test]
fn a_segment_begins_with_its_key() {
    let line = Head::START.record(&sample(0)).unwrap();
    let mut verifier = Verifier::new(None, None).unwrap();
    let broken = verifier.segment(&line.bytes).unwrap_err();
    assert_eq!((broken.seq, broken.fault), (1, Fault::NoKey));
}

fn log_like(log: &Log) -> Log {
    Log {
        segments: log.segments.clone(),
        ..*log
    }
}
