//! The broker, killed while it is set, bound and called, again and again.

use super::said;
use crate::run::{Outcome, all_output, cargo};
use crate::test::without_roots;

/// Runs the kill test with so many cycles. libtest runs it: nextest would end a test that takes minutes.
///
/// # Errors
/// When something acknowledged was lost, or the chain does not verify.
pub(super) fn kill(cycles: &str) -> Outcome<String> {
    cycles
        .parse::<u32>()
        .map_err(|_| "--cycles takes a number".to_owned())?;
    let mut command = cargo(&["test", "--release", "--workspace", "--test", "it", "--"]);
    command.args([
        "--exact",
        "kill::nothing_acknowledged_is_lost",
        "--nocapture",
    ]);
    let output = all_output(without_roots(&mut command).env("WITHHELD_KILL_CYCLES", cycles))?;
    said(&output, "kill:")
        .map(|line| line.trim_start_matches("kill:").trim().to_owned())
        .ok_or_else(|| format!("the test said nothing of its cycles:\n{output}"))
}
