use std::io::Write as _;
use std::net::TcpStream;

use serde_json::json;

use super::{Changed, Tap, dial};
use crate::http::Reading;
use crate::{Answer, Upstream};

/// A server that says what it was asked, a tap in front of it, and a connection to that.
fn tapped() -> (Upstream, Tap, Reading<TcpStream>) {
    let server = Upstream::clear();
    server.answer(|seen| {
        let body = json!({"asked": seen.target, "sent": seen.body.len()});
        Answer::with(201, &[("x-own", "1")], body.to_string())
    });
    let tap = Tap::start(server.address());
    let client = Reading::new(dial(tap.address).unwrap());
    (server, tap, client)
}

fn ask(client: &mut Reading<TcpStream>, raw: &str) -> crate::Reply {
    client.stream.write_all(raw.as_bytes()).unwrap();
    client.reply("POST").unwrap()
}

#[test]
fn a_tap_hands_on_and_keeps_every_byte() {
    let (server, tap, mut client) = tapped();
    let first = "POST /v1/a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    let second = "GET /v1/b HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(ask(&mut client, first).json()["sent"], 3);
    let reply = ask(&mut client, second);
    assert_eq!((reply.status, reply.header("x-own")), (201, Some("1")));
    assert_eq!(reply.json()["asked"], "/v1/b");
    assert_eq!(server.seen().len(), 2);
    let seen = tap.take();
    assert_eq!(seen[0].raw, first.as_bytes());
    assert_eq!(seen[1].raw, second.as_bytes());
    assert!(seen[0].is("POST", "/a") && !seen[0].is("GET", "/a"));
    assert_eq!(
        (seen[0].query.as_str(), &seen[0].body[..]),
        ("b=c", &b"abc"[..])
    );
    assert_eq!(seen[1].answer.as_ref().unwrap().raw, reply.raw);
    assert!(tap.seen().is_empty());
    assert_eq!(tap.send(second.as_bytes()).json()["asked"], "/v1/b");
    assert!(tap.seen().is_empty(), "what a test sends is no client's");
}

#[test]
fn a_script_answers_otherwise_and_keeps_what_the_server_said() {
    let (_server, tap, mut client) = tapped();
    tap.script(|exchange| match exchange.path.as_str() {
        "/body" => Some(exchange.with(&json!({"other": true}))),
        "/all" => Some(Changed::bytes(500, "text/html", "<html>")),
        "/same" => Some(Changed::bytes(304, "text/plain", "")),
        _ => None,
    });
    let mut get = |path: &str| {
        ask(
            &mut client,
            &format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"),
        )
    };
    let reply = get("/body");
    assert_eq!((reply.status, reply.header("x-own")), (201, Some("1")));
    assert_eq!(reply.json(), json!({"other": true}));
    let reply = get("/all");
    assert_eq!((reply.status, reply.text().as_str()), (500, "<html>"));
    assert_eq!(get("/same").status, 304);
    assert_eq!(get("/else").json()["asked"], "/else");
    tap.honest();
    assert_eq!(get("/body").json()["asked"], "/body");
    let own: Vec<_> = tap
        .seen()
        .iter()
        .map(|one| one.json()["asked"].clone())
        .collect();
    assert_eq!(own, ["/body", "/all", "/same", "/else", "/body"]);
}

#[test]
fn a_server_that_is_gone_is_a_connection_that_ends() {
    let (_server, tap, mut client) = tapped();
    let other = Upstream::clear();
    let nobody = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap()
    };
    tap.lead_to(nobody);
    let raw = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    client.stream.write_all(raw.as_bytes()).unwrap();
    assert!(client.reply("GET").is_err());
    assert!(tap.take()[0].answer.is_none());
    tap.lead_to(other.address());
    let mut client = Reading::new(dial(tap.address).unwrap());
    assert_eq!(ask(&mut client, raw).json(), json!({"ok": true}));
}
