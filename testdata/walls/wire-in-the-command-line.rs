// crate: cli
// error: E0432
// why: what goes out goes through the broker

pub use withheld_wire::Wire; //~
//= pub use withheld_core::Ask;
