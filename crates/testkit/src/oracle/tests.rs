use std::path::{Path, PathBuf};

use super::*;

/// The values that the vectors were made of, as their generator has them.
fn oracle() -> LeakOracle {
    let plain = Canary::new("whCANARYq7ZpX2vT9mKc4LwB8sDf1GhJ6nRt3YyUeAo5QiWx", 8);
    let nasty = Canary::new(
        "whCANARYab3Dz9Q+/\"\\'Kp2mX7v&<>%e8LsT4u ;=,é9cVbN6mQwE2rT5yU",
        8,
    );
    LeakOracle::new(&[&plain, &nasty])
}

fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/oracle");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "bin"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn every_encoding_of_real_encoders_is_seen_through() {
    let oracle = oracle();
    let missed: Vec<String> = vectors()
        .into_iter()
        .filter(|(name, bytes)| {
            !name.starts_with("clean-") && oracle.search(name, bytes).is_empty()
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn what_holds_no_canary_is_clean() {
    let oracle = oracle();
    let clean: Vec<(String, Vec<u8>)> = vectors()
        .into_iter()
        .filter(|(name, _)| name.starts_with("clean-"))
        .collect();
    assert_eq!(clean.len(), 9);
    for (name, bytes) in clean {
        assert_eq!(oracle.search(&name, &bytes), Vec::new(), "{name}");
    }
}

#[test]
fn a_canary_is_found_at_each_place_of_a_long_text() {
    let oracle = oracle();
    let canary = b"whCANARYq7ZpX2vT9mKc4LwB8sDf1GhJ6nRt3YyUeAo5QiWx";
    for before in 0..40 {
        let mut text = vec![b'.'; before];
        text.extend_from_slice(&canary[10..26]);
        let leaks = oracle.search("text", &text);
        assert_eq!(leaks.len(), 1, "{before}");
        assert_eq!(leaks[0].run, 16);
    }
}

#[test]
fn short_values_count_whole() {
    let oracle = LeakOracle::new(&[&Canary::new("s3cr3t-pw", 0)]);
    assert_eq!(oracle.search("text", b"is s3cr3t-pw").len(), 1);
    assert_eq!(oracle.search("text", b"is s3cr3t-p").len(), 0);
}
