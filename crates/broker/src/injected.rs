//! The fields by which a reply says which credentials its request was sent with. Upstream cannot set
//! them: what it sends under these names was taken out.

use http::{HeaderMap, HeaderName, HeaderValue};
use withheld_core::policy::{Pass, Permit};

const INJECTED: HeaderName = HeaderName::from_static("withheld-injected");
/// How often a value, or a part of one, was taken out of the reply.
pub(crate) const REDACTIONS: &str = "withheld-redactions";
const REQUEST: HeaderName = HeaderName::from_static("withheld-request");

/// What will be said of a request once there is a reply.
pub(crate) struct Note {
    injected: Option<HeaderValue>,
    request: Option<HeaderValue>,
}

/// The names of the secrets.
pub(crate) fn with(permit: &Permit) -> Note {
    let names: Vec<&str> = permit
        .uses()
        .iter()
        .map(|used| used.binding.secret.as_str())
        .collect();
    Note {
        injected: HeaderValue::try_from(names.join(", ")).ok(),
        request: HeaderValue::try_from(permit.id().to_string()).ok(),
    }
}

/// None, and why.
pub(crate) fn without(pass: &Pass) -> Note {
    Note {
        injected: HeaderValue::try_from(format!("none; why={}", pass.why().as_str())).ok(),
        request: HeaderValue::try_from(pass.id().to_string()).ok(),
    }
}

impl Note {
    /// Writes the fields. `redactions` counts what was washed out so far.
    pub(crate) fn write(self, headers: &mut HeaderMap, redactions: u64) {
        headers.extend(self.injected.map(|names| (INJECTED, names)));
        headers.extend(self.request.map(|id| (REQUEST, id)));
        if redactions > 0 {
            let name = HeaderName::from_static(REDACTIONS);
            headers.insert(name, HeaderValue::from(redactions));
        }
    }
}
