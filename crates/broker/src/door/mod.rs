//! The doors: where bytes come in. What lies under hyper on each of them is the Gate.

pub mod gate;
