//! The broker and a team's server, killed while they are used, again and again, and at every call of their
//! own that changes a file.

use super::all_said;
use crate::run::{Outcome, all_output, cargo};
use crate::test::without_roots;

/// The tests; each says in a line what it counted.
const TESTS: &[&str] = &[
    "kill::nothing_acknowledged_is_lost",
    "team::kill::z13_cli_the_server_while_two_push",
    "team::kill::z13_cli_the_brokers_while_they_push_and_pull",
    "team::steps::z13_cli_a_pull_killed_at_every_step",
    "team::steps::z13_cli_a_push_killed_at_every_step",
    "team::steps::z13_cli_a_removal_killed_at_every_step",
];

/// Runs the kill tests with so many cycles. libtest runs them: nextest would end a test that takes minutes.
///
/// # Errors
/// When something acknowledged was lost, a chain does not verify, or a test could not run.
pub(super) fn kill(cycles: &str) -> Outcome<String> {
    cycles
        .parse::<u32>()
        .map_err(|_| "--cycles takes a number".to_owned())?;
    let mut command = cargo(&["test", "--release", "--workspace", "--test", "it", "--"]);
    command.args(["--exact", "--nocapture"]).args(TESTS);
    let output = all_output(without_roots(&mut command).env("WITHHELD_KILL_CYCLES", cycles))?;
    let lines = all_said(&output, "kill: ");
    if lines.len() == TESTS.len() {
        Ok(lines.join("; "))
    } else {
        Err(format!(
            "{} of {} tests said what they counted:\n{output}",
            lines.len(),
            TESTS.len()
        ))
    }
}
