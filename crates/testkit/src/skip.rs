//! A test that cannot start what it needs says so, where `cargo xtask test` finds it.

use std::path::PathBuf;

/// The folder in which skipped tests leave their reasons.
const FOLDER: &str = "WITHHELD_SKIPS";

/// Notes that the test of this thread did not run, and why. `cargo xtask test` prints each note, and fails on
/// one where `CI` is set.
///
/// # Panics
/// When there is nowhere to note it: a test that nobody asked to skip has failed.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().expect("libtest names its threads");
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        panic!("{test} cannot run: {reason}");
    };
    std::fs::write(folder.join(test.replace("::", ".")), reason)
        .expect("a note of the skipped test");
}
