//! The membership chain against a malicious server and against insiders: every attack is a vector in
//! `vectors/membership/`, refused by the rule that it names, beside a twin that is accepted.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod attacks;
mod flips;
mod history;
mod story;
mod vectors;
