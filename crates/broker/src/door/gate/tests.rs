#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::Mutex;

use super::recognise::{HEAD_LIMIT, Recogniser, State};
use super::{Gate, GateKey, GateRefusal};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Want {
    /// All goes through and the next head may come.
    Good,
    /// A CONNECT goes through.
    Tunnel,
    /// The head is refused.
    Bad,
    /// The head goes through and the body does not.
    Cut,
}
use Want::{Bad, Cut, Good, Tunnel};

const TABLE: &[(&str, Want)] = &[
    // What clients send.
    ("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", Good),
    ("GET /a?b[]=1&c=%20 HTTP/1.1\r\nHost:api.test\r\n\r\n", Good),
    ("GET / HTTP/1.1\r\nHost: \t api.test:8443 \t\r\n\r\n", Good),
    ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", Good),
    (
        "GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Good,
    ),
    (
        "GET https://api.test:444?q HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Good,
    ),
    ("OPTIONS * HTTP/1.1\r\nHost: api.test\r\n\r\n", Good),
    (
        "PROPFIND /x HTTP/1.1\r\nhost: api.test\r\nX-Empty:\r\n\r\n",
        Good,
    ),
    (
        "GET / HTTP/1.1\r\nHost: api.test\r\nX: caf\u{e9}\r\n\r\n",
        Good,
    ),
    (
        "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 0\r\n\r\n",
        Good,
    ),
    (
        "POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 3\r\n\r\nabc",
        Good,
    ),
    (
        "POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Good,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0A\r\n0123456789\r\n000\r\nX-Sum: 1\r\n\r\n",
        Good,
    ),
    (
        "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n",
        Tunnel,
    ),
    ("CONNECT api.test:443 HTTP/1.1\r\n\r\n", Tunnel),
    ("CONNECT api.test:443 HTTP/1.0\r\n\r\n", Tunnel),
    ("CONNECT [::1]:443 HTTP/1.1\r\n\r\n", Tunnel),
    // Request lines (H05).
    (
        "GET http://api.test@evil.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET https://api.test:443@evil.test HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://evil.test#@api.test HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://evil.test\\@api.test HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://api.test;evil.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://api\t.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://api\r.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://api\n.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    ("GET http:///x HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    (
        "GET http://api.test:/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET http://api.test:080/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    ("GET http://0x7f.1/ HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    (
        "GET ftp://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    (
        "GET HTTP://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n",
        Bad,
    ),
    ("GET api.test:443 HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET * HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /a#b HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /a\\b HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /a%2 HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /a%zz HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /caf\u{e9} HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /a\0 HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET  / HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET\t/ HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET / HTTP/1.1 \r\nHost: api.test\r\n\r\n", Bad),
    ("GET / HTTP/1.0\r\nHost: api.test\r\n\r\n", Bad),
    ("GET / HTTP/1.2\r\nHost: api.test\r\n\r\n", Bad),
    ("GET / http/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET /\r\nHost: api.test\r\n\r\n", Bad),
    ("PRI * HTTP/2.0\r\n\r\n", Bad),
    ("G(T / HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    // Line ends and blanks.
    ("\r\nGET / HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("\nGET / HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    (" GET / HTTP/1.1\r\nHost: api.test\r\n\r\n", Bad),
    ("GET / HTTP/1.1\nHost: api.test\n\n", Bad),
    ("GET / HTTP/1.1\r\nHost: api.test\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: api.test\r\n\n", Bad),
    ("GET / HTTP/1.1\r\nHost: api.test\r\nX: a\rb\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\r\nHost: api.test\r\n\r\n", Bad),
    ("\u{16}\u{3}\u{1}", Bad),
    // Fields.
    ("GET / HTTP/1.1\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Bad),
    (
        "GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
        Bad,
    ),
    (
        "GET / HTTP/1.1\r\nHost: a.test\r\nhOST: b.test\r\n\r\n",
        Bad,
    ),
    ("GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: x@a.test\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test:\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX\t: y\r\n\r\n", Bad),
    (
        "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n folded\r\n\r\n",
        Bad,
    ),
    ("GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nno colon\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test\r\n: empty\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX: a\u{7f}b\r\n\r\n", Bad),
    ("GET / HTTP/1.1\r\nHost: a.test\r\nX\u{e9}: y\r\n\r\n", Bad),
    // Lengths (P02).
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3, 3\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +3\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: -3\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0x3\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 03\r\n\r\nabc",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length:\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 18446744073709551616\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9223372036854775808\r\n\r\n",
        Bad,
    ),
    // Codings (P01).
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n",
        Bad,
    ),
    // CONNECT.
    (
        "CONNECT api.test:443 HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        Bad,
    ),
    (
        "CONNECT api.test:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        Bad,
    ),
    ("CONNECT api.test HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT api.test:0 HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT api.test:0443 HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT api.test:65536 HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT x@api.test:443 HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT api.test:443/ HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT /:443 HTTP/1.1\r\n\r\n", Bad),
    ("CONNECT ::1:443 HTTP/1.1\r\n\r\n", Bad),
    ("connect api.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", Bad),
];

/// Chunked bodies that end no reading in two ways (P05).
const BAD_CHUNKS: &[&str] = &[
    "3;x=y\r\nabc\r\n0\r\n\r\n",
    "3 \r\nabc\r\n0\r\n\r\n",
    " 3\r\nabc\r\n0\r\n\r\n",
    "3\nabc\r\n0\r\n\r\n",
    "3\r\nabc\n0\r\n\r\n",
    "3\r\nabcd\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n",
    "+3\r\nabc\r\n0\r\n\r\n",
    "-1\r\nabc\r\n0\r\n\r\n",
    "\r\nabc\r\n0\r\n\r\n",
    "3\r\rabc\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nabc\r\n",
    "10000000000000003\r\nabc\r\n",
    "0\r\n\n",
    "0\r\nAuthorization: x\r\n\r\n",
    "0\r\nhost: x\r\n\r\n",
    "0\r\nContent-Length: 3\r\n\r\n",
    "0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "0\r\nProxy-Authorization: x\r\n\r\n",
    "0\r\nX : y\r\n\r\n",
    "0\r\n folded\r\n\r\n",
    "0\r\nGET / HTTP/1.1\r\n\r\n",
];

fn raw(text: &str) -> Vec<u8> {
    // One char of the table is one byte, so that it can hold bytes above ASCII.
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (State, Vec<u8>) {
    let (mut recogniser, mut out) = (Recogniser::default(), Vec::new());
    for piece in pieces {
        recogniser.feed(piece, &mut out);
    }
    (recogniser.state(), out)
}

fn meets(want: Want, input: &[u8], state: State, out: &[u8]) -> bool {
    match want {
        Good => state == State::Head && out == input,
        Tunnel => state == State::Connect && out == input,
        Bad => matches!(state, State::Refused(GateRefusal::Ambiguous(_))) && out.is_empty(),
        Cut => matches!(state, State::Broken(_)) && !out.ends_with(b"0\r\n\r\n"),
    }
}

fn all() -> Vec<(Vec<u8>, Want)> {
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = BAD_CHUNKS
        .iter()
        .map(|body| (raw(&format!("{head}{body}")), Cut));
    TABLE
        .iter()
        .map(|(text, want)| (raw(text), *want))
        .chain(chunks)
        .collect()
}

#[test]
fn every_head_of_the_table_is_judged_as_written_by_hand() {
    assert!(TABLE.len() >= 80);
    for (input, want) in all() {
        let (state, out) = run([input.as_slice()]);
        assert!(
            meets(want, &input, state, &out),
            "{:?}: {state:?}",
            String::from_utf8_lossy(&input)
        );
    }
}

#[test]
fn where_the_bytes_are_cut_changes_nothing() {
    for (input, _) in all() {
        let whole = run([input.as_slice()]);
        assert_eq!(run(input.chunks(1)), whole);
        for cut in 0..=input.len() {
            let (left, right) = input.split_at(cut);
            assert_eq!(run([left, right]), whole, "cut at {cut}");
        }
    }
}

#[test]
fn nothing_follows_a_refusal() {
    let good = raw(TABLE[0].0);
    for (input, _) in all()
        .into_iter()
        .filter(|(_, want)| matches!(want, Bad | Cut))
    {
        let alone = run([input.as_slice()]);
        assert_eq!(run([input.as_slice(), &good]), alone);
    }
}

#[test]
fn pipelined_heads_and_bodies_all_go_through() {
    let many: Vec<u8> = all()
        .into_iter()
        .filter(|(_, want)| *want == Good)
        .flat_map(|(input, _)| input)
        .collect();
    assert_eq!(run([many.as_slice()]), (State::Head, many.clone()));
    assert_eq!(run(many.chunks(7)), (State::Head, many.clone()));
}

#[test]
fn large_heads_have_their_own_refusals() {
    let long = "a".repeat(HEAD_LIMIT);
    let target = format!("GET /{long}");
    let field = format!("GET / HTTP/1.1\r\nHost: a.test\r\nX: {long}");
    let middle = format!(
        "GET /{} HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "a".repeat(40_000)
    );
    let count = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\n{}\r\n",
        "X: y\r\n".repeat(100)
    );
    for (text, why) in [
        (target, GateRefusal::TargetTooLarge),
        (middle, GateRefusal::TargetTooLarge),
        (field, GateRefusal::HeadTooLarge),
        (count, GateRefusal::HeadTooLarge),
    ] {
        assert_eq!(run([text.as_bytes()]), (State::Refused(why), Vec::new()));
    }
    let fits = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\n{}\r\n",
        "X: y\r\n".repeat(99)
    );
    assert_eq!(run([fits.as_bytes()]).0, State::Head);
}

/// A hyper server over a Gate; the list holds what its service was asked.
fn serve() -> (DuplexStream, Arc<Mutex<Vec<String>>>) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let (gate, report) = Gate::new(far, GateKey::new().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = seen.clone();
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (report, list) = (report.clone(), list.clone());
        async move {
            let (parts, body) = request.into_parts();
            let refusal = report.take(&parts.headers);
            let mut word = match refusal {
                Some(why) => format!("{why:?}"),
                None => format!("{} {}", parts.method, parts.uri),
            };
            if parts.method == http::Method::CONNECT {
                report.connect_refused();
            } else if body.collect().await.is_err() {
                word = format!("cut: {}", report.body_fault().is_some());
            }
            list.lock().await.push(word);
            let status = if refusal.is_some() {
                400
            } else {
                200 + 207 * u16::from(parts.method == http::Method::CONNECT)
            };
            let reply = http::Response::builder()
                .status(status)
                .body(Full::new(Bytes::from_static(b"x")));
            Ok::<_, Infallible>(reply.unwrap())
        }
    });
    tokio::spawn(
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(gate), service),
    );
    (near, seen)
}

/// Sends and reads until the server closes.
async fn talk(input: &str) -> (String, Vec<String>) {
    let (mut near, seen) = serve();
    near.write_all(input.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    near.read_to_end(&mut reply).await.unwrap();
    let seen = seen.lock().await.clone();
    (String::from_utf8(reply).unwrap(), seen)
}

const LAST: &str = "GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn pipelined_good_requests_are_both_served() {
    let (reply, seen) = talk(&format!(
        "POST /first HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc{LAST}"
    ))
    .await;
    assert_eq!(seen, ["POST /first", "GET /last"]);
    assert_eq!(reply.matches("HTTP/1.1 200").count(), 2);
}

#[tokio::test]
async fn a_refusal_comes_in_order_and_a_smuggled_request_is_never_served() {
    let (reply, seen) = talk(&format!(
        "GET /first HTTP/1.1\r\nHost: a.test\r\n\r\nPOST /second HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{LAST}"
    ))
    .await;
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], "GET /first");
    assert!(seen[1].starts_with("Ambiguous"), "{seen:?}");
    assert!(reply.find("HTTP/1.1 200") < reply.find("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_refusal_is_answered_though_the_client_closed_its_side() {
    let (mut near, seen) = serve();
    near.write_all(b"GET / HTTP/1.1\nHost: a.test\n\n")
        .await
        .unwrap();
    near.shutdown().await.unwrap();
    let mut reply = String::new();
    near.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
    assert_eq!(seen.lock().await.len(), 1);
}

#[tokio::test]
async fn a_guessed_token_is_not_the_gate() {
    let (_, seen) = talk("GET / HTTP/1.1\r\nHost: a.test\r\nWithheld-Gate: 00000000000000000000000000000000\r\nConnection: close\r\n\r\n").await;
    assert_eq!(seen, ["GET /"]);
}

#[tokio::test]
async fn a_body_with_a_bad_chunk_never_ends_well() {
    let (_, seen) = talk(&format!("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0;x\r\n\r\n{LAST}")).await;
    assert!(seen.is_empty() || seen == ["cut: true"], "{seen:?}");
}

#[tokio::test]
async fn after_a_refused_connect_the_next_head_is_judged_too() {
    let connect = "CONNECT a.test:443 HTTP/1.1\r\n\r\n";
    let (_, seen) = talk(&format!("{connect}{connect}{LAST}")).await;
    assert_eq!(
        seen,
        ["CONNECT a.test:443", "CONNECT a.test:443", "GET /last"]
    );
    let (_, seen) = talk(&format!(
        "{connect}GET / HTTP/1.1\nHost: a.test\r\n\r\n{LAST}"
    ))
    .await;
    assert_eq!(seen.len(), 2);
    assert!(seen[1].starts_with("Ambiguous"), "{seen:?}");
}

#[tokio::test]
async fn a_tunnel_starts_with_the_bytes_after_the_connect() {
    let (mut near, far) = tokio::io::duplex(1024);
    let (mut gate, _report) = Gate::new(far, GateKey::new().unwrap());
    let head = b"CONNECT a.test:443 HTTP/1.1\r\n\r\n";
    near.write_all(head).await.unwrap();
    near.write_all(b"\x16\x03hello").await.unwrap();
    let mut shown = vec![0; head.len()];
    gate.read_exact(&mut shown).await.unwrap();
    assert_eq!(shown, head);
    near.write_all(b" more").await.unwrap();
    near.shutdown().await.unwrap();
    let mut rest = Vec::new();
    gate.into_tunnel().read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"\x16\x03hello more");
}
