//! The bench: builds the program and the yardsticks alike, and measures one beside the other.

use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, cargo, root, run};

const MANIFEST: &str = "benches/Cargo.toml";

/// Builds both and runs the bench: of requests, or with `team` of a team.
///
/// `--quick` takes under a minute of measuring; `--dist` builds as packages are built, which takes
/// minutes more the first time.
///
/// # Errors
/// When an option is unknown, something does not build, or an answer was wrong.
pub(crate) fn bench(options: &[&str]) -> Outcome {
    if let Some(unknown) = options
        .iter()
        .find(|option| !matches!(**option, "team" | "--quick" | "--dist"))
    {
        return Err(format!(
            "the bench has no option `{unknown}`: it has team, --quick and --dist"
        ));
    }
    let profile = if options.contains(&"--dist") {
        "dist"
    } else {
        "release"
    };
    run(&mut cargo(&[
        "build",
        "--profile",
        profile,
        "--bin",
        "withheld",
    ]))?;
    run(&mut cargo(&[
        "build",
        "--profile",
        profile,
        "--locked",
        "--manifest-path",
        MANIFEST,
    ]))?;
    let mut bench = Command::new(built("benches/target", profile, "withheld-bench"));
    bench
        .arg("--withheld")
        .arg(built("target", profile, "withheld"));
    let handed_on = options.iter().filter(|option| **option != "--dist");
    run(bench.args(handed_on).current_dir(root()))
}

/// Where cargo puts a program: the caller's target folder has one place for both builds.
fn built(folder: &str, profile: &str, program: &str) -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.into(), PathBuf::from);
    root()
        .join(folder)
        .join(profile)
        .join(program)
        .with_extension(std::env::consts::EXE_EXTENSION)
}
