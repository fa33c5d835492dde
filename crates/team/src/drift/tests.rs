use proptest::prelude::*;

use super::{Base, Cause, Flag, Local, Remote, State, Trust, drift};
use crate::id::{Hash, ValueTag};

const ONE: ValueTag = ValueTag::of([1; 16]);
const TWO: ValueTag = ValueTag::of([2; 16]);
const THREE: ValueTag = ValueTag::of([3; 16]);

fn base(tag: Option<ValueTag>) -> Base {
    Base {
        ver: 1,
        record: Hash::of([1; 32]),
        tag,
    }
}

/// The record that the base names, or the one after it.
fn remote(ver: u8, tag: Option<ValueTag>) -> Remote {
    Remote {
        ver: ver.into(),
        record: Hash::of([ver; 32]),
        deleted: false,
        tag,
    }
}

fn deletion(ver: u8) -> Remote {
    Remote {
        deleted: true,
        ..remote(ver, None)
    }
}

#[test]
fn every_row_of_the_table() {
    use Local::{Absent, Changed, Unchanged};
    use State::{Ahead, Behind, Diverged, InSync, LocalOnly, Missing, RemoteOnly, Unverified};
    let known = Some(base(Some(ONE)));
    let blind = Some(base(None));
    #[rustfmt::skip]
    let rows = [
        // nothing was ever applied
        (None, Absent, None, Missing),
        (None, Absent, Some(deletion(2)), Missing),
        (None, Changed(Some(ONE)), None, LocalOnly),
        (None, Changed(None), None, LocalOnly),
        (None, Unchanged, None, LocalOnly),
        (None, Changed(Some(ONE)), Some(deletion(2)), LocalOnly),
        (None, Absent, Some(remote(1, Some(ONE))), RemoteOnly),
        (None, Absent, Some(remote(1, None)), RemoteOnly),
        (None, Changed(Some(ONE)), Some(remote(1, Some(ONE))), InSync),
        (None, Changed(Some(TWO)), Some(remote(1, Some(ONE))), Diverged),
        (None, Changed(None), Some(remote(1, None)), Diverged),
        (None, Changed(None), Some(remote(1, Some(ONE))), Diverged),
        (None, Unchanged, Some(remote(1, Some(ONE))), Diverged),
        // neither changed
        (known, Unchanged, Some(remote(1, Some(ONE))), InSync),
        (known, Unchanged, Some(remote(1, None)), InSync),
        (known, Changed(Some(ONE)), Some(remote(1, Some(ONE))), InSync),
        (known, Changed(Some(ONE)), Some(remote(1, None)), InSync),
        (blind, Unchanged, Some(remote(1, None)), InSync),
        // the server's changed
        (known, Unchanged, Some(remote(2, Some(TWO))), Behind),
        (known, Unchanged, Some(remote(2, Some(ONE))), Behind),
        (known, Unchanged, Some(deletion(2)), Behind),
        (known, Changed(Some(ONE)), Some(remote(2, Some(TWO))), Behind),
        // the one here changed
        (known, Changed(Some(TWO)), Some(remote(1, Some(ONE))), Ahead),
        (known, Changed(None), Some(remote(1, Some(ONE))), Ahead),
        (blind, Changed(None), Some(remote(1, None)), Ahead),
        (known, Absent, Some(remote(1, Some(ONE))), Ahead),
        (known, Changed(Some(TWO)), Some(deletion(1)), Ahead),
        // both changed
        (known, Changed(Some(TWO)), Some(remote(2, Some(THREE))), Diverged),
        (known, Changed(Some(TWO)), Some(remote(2, Some(TWO))), InSync),
        (known, Changed(Some(TWO)), Some(deletion(2)), Diverged),
        (known, Changed(None), Some(remote(2, None)), Diverged),
        (known, Absent, Some(remote(2, Some(TWO))), Diverged),
        (known, Absent, Some(deletion(2)), InSync),
        // deleted on both sides, and that was applied
        (blind, Absent, Some(deletion(1)), InSync),
        // a state that lost what was applied
        (known, Unchanged, None, Unverified),
        (known, Changed(Some(TWO)), None, Unverified),
        (known, Absent, None, Unverified),
    ];
    for (at, (base, local, remote, expected)) in rows.into_iter().enumerate() {
        let ask = |trust| drift(trust, base.as_ref(), local, remote.as_ref());
        assert_eq!(ask(Trust::Verified), expected, "row {at}");
        assert_eq!(ask(Trust::Unverified), State::Unverified, "row {at}");
        assert_eq!(ask(Trust::Tampered), State::Tampered, "row {at}");
    }
}

#[test]
fn states_and_flags_are_written_as_the_page_writes_them() {
    let text = |state| serde_json::to_value(state).unwrap();
    assert_eq!(text(State::InSync), "in-sync");
    assert_eq!(text(State::Behind), "behind");
    assert_eq!(text(State::Ahead), "ahead");
    assert_eq!(text(State::Diverged), "diverged");
    assert_eq!(text(State::LocalOnly), "local-only");
    assert_eq!(text(State::RemoteOnly), "remote-only");
    assert_eq!(text(State::Unverified), "unverified");
    assert_eq!(text(State::Tampered), "tampered");
    assert_eq!(text(State::Missing), "missing");
    let flag = |flag| serde_json::to_value(flag).unwrap();
    assert_eq!(
        flag(Flag::NeedsUpstreamRotation(Cause::MemberRemoved)),
        "needs-upstream-rotation:member-removed"
    );
    assert_eq!(
        flag(Flag::NeedsUpstreamRotation(Cause::RightLowered)),
        "needs-upstream-rotation:right-lowered"
    );
    assert_eq!(flag(Flag::Expires), "expires");
    assert_eq!(flag(Flag::ParkedDraft), "parked-draft");
    assert_eq!(flag(Flag::DuplicateName), "duplicate-name");
    assert_eq!(
        serde_json::to_value(Cause::MemberRemoved).unwrap(),
        "member-removed"
    );
}

fn tags() -> impl Strategy<Value = Option<ValueTag>> {
    proptest::option::of(prop_oneof![Just(ONE), Just(TWO)])
}

fn locals() -> impl Strategy<Value = Local> {
    prop_oneof![
        Just(Local::Absent),
        Just(Local::Unchanged),
        tags().prop_map(Local::Changed)
    ]
}

fn remotes() -> impl Strategy<Value = Option<Remote>> {
    proptest::option::of(prop_oneof![
        (1..4_u8, tags()).prop_map(|(ver, tag)| remote(ver, tag)),
        (1..4_u8).prop_map(deletion),
    ])
}

proptest! {
    /// Every combination has a state, and what a state promises holds for it.
    #[test]
    fn every_combination_has_a_state_that_is_safe_to_act_on(
        with_base in proptest::option::of(tags()),
        local in locals(),
        remote in remotes(),
    ) {
        let base = with_base.map(base);
        let state = drift(Trust::Verified, base.as_ref(), local, remote.as_ref());
        match state {
            // What is pulled unasked never writes over something that was changed here.
            State::Behind => {
                let unchanged = local == Local::Unchanged
                    || base.is_some_and(|base| base.tag.is_some() && local == Local::Changed(base.tag));
                prop_assert!(unchanged);
            }
            State::RemoteOnly => prop_assert!(local == Local::Absent && base.is_none()),
            // What is pushed never writes over something that was not applied here.
            State::Ahead => prop_assert_eq!(
                remote.map(|remote| remote.record),
                base.map(|base| base.record)
            ),
            State::LocalOnly => prop_assert!(remote.is_none_or(|remote| remote.deleted)),
            State::Missing => prop_assert!(local == Local::Absent && base.is_none()),
            State::Unverified => prop_assert!(base.is_some() && remote.is_none()),
            State::Tampered => prop_assert!(false, "verified is not tampered"),
            State::InSync | State::Diverged => prop_assert!(remote.is_some()),
        }
    }
}
