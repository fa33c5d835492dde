//! A header field of its own, with a format round the value where the binding has one (`Bot {}`).

use http::header::HeaderValue;
use withheld_core::binding::{FieldName, Format};
use withheld_secret::SecretValue;

use super::{Head, Misfit, around};

pub(super) fn put(
    head: &mut Head,
    name: &FieldName,
    format: Option<&Format>,
    value: &SecretValue,
) -> Result<(), Misfit> {
    head.headers.insert(name.header(), field(format, value)?);
    Ok(())
}

pub(super) fn field(format: Option<&Format>, value: &SecretValue) -> Result<HeaderValue, Misfit> {
    let (before, behind) = format.map_or(("", ""), Format::around);
    around(before, value, behind)
}
