//! `docs/attacks.md` says what the table says, and names vectors that are there.

use std::fs;
use std::path::{Path, PathBuf};

use withheld_testkit::serde_json::{self, Value};

use super::{Row, contact, environment, invitations, keys, membership};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cells of the page's rows that begin with a number.
fn page() -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.map(|row| row.trim_end_matches(" |").split(" | "));
    cells
        .map(|cells| cells.map(str::to_owned).collect::<Vec<_>>())
        .filter(|cells| cells[0].parse::<u32>().is_ok())
        .collect()
}

fn played() -> Vec<(&'static Row, &'static str)> {
    let parts = [
        (membership::ROWS, "membership"),
        (invitations::ROWS, "invitations"),
        (environment::ROWS, "environment"),
        (keys::ROWS, "keys"),
        (contact::ROWS, "first contact"),
    ];
    let mut rows: Vec<_> = parts
        .into_iter()
        .flat_map(|(rows, part)| rows.iter().map(move |row| (row, part)))
        .collect();
    rows.sort_by_key(|(row, _)| row.number);
    rows
}

#[test]
fn the_page_says_what_the_table_says() {
    let (page, played) = (page(), played());
    assert_eq!(page.len(), played.len());
    for (cells, (row, part)) in page.iter().zip(played) {
        let (exit, code) = row.verdict;
        let expected = [
            row.number.to_string(),
            row.name.to_owned(),
            format!("`{code}`, {exit}"),
        ];
        assert_eq!(cells[..3], expected);
        assert_eq!(cells[4], part, "{}", row.number);
    }
}

#[test]
fn the_vectors_that_the_page_names_are_there() {
    for cells in page() {
        let own = cells[3].split(", ").next().unwrap();
        let (_, id) = own.split_once(' ').unwrap();
        assert_eq!(id, cells[0], "the attack's own vector comes first");
        for vector in cells[3].split(", ") {
            let (file, id) = vector.split_once(' ').unwrap();
            assert!(ids(file).iter().any(|known| known == id), "{vector}");
        }
    }
}

/// The ids of the vectors in a file.
fn ids(file: &str) -> Vec<String> {
    let folders = [
        "crates/team/vectors/membership",
        "crates/team/vectors/environment",
        "crates/vault/testdata/team",
    ];
    let paths = folders.map(|folder| root().join(folder).join(format!("{file}.json")));
    let path = paths.iter().find(|path| path.exists());
    let path = path.unwrap_or_else(|| panic!("no file {file}"));
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    // A list, or lists by what they are about.
    let lists = match &all {
        Value::Object(lists) => lists.values().collect(),
        list => vec![list],
    };
    let vectors = lists.into_iter().filter_map(Value::as_array).flatten();
    vectors
        .filter_map(|vector| Some(vector["id"].as_str()?.to_owned()))
        .collect()
}
