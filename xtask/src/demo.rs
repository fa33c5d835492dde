//! The two commands of the README, as a newcomer types the second one after a build.

use crate::run::{Outcome, cargo};

/// Runs the demo.
///
/// # Errors
/// When it fails, or compiles anything: then the demo is not what the tests were built with.
pub(crate) fn demo() -> Outcome {
    let output = cargo(&["run", "--release", "--", "demo"])
        .output()
        .map_err(|error| format!("the demo did not start: {error}"))?;
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    println!("{said}");
    if !output.status.success() {
        return Err(format!("the demo ended with {}", output.status));
    }
    if said
        .lines()
        .any(|line| line.trim_start().starts_with("Compiling "))
    {
        return Err("the demo compiled something again".to_owned());
    }
    Ok(())
}
