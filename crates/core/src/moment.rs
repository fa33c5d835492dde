//! A point in time, handed in by whoever owns a clock. This crate never asks what time it is.

use std::fmt;

use jiff::Timestamp;

/// Milliseconds since 1970, written as RFC 3339 in UTC with three decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", description = "", extend("format" = "date-time")))]
pub struct Moment(i64);

impl Moment {
    /// From milliseconds since 1970.
    #[must_use]
    pub fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// This much later.
    #[must_use]
    pub fn plus_s(self, seconds: u64) -> Self {
        Self(
            self.0.saturating_add(
                i64::try_from(seconds)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(1000),
            ),
        )
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => f.write_str("9999-12-31T23:59:59.999Z"),
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = jiff::Error;
    fn from_str(written: &str) -> Result<Self, jiff::Error> {
        written
            .parse::<Timestamp>()
            .map(|at| Self(at.as_millisecond()))
    }
}

impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = std::borrow::Cow::<'de, str>::deserialize(from)?;
        written
            .parse()
            .map_err(|_| serde::de::Error::custom("a time is written as RFC 3339"))
    }
}

impl crate::plain::__sealed::Sealed for Moment {}
impl crate::plain::Plain for Moment {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn written_as_rfc_3339() {
        let at = Moment::from_ms(1_795_539_600_123);
        assert_eq!(at.to_string(), "2026-11-24T17:00:00.123Z");
        assert_eq!("2026-11-24T17:00:00.123Z".parse::<Moment>().unwrap(), at);
        assert_eq!(Moment::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
    }
}
