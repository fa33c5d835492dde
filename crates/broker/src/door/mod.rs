//! The doors: where bytes come in. What lies under hyper on each of them is the Gate.

pub(crate) mod accept;
pub(crate) mod call;
pub mod gate;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod serve;
pub(crate) mod upload;
