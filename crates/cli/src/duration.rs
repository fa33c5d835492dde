//! Spans of time as people write and read them: `90s`, `10m`, `8h`, `7d`.

use withheld_core::Code;

use crate::failure::Failure;
use crate::output::Outcome;

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3600), ('d', 24 * 3600)];

/// Reads a span, in seconds.
///
/// # Errors
/// `usage` where it is no number with a unit, or no time at all.
pub(crate) fn seconds(written: &str) -> Outcome<u64> {
    let read = || {
        let unit = written.chars().last()?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let digits = written.strip_suffix(unit)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits
            .parse::<u64>()
            .ok()?
            .checked_mul(*factor)
            .filter(|span| *span > 0)
    };
    read().ok_or_else(|| {
        Failure::refuse(
            Code::Usage,
            "a span of time is a number and a unit: s, m, h or d",
            "write one, like: 30m, 8h, 7d",
        )
    })
}

/// A span in its largest whole unit, like `8 h`.
pub(crate) fn shown(seconds: u64) -> String {
    let (unit, factor) = UNITS
        .iter()
        .rev()
        .find(|(_, factor)| seconds >= *factor)
        .copied()
        .unwrap_or(UNITS[0]);
    let unit = if unit == 'm' {
        "min".to_owned()
    } else {
        unit.to_string()
    };
    format!("{} {unit}", seconds / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        for (written, span) in [("90s", 90), ("10m", 600), ("8h", 28_800), ("7d", 604_800)] {
            assert_eq!(seconds(written).ok(), Some(span), "{written}");
        }
        for written in [
            "",
            "8",
            "h",
            "-1h",
            "+1h",
            "0s",
            "1w",
            "1.5h",
            "99999999999999999999s",
            "1 h",
            "é",
        ] {
            assert_eq!(
                seconds(written).err().and_then(|failure| failure.code()),
                Some(Code::Usage),
                "{written}"
            );
        }
    }

    #[test]
    fn spans_are_shown_in_their_largest_unit() {
        for (span, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7199, "1 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(shown(span), text);
        }
    }
}
