//! The harness against itself.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Stdio;

use crate::http::Reading;
use crate::namespace::Namespace;
use crate::tls::client;
use crate::{Answer, Authority, Keyring, Mood, Temp, Upstream};

#[expect(clippy::disallowed_methods, reason = "a client under test dials")]
fn dial(upstream: &Upstream) -> TcpStream {
    TcpStream::connect(upstream.address()).unwrap()
}

#[test]
fn an_upstream_records_what_came_and_answers_as_told() {
    let authority = Authority::new();
    let upstream = Upstream::start(&authority, &["api.test"]);
    upstream.answer(|seen| {
        let body = seen.header("x-word").unwrap_or("none").to_owned();
        Answer::chunked(&[("x-cut", "1")], body.as_bytes().chunks(1))
    });
    let stream = client(authority.pem().as_bytes(), dial(&upstream), "api.test").unwrap();
    let mut reading = Reading::new(stream);
    for word in ["first", "second"] {
        let head = format!(
            "POST /x?y HTTP/1.1\r\nHost: api.test\r\nX-Word: {word}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        reading.stream.write_all(head.as_bytes()).unwrap();
        reading
            .stream
            .write_all(b"3;x=1\r\nabc\r\n0\r\nA: b\r\n\r\n")
            .unwrap();
        let reply = reading.reply("POST").unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (200, word));
        assert!(reply.whole);
        let seen = upstream.last();
        assert_eq!(seen.head, head.as_bytes());
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str()),
            ("POST", "/x?y")
        );
        assert_eq!(seen.body, b"abc");
        assert_eq!(seen.trailers, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(seen.sni.as_deref(), Some("api.test"));
    }
    assert_eq!(upstream.handshakes(), 1);
    assert_eq!(upstream.connections()[0].requests, 2);
}

#[test]
fn a_handshake_that_fails_is_recorded() {
    let upstream = Upstream::expired(&Authority::new(), &["api.test"]);
    let other = Authority::new();
    assert!(client(other.pem().as_bytes(), dial(&upstream), "api.test").is_err());
    while upstream.connections()[0].failed.is_none() {
        std::thread::yield_now();
    }
    assert_eq!(upstream.handshakes(), 0);
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_reply_that_is_cut_is_not_whole() {
    let authority = Authority::new();
    let upstream = Upstream::start(&authority, &["api.test"]);
    upstream.answer(|_| {
        Answer::head(200, &[("content-length", "9")])
            .then("four")
            .close()
    });
    let stream = client(authority.pem().as_bytes(), dial(&upstream), "api.test").unwrap();
    let mut reading = Reading::new(stream);
    reading
        .stream
        .write_all(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
        .unwrap();
    // A stream that ends without TLS's goodbye is an error, and no whole reply either.
    assert!(
        reading.reply("GET").is_ok_and(|reply| !reply.whole) || reading.seen().ends_with(b"four")
    );
}

#[test]
fn names_hold_inside_the_namespace_only() {
    let temp = Temp::new();
    let namespace = match Namespace::new(temp.path(), &["api.test"]) {
        Ok(namespace) => namespace,
        Err(why) => return crate::skip(&why),
    };
    let found = namespace
        .command("grep")
        .args(["-c", "api.test", "/etc/hosts"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(found.stdout, b"1\n");
    assert!(
        !std::fs::read_to_string("/etc/hosts")
            .unwrap()
            .contains("api.test")
    );
}

#[test]
fn a_keyring_has_its_moods() {
    for mood in [Mood::Open, Mood::Locked, Mood::Silent, Mood::Missing] {
        match Keyring::start(mood) {
            Ok(keyring) => assert_eq!(keyring.variables().len(), 2),
            Err(why) => return crate::skip(&why),
        }
    }
}

/// The encoders that tests echo with, against what coreutils and Python wrote.
#[test]
fn encoders_write_what_real_ones_do() {
    use crate::encode::{base32, hex, html_decimal, json_full, percent, quoted_printable};
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/oracle");
    let vector = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let plain = vector("raw.bin")
        .trim_start_matches("x=")
        .trim_end_matches(';')
        .to_owned();
    let nasty = vector("raw-nasty.bin");
    assert_eq!(base32(plain.as_bytes()), vector("base32.bin"));
    assert_eq!(hex(plain.as_bytes()), vector("hex-lower.bin"));
    assert_eq!(
        percent(nasty.as_bytes()).replace("%2F", "/"),
        vector("percent-minimal.bin")
    );
    assert_eq!(html_decimal(&nasty), vector("html-decimal.bin"));
    assert_eq!(json_full(&nasty), vector("json-u-all.bin"));
    assert_eq!(quoted_printable(b"a=b c"), "a=3Db=20c");
}
