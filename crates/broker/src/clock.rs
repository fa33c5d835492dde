//! The one clock of the broker. Time is handed down from here as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use withheld_core::Moment;

/// Milliseconds since 1970, by the system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the broker that asks what time it is"
)]
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Moment::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}
