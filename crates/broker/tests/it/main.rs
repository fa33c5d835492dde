//! One house from `init` to its end, over its real doors: sockets, token port, tunnel.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod agents;
mod broker;
mod changes;
mod doors;
mod owner;
mod proofs;
mod rested;
mod set;
mod story;
