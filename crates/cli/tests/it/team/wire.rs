//! What the server and the wire get to see: no value, no name, no host, no person, in any form.

use withheld_testkit::serde_json::json;
use withheld_testkit::{Canaries, Canary, LeakOracle, World, encode};

use super::two::{Post, accept_all, asked, fresh, join};
use crate::common::BINARY;

const WORKSPACE: &str = "canary-orchard-team";
const ENVIRONMENT: &str = "canary-orchard-shop/canary-orchard-dev";
const NAME: &str = "CANARY_ORCHARD_TOKEN";
const VARIABLE: &str = "CANARY_ORCHARD_VARIABLE";
const HOST: &str = "canary-orchard.example.com";
const PATH: &str = "/canary/orchard/accounts";
const FOUNDER: &str = "orchard.founder@example.com";
const GUEST: &str = "orchard.guest@example.com";

/// What an invitation holds of secret bytes: the key that signs a join.
fn secret_of(line: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let code = line.rsplit_once('.').unwrap().1;
    let mut bytes = Vec::new();
    for digits in code.as_bytes().chunks(4) {
        let number = digits.iter().fold(0_u32, |number, letter| {
            let digit = ALPHABET.iter().position(|known| known == letter);
            number << 6 | u32::try_from(digit.unwrap()).unwrap()
        });
        bytes.extend_from_slice(&number.to_be_bytes()[1..]);
    }
    assert_eq!(bytes.len(), 72);
    bytes[52..68].to_vec()
}

fn set(world: &World, value: &Canary) {
    world
        .owner(&["set", NAME, "--stdin", "--no-input", "-e", ENVIRONMENT])
        .typing(value.bytes())
        .succeeds();
}

#[test]
fn z01_cli_the_server_and_the_wire_see_ciphertext_only() {
    let (Some(mut lead), Some(mut guest)) = (World::new(BINARY), World::new(BINARY)) else {
        return;
    };
    let values = [fresh(), Canaries::fresh().nasty, fresh()];
    for value in &values {
        lead.also_hide(value);
        guest.also_hide(value);
    }
    let mut post = Post::start();
    let secret = story(&lead, &guest, &post, &values);
    post.verifies();
    post.server.stop();

    let names = [
        WORKSPACE,
        ENVIRONMENT,
        "canary-orchard-shop",
        "canary-orchard-dev",
        NAME,
        VARIABLE,
        HOST,
        PATH,
        FOUNDER,
        GUEST,
        "canary-orchard-agent",
        lead.passphrase(),
    ];
    let mut hidden: Vec<Canary> = names.iter().map(|name| Canary::new(*name, 0)).collect();
    hidden.extend(values);
    hidden.push(Canary::new(secret, 0));
    let oracle = LeakOracle::new(&hidden.iter().collect::<Vec<_>>());
    // It would see each of them, bare, and as bytes of a format in the texts that carry bytes here.
    for (number, canary) in hidden.iter().enumerate() {
        let packed = [b"\x84\x01\x78", canary.bytes(), b"\xf6"].concat();
        for text in [
            encode::base64url(&packed),
            encode::base64(&packed),
            encode::hex(&packed),
        ] {
            let document = json!({ "commits": [text] }).to_string();
            let leaks = oracle.search("control", document.as_bytes());
            assert!(leaks.iter().any(|leak| leak.canary == number), "{number}");
        }
    }

    let mut places = post.server.wrote();
    let seen = post.tap.take();
    let (mut up, mut down) = (0, 0);
    for exchange in seen {
        let answer = exchange.answer.expect("an answer").raw;
        up += exchange.raw.len();
        down += answer.len();
        let what = format!("{} {}", exchange.method, exchange.path);
        places.push((format!("what was sent with {what}"), exchange.raw));
        places.push((format!("what was answered to {what}"), answer));
    }
    for part in [
        "/v1/ws",
        "/heads",
        "/links",
        "/join",
        "/commits",
        "/envelopes",
        "records:get",
    ] {
        let is_there = places.iter().any(|(place, _)| place.contains(part));
        assert!(is_there, "nothing was seen of {part}");
    }
    let stored: usize = places
        .iter()
        .filter(|(place, _)| place.contains("file withheld.db"))
        .map(|(_, bytes)| bytes.len())
        .sum();
    assert!(stored > 0 && up > 0 && down > 0);
    let leaks: Vec<String> = places
        .iter()
        .flat_map(|(place, bytes)| oracle.search(place, bytes))
        .map(|leak| leak.to_string())
        .collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    eprintln!(
        "wire: {up} bytes up, {down} down, {stored} stored, {} places; none of {} names and values in any form",
        places.len(),
        hidden.len()
    );
    lead.finish();
    guest.finish();
}

/// Everything that a team does, with names that would be known again.
fn story(lead: &World, guest: &World, post: &Post, values: &[Canary; 3]) -> Vec<u8> {
    set(lead, &values[0]);
    let host = format!("{HOST}{PATH}");
    lead.owner(&["bind", NAME, "--host", &host, "--var", VARIABLE])
        .args(&["--inject", "bearer", "--no-input", "-e", ENVIRONMENT])
        .succeeds();
    lead.owner(&["team", "create", WORKSPACE, "--as", FOUNDER, "--no-input"])
        .args(&["--server", &post.tap.url(), "--token-file"])
        .arg(post.server.token_file())
        .succeeds();
    let there = ["-e", ENVIRONMENT];
    let on = |verb| [&[verb], &there[..]].concat();
    asked(lead, &on("push"));
    let to = format!("{ENVIRONMENT}:write");
    let invited = lead.owner(&["team", "invite", GUEST, "--to", &to, "--no-input", "--json"]);
    let line = invited.succeeds().data()["invitation"].clone();
    let line = line.as_str().unwrap();
    join(guest, line);
    lead.status();
    asked(guest, &on("pull"));
    assert_eq!(accept_all(guest), 1);
    let agent = guest.agent_named(
        "canary-orchard-agent",
        &["--grant", NAME, "-e", ENVIRONMENT],
    );
    agent.withheld(&["status", "--json"]).succeeds();
    set(guest, &values[1]);
    asked(guest, &on("push"));
    asked(lead, &on("pull"));
    lead.owner(&["team", "remove", GUEST, "--no-input"])
        .succeeds();
    set(lead, &values[2]);
    asked(lead, &on("push"));
    secret_of(line)
}
