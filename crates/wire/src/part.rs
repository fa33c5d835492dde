//! Parts of a reply that is washed: fetched wider than they were asked for, so that a value cannot be
//! read piece by piece (E25). A part that is small, counted from the end, or one of several is not
//! asked for at all: the whole is an answer to that too (RFC 9110, section 14.2).

use std::ops::RangeInclusive;

use http::header::{CONTENT_RANGE, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use http::{Method, StatusCode};

use crate::place::Head;
use crate::wash::wider;

#[cfg(test)]
mod tests;

/// The smallest part that is fetched as one.
const SMALLEST: u64 = 4 * 1024;

/// What was asked for, as far as the reply's framing depends on it.
pub(crate) struct Asked {
    head_only: bool,
    /// The part; `None` for the whole.
    pub(crate) part: Option<RangeInclusive<u64>>,
}

impl Asked {
    pub(crate) fn of(head: &Head) -> Self {
        Self {
            head_only: head.method == Method::HEAD,
            part: head.part.clone(),
        }
    }

    /// Whether a reply of this status has no body, whatever its length says.
    pub(crate) fn has_no_body(&self, status: StatusCode) -> bool {
        self.head_only || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

/// Turns the client's range into a wider one and says what it was, or takes it off.
pub(crate) fn ask_wider(method: &Method, headers: &mut HeaderMap) -> Option<RangeInclusive<u64>> {
    let part = one_part(headers).filter(|_| *method == Method::GET);
    let field = part
        .as_ref()
        .and_then(|part| HeaderValue::from_str(&written(&wider(part))).ok());
    match field {
        Some(field) => {
            headers.insert(RANGE, field);
            part
        }
        None => {
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
            None
        }
    }
}

/// A single range, long enough. One without an end ends nowhere.
fn one_part(headers: &HeaderMap) -> Option<RangeInclusive<u64>> {
    let mut fields = headers.get_all(RANGE).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let (first, last) = field
        .to_str()
        .ok()?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    (last.checked_sub(first)? >= SMALLEST - 1).then_some(first..=last)
}

fn written(part: &RangeInclusive<u64>) -> String {
    match *part.end() {
        u64::MAX => format!("bytes={}-", part.start()),
        last => format!("bytes={}-{last}", part.start()),
    }
}

/// Digits alone: `parse` takes a sign.
fn number(written: &str) -> Option<u64> {
    written
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| written.parse().ok())?
}

/// The part that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) range: RangeInclusive<u64>,
    /// The length of the whole, where the upstream knows it.
    whole: Option<u64>,
}

/// What `Content-Range` says; `None` where it is missing or is not one part.
pub(crate) fn came(headers: &HeaderMap) -> Option<Came> {
    let mut fields = headers.get_all(CONTENT_RANGE).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let (range, whole) = field
        .to_str()
        .ok()?
        .strip_prefix("bytes ")?
        .split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let range = number(first)?..=number(last)?;
    let whole = if whole == "*" {
        None
    } else {
        Some(number(whole)?)
    };
    let fits = range.start() <= range.end() && whole.is_none_or(|whole| *range.end() < whole);
    fits.then_some(Came { range, whole })
}

impl Came {
    /// Whether it is as wide as was asked, or ends with the whole: what stands round the part has to
    /// be seen.
    pub(crate) fn covers(&self, part: &RangeInclusive<u64>) -> bool {
        let wide = wider(part);
        let ends = self
            .whole
            .is_some_and(|whole| *self.range.end() + 1 == whole);
        self.range.start() == wide.start() && (ends || self.range.end() == wide.end())
    }

    /// What of the part is there.
    pub(crate) fn within(&self, part: &RangeInclusive<u64>) -> Option<RangeInclusive<u64>> {
        let range = *part.start()..=*part.end().min(self.range.end());
        (range.start() <= range.end()).then_some(range)
    }

    /// Says so in the reply.
    pub(crate) fn say(&self, within: &RangeInclusive<u64>, headers: &mut HeaderMap) {
        let whole = self
            .whole
            .map_or_else(|| "*".to_owned(), |whole| whole.to_string());
        put(
            headers,
            &format!("bytes {}-{}/{whole}", within.start(), within.end()),
        );
    }

    /// Says that the whole ends before the part.
    pub(crate) fn say_unsatisfiable(&self, headers: &mut HeaderMap) {
        let whole = self.whole.unwrap_or(self.range.end().saturating_add(1));
        put(headers, &format!("bytes */{whole}"));
    }
}

fn put(headers: &mut HeaderMap, text: &str) {
    if let Ok(field) = HeaderValue::from_str(text) {
        headers.insert(CONTENT_RANGE, field);
    }
}
