//! How bytes reach the team's server: whoever holds the network carries them, this crate says which.

use withheld_core::Refusal;

/// Carries one request to the team's server and brings the answer. Blocking.
pub trait Post {
    /// One exchange with the server.
    ///
    /// # Errors
    /// `server_unreachable`, `upstream_untrusted`: no answer came. Whether the server did what was
    /// asked is not known then.
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal>;
}

/// A request, complete but for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// In upper case.
    pub method: &'static str,
    /// Path and query, beginning with `/v1/`.
    pub path: String,
    /// Fields, their names in lower case. `Host` is the carrier's to add.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// What the server answered. Nothing of it is believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The field `ETag`, if there was one.
    pub etag: Option<String>,
    /// The body, whole.
    pub body: Vec<u8>,
}
