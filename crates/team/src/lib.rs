//! The shared ledger of a team: its formats, and the rules that every client checks for itself.
//!
//! Pure functions of bytes. This crate holds no key, opens no value, reads no clock and does no I/O, so
//! that the server can use the same rules as its clients. What makes a chain valid never depends on
//! when it is read; freshness is judged by the caller.
//!
//! Everything here is `v0`: refused by name when the version is another, and not frozen yet.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod api;
pub mod cbor;
pub mod chain;
pub mod commit;
mod count;
pub mod device;
pub mod drift;
pub mod envelope;
pub mod exposure;
pub mod http_signature;
pub mod id;
pub mod label;
pub mod links;
pub mod record;
pub mod signed;
pub mod slot;
pub mod verdict;

pub use verdict::Verdict;

/// The version of every format here.
pub const VERSION: u8 = 0;
