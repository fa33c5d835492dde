//! `Authorization: Basic …` (RFC 7617). With a user, the value is the password; without, it is
//! `user:password`, or, having no colon, the user name before an empty password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderValue};
use withheld_core::binding::BasicUser;
use withheld_secret::{Expose as _, SecretValue};

use super::{Head, Misfit, locked};

const SCHEME: &[u8] = b"Basic ";

pub(super) fn put(
    head: &mut Head,
    user: Option<&BasicUser>,
    value: &SecretValue,
) -> Result<(), Misfit> {
    head.headers.insert(AUTHORIZATION, field(user, value)?);
    Ok(())
}

pub(super) fn field(user: Option<&BasicUser>, value: &SecretValue) -> Result<HeaderValue, Misfit> {
    super::field(encoded(&pair(user, value)?)?)
}

/// `user:password` in locked memory. Control characters are refused by the scheme itself.
#[expect(
    clippy::disallowed_methods,
    reason = "copied from locked memory into locked memory, checked on the way"
)]
fn pair(user: Option<&BasicUser>, value: &SecretValue) -> Result<SecretValue, Misfit> {
    let user = user.map_or("", BasicUser::as_str).as_bytes();
    value.expose(|bytes| {
        if bytes.is_empty() || bytes.iter().any(u8::is_ascii_control) {
            return Err(Misfit::Value);
        }
        let (before, behind): (&[&[u8]], &[u8]) = if !user.is_empty() {
            (&[user, b":"], b"")
        } else if bytes.contains(&b':') {
            (&[], b"")
        } else {
            (&[], b":")
        };
        locked(user.len() + 1 + bytes.len(), |room| {
            let mut at = 0;
            for part in before.iter().copied().chain([bytes, behind]) {
                room[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            Ok(at)
        })
    })
}

/// The scheme and the pair in base64, written where it will be sent from.
#[expect(
    clippy::disallowed_methods,
    reason = "encoded from locked memory into locked memory"
)]
fn encoded(pair: &SecretValue) -> Result<SecretValue, Misfit> {
    let len = pair.len().div_ceil(3) * 4;
    locked(SCHEME.len() + len, |room| {
        let (scheme, text) = room.split_at_mut(SCHEME.len());
        scheme.copy_from_slice(SCHEME);
        let written = pair.expose(|bytes| STANDARD.encode_slice(bytes, text));
        Ok(SCHEME.len() + written.map_err(|_| Misfit::Value)?)
    })
}
