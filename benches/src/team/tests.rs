//! The arithmetic and the yardsticks; what needs the built program is the run itself.

use std::time::Duration;

use super::crypto::Crypto;
use super::exchange::{has_all, version_of_first};
use super::figures::{Act, Figures, Measure, Side, Size};
use super::report::{TARGETS, thousands};
use super::{Plan, disk};
use crate::figures::quantile;
use crate::lab::Folder;
use crate::targets::Verdict;

#[test]
fn what_was_sealed_opens_and_a_changed_byte_does_not() {
    let crypto = Crypto::new().unwrap();
    let (records, sealing) = crypto.seal(3).unwrap();
    assert_eq!(records.len(), 3);
    assert!(sealing > Duration::ZERO);
    crypto.open(&records).unwrap();
    let other = Crypto::new().unwrap();
    assert!(other.open(&records).is_err(), "by other keys");
    crypto.rekey(2, 3).unwrap();
}

#[test]
fn the_files_are_gone_afterwards() {
    let folder = Folder::new().unwrap();
    let files = folder.path().join("files");
    disk::durable_files(&files, 3).unwrap();
    assert!(!files.exists());
    assert!(disk::durable_files(&files.join("no/folder"), 1).is_err());
}

#[test]
fn a_plan_has_room_for_everybody() {
    let whole = Plan::of(false);
    assert_eq!((whole.members, whole.secrets()), (100, 10_000));
    for plan in [whole, Plan::of(true)] {
        assert!(plan.crowd() >= plan.leavers, "{plan:?}");
        // A commit has so many changes at most.
        assert!(plan.batch <= 1000, "{plan:?}");
    }
}

#[test]
fn quantiles_are_of_the_sorted() {
    assert_eq!(quantile(&[], 0.95), None);
    assert_eq!(quantile(&[2.0], 0.95), Some(2.0));
    let values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
    assert_eq!(quantile(&values, 0.95), Some(95.0));
}

#[test]
fn only_the_whole_run_judges_what_is_about_its_size() {
    let target = |what: &str| TARGETS.iter().find(|one| one.what == what).unwrap();
    let figures = |quick| {
        let mut figures = Figures::of(Plan::of(quick));
        figures.take(Measure::Of(Act::Pull, Side::Wait), 999.0);
        figures.take(Measure::Status(Size::One), 151.0);
        figures
    };
    let (quick, whole) = (figures(true), figures(false));
    let pull = target("pull 1,000, values in files");
    assert_eq!(pull.verdict(&quick), Verdict::NotMeasured);
    assert_eq!(pull.verdict(&whole), Verdict::Met(999.0));
    let status = target("status, one secret, p95");
    assert_eq!(status.verdict(&quick), Verdict::NotMet(151.0));
}

#[test]
fn what_the_program_says_is_read() {
    let line = r#"{"schema":"withheld.status/1","data":{"secrets":[
        {"name":"OTHER","remote_version":9},{"name":"BENCH_FIRST","remote_version":3}]}}"#;
    assert_eq!(version_of_first(line), Some(3));
    assert_eq!(version_of_first("{}"), None);
    assert_eq!(version_of_first("no document"), None);
    let list = serde_json::json!([1, 2]);
    assert!(has_all(&list, 2).is_ok());
    assert!(has_all(&list, 3).is_err());
    assert!(has_all(&serde_json::Value::Null, 0).is_err());
}

#[test]
fn numbers_are_read_at_a_glance() {
    for (number, text) in [
        (0, "0"),
        (200, "200"),
        (1000, "1,000"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(thousands(number), text);
    }
}
