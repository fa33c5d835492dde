//! A request without a reply: why, and what is known of it.

use http::StatusCode;
use withheld_core::Refusal;

/// A request that was not answered.
#[derive(Debug)]
pub struct Failed {
    /// Why, and what to type next.
    pub refusal: Refusal,
    /// Whether the request may have arrived.
    pub sent: bool,
    /// The status of the reply that came and is not handed on.
    pub status: Option<StatusCode>,
}

impl Failed {
    pub(crate) fn unsent(refusal: Refusal) -> Self {
        Self {
            refusal,
            sent: false,
            status: None,
        }
    }

    pub(crate) fn sent(refusal: Refusal) -> Self {
        Self {
            refusal,
            sent: true,
            status: None,
        }
    }

    pub(crate) fn answered(refusal: Refusal, status: StatusCode) -> Self {
        Self {
            status: Some(status),
            ..Self::sent(refusal)
        }
    }
}
