//! Paths: which ones have one reading, and the patterns a binding may use for them.
//!
//! A path that an origin could read in two ways (dot segments, empty segments, backslashes, encoded
//! slashes or dots, a `#`) is refused; every other path is matched, and sent, byte for byte.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plain::{Text, word};
use crate::text;

/// Why a path was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// It does not begin with `/`, or holds bytes that RFC 3986 does not allow in a path.
    Grammar,
    /// A server could read it as another path.
    TwoReadings,
    /// In a pattern: `*` is exactly one segment, or the whole last one.
    Wildcard,
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grammar => "a path begins with / and holds only the characters of RFC 3986",
            Self::TwoReadings => "this path can be read in two ways",
            Self::Wildcard => "in a path pattern * stands for exactly one whole segment",
        })
    }
}

impl std::error::Error for PathFault {}

/// Checks that a request's path (without its query) has one reading.
///
/// # Errors
/// [`PathFault::Grammar`] or [`PathFault::TwoReadings`].
pub fn one_reading(path: &str) -> Result<(), PathFault> {
    let rest = path.strip_prefix('/').ok_or(PathFault::Grammar)?;
    if path.contains(['\\', '#']) {
        return Err(PathFault::TwoReadings);
    }
    if !path.bytes().all(is_path_byte) {
        return Err(PathFault::Grammar);
    }
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if segment.is_empty() && !last {
            return Err(PathFault::TwoReadings);
        }
        one_reading_of(segment)?;
    }
    Ok(())
}

/// A segment holds no encoded slash, backslash, NUL or percent sign, and is no dot segment, also
/// with its dots encoded or with a parameter (`..;`) behind them.
fn one_reading_of(segment: &str) -> Result<(), PathFault> {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            decoded.push(bytes[at]);
            at += 1;
            continue;
        }
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex
            .and_then(|two| u8::from_str_radix(two, 16).ok())
            .filter(|_| bytes[at + 1] != b'+');
        match byte.ok_or(PathFault::Grammar)? {
            b'/' | b'\\' | b'%' | 0..0x20 | 0x7f => return Err(PathFault::TwoReadings),
            byte => decoded.push(byte),
        }
        at += 3;
    }
    // Overlong forms are how a lax decoder is told another character.
    if std::str::from_utf8(&decoded).is_err() {
        return Err(PathFault::TwoReadings);
    }
    let name = decoded.split(|b| *b == b';').next().unwrap_or_default();
    if name == b"." || name == b".." {
        return Err(PathFault::TwoReadings);
    }
    Ok(())
}

/// `pchar` and `/` of RFC 3986, section 3.3.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte)
}

word! {
    /// A path prefix by whole segments: `/v1` covers `/v1` and `/v1/x/y`, not `/v1beta`; `*` is exactly
    /// one segment; a trailing `/*` says the same as the prefix. `/` covers everything.
    PathPattern, PathFault, pattern
}

fn pattern(written: &str) -> Result<String, PathFault> {
    let trimmed = written.strip_suffix("/*").unwrap_or(written);
    let trimmed = if trimmed == "/" {
        trimmed
    } else {
        trimmed.strip_suffix('/').unwrap_or(trimmed)
    };
    let kept = if trimmed.is_empty() { "/" } else { trimmed };
    one_reading(kept)?;
    if kept
        .split('/')
        .any(|segment| segment.len() > 1 && segment.contains('*'))
    {
        return Err(PathFault::Wildcard);
    }
    Ok(kept.to_owned())
}

impl PathPattern {
    /// Whether the pattern covers a path that [`one_reading`] accepted.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        if self.as_str() == "/" {
            return path.starts_with('/');
        }
        let mut segments = path.split('/');
        self.as_str()
            .split('/')
            .all(|wanted| match segments.next() {
                Some(segment) => wanted == segment || (wanted == "*" && !segment.is_empty()),
                None => false,
            })
    }

    /// As people read it: a prefix ends in `/*`.
    #[must_use]
    pub fn shown(&self) -> Text {
        match self.as_str() {
            "/" => Text::from("/*"),
            _ => text!("{}/*", self),
        }
    }

    /// How many segments it fixes: the longer one is the more specific.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.as_str()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .count()
    }
}

/// A set of patterns; empty covers every path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Paths(Vec<PathPattern>);

impl Paths {
    /// From patterns.
    #[must_use]
    pub fn new(mut patterns: Vec<PathPattern>) -> Self {
        patterns.sort();
        patterns.dedup();
        Self(patterns)
    }

    /// The patterns; empty where every path is covered.
    #[must_use]
    pub fn patterns(&self) -> &[PathPattern] {
        &self.0
    }

    /// The depth of the deepest pattern that covers the path; `None` where none does.
    #[must_use]
    pub fn covers(&self, path: &str) -> Option<usize> {
        if self.0.is_empty() {
            return Some(0);
        }
        self.0
            .iter()
            .filter(|pattern| pattern.covers(path))
            .map(PathPattern::depth)
            .max()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn h21_two_readings_are_refused() {
        for path in [
            "/v1/%c0%ae%c0%ae/admin",
            "/v1/..%c0%afadmin",
            "/v1/../admin",
            "/v1/%2e%2e/admin",
            "/v1/.%2E/admin",
            "/v1/..%2fadmin",
            "/v1/%252e%252e/",
            "/v1/..;/admin",
            "/v1/%2e%2e;x/a",
            "/v1//admin",
            "/v1\\..\\admin",
            "/v1/x#y",
            "//v1/x",
            "/v1/./x",
            "/v1/.",
            "/v1/..",
            "/v1/a%5cb",
            "/v1/a%00",
            "/v1/%0d%0a",
        ] {
            assert_eq!(one_reading(path), Err(PathFault::TwoReadings), "{path}");
        }
        for path in [
            "",
            "v1",
            "*",
            "/v1/ x",
            "/v1/%",
            "/v1/%2",
            "/v1/%zz",
            "/v1/%+1",
            "/v1/\u{e9}",
            "/v1/\"",
            "/v1/<",
        ] {
            assert_eq!(one_reading(path), Err(PathFault::Grammar), "{path}");
        }
        for path in [
            "/",
            "/v1",
            "/v1/",
            "/v1/x.y",
            "/v1/...",
            "/v1/.hidden",
            "/v1/a:b@c",
            "/v1/caf%C3%A9",
            "/v1/a%20b",
            "/v1/a;b=c",
            "/V1/x",
        ] {
            assert_eq!(one_reading(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn patterns_cover_whole_segments() {
        let covers = |pattern: &str, path: &str| PathPattern::parse(pattern).unwrap().covers(path);
        for path in ["/v1", "/v1/", "/v1/x/y"] {
            assert!(
                covers("/v1", path)
                    && covers("/v1/*", path)
                    && covers("/v1/", path)
                    && covers("/", path),
                "{path}"
            );
        }
        for path in ["/v1beta", "/V1/x", "/", "/v"] {
            assert!(!covers("/v1", path), "{path}");
        }
        assert!(covers("/repos/*/issues", "/repos/a/issues/3"));
        assert!(
            !covers("/repos/*/issues", "/repos/a/b/issues")
                && !covers("/repos/*/issues", "/repos//issues")
        );
        for bad in ["v1", "/v1/../x", "/v*", "/a/b*/c", "/v1//x"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_deepest_pattern_counts() {
        let paths = Paths::new(vec![
            PathPattern::parse("/v1").unwrap(),
            PathPattern::parse("/v1/a/b").unwrap(),
        ]);
        assert_eq!(paths.covers("/v1/a/b/c"), Some(3));
        assert_eq!(paths.covers("/v1/a"), Some(1));
        assert_eq!(paths.covers("/v2"), None);
        assert_eq!(Paths::default().covers("/x"), Some(0));
    }
}
