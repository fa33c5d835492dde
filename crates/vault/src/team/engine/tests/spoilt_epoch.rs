//! An epoch whose key nobody has: an admin who may write can begin one. It ends with its author's rights.

use super::acts::*;
use super::*;
use withheld_team::chain::recipients_hash;
use withheld_team::links::Op;

/// An admin who may write begins an epoch with commitments to no key, and seals it to nobody.
fn spoil(person: &mut Person, env: &EnvId) {
    let team = person.team.as_ref().unwrap();
    let spoilt = team.change(&mut person.post, hour(5), |state| {
        let mut draft = Draft::on(state, &team.seed, None, hour(5));
        let n = state.chain.env(env).unwrap().epochs.last().unwrap().n + 1;
        draft.link(Op::Epoch {
            env: *env,
            n,
            recipients: recipients_hash(&state.chain.recipients(env)),
            commit_root: Hash::of([0xab; 32]),
            commit_meta: Hash::of([0xcd; 32]),
            prev_n: 0,
            prev_wrap: None,
        })?;
        Ok((draft, ()))
    });
    spoilt.unwrap();
}

#[test]
fn an_epoch_that_nobody_can_open_ends_with_the_rights_of_its_author() {
    for is_removed in [true, false] {
        for has_secrets in [true, false] {
            let (mut anna, mut bob) = two();
            let dev = anna.env("dev");
            if has_secrets {
                anna.keep("dev", "DB_URL", b"whCANARYone");
                anna.push("dev").unwrap();
            }
            anna.set("bob", &[], Some(Role::Admin)).unwrap();
            bob.sync(hour(5)).unwrap();
            spoil(&mut bob, &dev);
            assert_eq!(code(anna.pull("dev")), Some(Code::Unverified));
            if is_removed {
                anna.remove("bob").unwrap();
            } else {
                anna.set("bob", &[right("dev", Right::None)], None).unwrap();
            }
            anna.pull("dev").unwrap();
            assert_eq!(anna.epoch(&dev), Some(3));
            anna.keep("dev", "DB_URL", b"whCANARYtwo");
            let pushed = anna.push("dev").unwrap().pushed;
            let version = if has_secrets { 2 } else { 1 };
            assert_eq!(pushed, versions(&[("DB_URL", version)]));
        }
    }
}

/// The admin who removes may not write the environment: whoever may, does the rest.
#[test]
fn a_colleague_who_may_write_ends_it_too() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Write)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(3)).unwrap();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.push("dev").unwrap();
    carl.sync(hour(4)).unwrap();
    anna.set("bob", &[], Some(Role::Admin)).unwrap();
    bob.sync(hour(5)).unwrap();
    spoil(&mut bob, &dev);
    carl.sync(hour(5)).unwrap();
    let state = anna.team().state();
    let bobs = state.find(&person("bob")).unwrap().id;
    let team = anna.team.as_ref().unwrap();
    // The removal alone, as if the admin's machine had died behind it.
    let removed = team.change(&mut anna.post, hour(6), |state| {
        let mut draft = Draft::on(state, &team.seed, Some(&anna.proof), hour(6));
        let envs = state.chain.envs();
        let envs =
            envs.filter(|env| state.chain.right(&bobs, env) == withheld_team::links::Right::Write);
        let cuts = envs.map(|env| {
            let head = draft.cut(&env).unwrap();
            withheld_team::links::Cut {
                env,
                seq: head.seq,
                hash: head.hash,
            }
        });
        let cuts = cuts.collect();
        draft.link(Op::MemberRemove { member: bobs, cuts })?;
        Ok((draft, ()))
    });
    removed.unwrap();
    let rotated = carl.sync(hour(7)).unwrap().rotated;
    assert_eq!(rotated, [environment("dev")]);
    carl.pull("dev").unwrap();
    assert_eq!(carl.held("dev", "DB_URL").unwrap(), b"whCANARYone");
}
