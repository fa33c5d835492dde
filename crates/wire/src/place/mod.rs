//! Where a value stands in a request: one file a place. What an agent named has no say here; the
//! binding alone says where, and the field or parameter at that place is replaced whole.

mod basic;
mod bearer;
mod header;
mod query;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Method};
use withheld_core::binding::{Binding, Format, Place};
use withheld_core::{Code, Refusal, text};
use withheld_secret::{Expose as _, FillError, SecretValue};

/// The head of a request on its way out.
pub(crate) struct Head {
    pub(crate) method: Method,
    /// Path and query, as they are written.
    pub(crate) target: Bytes,
    pub(crate) headers: HeaderMap,
    /// The part of the reply that the client asked for, where a wider one is asked for.
    pub(crate) part: Option<RangeInclusive<u64>>,
}

/// Why a value does not stand at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Its bytes or its length do not go there.
    Value,
    /// Locked memory is full.
    Memory,
}

/// Puts the value of a binding at its place.
///
/// # Errors
/// `value_unusable` where the value cannot stand there, `internal` where locked memory is full.
pub(crate) fn put(head: &mut Head, binding: &Binding, value: &SecretValue) -> Result<(), Refusal> {
    let placed = match &binding.place {
        Place::Bearer => bearer::put(head, value),
        Place::Basic(user) => basic::put(head, user.as_ref(), value),
        Place::Header(name) => header::put(head, name, binding.format.as_ref(), value),
        Place::Query(key) => query::put(head, key, value),
    };
    placed.map_err(|misfit| match misfit {
        Misfit::Value => Refusal::new(
            Code::ValueUnusable,
            text!(
                "the value of `{}` cannot stand at `{}`",
                binding.secret,
                binding.place
            ),
            text!(
                "have the owner store it again with `withheld set {}`",
                binding.secret
            ),
        ),
        Misfit::Memory => memory_full(),
    })
}

/// Whether the value can stand at this place: asked when a binding is made, and made sure of again
/// when a request is sent.
#[must_use]
pub fn can_carry(place: &Place, format: Option<&Format>, value: &SecretValue) -> bool {
    match place {
        Place::Bearer => bearer::field(value).is_ok(),
        Place::Basic(user) => basic::field(user.as_ref(), value).is_ok(),
        Place::Header(_) => header::field(format, value).is_ok(),
        Place::Query(_) => query::fits(value),
    }
}

/// The field of a token that is no value of the vault: what the owner was given to open the team's
/// server with.
///
/// # Errors
/// `value_unusable` where it cannot stand in a field, `internal` where locked memory is full.
pub(crate) fn bearer_token(token: &SecretValue) -> Result<HeaderValue, Refusal> {
    bearer::field(token).map_err(|misfit| match misfit {
        Misfit::Value => Refusal::new(
            Code::ValueUnusable,
            "the token of the server cannot stand in a request",
            "copy it again as the server printed it: one line, without spaces",
        ),
        Misfit::Memory => memory_full(),
    })
}

/// A field that reads `before`, the value, `behind`; built in locked memory and sent from there.
fn around(before: &str, value: &SecretValue, behind: &str) -> Result<HeaderValue, Misfit> {
    let len = before.len() + value.len() + behind.len();
    field(locked(len, |room| {
        let (start, rest) = room.split_at_mut(before.len());
        let (middle, end) = rest.split_at_mut(value.len());
        start.copy_from_slice(before.as_bytes());
        copy_visible(value, middle)?;
        end.copy_from_slice(behind.as_bytes());
        Ok(len)
    })?)
}

/// Locked memory of `len` bytes, filled in place.
fn locked(
    len: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<usize, Misfit>,
) -> Result<SecretValue, Misfit> {
    SecretValue::with_len(len, fill).map_err(|fault| match fault {
        FillError::Full => Misfit::Memory,
        FillError::Fill(misfit) => misfit,
    })
}

/// Copies a value that a field can carry as it is: visible ASCII, spaces inside. Anything else would
/// end the field, or be trimmed or re-coded on the way (P09).
#[expect(
    clippy::disallowed_methods,
    reason = "copied from locked memory into locked memory, checked on the way"
)]
fn copy_visible(value: &SecretValue, into: &mut [u8]) -> Result<(), Misfit> {
    value.expose(|bytes| {
        let edges = [bytes.first(), bytes.last()];
        let visible = bytes
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        if !visible
            || !edges
                .iter()
                .all(|edge| edge.is_some_and(u8::is_ascii_graphic))
        {
            return Err(Misfit::Value);
        }
        into.copy_from_slice(bytes);
        Ok(())
    })
}

/// The longest field that upstreams are asked to take; the heads that we take have the same limit.
const FIELD_LIMIT: usize = 64 * 1024;

/// A field straight from locked memory: not copied, wiped when the request is done, never indexed
/// and never shown.
#[expect(
    clippy::disallowed_methods,
    reason = "the last door: the bytes go into the request's own field"
)]
fn field(text: SecretValue) -> Result<HeaderValue, Misfit> {
    if text.len() > FIELD_LIMIT {
        return Err(Misfit::Value);
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text.into_owner()))
        .map_err(|_| Misfit::Value)?;
    value.set_sensitive(true);
    Ok(value)
}

fn memory_full() -> Refusal {
    Refusal::new(
        Code::Internal,
        "locked memory is full, so no value can be placed",
        "try again; if it stays, raise the limit of locked memory (`ulimit -l`) and restart the broker",
    )
}
