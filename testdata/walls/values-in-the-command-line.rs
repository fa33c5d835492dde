// crate: cli
// error: E0432
// why: a verb never holds a value: reading one is `intake`, which returns a deposit

pub use withheld_secret::SecretValue; //~
//= pub use withheld_core::api::Deposit;
