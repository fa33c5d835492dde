//! The project's own commands. The standard library only: this is built before anything else, on a
//! bare machine, and every stage is a program a person could have typed.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks on its streams"
)]

mod artifacts;
mod bench;
mod check;
mod ci;
mod demo;
mod doors;
mod house_rules;
mod json;
mod long;
mod looks;
mod report;
mod run;
mod setup;
mod test;
mod walls;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask check           fmt, clippy, licences and doors, documentation, walls, house rules
cargo xtask test [FILTER]   every test, with the certificate and proxy variables of this machine cleared
cargo xtask ci              setup, test, check, demo, report; prints a table of its stages
cargo xtask walls           what must not compile, forbidden dependencies, every look at a plaintext
cargo xtask report          one line an abuse case and way in
cargo xtask long NAME       what is too long for every change: kill [--cycles N], bare, clients,
                            platforms
cargo xtask bench [--quick] [--dist]   the broker beside a direct way, a tunnel and the least TLS proxy, as ratios
cargo xtask setup           installs what check and test need and this machine lacks
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => check::check().map(|_| ()),
        ["test", ref filter @ ..] => test::test(filter),
        ["ci"] => ci::ci(),
        ["setup"] => setup::setup(),
        ["walls"] => walls::walls(),
        ["report"] => report::report(),
        ["bench", ref options @ ..] => bench::bench(options),
        ["long", ref stage @ ..] => long::long(stage),
        _ => {
            print!("{HELP}");
            return if arguments.is_empty() || arguments[0] == "--help" {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            };
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
