//! Many values at once.

use std::collections::BTreeSet;

use super::*;
use crate::home::kill;

const NAMES: [&str; 5] = ["KEY_A", "KEY_B", "KEY_C", "KEY_D", "KEY_E"];

fn items(plain: &str) -> Vec<(SecretName, SecretValue)> {
    NAMES
        .map(|named| (name(named), value(plain.as_bytes())))
        .into()
}

/// Files that are not of a value: what the vault keeps of its own.
fn own(case: &Case, vault: &Unlocked) -> usize {
    let versions = vault.names(&dev()).into_iter();
    let versions: usize = versions.map(|held| held.versions.len()).sum();
    case.items().len() - versions
}

#[test]
fn a_store_of_many_that_is_killed_leaves_all_of_it_or_none_and_nothing_else() {
    let case = Case::new();
    let first = items("whCANARY-first");
    case.vault
        .store(&dev(), &first, Origin::Owner, day(0))
        .unwrap();
    let opener = Opener::new(&case);
    let files = own(&case, &case.vault);
    let (mut none, mut all) = (0, 0);
    let mut stands = "whCANARY-first".to_owned();
    for write in 0.. {
        let vault = opener.open().unwrap();
        let before: BTreeSet<PathBuf> = case.items().into_iter().collect();
        let plain = format!("whCANARY-after-{write}");
        kill::after(write);
        let stored = vault.store(&dev(), &items(&plain), Origin::Owner, day(0));
        if !kill::never() {
            assert_eq!(stored.unwrap().len(), NAMES.len());
            break;
        }
        assert_eq!(code(stored), Some(Code::StoreUnavailable));
        if write < NAMES.len() {
            let new = case.items().into_iter().filter(|one| !before.contains(one));
            let new: Vec<_> = new.collect();
            assert_eq!(new.len(), write);
            // The last of them was only begun.
            if let Some(last) = new.last() {
                fs::write(last, b"half").unwrap();
            }
        }
        let again = opener.open().unwrap();
        let found: BTreeSet<_> = NAMES.map(|named| held(&again, named)).into();
        if found == BTreeSet::from([plain.clone().into_bytes()]) {
            all += 1;
            stands = plain;
        } else {
            assert_eq!(found, BTreeSet::from([stands.clone().into_bytes()]));
            none += 1;
        }
        assert_eq!(own(&case, &again), files, "after write {write}");
    }
    // Each of the files and the index; then the counter beside them.
    assert_eq!((none, all), (NAMES.len() + 1, 1));
}

#[test]
fn a_value_that_cannot_be_put_takes_those_before_it_with_it() {
    let case = Case::new();
    let before = case.items().len();
    let taken = "0".repeat(32);
    let files = |last: &str| {
        let names = ["1".repeat(32), "2".repeat(32), last.to_owned()];
        names.map(|name| (name, b"sealed".to_vec()))
    };
    case.home
        .make_all(&case.home.items(), &files(&taken))
        .unwrap();
    assert_eq!(case.items().len(), before + 3);
    for name in ["1", "2"] {
        let file = case.home.items().join(name.repeat(32));
        case.home.remove(&file).unwrap();
    }
    // What is there already is not replaced, and stays.
    let refused = case.home.make_all(&case.home.items(), &files(&taken));
    assert_eq!(code(refused), Some(Code::StoreUnavailable));
    assert_eq!(case.items().len(), before + 1);
    let refused = case.home.make_all(&case.home.items(), &files("../index"));
    assert_eq!(code(refused), Some(Code::Internal));
    assert_eq!(case.items().len(), before + 1);
}

/// More files than are waited for at a time.
#[test]
fn hundreds_of_values_are_stored_at_once() {
    let case = Case::new();
    let many: Vec<_> = (0..700)
        .map(|number| {
            let plain = format!("whCANARY-number-{number}");
            (name(&format!("KEY_{number}")), value(plain.as_bytes()))
        })
        .collect();
    let stored = case.vault.store(&dev(), &many, Origin::Owner, day(0));
    assert_eq!(stored.unwrap(), [1; 700]);
    let again = case.reopened();
    for number in [0, 127, 128, 129, 511, 512, 699] {
        let found = held(&again, &format!("KEY_{number}"));
        assert_eq!(found, format!("whCANARY-number-{number}").into_bytes());
    }
    case.home.check().unwrap();
    let mut twice = items("whCANARY-twice");
    twice.extend(items("whCANARY-twice"));
    let refused = case.vault.store(&dev(), &twice, Origin::Owner, day(0));
    assert_eq!(code(refused), Some(Code::Usage));
}
