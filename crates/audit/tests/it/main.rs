//! The log against what is done to its files and to its process.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
mod full;
mod kill;
mod tamper;
