//! The local copy on the disk: changed, taken away, put back.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::*;

/// Every file of the folder.
fn folder(person: &Person) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(person.home.team()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect()
}

fn put_back(person: &Person, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for path in folder(person).keys() {
        fs::remove_file(path).unwrap();
    }
    for (path, bytes) in files {
        person.home.write(path, bytes).unwrap();
    }
}

/// What errors call the files, told while the team is open.
fn called(person: &Person) -> BTreeMap<PathBuf, String> {
    let of = |file: &str| person.home.team().join(file);
    let env = |env: EnvId| of(&format!("env-{env}"));
    BTreeMap::from([
        (of("workspace"), "file of the workspace is".to_owned()),
        (env(EnvId::DIRECTORY), "file of the directory is".to_owned()),
        (
            env(person.env("dev")),
            "file of `default/dev` is".to_owned(),
        ),
        (
            env(person.env("billing/prod")),
            "file of `billing/prod` is".to_owned(),
        ),
    ])
}

fn refusal(person: &mut Person) -> Refusal {
    person.restart().unwrap_err()
}

/// The files that are not only about when the server last spoke.
fn kept(person: &Person) -> Vec<PathBuf> {
    let files = folder(person).into_keys();
    let kept: Vec<_> = files.filter(|path| !path.ends_with("seen")).collect();
    assert_eq!(
        kept.len(),
        4,
        "the workspace, its directory and two environments"
    );
    kept
}

#[test]
fn a_changed_byte_is_refused_and_the_file_is_named() {
    let (mut anna, _bob) = two();
    let called = called(&anna);
    for path in kept(&anna) {
        let good = fs::read(&path).unwrap();
        for at in (0..good.len())
            .step_by(good.len() / 12)
            .chain([good.len() - 1])
        {
            let mut bad = good.clone();
            bad[at] ^= 1;
            anna.home.write(&path, &bad).unwrap();
            let refusal = refusal(&mut anna);
            assert_eq!(refusal.code, Code::StoreCorrupt);
            assert!(
                refusal.message.as_str().contains(&called[&path]),
                "{refusal}"
            );
        }
        for bad in [&good[..good.len() - 1], b"", b"\x80"] {
            anna.home.write(&path, bad).unwrap();
            assert_eq!(refusal(&mut anna).code, Code::StoreCorrupt);
        }
        anna.home.write(&path, &good).unwrap();
    }
    anna.restart().unwrap();
}

#[test]
fn a_file_of_another_environment_is_refused() {
    let (mut anna, _bob) = two();
    let files = kept(&anna);
    let envs: Vec<_> = files
        .iter()
        .filter(|path| !path.ends_with("workspace"))
        .collect();
    let (one, other) = (fs::read(envs[0]).unwrap(), fs::read(envs[1]).unwrap());
    anna.home.write(envs[0], &other).unwrap();
    anna.home.write(envs[1], &one).unwrap();
    assert_eq!(refusal(&mut anna).code, Code::StoreCorrupt);
}

#[test]
fn a_file_that_is_gone_is_missed() {
    let (mut anna, _bob) = two();
    let called = called(&anna);
    for path in kept(&anna) {
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let refusal = refusal(&mut anna);
        assert_eq!(refusal.code, Code::RollbackDetected);
        assert!(
            refusal.message.as_str().contains(&called[&path]),
            "{refusal}"
        );
        anna.home.write(&path, &good).unwrap();
    }
    put_back(&anna, &BTreeMap::new());
    assert_eq!(
        refusal(&mut anna).code,
        Code::RollbackDetected,
        "the whole folder"
    );
}

#[test]
fn an_older_file_is_refused() {
    let (mut anna, mut bob) = two();
    let (dev, prod) = (anna.env("dev"), anna.env("billing/prod"));
    let called = called(&anna);
    let older = folder(&anna);
    anna.put(&dev, 7, "STRIPE_KEY", b"whCANARYone");
    anna.put(&prod, 7, "STRIPE_KEY", b"whCANARYone");
    bob.sync(hour(4)).unwrap();
    let newer = folder(&anna);
    for (path, bytes) in &older {
        if path.ends_with("seen") || newer[path] == *bytes {
            continue;
        }
        anna.home.write(path, bytes).unwrap();
        let refusal = refusal(&mut anna);
        assert_eq!(refusal.code, Code::RollbackDetected);
        assert!(
            refusal.message.as_str().contains(&called[path]),
            "{refusal}"
        );
        anna.home.write(path, &newer[path]).unwrap();
    }
    anna.restart().unwrap();
    put_back(&anna, &older);
    assert_eq!(refusal(&mut anna).code, Code::RollbackDetected, "all of it");
}

#[test]
fn what_rests_beside_the_envelopes_cannot_be_taken_away() {
    let (mut anna, _bob) = two();
    anna.vault.keep_team_heads(None).unwrap();
    assert_eq!(refusal(&mut anna).code, Code::RollbackDetected);
}

#[test]
fn killed_between_the_files_and_what_rests_beside_the_envelopes() {
    let (mut anna, _bob) = two();
    let dev = anna.env("dev");
    let heads = anna.vault.team_heads().unwrap();
    let before = folder(&anna);
    anna.put(&dev, 7, "STRIPE_KEY", b"whCANARYone");
    anna.vault.keep_team_heads(heads.as_deref()).unwrap();
    anna.restart().unwrap();
    assert_eq!(anna.names(&dev), ["STRIPE_KEY"]);
    // From that start on, the older files are old ones.
    put_back(&anna, &before);
    assert_eq!(refusal(&mut anna).code, Code::RollbackDetected);
}

#[test]
fn without_the_time_of_the_last_word_the_server_is_asked() {
    let (mut anna, _bob) = two();
    let seen = anna.home.team().join("seen");
    for bad in [&b""[..], b"\x01", &[0; 40]] {
        anna.home.write(&seen, bad).unwrap();
        anna.restart().unwrap();
        assert_eq!(anna.team().freshness(hour(4)).seen_at, None);
        assert!(anna.sync(hour(4)).unwrap().changed);
    }
    fs::remove_file(&seen).unwrap();
    anna.restart().unwrap();
    assert_eq!(anna.team().freshness(hour(4)).seen_at, None);
}

#[test]
fn the_device_and_its_heads_are_kept_when_the_vault_clears_up() {
    let (mut anna, _bob) = two();
    anna.team = None;
    let locked = Vault::open(&anna.home).unwrap().unwrap();
    let opened = locked.unlock(&value(b"correct horse battery")).unwrap();
    anna.vault = Arc::new(opened);
    anna.restart().unwrap();
    assert!(anna.sync(hour(4)).unwrap().locked.is_empty());
}

#[test]
fn no_value_is_in_the_files() {
    let (mut anna, _bob) = two();
    let dev = anna.env("dev");
    anna.put(&dev, 7, "STRIPE_KEY", b"whCANARYone");
    for (path, bytes) in folder(&anna) {
        for canary in [&b"whCANARYone"[..], b"whCANARYstripe"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary);
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn a_home_from_before_there_were_teams_gets_the_folder() {
    let mut anna = Person::new(&Arc::default());
    fs::remove_dir(anna.home.team()).unwrap();
    anna.create().unwrap();
    anna.restart().unwrap();
}
