//! The card in an invitation.

use withheld_team::id::{InviteId, WorkspaceId};
use withheld_team::links;

use super::*;
use crate::key::Key;
use crate::team::engine::card::{NamedRight, Names};

const WS: WorkspaceId = WorkspaceId::of([1; 32]);
const INVITE: InviteId = InviteId::of([2; 16]);

fn names(rights: usize) -> Names {
    let named = |_| NamedRight {
        environment: environment("a-project-of-that-team/environment"),
        right: links::Right::Read,
    };
    Names {
        workspace: Workspace::parse("acme").unwrap(),
        member: person("bob"),
        inviter: person("anna"),
        rights: (0..rights).map(named).collect(),
    }
}

/// A right with its name is 38 bytes; the rest is 16, one more from the 24th on; length and seal are 42.
#[test]
fn a_card_has_one_of_two_sizes_and_what_does_not_fit_is_left_out() {
    let key = Key::random().unwrap();
    for (rights, size, shown) in [
        (0, 512, 0),
        (11, 512, 11),
        (12, 1024, 12),
        (25, 1024, 25),
        (40, 1024, 25),
    ] {
        let sealed = names(rights).seal(&key, &WS, &INVITE).unwrap();
        assert_eq!(sealed.len(), size, "{rights}");
        let opened = Names::open(&sealed, &key, &WS, &INVITE).unwrap();
        assert_eq!(opened, names(shown), "{rights}");
    }
}

#[test]
fn a_card_is_that_of_one_invitation() {
    let key = Key::random().unwrap();
    let sealed = names(2).seal(&key, &WS, &INVITE).unwrap();
    let open =
        |sealed: &[u8], key: &Key, ws, invite| Names::open(sealed, key, &ws, &invite).is_ok();
    assert!(open(&sealed, &key, WS, INVITE));
    assert!(!open(&sealed, &Key::random().unwrap(), WS, INVITE));
    assert!(!open(&sealed, &key, WorkspaceId::of([3; 32]), INVITE));
    assert!(!open(&sealed, &key, WS, InviteId::of([3; 16])));
    for at in (0..sealed.len()).step_by(37) {
        let mut other = sealed.clone();
        other[at] ^= 1;
        assert!(!open(&other, &key, WS, INVITE), "{at}");
    }
    for len in [0, 39, 40, 41, 511] {
        assert!(!open(&sealed[..len], &key, WS, INVITE), "{len}");
    }
}
