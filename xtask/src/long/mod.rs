//! What is too long for every change. Each run that passes adds a row to `docs/evidence.md`.

mod bare;
mod clients;
mod kill;
mod platforms;

use std::process::Command;

use crate::run::{Outcome, output, root};

const PAGE: &str = "docs/evidence.md";

/// Runs one stage.
///
/// # Errors
/// When there is no such stage, or it fails.
pub(crate) fn long(arguments: &[&str]) -> Outcome {
    let (stage, result) = match arguments {
        ["kill"] => ("kill", kill::kill("1000")?),
        ["kill", "--cycles", cycles] => ("kill", kill::kill(cycles)?),
        ["bare"] => ("bare", bare::bare()?),
        ["clients"] => ("clients", clients::clients()?),
        ["platforms"] => ("platforms", platforms::platforms()?),
        _ => return Err("which one: kill [--cycles N], bare, clients, platforms".to_owned()),
    };
    println!("{stage}: {result}");
    note(stage, &result)
}

/// Adds a row.
fn note(stage: &str, result: &str) -> Outcome {
    let date = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let commit = output(
        Command::new("git")
            .args(["describe", "--always", "--dirty", "--abbrev=10"])
            .current_dir(root()),
    )?;
    let path = root().join(PAGE);
    let mut text = std::fs::read_to_string(&path).map_err(|error| format!("{PAGE}: {error}"))?;
    text.push_str(&format!(
        "| {} | {} | {stage} | {result} |\n",
        date.trim(),
        commit.trim()
    ));
    std::fs::write(&path, text).map_err(|error| format!("{PAGE}: {error}"))
}

/// The last line of some output that begins with a word.
fn said<'a>(output: &'a str, word: &str) -> Option<&'a str> {
    output
        .lines()
        .map(str::trim)
        .rfind(|line| line.starts_with(word))
}

/// What follows a word in the lines that begin with it.
fn all_said<'a>(output: &'a str, word: &str) -> Vec<&'a str> {
    let lines = output.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix(word)).collect()
}
