//! An admin who appends alone: whom that holds up.

use serde_json::to_vec;
use withheld_team::api::{Lease, ProblemCode};

use super::*;
use crate::team::post::{Answer, Outgoing};

/// The way to a server where another device has the lease.
struct Leased<'a> {
    post: &'a mut Carrier,
    /// Until it is taken over.
    is_held: bool,
    /// What the server says to who asks for it.
    gives: Result<(), ProblemCode>,
    /// What was sent to be stored, and how often the lease was asked for.
    sent: Vec<Vec<u8>>,
    asked: usize,
}

impl<'a> Leased<'a> {
    fn on(post: &'a mut Carrier, gives: Result<(), ProblemCode>) -> Self {
        Self {
            post,
            is_held: true,
            gives,
            sent: Vec::new(),
            asked: 0,
        }
    }
}

impl Post for Leased<'_> {
    fn carry(&mut self, request: Outgoing) -> Result<Answer, Refusal> {
        if request.path.ends_with("/lease") {
            self.asked += 1;
            if let Err(code) = self.gives {
                return Ok(shelf::problem(code));
            }
            self.is_held = false;
            let body = to_vec(&Lease { until: 1 }).unwrap();
            return Ok(Answer {
                status: 200,
                etag: None,
                body,
            });
        }
        if request.method == "POST" && !request.path.ends_with(":get") {
            self.sent.push(request.body.clone());
            if self.is_held {
                return Ok(shelf::problem(ProblemCode::Leased));
            }
        }
        self.post.carry(request)
    }
}

fn remove(who: &mut Person, gives: Result<(), ProblemCode>) -> (Option<Code>, Vec<Vec<u8>>, usize) {
    let Person {
        team, post, proof, ..
    } = who;
    let mut post = Leased::on(post, gives);
    let removed = team
        .as_ref()
        .unwrap()
        .remove(proof, &mut post, &person("bob"), hour(6));
    (code(removed), post.sent, post.asked)
}

fn is_removed(who: &Person) -> bool {
    let members = who.team().members();
    let bob = members.iter().find(|row| row.name == Some(person("bob")));
    bob.unwrap().removed.is_some()
}

#[test]
fn an_owner_who_removes_somebody_takes_the_lease_over() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    anna.put(&dev, 7, "STRIPE_KEY", b"whCANARYstripe");
    let (refused, sent, asked) = remove(&mut anna, Ok(()));
    assert_eq!((refused, asked), (None, 1));
    assert_eq!(sent[0], sent[1], "the same bytes once more");
    assert!(is_removed(&anna));
    assert_eq!(anna.epoch(&dev), Some(2));
    assert_eq!(code(bob.sync(hour(7))), Some(Code::UnknownCaller));
}

/// What was to be sent before it goes the same way.
#[test]
fn a_removal_is_not_held_up_by_what_waits_to_be_sent() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    anna.sync(hour(5)).unwrap();
    anna.post.trouble = Trouble::NoStores;
    assert_eq!(code(anna.push("dev")), Some(Code::ServerUnreachable));
    let team = anna.team.as_ref().unwrap();
    let late = team.add_environment(&anna.proof, &mut anna.post, &environment("qa"), hour(5));
    assert_eq!(code(late), Some(Code::ServerUnreachable));
    anna.post.trouble = Trouble::None;
    let (refused, _, asked) = remove(&mut anna, Ok(()));
    assert_eq!((refused, asked), (None, 1));
    assert!(is_removed(&anna));
}

#[test]
fn a_removal_that_the_server_still_keeps_out_is_sent_later() {
    for code in [ProblemCode::Leased, ProblemCode::Rate] {
        let (mut anna, _bob) = two();
        let (refused, sent, asked) = remove(&mut anna, Err(code));
        assert_eq!((refused, asked), (Some(Code::ServerUnreachable), 1));
        assert_eq!(sent.len(), 1);
        assert!(!is_removed(&anna));
        anna.restart().unwrap();
        anna.sync(hour(7)).unwrap();
        assert!(is_removed(&anna));
    }
}

/// An admin's honest removal is not held up by what an owner does every day.
#[test]
fn nothing_else_takes_the_lease_over() {
    let (mut anna, _bob) = two();
    anna.keep("dev", "DB_URL", b"whCANARYone");
    let Person {
        team, post, proof, ..
    } = &mut anna;
    let team = team.as_ref().unwrap();
    let mut post = Leased::on(post, Ok(()));
    let qa = team.add_environment(proof, &mut post, &environment("qa"), hour(5));
    let pushed = team.push(&mut post, &environment("dev"), None, false, hour(5));
    let synced = team.sync(&mut post, hour(5));
    let busy = Some(Code::ServerUnreachable);
    assert_eq!((code(qa), code(pushed), code(synced)), (busy, busy, busy));
    assert_eq!((post.sent.len(), post.asked), (3, 0));
}

/// Only owners are let before others: an admin would use up what honest admins have of it.
#[test]
fn an_admin_does_not_ask_for_what_is_not_given() {
    let (mut anna, mut bob) = two();
    let line = anna.invite("carl", Role::Member, &[]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(3)).unwrap();
    anna.set("bob", &[], Some(Role::Admin)).unwrap();
    bob.sync(hour(5)).unwrap();
    let Person {
        team, post, proof, ..
    } = &mut bob;
    let mut post = Leased::on(post, Ok(()));
    let team = team.as_ref().unwrap();
    let removed = team.remove(proof, &mut post, &person("carl"), hour(6));
    assert_eq!(code(removed), Some(Code::ServerUnreachable));
    assert_eq!((post.sent.len(), post.asked), (1, 0));
}
