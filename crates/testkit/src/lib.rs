//! The harness of every end-to-end test. It depends on nothing of ours, so that it cannot share a mistake
//! with what it judges: it reads encodings, frames and certificates with code of its own.
//!
//! A test that holds a [`World`] is a leak test, whether its author thought of leaks or not:
//! [`World::finish`] searches all that the agent's side could see, and a world that is dropped without it fails.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a harness that cannot go on fails its test, loudly"
)]

mod agent;
mod answer;
mod canary;
pub mod encode;
mod home;
mod http;
mod keyring;
mod namespace;
mod oracle;
mod ran;
pub mod rogue;
mod skip;
mod stepper;
mod tap;
mod team_server;
mod temp;
#[cfg(test)]
mod tests;
mod tls;
mod upstream;
mod world;

pub use agent::{Agent, Call, Tunnel};
pub use answer::{Answer, Latch};
pub use canary::{Canaries, Canary};
pub use http::Reply;
pub use keyring::{Keyring, Mood, Watch};
pub use oracle::{Leak, LeakOracle};
pub use ran::{Command, Ran};
pub use skip::skip;
pub use stepper::{Calls, Stepped, Stepper};
pub use tap::{Changed, Exchange, Tap};
pub use team_server::{Copied, TeamServer};
pub use temp::Temp;
pub use upstream::{Authority, Connection, Seen, Upstream};
pub use world::World;

/// Re-exported, so that a crate's only dev-dependency is this one.
pub use proptest;
pub use serde_json;
