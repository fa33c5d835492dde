//! Invitations that are no good, and servers that show a guest something else than was promised.

use std::time::Duration;

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Exchange, Ran, World};

use super::two::{Post, asked, away, found, invite, join, joining, told};
use crate::common::{BINARY, world};

/// Somebody who founded a team, the team's server, and somebody who wants to join.
struct Door {
    lead: World,
    guest: World,
    post: Post,
}

impl Door {
    fn new() -> Option<Self> {
        let (lead, guest) = (World::new(BINARY)?, World::new(BINARY)?);
        guest.owner(&["unlock", "--no-input"]).succeeds();
        let post = Post::start();
        found(&lead, &post);
        Some(Self { lead, guest, post })
    }

    fn invite(&self) -> String {
        invite(&self.lead, "newdev", &["dev:read"])
    }

    /// The guest is refused like this, and is in no team.
    #[track_caller]
    fn refused(&self, line: &str, exit: i32, code: &str) -> Ran {
        let ran = joining(&self.guest, line).fails(exit).says(code);
        let error = &ran.document()["error"];
        eprintln!(
            "exit {exit} {code}: {} | hint: {}",
            error["message"].as_str().unwrap(),
            error["hint"].as_str().unwrap()
        );
        told(&self.guest, &["team", "members"])
            .fails(3)
            .says("not_found");
        assert_eq!(self.guest.status()["project"]["workspace"], "local");
        ran
    }

    /// The guest gets in, and is given the keys by whoever looks.
    #[track_caller]
    fn lets_in(&self, line: &str) {
        join(&self.guest, line);
        self.lead.status();
        assert_eq!(self.guest.status()["project"]["workspace"], "acme");
    }

    #[track_caller]
    fn finish(self) {
        self.post.verifies();
        self.lead.finish();
        self.guest.finish();
    }
}

macro_rules! door {
    () => {
        match Door::new() {
            Some(door) => door,
            None => return,
        }
    };
}

/// Its proof opens the vault, as that of every other command does.
#[test]
fn a_join_opens_a_vault_that_is_locked() {
    let door = door!();
    door.guest.user_runs(&["lock"]).succeeds();
    joining(&door.guest, &door.invite()).succeeds();
    door.finish();
}

/// Before a key of the team is here as well.
#[test]
fn a_join_says_what_was_joined() {
    let door = door!();
    let line = door.invite();
    away(&door.lead);
    let joined = joining(&door.guest, &line).succeeds().data();
    let right =
        json!({"environment": "default/dev", "right": "read", "secrets": null, "keys": false});
    for (field, expected) in [
        ("workspace", json!("acme")),
        ("member", json!("newdev")),
        ("environments", json!([right])),
        ("waiting", json!([])),
    ] {
        assert_eq!(joined[field], expected, "{field} of {joined}");
    }
    door.finish();
}

/// Who does not say otherwise is called what the account is called.
#[test]
fn a_founder_has_the_name_of_the_account() {
    let world = world!();
    let account = world.program("id", &["-un"]).succeeds().text();
    let post = Post::start();
    let create = world.owner(&["team", "create", "acme", "--no-input", "--json", "--server"]);
    let founded = create
        .args(&[&post.tap.url(), "--token-file"])
        .arg(post.server.token_file())
        .succeeds()
        .data();
    assert_eq!(founded["founder"], account.trim());
    let members = asked(&world, &["team", "members"])["members"].clone();
    assert_eq!(members[0]["name"], account.trim());
    post.verifies();
    world.finish();
}

#[test]
fn an_invitation_that_was_used() {
    let door = door!();
    let third = world!();
    let line = door.invite();
    join(&third, &line);
    let ran = door.refused(&line, 3, "not_found");
    let hint = ran.document()["error"]["hint"].clone();
    assert!(hint.as_str().unwrap().contains("new one"), "{ran}");
    // Who is in already goes on, and a new one is good.
    asked(&third, &["team", "members"]);
    let line = invite(&door.lead, "guest", &["dev:read"]);
    assert_eq!(
        joining(&door.guest, &line).succeeds().data()["member"],
        "guest"
    );
    third.finish();
    door.finish();
}

#[test]
fn an_invitation_that_has_ended() {
    let door = door!();
    let words = ["team", "invite", "newdev", "--to", "dev:read", "--json"];
    let said = door
        .lead
        .owner(&[&words[..], &["--expires", "1s", "--no-input"]].concat())
        .succeeds()
        .data();
    // It ends by the clock: there is nothing else to wait for.
    std::thread::sleep(Duration::from_millis(1_100));
    let line = said["invitation"].as_str().unwrap();
    let ran = door.refused(line, 3, "not_found");
    let hint = ran.document()["error"]["hint"].clone();
    assert!(hint.as_str().unwrap().contains("new one"), "{ran}");
    door.lets_in(&door.invite());
    door.finish();
}

#[test]
fn an_invitation_with_a_mistake() {
    let door = door!();
    let line = door.invite();
    let short = &line[..line.len() - 5];
    let ran = door.refused(short, 2, "usage");
    let message = ran.document()["error"]["message"].clone();
    assert!(message.as_str().unwrap().contains("cut short"), "{ran}");
    let mut typed = line.clone();
    let last = if typed.ends_with('A') { "B" } else { "A" };
    typed.replace_range(typed.len() - 20..typed.len() - 19, last);
    assert_ne!(typed, line);
    door.refused(&typed, 2, "usage");
    door.refused("sk_live_something_else", 2, "usage");
    door.refused(&line.replacen("wh0.", "wh7.", 1), 2, "usage");
    // None of it used the invitation up.
    door.lets_in(&line);
    door.finish();
}

#[test]
fn an_invitation_for_another_workspace() {
    let door = door!();
    let other = world!();
    let elsewhere = Post::start();
    found(&other, &elsewhere);
    let line = invite(&other, "newdev", &["dev:read"]);
    // Its server was replaced by one that has another team.
    elsewhere.tap.lead_to(door.post.server.address());
    door.refused(&line, 3, "not_found");
    elsewhere.tap.lead_to(elsewhere.server.address());
    // Who is in one team does not slip into another, and stays in the one.
    door.lets_in(&door.invite());
    let before = asked(&door.guest, &["team", "members"])["server"].clone();
    joining(&door.guest, &line).fails(7).says("conflict");
    let after = asked(&door.guest, &["team", "members"])["server"].clone();
    assert_eq!(
        (before.as_str(), &after),
        (Some(&*door.post.tap.url()), &before)
    );
    other.finish();
    elsewhere.verifies();
    door.finish();
}

/// What a server said to this request last.
#[track_caller]
fn last(seen: &[Exchange], end: &str) -> Value {
    let all = seen.iter().rev();
    let mut found = all.filter(|one| one.is("GET", end) && one.status() == Some(200));
    found
        .next()
        .unwrap_or_else(|| panic!("nobody asked for {end}"))
        .json()
}

#[test]
fn z07_cli_a_guest_is_shown_less_than_was_promised() {
    let door = door!();
    door.lead.status();
    let older = last(&door.post.tap.take(), "/heads");
    let line = door.invite();
    let (seq, heads) = (older["w"]["seq"].as_u64().unwrap(), older.clone());
    door.post.tap.script(move |exchange| {
        if exchange.is("GET", "/heads") {
            return Some(exchange.with(&heads));
        }
        let mut page = exchange.is("GET", "/links").then(|| exchange.json())?;
        let links = super::script::list(&mut page, "links");
        links.truncate(usize::try_from(seq).unwrap());
        page["next"] = Value::Null;
        Some(exchange.with(&page))
    });
    door.refused(&line, 8, "rollback_detected");
    door.post.tap.honest();
    door.lets_in(&line);
    door.finish();
}

#[test]
fn a_guest_is_shown_another_workspace() {
    let door = door!();
    // What another team's guest is shown.
    let (other, other_guest) = (world!(), world!());
    let elsewhere = Post::start();
    found(&other, &elsewhere);
    let line = invite(&other, "newdev", &["dev:read"]);
    elsewhere.tap.take();
    join(&other_guest, &line);
    let seen = elsewhere.tap.take();
    let before_join: Vec<_> = seen
        .into_iter()
        .take_while(|one| one.method == "GET")
        .collect();
    let (heads, links) = (last(&before_join, "/heads"), last(&before_join, "/links"));
    let line = door.invite();
    door.post.tap.script(move |exchange| {
        if exchange.is("GET", "/heads") {
            return Some(exchange.with(&heads));
        }
        exchange.is("GET", "/links").then(|| exchange.with(&links))
    });
    door.refused(&line, 8, "fork_detected");
    // A beginning that is nobody's.
    door.post
        .tap
        .script(super::script::on("GET", "/links", |page| {
            super::script::flip(&mut page["links"][0], 50);
        }));
    let ran = joining(&door.guest, &line).fails(8);
    let code = ran.document()["error"]["code"].clone();
    assert!(
        [json!("fork_detected"), json!("signature_invalid")].contains(&code),
        "{ran}"
    );
    door.post.tap.honest();
    door.lets_in(&line);
    for world in [other, other_guest] {
        world.finish();
    }
    elsewhere.verifies();
    door.finish();
}
