//! The one clock of the command line: for ages that are shown and spans that are asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use withheld_core::Moment;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "the one clock of the command line"
)]
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Moment::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}
