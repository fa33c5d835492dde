//! What the broker costs, beside the least that could do its work: direct, through a plain tunnel,
//! through a TLS proxy that does nothing else, and through ours, in one run.
//!
//! Figures move with the machine; what is judged is how they stand to each other.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks on its streams"
)]

mod bench;
mod child;
mod connect;
mod figures;
mod floor;
mod home;
mod lab;
mod load;
mod ours;
mod procstat;
mod report;
mod shuffle;
mod targets;
mod team;
#[cfg(test)]
mod tests;
mod tls;
mod tunnel;
mod upstream;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What went wrong, for a person.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;
/// A value, or what went wrong.
pub(crate) type Outcome<T = ()> = Result<T, Fault>;

const HELP: &str = "\
withheld-bench [team] [--quick] [--withheld PATH]

  team              what a team costs, instead of what a request does
  --quick           less of everything, to try it
  --withheld PATH   the built program to measure; without it only the yardsticks are
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["tunnel"] => tunnel::main(),
        ["floor", folder] => floor::main(Path::new(folder)),
        ["keychain", items, bytes] => team::keychain(items, bytes),
        _ => match options(&arguments) {
            Some(options) if options.team => team::run(&options),
            Some(options) => bench::run(&options),
            None => {
                print!("{HELP}");
                return ExitCode::from(2);
            }
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The team, not the requests.
    pub(crate) team: bool,
    /// Less of everything.
    pub(crate) quick: bool,
    /// The program to measure.
    pub(crate) withheld: Option<PathBuf>,
}

/// The options, or nothing where one is not known.
fn options(arguments: &[&str]) -> Option<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "team" => options.team = true,
            "--quick" => options.quick = true,
            "--withheld" => options.withheld = Some(rest.next()?.into()),
            _ => return None,
        }
    }
    Some(options)
}
