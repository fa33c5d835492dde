//! Attacks on first contact: somebody was invited, and has nothing but the line.

use withheld_testkit::rogue::{Device, Invite, Item, Line, Shown, link, now_ms, random};
use withheld_testkit::{World, items};

use super::stage::{DAY, MEMBER, invitation};
use super::{LieOf, Row};
use crate::common::BINARY;
use crate::team::two::{Post, asked, found, invite, join, joining, told};

pub(super) const ROWS: &[Row] = rows! { Guest
     16 "another genesis under a workspace's name"       FORK       Liar swapped;
     49 "a genesis at position 2"                        INVALID    Liar at_two;
     50 "a genesis that follows something"               INVALID    Liar following;
     51 "a genesis of another set of algorithms"         UNVERIFIED Liar other_suite;
     52 "a genesis of another device than its author"    INVALID    Liar other_device;
};

/// Who was invited, by an honest line.
pub(super) struct Guest {
    honest: Line,
}

/// A line, and what the server shows to who comes with it.
pub(super) struct Lie {
    line: Line,
    shown: Shown,
}

impl Guest {
    /// A workspace of the liar's with this genesis, and a line to it that is as it should be.
    fn lured(&self, change: impl FnOnce(Item) -> Item) -> Lie {
        let founder = Device::fresh();
        let mut shown = Shown::founded(&founder, change);
        let line = Line {
            ws: shown.ws,
            seq: 1,
            prefix: shown.ws[..16].try_into().unwrap(),
            secret: random(),
            server: self.honest.server.clone(),
        };
        let invites = invitation(&Invite::of(line.secret), MEMBER, &[], now_ms() + DAY);
        let body = shown.next(founder.id, invites).encode();
        shown.links.push(link(&body, &[founder.admin()]));
        Lie { line, shown }
    }
}

/// The line is the honest one.
fn swapped(guest: &Guest) -> Lie {
    let mut lie = guest.lured(|body| body);
    lie.line = guest.honest.clone();
    lie
}

fn at_two(guest: &Guest) -> Lie {
    guest.lured(|body| body.with(2, 2))
}

fn following(guest: &Guest) -> Lie {
    guest.lured(|body| body.with(3, random::<32>()))
}

fn other_suite(guest: &Guest) -> Lie {
    guest.lured(|body| {
        let says = body.at(6).at(1).clone().with(0, 2);
        body.with(6, items![0, says])
    })
}

fn other_device(guest: &Guest) -> Lie {
    guest.lured(|body| {
        let says = body.at(6).at(1).clone().with(2, &Device::fresh().public);
        body.with(6, items![0, says])
    })
}

#[test]
fn z05_cli_attacks_on_first_contact() {
    let (Some(lead), Some(newdev)) = (World::new(BINARY), World::new(BINARY)) else {
        return;
    };
    let post = Post::start();
    found(&lead, &post);
    let honest = invite(&lead, "newdev", &["dev:read"]);
    newdev.owner(&["unlock", "--no-input"]).succeeds();
    let guest = Guest {
        honest: Line::read(&honest),
    };
    for row in ROWS {
        let LieOf::Guest(lie) = row.lie else {
            panic!("{} is played elsewhere", row.number)
        };
        eprintln!("attack {}: {}", row.number, row.name);
        let Lie { line, shown } = lie(&guest);
        post.tap.script(move |exchange| shown.answer(exchange));
        let (exit, code) = row.verdict;
        joining(&newdev, &line.written()).fails(exit).says(code);
        // There is no team here, and nothing of one.
        told(&newdev, &["team", "members"])
            .fails(3)
            .says("not_found");
        assert!(!newdev.home().join("team/workspace").exists());
    }
    post.tap.honest();
    join(&newdev, &honest);
    let members = asked(&newdev, &["team", "members"])["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(2), "{members}");
    post.verifies();
    lead.finish();
    newdev.finish();
}
