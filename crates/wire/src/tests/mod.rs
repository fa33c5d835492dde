//! The wire from permit to reply, against upstreams on loopback.

mod changing;
mod exchange;
mod house;
mod passing;
mod pooling;
mod post;
mod trust;
mod upstream;
mod washing;

pub(crate) use house::folder;
pub(crate) use upstream::Authority;
