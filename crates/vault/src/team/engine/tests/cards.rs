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

/// Whoever invites chooses the card, and the chain what it gives.
#[test]
fn a_card_that_says_other_rights_than_the_invitation_is_refused() {
    use super::super::draft::Draft;
    use crate::team::invitation::Invitation;
    use withheld_team::links::Op;
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let given = |name: &str, right| NamedRight {
        environment: environment(name),
        right,
    };
    let (dev, prod) = (anna.env("dev"), anna.env("billing/prod"));
    let mut rights = vec![(dev, links::Right::Write), (prod, links::Right::Read)];
    rights.sort_unstable();
    let name_of = |env| if env == dev { "dev" } else { "billing/prod" };
    let honest: Vec<NamedRight> = rights
        .iter()
        .map(|(env, right)| given(name_of(*env), *right))
        .collect();
    let mut harmless = honest.clone();
    for named in &mut harmless {
        named.right = links::Right::Read;
    }
    let mut longer = honest.clone();
    longer.push(given("qa", links::Right::Read));
    let cases = [
        (honest.clone(), None),
        (honest[..1].to_vec(), None),
        (harmless, Some(Code::SignatureInvalid)),
        (longer, Some(Code::SignatureInvalid)),
    ];
    for (at, (shown, expected)) in cases.into_iter().enumerate() {
        let team = anna.team.as_ref().unwrap();
        let line = team.change(&mut anna.post, hour(2), |state| {
            let mut draft = Draft::on(state, &team.seed, Some(&anna.proof), hour(2));
            let head = draft.next.chain.head();
            let (line, key) = Invitation::issue(&team.server, state.file.ws, head)?;
            let card = Names {
                rights: shown.clone(),
                ..names(0)
            };
            let card = card.seal(key.card(), &state.file.ws, &key.id())?;
            draft.link(Op::Invite {
                invite: key.id(),
                key: key.public(),
                role: links::Role::Member,
                rights: rights.clone(),
                expires: u64::try_from(hour(26).as_ms()).unwrap(),
                confirm: false,
                card: card.into(),
            })?;
            Ok((draft, line))
        });
        let line = line.unwrap();
        let mut bob = Person::new(&shelf);
        let look = Team::look(&line, &mut bob.post, hour(3));
        if let Ok(card) = &look {
            let said = |name: &str| {
                let mut rights = card.rights.iter();
                let access = rights.find(|access| access.environment == environment(name));
                access.map(|access| access.right)
            };
            assert!(said("dev").is_none_or(|right| right == Right::Write));
            assert!(said("billing/prod").is_none_or(|right| right == Right::Read));
        }
        assert_eq!(code(look), expected, "{at}");
        assert_eq!(code(bob.join(&line, hour(3))), expected, "{at}");
    }
}
