//! The house: what stands between an agent and the network. Today it is the Gate, the recogniser
//! under every HTTP/1 door.
//!
//! This crate must never know: the bytes of a secret. It moves papers and requests; the vault and
//! the wire hold the values.
#![forbid(unsafe_code)]

pub mod door;
