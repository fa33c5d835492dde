//! Signed requests: one frozen profile of RFC 9421. There is no session, no token and no nonce; a
//! replayed append finds that it is stored already.
//!
//! Covered are `@method`, `@authority`, `@path`, `@query` and `content-digest`, in this order; the
//! parameters are `created`, `keyid`, `alg` and `tag`, in this order; the label is `withheld`. Anything
//! else is refused, so there is one way to sign a request and nothing to negotiate.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::Verdict;
use crate::id::{DeviceId, InviteId, Signature, VerifyKey};

/// The field with the digest of the body.
pub const CONTENT_DIGEST: &str = "content-digest";
/// The field that says what is signed, when and by whom.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// The field with the signature.
pub const SIGNATURE: &str = "signature";

/// What is signed of a request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// In upper case.
    pub method: &'a str,
    /// As in the `Host` field: in lower case, with a port only where it is not the scheme's own.
    pub authority: &'a str,
    /// Beginning with `/`, as it travels.
    pub path: &'a str,
    /// Without the `?`, as it travels; empty when there is none.
    pub query: &'a str,
    /// What [`content_digest`] says of the body, also of an empty one.
    pub digest: &'a str,
}

/// When and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970.
    pub created: u64,
    /// Whose key.
    pub key: KeyId,
}

/// Whose key signs a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyId {
    /// The ops key of a device, written `d:HEX`.
    Device(DeviceId),
    /// The key in an invitation, written `i:HEX`.
    Invite(InviteId),
}

/// The three fields of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// [`CONTENT_DIGEST`]
    pub content_digest: String,
    /// [`SIGNATURE_INPUT`]
    pub signature_input: String,
    /// [`SIGNATURE`]
    pub signature: String,
}

/// What the three fields say. Nothing of it is true before [`Signed::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// When and by whom.
    pub stamp: Stamp,
    digest: String,
    signature: Signature,
}

/// The value of [`CONTENT_DIGEST`] for a body.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

/// The bytes to sign, as they are: no label of ours stands before them.
#[must_use]
pub fn base(request: &Request<'_>, stamp: &Stamp) -> String {
    let query = format!("?{}", request.query);
    let values = [
        request.method,
        request.authority,
        request.path,
        &query,
        request.digest,
    ];
    general_base(COVERED.into_iter().zip(values), &parameters(stamp))
}

/// The fields of a request that was signed like this.
#[must_use]
pub fn fields(request: &Request<'_>, stamp: &Stamp, signature: &Signature) -> Fields {
    Fields {
        content_digest: request.digest.to_owned(),
        signature_input: format!("{BEFORE_COVERED}{}{}", covered(COVERED), parameters(stamp)),
        signature: format!(
            "{BEFORE_SIGNATURE}{}{AFTER_SIGNATURE}",
            STANDARD.encode(signature.as_bytes())
        ),
    }
}

/// Reads the three fields of a request, each of which it has exactly once.
///
/// # Errors
/// `Invalid` for anything but the one form of this profile.
pub fn parse(
    content_digest: &str,
    signature_input: &str,
    signature: &str,
) -> Result<Signed, Verdict> {
    let stamp = signature_input
        .strip_prefix(BEFORE_COVERED)
        .and_then(|rest| rest.strip_prefix(&covered(COVERED)))
        .and_then(read_parameters)
        .ok_or(NOT_THIS_PROFILE)?;
    let signature = signature
        .strip_prefix(BEFORE_SIGNATURE)
        .and_then(|rest| rest.strip_suffix(AFTER_SIGNATURE))
        .and_then(|text| STANDARD.decode(text).ok())
        .and_then(|bytes| bytes.try_into().ok())
        .map(Signature::of)
        .ok_or(NOT_THIS_PROFILE)?;
    Ok(Signed {
        stamp,
        digest: content_digest.to_owned(),
        signature,
    })
}

impl Signed {
    /// Whether this key signed this request. Whose key it is, and whether `created` is near enough, is
    /// judged by the caller.
    ///
    /// # Errors
    /// `Invalid`, also when the request's digest is not the one that was sent.
    pub fn verify(&self, key: &VerifyKey, request: &Request<'_>) -> Result<(), Verdict> {
        if self.digest != request.digest {
            return Err(Verdict::Invalid("a body that is not the one of its digest"));
        }
        verify_base(key, &base(request, &self.stamp), &self.signature)
    }
}

const BEFORE_COVERED: &str = "withheld=";
const BEFORE_SIGNATURE: &str = "withheld=:";
const AFTER_SIGNATURE: &str = ":";
const COVERED: [&str; 5] = ["@method", "@authority", "@path", "@query", CONTENT_DIGEST];
const CREATED: &str = ";created=";
const KEYID: &str = ";keyid=\"";
const AFTER_KEYID: &str = "\";alg=\"ed25519\";tag=\"withheld-v0\"";
const NOT_THIS_PROFILE: Verdict = Verdict::Invalid("a request that is not signed as it should be");

/// The parameters behind the list of what is covered.
fn parameters(Stamp { created, key }: &Stamp) -> String {
    format!("{CREATED}{created}{KEYID}{key}{AFTER_KEYID}")
}

fn read_parameters(text: &str) -> Option<Stamp> {
    let (created, key) = text
        .strip_prefix(CREATED)?
        .strip_suffix(AFTER_KEYID)?
        .split_once(KEYID)?;
    let stamp = Stamp {
        created: created.parse().ok()?,
        key: key.parse().ok()?,
    };
    // A sign or a leading zero would be a second way to write the same.
    (parameters(&stamp) == text).then_some(stamp)
}

/// The list of what is covered, as it is written (RFC 9421, section 2.3).
fn covered<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names
        .into_iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    format!("({})", quoted.join(" "))
}

/// What is signed (RFC 9421, section 2.5) for any list of components, so that it can be compared with
/// the examples of the RFC. No value here has a line break: they come from a request that was read.
fn general_base<'a>(
    components: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    parameters: &str,
) -> String {
    let mut base = String::new();
    for (name, value) in components.clone() {
        // Writing to a text does not fail.
        let _ = writeln!(base, "\"{name}\": {value}");
    }
    let list = covered(components.into_iter().map(|(name, _)| name));
    let _ = write!(base, "\"@signature-params\": {list}{parameters}");
    base
}

/// Strict: no key of small order, no second form of a signature.
fn verify_base(key: &VerifyKey, base: &str, signature: &Signature) -> Result<(), Verdict> {
    const BAD: Verdict = Verdict::Invalid("a bad signature");
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| BAD)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    key.verify_strict(base.as_bytes(), &signature)
        .map_err(|_| BAD)
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(id) => write!(f, "d:{id}"),
            Self::Invite(id) => write!(f, "i:{id}"),
        }
    }
}

impl FromStr for KeyId {
    type Err = Verdict;

    fn from_str(text: &str) -> Result<Self, Verdict> {
        match text.split_once(':') {
            Some(("d", id)) => id.parse().map(Self::Device),
            Some(("i", id)) => id.parse().map(Self::Invite),
            _ => Err(NOT_THIS_PROFILE),
        }
    }
}

#[cfg(test)]
mod tests;
