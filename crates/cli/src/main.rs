//! The command line: short-lived, holds no values.
//!
//! It reads what was typed, lets the vault's intake read what must not be seen, asks the broker,
//! and says what came of it. It must never know: the bytes of a secret, and any network but the
//! broker's two sockets. (The demo makes an API of its own to show the way to; see there.)
#![forbid(unsafe_code)]

mod bug;
mod catalogue;
mod cli;
mod clock;
mod context;
mod demo;
mod drafts;
mod duration;
mod environment;
mod exit;
mod failure;
#[cfg(test)]
mod folder_for_tests;
mod output;
mod owner;
mod project;
mod said;
mod shell;
mod socket;
mod start;
mod target;
mod terminal;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::Read;
use context::Context;
use environment::Variables;
use failure::Failure;
use output::{Outcome, Output};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let hardened = withheld_vault::harden(cli::is_broker(&words));
    let variables = Variables::read();
    let colour = variables.colour;
    // Before the words are read, that one of them is `--json` has to do.
    let seems_json = words.iter().any(|word| word == "--json");
    bug::tell_place_only(Output::new(seems_json, colour));
    let ended = std::panic::catch_unwind(|| {
        let read = cli::parse(&words);
        let output = Output::new(cli::wants_json(&read, &words), colour);
        let ended = hardened.and(read).map_err(Failure::from);
        match ended.and_then(|read| run(read, variables, output)) {
            Ok(()) => exit::DONE,
            Err(failure) => output.failed(&failure),
        }
    });
    ExitCode::from(ended.unwrap_or_else(|_| withheld_core::Code::Internal.exit()))
}

fn run(read: Read, variables: Variables, output: Output) -> Outcome {
    match read {
        Read::Shown(text) => verbs::help::shown(output, &text),
        Read::Command(arguments) => {
            let context = Context {
                output,
                variables,
                global: arguments.global,
            };
            verbs::run(&context, arguments.verb)
        }
    }
}
