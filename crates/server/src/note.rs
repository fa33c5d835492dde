//! What a server writes into its log.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Takes what is for the log.
pub type Log = Arc<dyn Fn(&Note<'_>) + Send + Sync>;

/// One thing for whoever runs the server. It has no id, no address, no name and nothing of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Note<'a> {
    /// It answers from now on.
    Start,
    /// It was told to stop, and takes nothing more.
    Stop,
    /// It has stopped.
    Stopped,
    /// A request was answered.
    Request {
        /// GET, HEAD, POST, or that it was another.
        method: &'static str,
        /// The route, without what stands in it.
        route: &'a str,
        /// The status.
        status: u16,
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// Something to know.
    Notice {
        /// What.
        text: &'static str,
    },
    /// A fault of the server or of what it stands on.
    Error {
        /// Which.
        text: &'a str,
    },
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Stop => f.write_str("stop"),
            Self::Stopped => f.write_str("stopped"),
            Self::Request {
                method,
                route,
                status,
                ms,
            } => write!(f, "request  {method} {route} {status} {ms} ms"),
            Self::Notice { text } => write!(f, "notice  {text}"),
            Self::Error { text } => write!(f, "error  {text}"),
        }
    }
}
