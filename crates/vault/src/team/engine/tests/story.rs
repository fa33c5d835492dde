//! What a team does, from its founding to a removal.

use super::*;
use crate::team::engine::What;
use crate::team::envelope;
use crate::team::epoch::EpochId;

#[test]
fn a_founder_has_an_environment_for_each_that_holds_a_secret() {
    let anna = Person::founder(&Arc::default());
    let team = anna.team();
    assert_eq!(team.workspace().unwrap().as_str(), "acme");
    let mut environments = team.environments();
    environments.sort();
    let expected = ["billing/prod", "default/dev"].map(|name| (environment(name), Right::Write));
    assert_eq!(environments, expected);
    let members = team.members();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].name, Some(person("anna")));
    assert_eq!((members[0].role, members[0].devices), (Role::Owner, 1));
    assert!(members[0].you);
    for env in [anna.env("dev"), anna.env("billing/prod"), EnvId::DIRECTORY] {
        assert_eq!(anna.epoch(&env), Some(1));
    }
    // One request founded it.
    assert_eq!(anna.post.seen.len(), 1);
    assert_eq!(
        (anna.post.seen[0].method, &*anna.post.seen[0].path),
        ("POST", "/v1/ws")
    );
    let named = |(name, _): &(&str, String)| *name == "authorization" || *name == "signature";
    assert!(!anna.post.seen[0].headers.iter().any(named));
}

#[test]
fn an_invitation_is_shown_used_once_and_brings_the_keys_of_a_colleague() {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let rights = [
        right("dev", Right::Write),
        right("billing/prod", Right::Read),
    ];
    let line = anna.invite("bob", Role::Member, &rights);

    let mut bob = Person::new(&shelf);
    let card = Team::look(&line, &mut bob.post, hour(3)).unwrap();
    assert_eq!(card.workspace.as_str(), "acme");
    assert_eq!((card.member, card.inviter), (person("bob"), person("anna")));
    assert_eq!((card.role, card.expires), (Role::Member, hour(26)));
    let mut shown = card.rights.clone();
    shown.sort_by(|one, other| one.environment.cmp(&other.environment));
    assert_eq!(shown, [rights[1].clone(), rights[0].clone()]);
    let server = Team::server_of(&line).unwrap();
    assert_eq!(
        (server.host.as_str(), server.port),
        ("team.example.com", 443)
    );
    assert!(
        Team::open(&bob.vault).unwrap().is_none(),
        "looking keeps nothing"
    );

    bob.join(&line, hour(3)).unwrap();
    let (dev, prod) = (bob.env("dev"), bob.env("billing/prod"));
    assert_eq!(dev, anna.env("dev"));
    assert_eq!(bob.epoch(&dev), None, "no colleague has seen the join");
    let synced = anna.sync(hour(3)).unwrap();
    assert!(synced.changed);
    assert_eq!(synced.sealed, 3, "two environments and the directory");
    assert_eq!(anna.sync(hour(3)).unwrap().sealed, 0, "once each");
    let synced = bob.sync(hour(3)).unwrap();
    assert!(synced.changed && synced.locked.is_empty());
    for env in [dev, prod, EnvId::DIRECTORY] {
        assert_eq!(bob.epoch(&env), Some(1));
    }
    let names: Vec<_> = bob
        .team()
        .members()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, [Some(person("anna")), Some(person("bob"))]);

    let mut carl = Person::new(&shelf);
    let used = Team::look(&line, &mut carl.post, hour(3));
    assert_eq!(code(used), Some(Code::NotFound));
    assert_eq!(code(carl.join(&line, hour(3))), Some(Code::NotFound));
    assert_eq!(
        code(bob.join(&line, hour(3))),
        Some(Code::Conflict),
        "he is in it"
    );
}

#[test]
fn an_invitation_ends() {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let line = anna.invite("bob", Role::Member, &[]);
    let mut bob = Person::new(&shelf);
    assert!(Team::look(&line, &mut bob.post, hour(26)).is_ok());
    let late = Moment::from_ms(hour(26).as_ms() + 1);
    assert_eq!(
        code(Team::look(&line, &mut bob.post, late)),
        Some(Code::NotFound)
    );
}

#[test]
fn a_secret_is_read_by_who_may() {
    let (mut anna, mut bob) = two();
    let (dev, prod) = (anna.env("dev"), anna.env("billing/prod"));
    anna.put(&prod, 7, "STRIPE_KEY", b"whCANARYstripe");
    bob.put(&dev, 8, "DB_URL", b"whCANARYdb");
    anna.sync(hour(4)).unwrap();
    bob.sync(hour(4)).unwrap();
    assert_eq!(bob.names(&prod), ["STRIPE_KEY"]);
    assert_eq!(anna.names(&dev), ["DB_URL"]);
    // Who brought it and when.
    let came = anna.here(&dev).came[&RecordId::of([8; 16])];
    assert_eq!(came.by, bob.team().state().file.device);
    assert_eq!(came.at_ms, 1_795_539_600_000 + 4 * 3_600_000);
    anna.put(&prod, 7, "STRIPE_KEY", b"whCANARYother");
    bob.sync(hour(4)).unwrap();
    assert_eq!(bob.here(&prod).records[&RecordId::of([7; 16])].kept.ver, 2);
    let again = anna.here(&prod).records.clone();
    anna.restart().unwrap();
    assert_eq!(anna.names(&prod), ["STRIPE_KEY"]);
    assert_eq!(again.len(), anna.here(&prod).records.len());
}

#[test]
fn whoever_is_removed_opens_nothing_that_comes_after() {
    let (mut anna, mut bob) = two();
    let (dev, prod) = (anna.env("dev"), anna.env("billing/prod"));
    anna.put(&prod, 7, "STRIPE_KEY", b"whCANARYstripe");
    bob.put(&dev, 8, "DB_URL", b"whCANARYdb");
    anna.sync(hour(4)).unwrap();
    let would = anna
        .team()
        .look_at_removal(&person("bob"), hour(5))
        .unwrap();
    assert_eq!((would.secrets, would.devices), (2, 1));
    let mut names: Vec<_> = would.exposed.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["DB_URL", "STRIPE_KEY"]);
    anna.post.taken();
    let removed = anna.remove("bob").unwrap();
    let stores = anna.post.taken();
    let stores: Vec<_> = stores
        .iter()
        .filter(|what| what.starts_with("POST links"))
        .collect();
    assert_eq!(stores.len(), 1, "one bundle");
    let mut environments = removed.environments;
    environments.sort();
    assert_eq!(
        environments,
        ["billing/prod", "default/dev"].map(environment)
    );
    assert_eq!(removed.devices, 1);
    let mut exposed: Vec<_> = removed
        .exposed
        .into_iter()
        .map(|row| (row.name, row.who, row.since))
        .collect();
    exposed.sort();
    let row = |name: &str| (secret(name), person("bob"), hour(6));
    assert_eq!(exposed, [row("DB_URL"), row("STRIPE_KEY")]);
    for env in [dev, prod, EnvId::DIRECTORY] {
        assert_eq!(anna.epoch(&env), Some(2));
        assert_eq!(anna.here(&env).chain.epoch(), 2, "wrapped anew");
    }
    assert_eq!(anna.names(&prod), ["STRIPE_KEY"]);

    assert_eq!(code(bob.sync(hour(6))), Some(Code::UnknownCaller));
    let team = bob.team();
    let state = team.state();
    assert_eq!(
        state
            .chain
            .epoch_at(&dev, state.chain.head().seq)
            .unwrap()
            .n,
        2
    );
    assert_eq!(bob.epoch(&dev), None);
    let shelf = bob.post.shelf().clone();
    for env in [dev, prod, EnvId::DIRECTORY] {
        let open = |n| {
            let ws = state.file.ws;
            let all = shelf.envelopes.iter().map(|(_, _, bytes)| &bytes[..]);
            envelope::find(all, EpochId { ws, env, n }, &team.seed, &state.chain)
        };
        assert!(open(1).is_ok(), "what he had");
        assert!(open(2).is_err(), "with everything that the server has");
    }
    // A new value takes its name off the list.
    anna.put(&dev, 8, "DB_URL", b"whCANARYnew");
    let left = anna.team().exposed();
    assert_eq!(
        left.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["STRIPE_KEY"]
    );
    let rows = anna.team().members();
    assert_eq!((rows[1].removed, rows[1].devices), (Some(hour(6)), 0));
}

#[test]
fn rights_are_raised_and_lowered() {
    let (mut anna, mut bob) = two();
    let (dev, prod) = (anna.env("dev"), anna.env("billing/prod"));
    anna.set("bob", &[right("billing/prod", Right::Write)], None)
        .unwrap();
    bob.sync(hour(5)).unwrap();
    bob.put(&prod, 7, "STRIPE_KEY", b"whCANARYstripe");
    // Lower than reading: a new key, and bob does not get it.
    anna.set("bob", &[right("billing/prod", Right::None)], None)
        .unwrap();
    assert_eq!((anna.epoch(&prod), anna.epoch(&dev)), (Some(2), Some(1)));
    assert_eq!(anna.here(&prod).chain.epoch(), 2);
    bob.sync(hour(5)).unwrap();
    assert_eq!((bob.epoch(&prod), bob.epoch(&dev)), (None, Some(1)));
    // Higher again: the key comes with the same command.
    anna.set("bob", &[right("billing/prod", Right::Read)], None)
        .unwrap();
    bob.sync(hour(5)).unwrap();
    assert_eq!(bob.epoch(&prod), Some(2));
    assert_eq!(bob.names(&prod), ["STRIPE_KEY"]);
    // From writing to reading there is no new key, only a cut.
    anna.set("bob", &[right("dev", Right::Read)], None).unwrap();
    assert_eq!(anna.epoch(&dev), Some(1));
    assert_eq!(anna.team().state().chain.cuts(&dev).len(), 1);
    // The same once more is nothing.
    let links = anna.team().log().len();
    anna.set("bob", &[right("dev", Right::Read)], None).unwrap();
    assert_eq!(anna.team().log().len(), links);
}

#[test]
fn roles_are_set_by_owners_and_people_are_managed_by_admins() {
    let (mut anna, mut bob) = two();
    let cannot = [
        code(bob.set("anna", &[right("dev", Right::None)], None)),
        code(bob.remove("anna").map(drop)),
    ];
    assert_eq!(cannot, [Some(Code::NoGrant); 2]);
    let invite = Invite {
        member: person("carl"),
        role: Role::Member,
        rights: Vec::new(),
        expires: hour(20),
    };
    let team = bob.team.as_ref().unwrap();
    let refused = team.invite(&bob.proof, &mut bob.post, &invite, hour(5));
    assert_eq!(code(refused), Some(Code::NoGrant));

    anna.set("bob", &[], Some(Role::Admin)).unwrap();
    let team = bob.team.as_ref().unwrap();
    team.invite(&bob.proof, &mut bob.post, &invite, hour(5))
        .unwrap();
    let team = bob.team.as_ref().unwrap();
    team.add_environment(&bob.proof, &mut bob.post, &environment("staging"), hour(5))
        .unwrap();
    let twice = team.add_environment(&bob.proof, &mut bob.post, &environment("staging"), hour(5));
    assert_eq!(code(twice), Some(Code::Conflict));
    anna.sync(hour(5)).unwrap();
    let rights: Vec<_> = anna.team().environments();
    assert!(
        rights.contains(&(environment("staging"), Right::None)),
        "made by bob, not hers"
    );
    assert_eq!(
        code(bob.set("anna", &[], Some(Role::Member))),
        Some(Code::NoGrant)
    );
    anna.set("bob", &[], Some(Role::Member)).unwrap();
    bob.sync(hour(5)).unwrap();
    assert_eq!(code(bob.remove("anna").map(drop)), Some(Code::NoGrant));
    // Removed: also from an environment that she cannot read, by the head that the server shows.
    anna.remove("bob").unwrap();
    let log: Vec<_> = anna.team().log().into_iter().map(|row| row.what).collect();
    assert!(log.contains(&What::RoleSet(Role::Admin)) && log.contains(&What::Removed));
    assert_eq!(code(anna.set("bob", &[], None)), Some(Code::NotFound));
    let myself = anna.remove("anna");
    assert_eq!(code(myself), Some(Code::NoGrant), "the last owner stays");
}

#[test]
fn somebody_is_cut_off_where_the_admin_may_not_read_any_more() {
    let (mut anna, mut bob) = two();
    let prod = anna.env("billing/prod");
    anna.set(
        "bob",
        &[right("billing/prod", Right::Write)],
        Some(Role::Admin),
    )
    .unwrap();
    anna.set("anna", &[right("billing/prod", Right::None)], None)
        .unwrap();
    bob.sync(hour(5)).unwrap();
    bob.put(&prod, 7, "STRIPE_KEY", b"whCANARYstripe");
    anna.sync(hour(5)).unwrap();
    assert_ne!(anna.here(&prod).chain.head(), bob.here(&prod).chain.head());
    anna.remove("bob").unwrap();
    let head = bob.here(&prod).chain.head();
    let state = anna.team().state();
    let cut = state.chain.cuts(&prod).last().unwrap();
    assert_eq!((cut.seq, cut.hash), (head.seq, head.hash));
}

#[test]
fn a_colleague_makes_the_new_key_where_the_admin_may_not() {
    let (mut anna, mut bob) = two();
    let prod = anna.env("billing/prod");
    let line = anna.invite("dora", Role::Member, &[right("billing/prod", Right::Read)]);
    let mut dora = Person::new(&anna.post.shelf);
    dora.join(&line, hour(3)).unwrap();
    anna.set(
        "bob",
        &[right("billing/prod", Right::Write)],
        Some(Role::Admin),
    )
    .unwrap();
    bob.put(&prod, 7, "STRIPE_KEY", b"whCANARYstripe");
    anna.set("anna", &[right("billing/prod", Right::None)], None)
        .unwrap();
    bob.sync(hour(5)).unwrap();
    assert_eq!(bob.epoch(&prod), Some(2), "anna had the first");
    let removed = anna.remove("dora").unwrap();
    assert!(
        removed.environments.is_empty(),
        "only the directory, which has no name"
    );
    assert_eq!(anna.epoch(&EnvId::DIRECTORY), Some(2));
    let synced = bob.sync(hour(7)).unwrap();
    assert_eq!(synced.rotated, [environment("billing/prod")]);
    assert_eq!(
        (bob.epoch(&prod), bob.here(&prod).chain.epoch()),
        (Some(3), 3)
    );
    assert_eq!(bob.names(&prod), ["STRIPE_KEY"]);
    assert!(bob.sync(hour(7)).unwrap().rotated.is_empty(), "once");
}

#[test]
fn two_of_one_name_are_told_apart() {
    let (mut anna, _bob) = two();
    let line = anna.invite("bob", Role::Member, &[]);
    let mut other = Person::new(&anna.post.shelf);
    other.join(&line, hour(4)).unwrap();
    anna.sync(hour(4)).unwrap();
    let names: Vec<_> = anna
        .team()
        .members()
        .into_iter()
        .map(|row| row.name)
        .collect();
    let expected = ["anna", "bob", "bob.2"].map(|name| Some(person(name)));
    assert_eq!(names, expected);
    anna.remove("bob.2").unwrap();
    let removed = |row: &crate::team::engine::MemberRow| row.removed.is_some();
    let rows = anna.team().members();
    assert_eq!(
        rows.iter().map(removed).collect::<Vec<_>>(),
        [false, false, true]
    );
}

#[test]
fn whoever_is_second_writes_anew() {
    let (mut anna, mut bob) = two();
    anna.set("bob", &[], Some(Role::Admin)).unwrap();
    bob.sync(hour(5)).unwrap();
    // Between anna's look and her change, bob's comes.
    let bobs = bob.team.take().unwrap();
    let shelf = Arc::clone(&bob.post.shelf);
    let proof = bob.proof;
    let mut once = Some((bobs, proof, Carrier::to(&shelf)));
    anna.post.change = Some(Box::new(move |request, _| {
        if request.path.ends_with("/heads")
            && let Some((team, proof, mut post)) = once.take()
        {
            let made = team.add_environment(&proof, &mut post, &environment("staging"), hour(5));
            made.unwrap();
        }
    }));
    anna.post.taken();
    let team = anna.team.as_ref().unwrap();
    let made = team.add_environment(&anna.proof, &mut anna.post, &environment("qa"), hour(5));
    made.unwrap();
    let mut names: Vec<_> = anna.team().environments();
    names.sort();
    let names: Vec<_> = names
        .iter()
        .map(|(name, _)| name.short().to_owned())
        .collect();
    assert_eq!(names, ["prod", "dev", "qa", "staging"]);
    let stores = anna.post.taken();
    let tried = stores.iter().filter(|what| *what == "POST links").count();
    assert_eq!(tried, 2);
    assert!(
        stores.contains(&"POST lease".to_owned()),
        "the second time alone"
    );
}

#[test]
fn nothing_changed_costs_one_request_and_touches_nothing_beside_the_envelopes() {
    let (mut anna, mut bob) = two();
    anna.sync(hour(4)).unwrap();
    anna.post.taken();
    let items = |home: &Home| {
        let entries = std::fs::read_dir(home.items()).unwrap();
        let mut all: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                let changed = entry.metadata().unwrap();
                use std::os::unix::fs::MetadataExt as _;
                (entry.path(), changed.ino())
            })
            .collect();
        all.sort();
        all
    };
    let before = items(&anna.home);
    let synced = anna.sync(hour(5)).unwrap();
    assert!(!synced.changed);
    assert_eq!(anna.post.taken(), ["GET heads"]);
    assert_eq!(items(&anna.home), before, "nothing was put there");
    let fresh = anna.team().freshness(hour(5));
    assert_eq!((fresh.seen_at, fresh.verified), (Some(hour(5)), true));
    assert!(anna.team().freshness(hour(5 + 72)).verified);
    assert!(
        !anna.team().freshness(hour(5 + 73)).verified,
        "too long ago"
    );
    assert!(!anna.team().freshness(hour(4)).verified, "in the future");
    bob.post.trouble = Trouble::Down;
    assert_eq!(code(bob.sync(hour(9))), Some(Code::ServerUnreachable));
    assert_eq!(bob.team().members().len(), 2, "what is here is here");
    assert_eq!(bob.team().freshness(hour(5)).seen_at, Some(hour(3)));
}

#[test]
fn pages_of_any_size_come_to_the_same() {
    let (mut anna, _bob) = two();
    let prod = anna.env("billing/prod");
    for rid in 1..=5 {
        anna.put(&prod, rid, &format!("KEY_{rid}"), b"whCANARYvalue");
    }
    let line = anna.invite("carl", Role::Member, &[right("billing/prod", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.post.page = 2;
    carl.join(&line, hour(4)).unwrap();
    anna.sync(hour(4)).unwrap();
    carl.sync(hour(4)).unwrap();
    assert_eq!(
        carl.names(&prod),
        ["KEY_1", "KEY_2", "KEY_3", "KEY_4", "KEY_5"]
    );
    let heads = |person: &Person| person.here(&prod).chain.head();
    assert_eq!(heads(&carl), heads(&anna));
}

#[test]
fn a_long_history_is_skipped_at_first_contact() {
    let (mut anna, _bob) = two();
    let prod = anna.env("billing/prod");
    let round = |round: u32| {
        let rid = u8::try_from(round % 3 + 1).unwrap();
        (rid, format!("KEY_{rid}"), round.to_be_bytes().to_vec())
    };
    anna.put_all(&prod, (0..1001).map(round));
    let line = anna.invite("carl", Role::Member, &[right("billing/prod", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.post.page = 2;
    carl.join(&line, hour(4)).unwrap();
    anna.sync(hour(4)).unwrap();
    carl.sync(hour(4)).unwrap();
    let snapshots = carl.post.taken();
    assert_eq!(
        snapshots
            .iter()
            .filter(|what| *what == "GET snapshot")
            .count(),
        2
    );
    assert!(
        !snapshots.contains(&"GET commits".to_owned()) || carl.here(&prod).file.commits.is_empty()
    );
    assert_eq!(carl.names(&prod), ["KEY_1", "KEY_2", "KEY_3"]);
    assert_eq!(carl.here(&prod).chain.head().seq, 1001);
    anna.put(&prod, 1, "KEY_1", b"whCANARYlast");
    carl.sync(hour(4)).unwrap();
    carl.restart().unwrap();
    assert_eq!(carl.here(&prod).chain.head(), anna.here(&prod).chain.head());
    assert_eq!(carl.names(&prod), ["KEY_1", "KEY_2", "KEY_3"]);
}
