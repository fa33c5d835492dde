//! How a secret here and the same secret on the server stand to each other, told from hashes and tags:
//! nothing is opened.

use withheld_core::plain;

use crate::id::{Hash, ValueTag};

plain! {
    /// How they stand to each other.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[serde(rename_all = "kebab-case")]
    pub enum State {
        /// Both are what was last applied, or both changed to the same.
        InSync,
        /// Only the server's changed.
        Behind,
        /// Only the one here changed.
        Ahead,
        /// Both changed, and not to the same.
        Diverged,
        /// It is here and was never shared.
        LocalOnly,
        /// It is on the server and was never here.
        RemoteOnly,
        /// There is no fresh truth to compare with.
        Unverified,
        /// What the server showed does not verify.
        Tampered,
        /// It is nowhere.
        Missing,
    }

    /// What else is to be said of a secret, whatever its state.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[serde(into = "&'static str")]
    pub enum Flag {
        /// Somebody who may not read it any more could read this version: change it where it is used.
        NeedsUpstreamRotation(Cause),
        /// It has a date after which it stops working.
        Expires,
        /// A change made here waits for a decision.
        ParkedDraft,
        /// Two secrets of the environment have this name.
        DuplicateName,
    }

    /// Why somebody may not read a secret any more.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[serde(rename_all = "kebab-case")]
    pub enum Cause {
        /// Not a member any more.
        MemberRemoved,
        /// Still a member, without the right to read this environment.
        RightLowered,
    }
}

impl State {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Diverged => "diverged",
            Self::LocalOnly => "local-only",
            Self::RemoteOnly => "remote-only",
            Self::Unverified => "unverified",
            Self::Tampered => "tampered",
            Self::Missing => "missing",
        }
    }
}

impl Flag {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<Flag> for &'static str {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::NeedsUpstreamRotation(Cause::MemberRemoved) => {
                "needs-upstream-rotation:member-removed"
            }
            Flag::NeedsUpstreamRotation(Cause::RightLowered) => {
                "needs-upstream-rotation:right-lowered"
            }
            Flag::Expires => "expires",
            Flag::ParkedDraft => "parked-draft",
            Flag::DuplicateName => "duplicate-name",
        }
    }
}

/// How far the server's side can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Verified, and fresh enough.
    Verified,
    /// Offline, too old, below a pinned head, or its key is not here yet.
    Unverified,
    /// A verification failed with evidence, or this record is set aside.
    Tampered,
}

/// What was last applied here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// The version.
    pub ver: u64,
    /// The record's hash.
    pub record: Hash,
    /// The value's tag, where it is known.
    pub tag: Option<ValueTag>,
}

/// What is here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// No value.
    Absent,
    /// The value that was last applied.
    Unchanged,
    /// A value that was put here by hand, and its tag where it is known.
    Changed(Option<ValueTag>),
}

/// What the verified state of the environment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The version.
    pub ver: u64,
    /// The record's hash.
    pub record: Hash,
    /// Whether this version is a deletion.
    pub deleted: bool,
    /// The value's tag, where it is known.
    pub tag: Option<ValueTag>,
}

/// The state of one secret. For the provisional state of an unverified one, ask again with
/// [`Trust::Verified`].
#[must_use]
pub fn drift(trust: Trust, base: Option<&Base>, local: Local, remote: Option<&Remote>) -> State {
    match trust {
        Trust::Tampered => State::Tampered,
        Trust::Unverified => State::Unverified,
        Trust::Verified => match base {
            None => never_applied(local, remote),
            Some(base) => applied(base, local, remote),
        },
    }
}

fn never_applied(local: Local, remote: Option<&Remote>) -> State {
    match (local, remote.filter(|remote| !remote.deleted)) {
        (Local::Absent, None) => State::Missing,
        (_, None) => State::LocalOnly,
        (Local::Absent, Some(_)) => State::RemoteOnly,
        (_, Some(remote)) if alike(local, remote) => State::InSync,
        (_, Some(_)) => State::Diverged,
    }
}

fn applied(base: &Base, local: Local, remote: Option<&Remote>) -> State {
    // A deletion stays in the state, so an applied record cannot be gone from it: nothing to act on.
    let Some(remote) = remote else {
        return State::Unverified;
    };
    let changed_here = match local {
        Local::Unchanged => false,
        Local::Absent => true,
        Local::Changed(tag) => tag.is_none() || tag != base.tag,
    };
    let changed_there = remote.record != base.record;
    match (changed_here, changed_there) {
        (false, false) => State::InSync,
        (false, true) => State::Behind,
        (true, _) if alike(local, remote) => State::InSync,
        (true, false) => State::Ahead,
        (true, true) => State::Diverged,
    }
}

/// Whether what is here is what the server has. A tag that is not known is like no other.
fn alike(local: Local, remote: &Remote) -> bool {
    match local {
        Local::Absent => remote.deleted,
        Local::Unchanged => false,
        Local::Changed(tag) => tag.is_some() && tag == remote.tag,
    }
}

#[cfg(test)]
mod tests;
