//! A local socket that this account alone can speak through: a Unix socket of mode 0600 and the peer's
//! credentials, or a named pipe whose list admits nobody else.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::{Client, Listener, Server, connect, is_own};

/// Why nothing listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// The folder, or what stands at the path, is not this account's alone.
    NotOurs,
    /// The system does not let it.
    Unavailable,
}
