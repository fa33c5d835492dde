//! What differs between Linux, macOS and Windows outside the vault's memory: files that are this account's
//! alone, the local socket, and what a process can be told and asked. One interface each, and a file for each
//! system; what a system does not have is an error or "not known", never something weaker.
//!
//! This crate must know nothing of ours: no names, no values, no refusals. It may hold `unsafe`, for the
//! functions of Windows alone; each block says why it is sound.
#![cfg_attr(unix, forbid(unsafe_code))]
#![warn(missing_docs)]

pub mod ending;
pub mod private;
pub mod process;
#[cfg(any(windows, test))]
mod sddl;
pub mod socket;
#[cfg(windows)]
pub mod windows;
