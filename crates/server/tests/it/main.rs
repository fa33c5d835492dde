//! The server over real sockets, asked by a small client with keys of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod bootstrap;
mod client;
mod content;
mod crowding;
mod doors;
mod ending;
mod invitations;
mod leases;
mod limits;
mod pages;
mod quiet;
mod running;
mod strangers;
mod team;
mod verifying;
mod writing;
