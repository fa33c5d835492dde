//! Between the types of the columns and ours.

use crate::store::Failure;

impl From<sqlx::Error> for Failure {
    fn from(why: sqlx::Error) -> Self {
        Self::of(why)
    }
}

/// A number to write.
pub(super) fn column(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(Failure::of)
}

/// A number to look for. What is larger than any that can be stored is nowhere.
pub(super) fn sought(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number from a column.
pub(super) fn number(column: i64) -> Result<u64, Failure> {
    u64::try_from(column).map_err(Failure::of)
}

/// Bytes of a fixed length from a column.
pub(super) fn bytes<const N: usize>(column: Vec<u8>) -> Result<[u8; N], Failure> {
    column
        .try_into()
        .map_err(|_| Failure::of("a column of another length than was written"))
}
