#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_team::links::{Op, Position};

use super::*;
use crate::team::test_team::{ENV, Person, Team};

fn dev() -> Environment {
    "billing/dev".parse().unwrap()
}

fn stripe() -> SecretName {
    "STRIPE_KEY".parse().unwrap()
}

fn of<'a>(team: &Team, names: &'a (Environment, SecretName)) -> BoundTo<'a> {
    BoundTo {
        ws: team.chain.ws(),
        environment: &names.0,
        secret: &names.1,
    }
}

fn drafts() -> Vec<BindingDraft> {
    let json = r#"[{"host":"api.stripe.com","port":443,"place":"bearer"}]"#;
    serde_json::from_str(json).unwrap()
}

fn signed_by(person: &Person, team: &Team, n: u64) -> SignedBindings {
    let names = (dev(), stripe());
    SignedBindings::sign(&person.owner, person.device, of(team, &names), n, &drafts()).unwrap()
}

/// Alice founds, Bob may write, Carol may read.
fn team() -> (Team, [Person; 3]) {
    let [alice, bob, carol] = [1, 2, 3].map(Person::new);
    let mut team = Team::found(&alice);
    team.join(&alice, &bob, Right::Write);
    team.join(&alice, &carol, Right::Read);
    (team, [alice, bob, carol])
}

#[test]
fn bindings_are_what_a_writer_signed() {
    let (team, [alice, bob, _]) = team();
    for person in [&alice, &bob] {
        let signed = signed_by(person, &team, 1);
        assert_eq!(
            signed.verified(&team.chain, ENV, (&dev(), &stripe())),
            Ok(drafts())
        );
    }
}

#[test]
fn bindings_are_refused_from_anybody_else_for_anything_else_and_changed() {
    let (team, [alice, _, carol]) = team();
    let refused_in = |signed: &SignedBindings, env, names: (&Environment, &SecretName)| {
        let verified = signed.verified(&team.chain, env, names);
        assert_eq!(verified, Err(Broken::Bindings));
    };
    let refused = |signed: &SignedBindings| refused_in(signed, ENV, (&dev(), &stripe()));
    refused(&signed_by(&carol, &team, 1));
    refused(&signed_by(&Person::new(9), &team, 1));
    let good = signed_by(&alice, &team, 1);
    refused_in(&good, ENV, (&"billing/prod".parse().unwrap(), &stripe()));
    refused_in(&good, ENV, (&dev(), &"DB_URL".parse().unwrap()));
    refused(&SignedBindings {
        n: 2,
        ..good.clone()
    });
    let json = String::from_utf8(good.json.clone()).unwrap();
    let json = json.replace("stripe", "stripf").into_bytes();
    refused(&SignedBindings {
        json,
        ..good.clone()
    });
    let by = carol.device;
    refused(&SignedBindings { by, ..good });
    // The unattended key of a device is not its owner's.
    let mut stolen = signed_by(&alice, &team, 1);
    let names = (dev(), stripe());
    let bytes = of(&team, &names).signed(1, &stolen.json);
    stolen.signature = alice.seed.sign(Label::SIG_BINDINGS, &bytes).unwrap();
    refused(&stolen);
    // What is signed must also be bindings.
    let json = br#"[{"host":"*","port":443,"place":"bearer"}]"#.to_vec();
    let signature = alice
        .owner
        .sign_as_admin(Label::SIG_BINDINGS, &of(&team, &names).signed(1, &json));
    let unreadable = SignedBindings {
        json,
        n: 1,
        by: alice.device,
        signature,
    };
    refused(&unreadable);
}

/// They are carried from version to version; whoever signed them may be gone by then.
#[test]
fn bindings_outlive_their_signers_right() {
    let (mut team, [alice, bob, _]) = team();
    let signed = signed_by(&bob, &team, 1);
    let hash = withheld_team::links::env_genesis(&team.chain.ws(), &ENV);
    let lower = Op::Grant {
        member: bob.member,
        env: ENV,
        right: Right::Read,
        cut: Some(Position { seq: 0, hash }),
    };
    team.add(&alice, lower).unwrap();
    assert_eq!(
        signed.verified(&team.chain, ENV, (&dev(), &stripe())),
        Ok(drafts())
    );
    let remove = Op::MemberRemove {
        member: bob.member,
        cuts: Vec::new(),
    };
    team.add(&alice, remove).unwrap();
    assert_eq!(
        signed.verified(&team.chain, ENV, (&dev(), &stripe())),
        Ok(drafts())
    );
}

/// Whoever may make environments and invite may also say what their secrets are for.
#[test]
fn an_admin_may_sign_for_an_environment_of_others() {
    let (mut team, [alice, _, carol]) = team();
    let signed = signed_by(&carol, &team, 1);
    let names = (dev(), stripe());
    let verified = |team: &Team| signed.verified(&team.chain, ENV, (&names.0, &names.1));
    assert_eq!(verified(&team), Err(Broken::Bindings));
    let raise = Op::RoleSet {
        member: carol.member,
        role: Role::Admin,
        cut: None,
    };
    team.add(&alice, raise).unwrap();
    assert_eq!(verified(&team), Ok(drafts()));
}
