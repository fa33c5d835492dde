//! The statuses a command ends with. What a refusal ends with stands in its own table
//! ([`withheld_core::Code::exit`]); here is the rest.

/// Done.
pub(crate) const DONE: u8 = 0;
/// Done, and the answer is no.
pub(crate) const NO: u8 = 1;
/// `call --fail`, and the API answered 400 or above: the status curl has for it.
pub(crate) const HTTP_ERROR: u8 = 22;
