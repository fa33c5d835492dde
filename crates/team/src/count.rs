//! Positions and versions: they count from 1, and end where a database's signed numbers end, so that
//! everything that is accepted can be stored and found again.

/// The last position or version.
pub(crate) const LAST: u64 = i64::MAX.unsigned_abs();

/// Whether a position or a version can be this number.
#[must_use]
pub(crate) fn counts(number: u64) -> bool {
    (1..=LAST).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::{LAST, counts};

    #[test]
    fn it_counts_from_one_to_the_last_signed_number() {
        assert_eq!(LAST, 0x7fff_ffff_ffff_ffff);
        let ends = [0, 1, 0x7fff_ffff_ffff_ffff, 1 << 63, u64::MAX];
        assert_eq!(ends.map(counts), [false, true, true, false, false]);
    }
}
