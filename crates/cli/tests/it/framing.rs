//! P: framing of requests, and what a proxy must not do with them.

use withheld_testkit::{Agent, Answer, Latch, Tunnel, World};

use crate::common::{Way, arrived_once, bearer, busy, key_in, nothing_arrived, world};

/// The line and fields that both ways begin with, up to what a case adds.
fn head(way: Way, world: &World, agent: &Agent, method: &str) -> String {
    match way {
        Way::Proxy => format!(
            "{method} /v1/x HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n",
            world.host_port("api.test"),
            bearer(agent)
        ),
        Way::Call => format!(
            "{method} /call HTTP/1.1\r\nHost: {}\r\nWithheld-Url: {}\r\nWithheld-Secret: KEY\r\nWithheld-Session: {}\r\n",
            agent.broker,
            world.url("api.test/v1/x"),
            agent.token
        ),
    }
}

/// The reply to exactly these bytes, where one comes.
fn raw(way: Way, world: &World, agent: &Agent, bytes: &[u8]) -> Option<withheld_testkit::Reply> {
    match way {
        Way::Proxy => agent.tunnel(&world.host_port("api.test")).raw(bytes),
        Way::Call => agent.raw(bytes),
    }
}

/// Every case is answered 400 in house form, and nothing arrives.
fn refused_framing(way: Way, cases: &[&str]) {
    let world = world!().with_key();
    let agent = busy(&world);
    for case in cases {
        let bytes = format!("{}{case}", head(way, &world, &agent, "POST"));
        let reply = raw(way, &world, &agent, bytes.as_bytes());
        let reply = reply.unwrap_or_else(|| panic!("no reply to {case:?}"));
        assert_eq!(reply.status, 400, "{case:?}: {}", reply.shown());
        reply.is_refused("ambiguous_request");
    }
    nothing_arrived(&world);
    world.finish();
}

const TWO_FRAMINGS: &[&str] = &[
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "X-A: b\nX-C: d\r\n\r\n",
    "X-A: b\r\n\n",
    "X-A\u{0}: b\r\n\r\n",
    "X-A: b\rc\r\n\r\n",
    ": b\r\n\r\n",
    "X A: b\r\n\r\n",
];

#[test]
fn p01_proxy_two_framings() {
    refused_framing(Way::Proxy, TWO_FRAMINGS);
}

#[test]
fn p01_call_two_framings() {
    refused_framing(Way::Call, TWO_FRAMINGS);
}

#[test]
fn p01_proxy_heads_that_hide_another() {
    let world = world!().with_key();
    let agent = world.agent();
    let authority = world.host_port("api.test");
    for bytes in [
        format!("\r\nGET /v1/x HTTP/1.1\r\nHost: {authority}\r\n\r\n"),
        format!("GET /v1/x#y HTTP/1.1\r\nHost: {authority}\r\n\r\n"),
        format!("GET /v1/x HTTP/1.1\r\nHost: {authority}\nX: y\r\n\r\n"),
        format!("GET  /v1/x HTTP/1.1\r\nHost: {authority}\r\n\r\n"),
        format!("GET /v1/x HTTP/1.0\r\nHost: {authority}\r\n\r\n"),
        format!("GET /v1/x HTTP/2.0\r\nHost: {authority}\r\n\r\n"),
        format!("GET /v1/x\r\nHost: {authority}\r\n\r\n"),
    ] {
        let reply = agent.tunnel(&authority).raw(bytes.as_bytes()).unwrap();
        assert_eq!(reply.status, 400, "{bytes:?}");
    }
    let connect = format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}Content-Length: 3\r\n\r\nabc",
        agent.authorization()
    );
    assert_eq!(agent.raw(connect.as_bytes()).unwrap().status, 400);
    nothing_arrived(&world);
    world.finish();
}

const LENGTHS: &[&str] = &[
    "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "Content-Length: +3\r\n\r\nabc",
    "Content-Length: 0x3\r\n\r\nabc",
    "Content-Length: 3, 3\r\n\r\nabc",
    "Content-Length: -3\r\n\r\nabc",
    "Content-Length: 03\r\n\r\nabc",
    "Content-Length: 99999999999999999999999\r\n\r\nabc",
    "Content-Length: \r\n\r\nabc",
    "Content-Length: three\r\n\r\nabc",
];

#[test]
fn p02_proxy_lengths() {
    refused_framing(Way::Proxy, LENGTHS);
}

#[test]
fn p02_call_lengths() {
    refused_framing(Way::Call, LENGTHS);
}

fn expectation_is_ours(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    way.with(
        &agent,
        "POST",
        &url,
        &[("Expect", "100-continue")],
        b"hello",
    )
    .is(200);
    let seen = world.api.last();
    assert_eq!(seen.header("expect"), None);
    assert_eq!(seen.body, b"hello");
    arrived_once(&world);
    way.with(
        &agent,
        "POST",
        &url,
        &[("Expect", "y 100-continue")],
        b"hello",
    );
    assert!(world.api.seen().len() <= 2);
    for seen in world.api.seen() {
        assert_eq!(seen.header("expect"), None);
    }
    world.finish();
}

#[test]
fn p03_proxy_expectation_is_ours() {
    expectation_is_ours(Way::Proxy);
}

#[test]
fn p03_call_expectation_is_ours() {
    expectation_is_ours(Way::Call);
}

fn a_body_that_is_never_read(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    // An origin that answers before it reads the body, and would take what follows for a request.
    world
        .api
        .answer_early(|seen| (seen.method == "POST").then(|| Answer::with(200, &[], "early")));
    let smuggled = format!(
        "GET /v1/smuggled HTTP/1.1\r\nHost: {}\r\n\r\n",
        world.host_port("api.test")
    );
    way.with(&agent, "POST", &url, &[], smuggled.as_bytes())
        .is(200);
    way.send(&agent, "GET", &url).is(200);
    let own: Vec<_> = world
        .api
        .seen()
        .into_iter()
        .filter(|seen| !key_in(seen).is_empty())
        .collect();
    assert_eq!(own.len(), 2);
    assert_ne!(own[0].connection, own[1].connection);
    // What the agent wrote as a body may be misread by such an origin; it never meets a credential.
    for seen in world.api.seen() {
        assert!(seen.target != "/v1/smuggled" || key_in(&seen).is_empty());
    }
    world.finish();
}

#[test]
fn p03_proxy_a_body_that_is_never_read() {
    a_body_that_is_never_read(Way::Proxy);
}

#[test]
fn p03_call_a_body_that_is_never_read() {
    a_body_that_is_never_read(Way::Call);
}

fn no_reuse_after_a_body(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    way.with(&agent, "POST", &url, &[], b"hello").is(200);
    way.send(&agent, "GET", &url).is(200);
    way.send(&agent, "GET", &url).is(200);
    let connections: Vec<usize> = world
        .api
        .seen()
        .iter()
        .map(|seen| seen.connection)
        .collect();
    assert_ne!(connections[0], connections[1]);
    assert_eq!(connections[1], connections[2]);
    world.finish();
}

#[test]
fn p03_proxy_no_reuse_after_a_body() {
    no_reuse_after_a_body(Way::Proxy);
}

#[test]
fn p03_call_no_reuse_after_a_body() {
    no_reuse_after_a_body(Way::Call);
}

/// Bodies whose framing breaks: the upstream never gets one of them whole.
fn broken_chunks(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    for body in [
        "3;ext=1\r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "10000000000000000\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let bytes = format!(
            "{}Transfer-Encoding: chunked\r\n\r\n{body}",
            head(way, &world, &agent, "POST")
        );
        if let Some(reply) = raw(way, &world, &agent, bytes.as_bytes()) {
            assert!(reply.status >= 400, "{body:?}: {}", reply.shown());
        }
        assert!(world.api.seen().iter().all(|seen| !seen.whole), "{body:?}");
    }
    let extension = "x".repeat(1 << 20);
    let bytes = format!(
        "{}Transfer-Encoding: chunked\r\n\r\n3;{extension}\r\nabc\r\n0\r\n\r\n",
        head(way, &world, &agent, "POST")
    );
    if let Some(reply) = raw(way, &world, &agent, bytes.as_bytes()) {
        assert!(reply.status >= 400, "{}", reply.shown());
    }
    assert!(world.api.seen().iter().all(|seen| !seen.whole));
    world.finish();
}

#[test]
fn p05_proxy_broken_chunks() {
    broken_chunks(Way::Proxy);
}

#[test]
fn p05_call_broken_chunks() {
    broken_chunks(Way::Call);
}

fn forbidden_trailers(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let bytes = format!(
        "{}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nAuthorization: x\r\nHost: evil.test\r\nContent-Length: 9\r\nWithheld-Secret: KEY\r\n\r\n",
        head(way, &world, &agent, "POST")
    );
    if let Some(reply) = raw(way, &world, &agent, bytes.as_bytes()) {
        assert!(matches!(reply.status, 200 | 400), "{}", reply.shown());
    }
    for seen in world.api.seen() {
        for name in ["authorization", "host", "content-length", "withheld-secret"] {
            assert!(
                seen.trailers.iter().all(|(known, _)| known != name),
                "{name}"
            );
        }
    }
    world.api.answer(|_| {
        Answer::head(200, &[("transfer-encoding", "chunked")])
            .chunk("x")
            .then("0\r\nContent-Length: 5\r\nWithheld-Error: tripwire\r\nSet-Cookie: a=b\r\n\r\n")
    });
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    reply.is(200);
    for name in ["content-length", "withheld-error", "set-cookie"] {
        assert!(
            reply.trailers.iter().all(|(known, _)| known != name),
            "{name}"
        );
    }
    world.finish();
}

#[test]
fn p05_proxy_forbidden_trailers() {
    forbidden_trailers(Way::Proxy);
}

#[test]
fn p05_call_forbidden_trailers() {
    forbidden_trailers(Way::Call);
}

const FOREIGN: &[(&str, &str)] = &[
    ("X-Api-Key", "attackers-own"),
    ("x-API-key", "attackers-own"),
    ("Cookie", "session=attackers-own"),
    ("X-Auth-Token", "attackers-own"),
    ("Private-Token", "attackers-own"),
];

fn own_credentials(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    for field in FOREIGN {
        way.with(&agent, "GET", &url, &[*field], b"")
            .is_refused("foreign_credential");
        way.bare(&agent, "GET", &url, &[*field], b"")
            .is_refused("foreign_credential");
    }
    for value in ["Bearer attackers-own", "Basic YTpi"] {
        way.bare(&agent, "GET", &url, &[("Authorization", value)], b"")
            .is_refused("foreign_credential");
        way.with(&agent, "GET", &url, &[("authorization", value)], b"")
            .is_refused("foreign_credential");
    }
    for query in ["key=attackers-own", "access_token=x", "a=b&api_key=x"] {
        way.bare(&agent, "GET", &format!("{url}?{query}"), &[], b"")
            .is_refused("foreign_credential");
    }
    let tab = format!(
        "{}authorization\t: Bearer x\r\n\r\n",
        head(way, &world, &agent, "GET")
    );
    assert_eq!(
        raw(way, &world, &agent, tab.as_bytes()).unwrap().status,
        400
    );
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn p06_proxy_own_credentials() {
    own_credentials(Way::Proxy);
}

#[test]
fn p06_call_own_credentials() {
    own_credentials(Way::Call);
}

fn own_credentials_where_the_owner_said_so(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.bind("KEY", "api.test/v1", &["--inject", "bearer", "--foreign"]);
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    way.bare(&agent, "GET", &url, &[("X-Api-Key", "clients-own")], b"")
        .is(200);
    let seen = world.api.last();
    assert_eq!(seen.header("x-api-key"), Some("clients-own"));
    assert_eq!(seen.header("authorization"), None);
    way.with(&agent, "GET", &url, &[("X-Api-Key", "clients-own")], b"")
        .is(200);
    arrived_once(&world);
    world.finish();
}

#[test]
fn p06_proxy_own_credentials_where_the_owner_said_so() {
    own_credentials_where_the_owner_said_so(Way::Proxy);
}

#[test]
fn p06_call_own_credentials_where_the_owner_said_so() {
    own_credentials_where_the_owner_said_so(Way::Call);
}

fn fields_of_one_connection(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    for connection in ["authorization", "x-custom, close", "keep-alive, host"] {
        let fields = [
            ("Connection", connection),
            ("X-Custom", "one connection's"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Proxy-Connection", "keep-alive"),
        ];
        way.with(&agent, "GET", &url, &fields, b"").is(200);
        let seen = world.api.last();
        for name in [
            "keep-alive",
            "te",
            "proxy-connection",
            "proxy-authorization",
        ] {
            assert_eq!(seen.header(name), None, "{name}");
        }
        assert_eq!(
            seen.header("x-custom").is_none(),
            connection.contains("x-custom")
        );
        arrived_once(&world);
    }
    let before = world.api.seen().len();
    for upgrade in ["h2c", "websocket"] {
        let fields = [
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("Upgrade", upgrade),
            ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ];
        let reply = way.with(&agent, "GET", &url, &fields, b"");
        assert!(reply.code().is_some(), "{}", reply.shown());
    }
    assert_eq!(world.api.seen().len(), before);
    world.finish();
}

#[test]
fn p07_proxy_fields_of_one_connection() {
    fields_of_one_connection(Way::Proxy);
}

#[test]
fn p07_call_fields_of_one_connection() {
    fields_of_one_connection(Way::Call);
}

fn trace(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    let zero = [("Max-Forwards", "0")];
    for method in ["TRACE", "OPTIONS"] {
        let reply = way.with(&agent, method, &url, &zero, b"");
        assert_eq!(reply.status, 405, "{method}: {}", reply.shown());
    }
    assert_eq!(way.send(&agent, "TRACE", &url).status, 405);
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn p08_proxy_trace_is_never_forwarded() {
    trace(Way::Proxy);
}

#[test]
fn p08_call_trace_is_never_forwarded() {
    trace(Way::Call);
}

fn oversized_heads(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let many = (0..10_000)
        .map(|at| format!("X-{at}: y\r\n"))
        .collect::<String>();
    let long = format!("X-Long: {}\r\n", "y".repeat(1 << 20));
    for case in [many, long] {
        let bytes = format!("{}{case}\r\n", head(way, &world, &agent, "GET"));
        let reply = raw(way, &world, &agent, bytes.as_bytes()).expect("a reply");
        assert_eq!(reply.status, 431, "{}", reply.shown());
    }
    let target = format!("/v1/{}", "x".repeat(64 << 10));
    let query = format!("/v1/x?{}", "a=b&".repeat(1 << 18));
    for path in [target, query] {
        let url = format!("{}{path}", world.url("api.test"));
        let reply = match way {
            Way::Proxy => way.send(&agent, "GET", &url),
            Way::Call => agent.call("GET", &url).secret("KEY").send(),
        };
        assert!(matches!(reply.status, 414 | 431), "{}", reply.shown());
    }
    nothing_arrived(&world);
    world.finish();
}

#[test]
fn p16_proxy_oversized_heads() {
    oversized_heads(Way::Proxy);
}

#[test]
fn p16_call_oversized_heads() {
    oversized_heads(Way::Call);
}

/// Two requests at once on one tunnel: the second waits for its turn, and is judged by itself.
#[test]
fn p01_proxy_pipelined_requests_are_judged_one_by_one() {
    let world = world!().with_key();
    let agent = world.agent();
    let first = head(Way::Proxy, &world, &agent, "GET");
    let second = first.replace("/v1/x", "/admin");
    let mut tunnel: Tunnel = agent.tunnel(&world.host_port("api.test"));
    tunnel.write(format!("{first}\r\n{second}\r\n{first}\r\n").as_bytes());
    tunnel.reply("GET").unwrap().is(200);
    tunnel.reply("GET").unwrap().is_refused("binding_violation");
    tunnel.reply("GET").unwrap().is(200);
    assert_eq!(world.api.seen().len(), 2);
    world.finish();
}

/// Uploads stream: the upstream has the first part before the client has sent the last.
#[test]
fn p03_proxy_an_upload_streams() {
    let world = world!().with_key();
    let agent = world.agent();
    let arrived = Latch::new();
    let signal = arrived.clone();
    world.api.answer_early(move |seen| {
        signal.lift();
        (seen.method == "PUT").then(|| Answer::with(413, &[], "too much"))
    });
    let mut tunnel = agent.tunnel(&world.host_port("api.test"));
    let head = head(Way::Proxy, &world, &agent, "PUT");
    tunnel.write(format!("{head}Content-Length: 1000000\r\n\r\nfirst part").as_bytes());
    arrived.wait();
    tunnel.reply("PUT").unwrap().is(413);
    world.finish();
}
