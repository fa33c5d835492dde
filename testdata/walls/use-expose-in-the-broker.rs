// crate: broker
// error: E0432
// why: the broker carries values that it cannot open

pub use withheld_secret::Expose; //~
//= pub use withheld_core::Ask;
