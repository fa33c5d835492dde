//! Black box: the built binary, real clients, upstreams that record. A test of an abuse case is named after
//! its row and its way in (`h01_proxy_…`), so that `cargo xtask report` reads as the page of cases does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests fail loudly, and the long ones say what they counted"
)]

mod audit;
mod bad_input;
mod boundary;
mod clients;
mod commands;
mod common;
mod demo;
mod echo;
mod framing;
mod hosts;
mod kill;
mod listener;
mod next;
mod oracle;
mod owner;
mod policy;
mod pool;
mod project;
mod reply;
mod schemas;
mod secret_service;
mod sent;
mod server;
mod settings;
mod storage;
mod team;
mod wine;
