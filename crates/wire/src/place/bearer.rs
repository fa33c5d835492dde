//! `Authorization: Bearer VALUE` (RFC 6750).

use http::header::{AUTHORIZATION, HeaderValue};
use withheld_secret::SecretValue;

use super::{Head, Misfit, around};

pub(super) fn put(head: &mut Head, value: &SecretValue) -> Result<(), Misfit> {
    head.headers.insert(AUTHORIZATION, field(value)?);
    Ok(())
}

pub(super) fn field(value: &SecretValue) -> Result<HeaderValue, Misfit> {
    around("Bearer ", value, "")
}
