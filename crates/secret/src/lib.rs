//! The one type that holds a plaintext, and the memory it lives in.
//!
//! A [`SecretValue`] is a slot of a process-wide arena: `memfd_secret` where the kernel has it,
//! else locked pages kept out of core files. It has no `Clone`, `Debug`, `Display`, `PartialEq`,
//! `Serialize`, `Deref` or `AsRef`: the way in is a function that fills the slot in place, the
//! only ways to look are those of [`Expose`], and the slot is wiped when it is dropped.
//!
//! This crate must know nothing of ours: no names, no policy, no files, no sockets. It is the
//! one crate (beside the sandbox) that may hold `unsafe`; each block says why it is sound.
//! What the system must give is in `pages`, `harden` and `account`, a file for each system; another system
//! does not compile until it has its own.

mod account;
mod arena;
mod harden;
mod pages;
mod value;

pub use account::{home_of_user, name_of_user};
pub use arena::{Full, Memory, memory};
pub use harden::{Descriptors, harden};
pub use value::{Expose, FillError, Owner, SecretValue, Spend, Values};
