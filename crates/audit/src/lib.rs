//! What was done, in a form that cannot be changed later without being seen: lines that carry the
//! hash of the line before, signed heads, and the check of both by public bytes alone.
//!
//! This crate must never know: the secret crate, the vault, the wire. It says what a segment's key
//! and the vault's signature must be able to do ([`SegmentKey`], [`Sealer`]); the vault has the keys.
//! Records are [`Plain`](withheld_core::Plain), so there is no type that could put a value into one.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod chain;
mod hex;
pub mod key;
pub mod verify;

pub use chain::{Head, Line, Unwritable};
pub use key::{LocalKey, Sealer, SegmentKey};
pub use verify::{Broken, Fault, Report, Verifier};
