//! What was done, in a form that cannot be changed later without being seen: lines that carry the
//! hash of the line before, signed heads, and the check of both by public bytes alone.
//!
//! This crate must never know: the secret crate, the vault, the wire. It says what a segment's key
//! and the vault's signature must be able to do ([`SegmentKey`], [`Sealer`]); the vault has the keys.
//! Records are [`Plain`](withheld_core::Plain), so there is no type that could put a value into one.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod anchor;
pub mod chain;
mod export;
mod folder;
mod hex;
pub mod key;
pub mod log;
mod paper;
pub mod read;
pub mod record;
pub mod verify;

pub use anchor::{Anchor, Anchored};
pub use chain::{Head, Line, Unwritable};
pub use export::export;
pub use key::{LocalKey, Sealer, SegmentKey};
pub use log::{Clock, Closing, Durability, Log, Receipt};
pub use paper::Paper;
pub use record::{Act, Closed, Outcome, OwnerAct, SessionAct, SyncAct, Who};
pub use verify::{Broken, Fault, Report, Verifier, verify_folder};

// The tests inside and outside of the crate share one set of tools.
#[cfg(test)]
extern crate self as withheld_audit;
#[cfg(test)]
#[path = "../tests/it/common.rs"]
mod common;
