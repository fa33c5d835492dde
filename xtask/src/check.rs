//! What can be judged without running the product: form, lints, doors, documentation, house rules.

use std::process::Command;

use crate::run::{Outcome, cargo, root, run};
use crate::setup::cargo_deny;
use crate::{house_rules, walls};

/// All checks, cheapest first.
///
/// # Errors
/// The first one that says no.
pub(crate) fn check() -> Outcome<usize> {
    let stages = stages();
    for (name, stage) in &stages {
        println!("check: {name}");
        stage()?;
    }
    Ok(stages.len())
}

/// One stage: its name in `ci`'s table, and what it runs.
pub(crate) type Stage = (&'static str, fn() -> Outcome);

/// The checks, for `check` and for `ci`.
pub(crate) fn stages() -> Vec<Stage> {
    vec![
        ("house rules", house_rules::hold),
        ("format", || run(&mut cargo(&["fmt", "--all", "--check"]))),
        ("clippy", || {
            run(&mut cargo(&[
                "clippy",
                "--release",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ]))
        }),
        ("licences and doors", deny),
        ("walls", walls::walls),
        ("documentation", || {
            run(
                cargo(&["doc", "--release", "--workspace", "--no-deps", "--quiet"])
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
        }),
    ]
}

fn deny() -> Outcome {
    run(Command::new(cargo_deny()?)
        .args(["--offline", "check", "licenses", "bans", "sources"])
        .current_dir(root()))
}
