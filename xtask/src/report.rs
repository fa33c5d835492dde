//! One line an abuse case and way in: `id way verdict`, from the names of the tests that ran.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::run::{Outcome, output, root};
use crate::test;

/// The ways by which a case is tried; a test that names none of them is a unit test.
const WAYS: &[&str] = &["proxy", "call", "cli", "unit"];
/// The list of cases and ways that must be there.
const ROWS: &str = "testdata/report/rows.txt";

type Row = (String, String);

/// Runs the tests that are named after cases, and prints their verdicts.
///
/// # Errors
/// When a listed row has no test, a test of a row failed, or a row left the list.
pub(crate) fn report() -> Outcome {
    // A failed test shows in its row.
    drop(test::test(&[]));
    of_last_run()
}

/// The verdicts of the tests that [`test::test`] ran last.
///
/// # Errors
/// As [`report`].
pub(crate) fn of_last_run() -> Outcome {
    let ran = std::fs::read_to_string(test::log())
        .map_err(|error| format!("no tests have run yet: {error}"))?;
    let found = verdicts(&ran, &test::skipped()?);
    let listed = listed(&read(&root().join(ROWS))?)?;
    stays_listed(&listed)?;
    let mut rows: BTreeMap<Row, &str> = found
        .iter()
        .map(|(row, verdict)| (row.clone(), *verdict))
        .collect();
    for row in &listed {
        rows.entry(row.clone()).or_insert("MISSING");
    }
    let mut bad = 0;
    for ((id, way), verdict) in &rows {
        println!("{id} {way:<5} {verdict}");
        bad += usize::from(matches!(*verdict, "MISSING" | "FAILED"));
    }
    println!("{} rows, {bad} not passing", rows.len());
    if bad == 0 {
        Ok(())
    } else {
        Err(format!("{bad} of {} rows do not pass", rows.len()))
    }
}

fn read(path: &PathBuf) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The rows of the list: an id, then the ways on which it must be tried.
fn listed(text: &str) -> Outcome<BTreeSet<Row>> {
    let mut rows = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let id = words.next().unwrap_or_default();
        let before = rows.len();
        for way in words {
            if !WAYS.contains(&way) {
                return Err(format!("{ROWS}: `{way}` is no way in"));
            }
            rows.insert((id.to_owned(), way.to_owned()));
        }
        if rows.len() == before {
            return Err(format!("{ROWS}: {id} names no way, or names it twice"));
        }
    }
    Ok(rows)
}

/// A row that was committed once is still there.
fn stays_listed(now: &BTreeSet<Row>) -> Outcome {
    let shown = output(
        std::process::Command::new("git")
            .args(["show", &format!("HEAD:{ROWS}")])
            .stderr(std::process::Stdio::null())
            .current_dir(root()),
    );
    // Before the list is committed, and outside a repository, there is nothing to hold it to.
    let Ok(before) = shown else { return Ok(()) };
    match listed(&before)?.difference(now).next() {
        None => Ok(()),
        Some((id, way)) => Err(format!("{ROWS}: {id} {way} was listed and no longer is")),
    }
}

/// What the output of nextest or of libtest says of each row. One failed test of a row fails it.
fn verdicts(ran: &str, skipped: &BTreeMap<String, String>) -> BTreeMap<Row, &'static str> {
    let mut rows = BTreeMap::new();
    for (name, passed) in ran.lines().filter_map(result) {
        let verdict = if !passed {
            "FAILED"
        } else if skipped
            .keys()
            .any(|test| test.ends_with(&name.replace("::", ".")))
        {
            "skipped"
        } else {
            "passed"
        };
        for row in rows_of(name) {
            let worst = rows.entry(row).or_insert(verdict);
            if verdict == "FAILED" || *worst == "passed" {
                *worst = verdict;
            }
        }
    }
    rows
}

/// A test's name and whether it passed, from one line of either runner.
pub(crate) fn result(line: &str) -> Option<(&str, bool)> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test ") {
        let (name, verdict) = rest.split_once(" ... ")?;
        return Some((name, verdict.starts_with("ok")));
    }
    let (verdict, rest) = line.split_once(" [")?;
    let passed = match verdict {
        "PASS" => true,
        "FAIL" | "TIMEOUT" | "ABORT" | "SIGABRT" | "SIGSEGV" | "SIGKILL" => false,
        _ => return None,
    };
    Some((rest.split_whitespace().next_back()?, passed))
}

/// The cases and the way that a test's name begins with: `h01_proxy_…`, or `h01_h02_…` for two at once.
fn rows_of(name: &str) -> Vec<Row> {
    let mut words = name
        .rsplit("::")
        .next()
        .unwrap_or_default()
        .split('_')
        .peekable();
    let mut ids = Vec::new();
    while let Some(id) = words.next_if(|word| is_case(word)) {
        ids.push(id.to_uppercase());
    }
    let way = words
        .next()
        .filter(|word| WAYS.contains(word))
        .unwrap_or("unit");
    ids.into_iter().map(|id| (id, way.to_owned())).collect()
}

/// Whether a word is the id of a case, in small letters.
fn is_case(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 3
        && b"hpexsclmazk".contains(&bytes[0])
        && bytes[1..].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_from_either_runner() {
        let ran = "\
        PASS [   0.005s] (1/9) withheld::it hosts::h01_proxy_trailing_dot
        FAIL [   0.105s] (2/9) withheld::it hosts::h02_call_case
test gate::tests::p01_both_lengths ... ok
test gate::tests::p02_p03_unequal ... FAILED
        PASS [   0.005s] withheld-core name::tests::a_name
     Summary [   1.0s] 9 tests run";
        let skipped = BTreeMap::new();
        let found = verdicts(ran, &skipped);
        let row = |id: &str, way: &str| found.get(&(id.to_owned(), way.to_owned())).copied();
        assert_eq!(row("H01", "proxy"), Some("passed"));
        assert_eq!(row("H02", "call"), Some("FAILED"));
        assert_eq!(row("P01", "unit"), Some("passed"));
        assert_eq!(row("P02", "unit"), Some("FAILED"));
        assert_eq!(row("P03", "unit"), Some("FAILED"));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn one_failed_test_fails_its_row() {
        let failed_first = "test h01_proxy_a ... FAILED\ntest h01_proxy_b ... ok\n";
        let failed_last = "test h01_proxy_b ... ok\ntest h01_proxy_a ... FAILED\n";
        for ran in [failed_first, failed_last] {
            assert_eq!(
                verdicts(ran, &BTreeMap::new())
                    .into_values()
                    .collect::<Vec<_>>(),
                ["FAILED"]
            );
        }
        let skipped = BTreeMap::from([("it.x.h01_proxy_a".to_owned(), "no".to_owned())]);
        let ran = "test x::h01_proxy_a ... ok\n";
        assert_eq!(
            verdicts(ran, &skipped).into_values().collect::<Vec<_>>(),
            ["skipped"]
        );
    }

    #[test]
    fn a_list_names_known_ways() {
        assert_eq!(
            listed("# a\nH01 proxy call\n\nA01 unit\n").unwrap().len(),
            3
        );
        assert!(listed("H01 mcp").is_err());
        assert!(listed("H01").is_err());
    }
}
