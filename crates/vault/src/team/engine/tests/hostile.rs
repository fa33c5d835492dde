//! A server that shows something else than what it was given.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use withheld_team::cbor;
use withheld_team::commit::Body;
use withheld_team::id::MemberId;
use withheld_team::label::Label;
use withheld_team::links::{self, Link, Op, Signer};
use withheld_team::signed::Signed;

use super::shelf::edit;
use super::*;
use crate::team::engine::formats::Quarantined;
use crate::team::invitation::Invitation;
use crate::team::post::{Answer, Outgoing};

/// Anna wrote one version of two secrets that Bob has not seen yet.
fn behind() -> (Person, Person) {
    let (mut anna, bob) = two();
    let prod = anna.env("billing/prod");
    anna.put_all(
        &prod,
        [
            (7, "STRIPE_KEY".to_owned(), b"whCANARYone".to_vec()),
            (8, "GITHUB_TOKEN".to_owned(), b"whCANARYtwo".to_vec()),
        ],
    );
    (anna, bob)
}

/// Answers to what ends like this are changed from now on.
pub(super) fn tamper(
    person: &mut Person,
    end: &'static str,
    change: impl Fn(&mut Value) + 'static,
) {
    person.post.change = Some(Box::new(move |request: &Outgoing, answer: &mut Answer| {
        let path = request.path.split('?').next().unwrap();
        if path.ends_with(end) && answer.status == 200 {
            edit(answer, &change);
        }
    }));
}

pub(super) fn flip(blob: &mut Value, at: usize) {
    let mut bytes = URL_SAFE_NO_PAD.decode(blob.as_str().unwrap()).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    *blob = URL_SAFE_NO_PAD.encode(bytes).into();
}

fn evidence(person: &Person) -> usize {
    let names = person.home.names(&person.home.team()).unwrap();
    names
        .iter()
        .filter(|name| name.starts_with("evidence-"))
        .count()
}

/// That this change is met with this code, is kept as evidence, changes nothing, and is forgotten when
/// the server is honest again.
fn refused(end: &'static str, expected: Code, change: impl Fn(&mut Value) + 'static) {
    let (anna, mut bob) = behind();
    let before = bob.team().state();
    tamper(&mut bob, end, change);
    assert_eq!(code(bob.sync(hour(5))), Some(expected), "{end}");
    let after = bob.team().state();
    assert_eq!(after.file.links, before.file.links, "{end}");
    for (env, here) in &before.envs {
        assert_eq!(after.envs[env].chain, here.chain, "{end}");
    }
    assert_eq!(evidence(&bob), 1, "{end}");
    let fresh = bob.team().freshness(hour(5));
    assert_eq!(
        (fresh.verified, fresh.last_fault),
        (false, Some(expected)),
        "{end}"
    );
    // Latched, also over a start, until the server shows something that goes on from what was seen.
    bob.restart().unwrap();
    assert_eq!(bob.team().freshness(hour(5)).last_fault, Some(expected));
    bob.post.trouble = Trouble::Down;
    assert!(bob.sync(hour(5)).is_err());
    assert_eq!(bob.team().freshness(hour(5)).last_fault, Some(expected));
    bob.post.trouble = Trouble::None;
    bob.post.change = None;
    assert!(bob.sync(hour(5)).unwrap().changed);
    assert_eq!(bob.team().freshness(hour(5)).last_fault, None);
    let prod = bob.env("billing/prod");
    assert_eq!(bob.names(&prod), ["STRIPE_KEY", "GITHUB_TOKEN"]);
    assert_eq!(bob.here(&prod).chain.head(), anna.here(&prod).chain.head());
}

#[test]
fn an_older_head_is_a_rollback() {
    refused("/heads", Code::RollbackDetected, |heads| {
        heads["w"]["seq"] = 3.into();
    });
    let (mut anna, mut bob) = behind();
    let prod = anna.env("billing/prod");
    bob.sync(hour(4)).unwrap();
    anna.invite("carl", Role::Member, &[]);
    tamper(&mut bob, "/heads", move |heads| {
        for env in heads["envs"].as_array_mut().unwrap() {
            if env["env"] == json!(prod) {
                env["seq"] = 1.into();
            }
        }
    });
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    // An environment that is not shown at all is one without a commit.
    tamper(&mut bob, "/heads", |heads| heads["envs"] = json!([]));
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    let faults = &bob.team().state().file.faults;
    assert_eq!(faults.len(), 2, "the environment's, and the directory's");
}

#[test]
fn another_hash_where_one_was_seen_is_a_fork() {
    let other = || Value::from("ab".repeat(32));
    refused("/heads", Code::ForkDetected, move |heads| {
        heads["w"]["hash"] = other();
    });
    let (mut anna, mut bob) = behind();
    tamper(&mut bob, "/heads", move |heads| {
        for env in heads["envs"].as_array_mut().unwrap() {
            env["hash"] = other();
        }
    });
    assert_eq!(code(bob.sync(hour(5))), Some(Code::ForkDetected));
    // That the honest one is shown again takes nothing back, until the directory goes on from it.
    bob.post.change = None;
    for _ in 0..2 {
        bob.sync(hour(5)).unwrap();
        bob.restart().unwrap();
        let fresh = bob.team().freshness(hour(5));
        assert_eq!(
            (fresh.verified, fresh.last_fault),
            (false, Some(Code::ForkDetected))
        );
    }
    anna.invite("carl", Role::Member, &[]);
    bob.sync(hour(5)).unwrap();
    assert_eq!(bob.team().freshness(hour(5)).last_fault, None);
}

/// A rollback that follows does not take the fork's place.
#[test]
fn another_fault_does_not_hide_the_first() {
    let (_anna, mut bob) = behind();
    bob.sync(hour(4)).unwrap();
    std::fs::remove_file(bob.home.team().join("seen")).unwrap();
    bob.restart().unwrap();
    tamper(&mut bob, "/heads", |heads| {
        heads["w"]["hash"] = "ab".repeat(32).into();
    });
    assert_eq!(code(bob.sync(hour(5))), Some(Code::ForkDetected));
    tamper(&mut bob, "/heads", |heads| heads["w"]["seq"] = 1.into());
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    bob.post.change = None;
    bob.sync(hour(5)).unwrap();
    let last = bob.team().freshness(hour(5)).last_fault;
    assert_eq!(last, Some(Code::ForkDetected));
}

/// Its own word it can renew for ever; what somebody signed stays as old as it is.
#[test]
fn a_server_that_says_for_ever_that_nothing_is_new_does_not_look_fresh() {
    let (mut anna, mut bob) = two();
    let prod = environment("billing/prod");
    let signed = |bob: &Person| bob.team().as_of(&prod).unwrap().signed;
    assert_eq!(signed(&bob), hour(3), "Bob's join");
    bob.post.change = Some(Box::new(|request, answer| {
        if request.path.ends_with("/heads") {
            *answer = Answer {
                status: 304,
                etag: None,
                body: Vec::new(),
            };
        }
    }));
    anna.put(&anna.env("billing/prod"), 7, "STRIPE_KEY", b"whCANARYone");
    for days in 1..10 {
        let now = hour(24 * days);
        assert!(!bob.sync(now).unwrap().changed);
        let fresh = bob.team().freshness(now);
        assert_eq!((fresh.verified, fresh.seen_at), (true, Some(now)));
        assert_eq!(signed(&bob), hour(3));
    }
    bob.restart().unwrap();
    assert_eq!(signed(&bob), hour(3), "kept with what was signed");
    bob.post.change = None;
    bob.sync(hour(240)).unwrap();
    assert_eq!(signed(&bob), hour(4), "Anna's commit");
}

#[test]
fn links_that_do_not_verify_change_nothing() {
    let (mut anna, mut bob) = behind();
    anna.invite("carl", Role::Member, &[]);
    anna.invite("dora", Role::Member, &[]);
    let before = bob.team().state();
    let mut meet = |expected, change: fn(&mut Value)| {
        tamper(&mut bob, "/links", change);
        assert_eq!(code(bob.sync(hour(5))), Some(expected));
        assert_eq!(bob.team().state().file.links, before.file.links);
    };
    meet(Code::SignatureInvalid, |page| {
        flip(&mut page["links"][0], 9)
    });
    meet(Code::SignatureInvalid, |page| {
        flip(&mut page["links"][1], 100)
    });
    meet(Code::SignatureInvalid, |page| {
        drop(page["links"].as_array_mut().unwrap().remove(0))
    });
    meet(Code::SignatureInvalid, |page| {
        page["links"].as_array_mut().unwrap().swap(0, 1)
    });
    meet(Code::RollbackDetected, |page| page["links"] = json!([]));
    meet(Code::RollbackDetected, |page| {
        let link = page["links"][0].clone();
        page["links"] = vec![link; 501].into();
    });
    bob.post.change = None;
    bob.sync(hour(5)).unwrap();
    assert_eq!(
        bob.team().state().chain.head(),
        anna.team().state().chain.head()
    );
}

#[test]
fn commits_that_do_not_verify_change_nothing() {
    refused("/commits", Code::SignatureInvalid, |page| {
        flip(&mut page["commits"][0], 40)
    });
    refused("/commits", Code::SignatureInvalid, |page| {
        flip(&mut page["commits"][1], 300)
    });
    refused("/commits", Code::SignatureInvalid, |page| {
        page["commits"].as_array_mut().unwrap().remove(0);
    });
    refused("/commits", Code::RollbackDetected, |page| {
        page["commits"] = json!([])
    });
}

#[test]
fn records_that_do_not_verify_change_nothing() {
    let part = |name: &'static str, at: usize| {
        refused("/records:get", Code::SignatureInvalid, move |got| {
            flip(&mut got["records"][0][name], at);
        });
    };
    part("record", 30);
    part("record", 250);
    part("meta", 5);
    part("slot", 60);
    for name in ["record", "meta", "slot"] {
        refused("/records:get", Code::SignatureInvalid, move |got| {
            let other = got["records"][1][name].clone();
            got["records"][0][name] = other;
        });
    }
    refused("/records:get", Code::SignatureInvalid, |got| {
        got["records"][0].as_object_mut().unwrap().remove("slot");
    });
}

#[test]
fn what_is_only_missing_is_not_held_against_the_server() {
    let (mut anna, mut bob) = behind();
    tamper(&mut bob, "/records:get", |got| got["records"] = json!([]));
    assert_eq!(code(bob.sync(hour(5))), Some(Code::Unverified));
    for status in [500, 502, 302, 200] {
        bob.post.change = Some(Box::new(move |_, answer| {
            *answer = Answer {
                status,
                etag: None,
                body: b"<html>".to_vec(),
            };
        }));
        let expected = if status == 200 {
            Code::Unverified
        } else {
            Code::ServerUnreachable
        };
        assert_eq!(code(bob.sync(hour(5))), Some(expected));
    }
    bob.post.change = Some(Box::new(|_, answer| answer.status = 304));
    bob.team = Team::open(&bob.vault).unwrap();
    std::fs::remove_file(bob.home.team().join("seen")).unwrap();
    bob.restart().unwrap();
    assert_eq!(
        code(bob.sync(hour(5))),
        Some(Code::ServerUnreachable),
        "nobody asked for that"
    );
    assert_eq!(evidence(&bob), 0);
    assert_eq!(bob.team().freshness(hour(5)).last_fault, None);
    // An envelope that is withheld: everything else is here, the names are not.
    let prod = anna.env("billing/prod");
    anna.set("bob", &[right("billing/prod", Right::None)], None)
        .unwrap();
    anna.set("bob", &[right("billing/prod", Right::Read)], None)
        .unwrap();
    tamper(&mut bob, "/envelopes", |page| page["envelopes"] = json!([]));
    let synced = bob.sync(hour(5)).unwrap();
    assert_eq!(synced.locked, [environment("billing/prod")]);
    assert_eq!((bob.epoch(&prod), bob.names(&prod)), (None, Vec::new()));
    assert_eq!(bob.here(&prod).chain.head(), anna.here(&prod).chain.head());
    // It is healed by the next one: here by asking again.
    bob.post.change = None;
    anna.invite("carl", Role::Member, &[]);
    bob.sync(hour(5)).unwrap();
    assert_eq!(bob.names(&prod).len(), 2);
}

#[test]
fn a_commit_that_has_seen_links_which_are_not_shown_is_a_rollback() {
    let (mut anna, mut bob) = behind();
    let prod = anna.env("billing/prod");
    let shown = bob.post.shelf().links.len();
    let hash = bob.team().state().chain.head().hash;
    anna.invite("carl", Role::Member, &[]);
    anna.put(&prod, 9, "AFTER", b"whCANARYafter");
    bob.post.change = Some(Box::new(move |request, answer| {
        if request.path.contains("/heads") {
            edit(answer, |heads| {
                heads["w"] = json!({"seq": shown, "hash": hash})
            });
        }
        if request.path.contains("/links") {
            edit(answer, |page| page["links"] = json!([]));
        }
    }));
    bob.post.taken();
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    let asked = bob.post.taken();
    assert_eq!(
        asked.iter().filter(|what| *what == "GET heads").count(),
        2,
        "asked once more"
    );
    // An honest server that moved on between two answers is believed.
    let once = std::cell::Cell::new(true);
    bob.post.change = Some(Box::new(move |request, answer| {
        if request.path.contains("/heads") && once.take() {
            edit(answer, |heads| {
                heads["w"] = json!({"seq": shown, "hash": hash})
            });
        }
    }));
    bob.sync(hour(5)).unwrap();
    assert_eq!(bob.here(&prod).chain.head(), anna.here(&prod).chain.head());
    assert_eq!(
        bob.post
            .taken()
            .iter()
            .filter(|what| *what == "GET heads")
            .count(),
        1
    );
}

/// A position that is as far as a number goes is one that nobody was shown.
#[test]
fn the_largest_numbers_are_a_rollback_and_end_nothing() {
    let last = || Value::from(u64::MAX);
    let (anna, mut bob) = behind();
    let before = bob.team().state();
    tamper(&mut bob, "/heads", move |heads| heads["w"]["seq"] = last());
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    tamper(&mut bob, "/heads", move |heads| {
        for env in heads["envs"].as_array_mut().unwrap() {
            env["seq"] = last();
        }
        heads["rev"] = last();
    });
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    // A commit that its author signed, in sight of a link that there cannot be yet.
    let prod = anna.env("billing/prod");
    let honest = anna.post.shelf().envs[&prod].commits[0].clone();
    for number in [u64::MAX, 1 << 63, 1 << 32] {
        let signed: Signed = cbor::decode(&honest).unwrap();
        let mut body: Body = cbor::decode(&signed.body).unwrap();
        body.w_seq = number;
        let body = body.to_bytes();
        let signature = anna.team().seed.sign(Label::SIG_COMMIT, &body).unwrap();
        let forged = URL_SAFE_NO_PAD.encode(Signed { body, signature }.to_bytes());
        tamper(&mut bob, "/commits", move |page| {
            page["commits"] = json!([forged]);
        });
        let expected = Some(Code::RollbackDetected);
        assert_eq!(code(bob.sync(hour(5))), expected, "{number}");
        let here = bob.team().state();
        assert_eq!(here.envs[&prod].chain, before.envs[&prod].chain);
    }
}

/// Whoever has the line can sign with it for ever. That brings nobody in, and proves no other history.
#[test]
fn the_key_of_a_used_invitation_proves_nothing() {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let line = anna.invite("bob", Role::Member, &[right("dev", Right::Read)]);
    let (mut bob, thief) = (Person::new(&shelf), Person::new(&shelf));
    bob.join(&line, hour(3)).unwrap();
    let joined = bob.team().state().chain.head();
    anna.sync(hour(3)).unwrap();
    anna.invite("carl", Role::Member, &[]);
    bob.sync(hour(4)).unwrap();
    anna.invite("dora", Role::Member, &[]);
    let head = bob.team().state().chain.head();
    assert!(head.seq > joined.seq);
    let join = |seq: u64, prev: Hash| {
        let invitation = Invitation::read(&line).unwrap();
        let seed = thief.vault.device_seed_or_new().unwrap();
        let device = seed.public(thief.proof.admin_key()).unwrap();
        let (author, invite) = (device.id(), invitation.key.id());
        let body = links::Body {
            v: VERSION,
            ws: bob.team().state().file.ws,
            seq,
            prev,
            ts: anna.team().state().chain.ts(),
            author,
            op: Op::Join {
                invite,
                member: MemberId::of([9; 16]),
                device,
            },
        };
        let body = body.to_bytes();
        let label = Label::SIG_WLINK;
        let signatures = vec![
            (Signer::Ops(author), seed.sign(label, &body).unwrap()),
            (
                Signer::Admin(author),
                thief.proof.sign_as_admin(label, &body),
            ),
            (Signer::Invite(invite), invitation.key.sign(label, &body)),
        ];
        URL_SAFE_NO_PAD.encode(Link::of(body, signatures))
    };
    let before_it = bob.team().state().chain.hash_at(joined.seq - 1).unwrap();
    let other = Hash::of([7; 32]);
    for (what, forged, expected) in [
        (
            "the next",
            join(head.seq + 1, head.hash),
            Code::SignatureInvalid,
        ),
        (
            "after another",
            join(head.seq + 1, other),
            Code::SignatureInvalid,
        ),
        (
            "beside",
            join(head.seq, joined.hash),
            Code::SignatureInvalid,
        ),
        // Where it was used, it was not used yet: two guests were let in by one line.
        (
            "beside the join",
            join(joined.seq, before_it),
            Code::ForkDetected,
        ),
    ] {
        let mut bob = bob.copied();
        bob.post = Carrier::to(&shelf);
        tamper(&mut bob, "/links", move |page| {
            page["links"] = json!([forged])
        });
        assert_eq!(code(bob.sync(hour(5))), Some(expected), "{what}");
        assert_eq!(bob.team().state().chain.head(), head, "{what}");
    }
    // And with it nothing is shown any more.
    let look = Team::look(&line, &mut Carrier::to(&shelf), hour(5));
    assert_eq!(code(look), Some(Code::NotFound));
}

#[test]
fn commits_that_a_removal_pinned_must_be_shown() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(3)).unwrap();
    anna.sync(hour(3)).unwrap();
    carl.sync(hour(3)).unwrap();
    bob.put(&dev, 7, "DB_URL", b"whCANARYdb");
    // Lowered, not rotated: the cut is all that tells Carl of the commit.
    anna.set("bob", &[right("dev", Right::Read)], None).unwrap();
    tamper(&mut carl, "/heads", move |heads| {
        for env in heads["envs"].as_array_mut().unwrap() {
            if env["env"] == json!(dev) {
                env["seq"] = 0.into();
            }
        }
    });
    assert_eq!(code(carl.sync(hour(6))), Some(Code::RollbackDetected));
    carl.post.change = None;
    carl.sync(hour(6)).unwrap();
    assert_eq!(carl.names(&dev), ["DB_URL"]);
}

#[test]
fn a_commit_that_the_removal_of_its_author_does_not_know_is_refused_also_later() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    let line = anna.invite("carl", Role::Member, &[right("dev", Right::Read)]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(3)).unwrap();
    anna.sync(hour(3)).unwrap();
    // The server keeps a commit of Bob's from Anna and shows it to Carl.
    let shelf = Arc::clone(&anna.post.shelf);
    let before = shelf.lock().unwrap().clone();
    bob.put(&dev, 7, "DB_URL", b"whCANARYdb");
    carl.sync(hour(4)).unwrap();
    assert_eq!(carl.names(&dev), ["DB_URL"]);
    let hidden = std::mem::replace(&mut *shelf.lock().unwrap(), before);
    anna.remove("bob").unwrap();
    let mut shown = shelf.lock().unwrap();
    shown.envs.insert(dev, hidden.envs[&dev].clone());
    shown.rev += 100;
    drop(shown);
    assert_eq!(code(carl.sync(hour(7))), Some(Code::SignatureInvalid));
    let faults = &carl.team().state().file.faults;
    assert_eq!(
        faults.iter().map(|fault| fault.env).collect::<Vec<_>>(),
        [Some(dev)]
    );
}

#[test]
fn evidence_is_kept_once_each_ten_times_and_not_without_end() {
    let (_anna, mut bob) = behind();
    tamper(&mut bob, "/heads", |heads| heads["w"]["seq"] = 1.into());
    for _ in 0..3 {
        assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    }
    let pieces = |bob: &Person| {
        let names = bob.home.names(&bob.home.team()).unwrap().into_iter();
        let pieces = names.filter(|name| name.starts_with("evidence-"));
        let read = |name| std::fs::read(bob.home.team().join(name)).unwrap();
        pieces.map(read).collect::<Vec<_>>()
    };
    let [one] = &pieces(&bob)[..] else {
        panic!("the same piece")
    };
    assert!(
        one.starts_with(b"GET /v1/ws/"),
        "what was asked, then what was answered"
    );
    assert!(one.ends_with(b"}"));
    let longer = std::cell::Cell::new(2 << 20);
    bob.post.change = Some(Box::new(move |_, answer| {
        edit(answer, |heads| heads["w"]["seq"] = 1.into());
        longer.set(longer.get() + 1);
        answer.body.splice(0..0, vec![b' '; longer.get()]);
    }));
    assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    let mut lengths: Vec<usize> = pieces(&bob).iter().map(Vec::len).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [one.len(), 1_048_576]);
    for _ in 0..12 {
        assert_eq!(code(bob.sync(hour(5))), Some(Code::RollbackDetected));
    }
    assert_eq!(evidence(&bob), 10);
    bob.restart().unwrap();
}

/// Bob was cut off and let in again: the key that he needs is in an envelope.
fn without_a_key() -> (Person, Person) {
    let (mut anna, bob) = behind();
    for right_now in [Right::None, Right::Read] {
        anna.set("bob", &[right("billing/prod", right_now)], None)
            .unwrap();
    }
    (anna, bob)
}

#[test]
fn a_server_with_another_envelope_each_time_is_not_listened_to_for_ever() {
    let (_anna, mut bob) = without_a_key();
    bob.post.change = Some(Box::new(|request, answer| {
        let since = request.path.split_once("/envelopes?since=");
        let since = since.map_or(200, |(_, since)| since.parse().unwrap());
        if since < 200 {
            edit(answer, |page| {
                *page = json!({"envelopes": ["AAAA"], "rev": since + 1});
            });
        }
    }));
    bob.post.taken();
    assert_eq!(code(bob.sync(hour(6))), Some(Code::Unverified));
    let taken = bob.post.taken();
    let asked = taken.iter().filter(|what| *what == "GET envelopes");
    assert_eq!(asked.count(), 64);
    assert_eq!(evidence(&bob), 0);
    bob.post.change = None;
    bob.sync(hour(6)).unwrap();
    assert_eq!(bob.names(&bob.env("billing/prod")).len(), 2);
}

/// A colleague's device that signs what it likes.
#[test]
fn no_more_envelopes_are_kept_than_there_can_be() {
    use withheld_team::{cbor, envelope::Envelope, label::Label, signed::Signed};
    for (many, expected) in [(1_000, None), (1_001, Some(Code::Unverified))] {
        let (anna, mut bob) = without_a_key();
        let prod = anna.env("billing/prod");
        let kept = bob.post.shelf().envelopes.clone();
        let mine = |bytes: &Vec<u8>| {
            let signed: Signed = cbor::decode(bytes).unwrap();
            let read: Envelope = cbor::decode(&signed.body).unwrap();
            (read.env == prod).then_some(read)
        };
        let device = bob.team().state().file.device;
        let to_bob = kept.iter().filter(|(_, to, _)| *to == device);
        let real = to_bob.filter_map(|(.., bytes)| mine(bytes)).next_back();
        let mut real = real.unwrap();
        let there = kept
            .iter()
            .filter(|(_, to, bytes)| *to == device && mine(bytes).is_some());
        let there = there.count();
        let forged: Vec<_> = (there..many)
            .map(|number| {
                real.enc[..8].copy_from_slice(&(number as u64).to_be_bytes());
                let body = cbor::encode(&real);
                let signature = anna.team().seed.sign(Label::SIG_ENVELOPE, &body).unwrap();
                withheld_team::api::Blob(Signed { body, signature }.to_bytes())
            })
            .collect();
        bob.post.shelf().keep_envelopes(&forged);
        assert_eq!(code(bob.sync(hour(6))), expected, "{many}");
    }
}

#[test]
fn a_guest_is_shown_no_other_workspace_and_no_older_one() {
    let shelf = Arc::default();
    let mut anna = Person::founder(&shelf);
    let before = shelf.lock().unwrap().clone();
    anna.invite("carl", Role::Member, &[]);
    let line = anna.invite("bob", Role::Member, &[]);
    let after = shelf.lock().unwrap().clone();
    let mut bob = Person::new(&shelf);
    let mut look = |shown: Shelf| {
        *shelf.lock().unwrap() = shown;
        code(Team::look(&line, &mut bob.post, hour(3)))
    };
    assert_eq!(look(before.clone()), Some(Code::RollbackDetected));
    // All but the link that invites him.
    let mut shown = after.clone();
    shown.links.pop();
    assert_eq!(look(shown), Some(Code::RollbackDetected));
    // Another workspace under this one's id.
    let other = Person::founder(&Arc::default()).post.shelf().clone();
    let shown = Shelf {
        ws: after.ws,
        ..other
    };
    assert_eq!(look(shown), Some(Code::ForkDetected));
    // Another history of the same workspace.
    let mut dora = before.clone();
    std::mem::swap(&mut *shelf.lock().unwrap(), &mut dora);
    anna.restart().unwrap();
    assert_eq!(code(anna.sync(hour(3))), Some(Code::RollbackDetected));
    assert_eq!(look(after), None);
    assert!(Team::open(&bob.vault).unwrap().is_none());
}

#[test]
fn a_record_that_only_holders_can_see_is_bad_is_set_aside_and_holds_nobody_up() {
    let (mut anna, mut bob) = two();
    let dev = anna.env("dev");
    bob.put(&dev, 7, "DB_URL", b"whCANARYdb");
    bob.put_with(&dev, 8, "BAD", |new| new.slot.wrap_meta[3] ^= 1);
    anna.sync(hour(4)).unwrap();
    assert_eq!(anna.names(&dev), ["DB_URL"]);
    let row = Quarantined {
        rid: RecordId::of([8; 16]),
        ver: 1,
        why: crate::team::Broken::Slot,
    };
    assert_eq!(anna.here(&dev).file.quarantine, [row]);
    assert_eq!(evidence(&anna), 0, "the server did nothing");
    anna.restart().unwrap();
    assert_eq!(anna.names(&dev), ["DB_URL"]);
    anna.remove("bob").unwrap();
    assert_eq!(
        (anna.epoch(&dev), anna.here(&dev).chain.epoch()),
        (Some(2), 2)
    );
    assert_eq!(anna.names(&dev), ["DB_URL"]);
    anna.put(&dev, 8, "GOOD", b"whCANARYgood");
    assert_eq!(anna.names(&dev), ["DB_URL", "GOOD"]);
    assert!(anna.here(&dev).file.quarantine.is_empty());
}

/// An admin who renames people in the directory, so that another one is removed than who was meant.
#[test]
fn the_first_name_of_somebody_stands() {
    use crate::team::engine::directory::{self, Name};
    let (mut anna, mut bob) = two();
    let line = anna.invite("carl", Role::Member, &[]);
    let mut carl = Person::new(&anna.post.shelf);
    carl.join(&line, hour(3)).unwrap();
    anna.set("bob", &[], Some(Role::Admin)).unwrap();
    bob.sync(hour(5)).unwrap();
    let ids = [&bob, &carl].map(|person| person.team().state().me());
    let invite = |id| {
        bob.team()
            .state()
            .chain
            .member(&id)
            .unwrap()
            .invite
            .unwrap()
    };
    let [bobs, carls] = ids.map(invite);
    let team = bob.team.as_ref().unwrap();
    let swapped = team.change(&mut bob.post, hour(5), |state| {
        let mut draft = Draft::on(state, &team.seed, None, hour(5));
        let (one, other) = (person("carl"), person("bob"));
        let names = [Name::Invited(bobs, &one), Name::Invited(carls, &other)];
        directory::write(&mut draft, &team.seed, &names)?;
        Ok((draft, ()))
    });
    swapped.unwrap();
    anna.sync(hour(5)).unwrap();
    anna.restart().unwrap();
    let rows = anna.team().members();
    let called = |row: &crate::team::MemberRow| (row.name.clone(), row.renamed.clone());
    assert_eq!(called(&rows[0]), (Some(person("anna")), None));
    assert_eq!(
        called(&rows[1]),
        (Some(person("bob")), Some(person("carl")))
    );
    assert_eq!(
        called(&rows[2]),
        (Some(person("carl")), Some(person("bob")))
    );
    anna.remove("bob").unwrap();
    let removed = |id| anna.team().state().chain.member(&id).unwrap().removed;
    assert!(removed(ids[0]).is_some() && removed(ids[1]).is_none());
}

/// Nobody gave the founder a name that can be read: the id does.
#[test]
fn who_has_no_name_can_be_removed() {
    let (mut anna, bob) = two();
    let me = bob.team().state().me();
    let id = me.to_string();
    let name = format!("member-{}", &id[..8]);
    let state = anna.team().state();
    let mut next = crate::team::engine::state::State::clone(&state);
    next.file.people.retain(|row| row.member != me);
    let invite = state.chain.member(&me).unwrap().invite.unwrap();
    let rid = RecordId::of(*invite.as_bytes());
    let here = next.env_mut(&EnvId::DIRECTORY);
    here.records.get_mut(&rid).unwrap().opened = Opened::Locked;
    assert_eq!(next.person(&me), Some(person(&name)));
    assert_eq!(next.find(&person(&name)).unwrap().id, me);
    // With a name, too.
    anna.remove(&name).unwrap();
    let chain = &anna.team().state().chain;
    assert!(chain.member(&me).unwrap().removed.is_some());
}

#[test]
fn the_first_name_of_an_environment_stands() {
    use crate::team::engine::directory::{self, Name};
    let (mut anna, mut bob) = two();
    let (dev, prod) = (anna.env("dev"), anna.env("billing/prod"));
    let team = anna.team.as_ref().unwrap();
    let swapped = team.change(&mut anna.post, hour(4), |state| {
        let mut draft = Draft::on(state, &team.seed, None, hour(4));
        let (one, other) = (environment("dev"), environment("billing/prod"));
        let names = [
            Name::Environment(prod, &one),
            Name::Environment(dev, &other),
        ];
        directory::write(&mut draft, &team.seed, &names)?;
        Ok((draft, ()))
    });
    swapped.unwrap();
    bob.sync(hour(5)).unwrap();
    assert_eq!((bob.env("dev"), bob.env("billing/prod")), (dev, prod));
}
