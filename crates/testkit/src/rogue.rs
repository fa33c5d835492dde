//! A member of a team whose keys the test holds: it joins honestly, by a real invitation at the real
//! server, and then signs whatever it likes. A [`Shown`] is what a server that helps it shows to others.
//!
//! This is a second implementation of the team's formats, written from their design and sharing no code
//! with the first, so that neither can hide a mistake of the other. It has just what an attacker needs:
//! it verifies nothing.

mod crypto;
mod device;
mod epoch;
mod item;
mod known;
mod letter;
mod line;
mod member;
mod people;
mod request;
mod shown;
#[cfg(test)]
mod tests;
mod version;

pub use crypto::{derive, hash, random};
pub use device::{Device, Hand, link, link_under, signed, signed_under};
pub use epoch::EpochKey;
pub use item::Item;
pub use known::Known;
pub use letter::{envelope, envelope_of};
pub use line::{Invite, Line};
pub use member::Rogue;
pub use people::{People, Person};
pub use request::now_ms;
pub use shown::{Entry, Shown, env_genesis, root};
pub use version::Version;

/// A hash, or the id of a workspace.
pub type Hash = [u8; 32];
/// Any other id.
pub type Id = [u8; 16];

/// The directory's environment.
pub const DIRECTORY: Id = [0; 16];

/// A fixed-length array of items: `items![1, bytes, "text"]`.
#[macro_export]
macro_rules! items {
    ($($item:expr),* $(,)?) => {
        $crate::rogue::Item::Array(vec![$($crate::rogue::Item::from($item)),*])
    };
}
