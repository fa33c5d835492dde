//! The way to the team's server, against servers on loopback.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, date_time_ymd};
use rustls::ServerConfig;
use withheld_core::{Code, Refusal};

use super::house::{Here, value};
use super::upstream::{Answer, Authority, Seen, Upstream};
use crate::address::class;
use crate::dial::System;
use crate::{Carried, LIMITS, Limits, Returned, TeamServer, Wire, WireConfig, certificates_in};

fn wire_with(limits: Limits) -> Wire {
    let config = WireConfig {
        own: Arc::new(|_| false),
        via: "withheld-test".to_owned(),
    };
    Wire::with(config, Arc::new(Here), class, limits).expect("a wire")
}

fn wire() -> Wire {
    wire_with(LIMITS)
}

fn get(path: &str) -> Carried {
    Carried {
        method: "GET",
        path_and_query: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn sent(body: &str) -> Carried {
    Carried {
        method: "POST",
        path_and_query: "/v1/ws".to_owned(),
        headers: vec![("signature-input", "sig=()".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

/// A server of the name `team.test`, and how to reach it.
async fn served(
    script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> (Upstream, TeamServer) {
    let authority = Authority::new();
    let config = authority.server("team.test", |_| {});
    let upstream = Upstream::start(Some(config), script).await;
    let server = at("team.test", &upstream).with_extra_ca(Some(authority.pem()));
    (upstream, server)
}

fn at(host: &str, upstream: &Upstream) -> TeamServer {
    let written = format!("https://{host}:{}", upstream.address.port());
    TeamServer::parse(&written).expect("a server")
}

async fn answered(wire: &Wire, server: &TeamServer, request: Carried) -> Returned {
    wire.post(server, request, None).await.expect("a reply")
}

async fn refused(wire: &Wire, server: &TeamServer, request: Carried) -> Refusal {
    wire.post(server, request, None).await.expect_err("refused")
}

#[tokio::test]
async fn what_is_given_arrives_and_nothing_else() {
    let (upstream, server) = served(|seen| {
        if seen.head.starts_with("POST") {
            return Answer::new("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n");
        }
        Answer::new("HTTP/1.1 200 OK\r\nETag: \"w7\"\r\nContent-Length: 3\r\n\r\n\0\u{1}x")
    })
    .await;
    let wire = wire();
    let made = answered(&wire, &server, sent("bundle")).await;
    assert_eq!((made.status, made.etag, made.body.len()), (201, None, 0));
    let read = answered(&wire, &server, get("/v1/ws/ab/heads?since=3")).await;
    let expected = Returned {
        status: 200,
        etag: Some("\"w7\"".to_owned()),
        body: vec![0, 1, b'x'],
    };
    assert_eq!(read, expected);

    let seen = upstream.seen();
    let port = upstream.address.port();
    assert_eq!(seen[0].body, b"bundle");
    let mut fields: Vec<_> = seen[0].head.trim_end().lines().collect();
    fields[1..].sort_unstable();
    let host = format!("host: team.test:{port}");
    let head = [
        "POST /v1/ws HTTP/1.1",
        "content-length: 6",
        host.as_str(),
        "signature-input: sig=()",
    ];
    assert_eq!(fields, head);
    let target = seen[1].head.lines().next();
    assert_eq!(target, Some("GET /v1/ws/ab/heads?since=3 HTTP/1.1"));
}

#[tokio::test]
async fn one_connection_serves_until_it_is_closed_or_old() {
    let (upstream, server) = served(|_| Answer::ok("{}")).await;
    let lasting = wire();
    for _ in 0..5 {
        answered(&lasting, &server, get("/v1/server")).await;
    }
    assert_eq!(upstream.handshakes(), 1);
    let forgetful = wire_with(Limits {
        idle: Duration::ZERO,
        ..LIMITS
    });
    for _ in 0..2 {
        answered(&forgetful, &server, get("/v1/server")).await;
    }
    assert_eq!(upstream.handshakes(), 3);
}

/// Hangs up on its first connection, without a word, when it is asked again.
async fn impatient() -> (Upstream, TeamServer) {
    served(|seen| {
        if seen.connection == 1 && seen.head.contains("/again") {
            return Answer::new("").then_close();
        }
        Answer::ok("{}")
    })
    .await
}

#[tokio::test]
async fn only_a_look_is_sent_again_where_a_waiting_connection_is_lost() {
    let (upstream, server) = impatient().await;
    let wire = wire();
    answered(&wire, &server, get("/v1/first")).await;
    answered(&wire, &server, get("/v1/again")).await;
    assert_eq!((upstream.handshakes(), upstream.seen().len()), (2, 3));

    let (upstream, server) = impatient().await;
    answered(&wire, &server, get("/v1/first")).await;
    let mut post = sent("x");
    post.path_and_query = "/v1/again".to_owned();
    let refusal = refused(&wire, &server, post).await;
    assert_eq!(refusal.code, Code::ServerUnreachable);
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn a_redirection_is_handed_back() {
    let (upstream, server) = served(|_| {
        Answer::new(
            "HTTP/1.1 307 Away\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n",
        )
    })
    .await;
    let reply = answered(&wire(), &server, sent("x")).await;
    assert_eq!((reply.status, upstream.seen().len()), (307, 1));
}

#[tokio::test]
async fn the_token_arrives_once_and_as_a_bearer() {
    let (upstream, server) = served(|_| Answer::ok("{}")).await;
    let wire = wire();
    let token = || Some(crate::Token::of(value(b"whb_0123456789abcdef")));
    wire.post(&server, sent("x"), token())
        .await
        .expect("a reply");
    answered(&wire, &server, sent("x")).await;
    let seen = upstream.seen();
    assert_eq!(
        seen[0].field("authorization"),
        ["Bearer whb_0123456789abcdef"]
    );
    assert!(seen[1].field("authorization").is_empty());
    let broken = Some(crate::Token::of(value(b"whb_01\r\nX-More: 1")));
    let refusal = wire
        .post(&server, sent("x"), broken)
        .await
        .expect_err("refused");
    assert_eq!(refusal.code, Code::ValueUnusable);
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn the_fields_that_say_who_and_how_long_are_not_the_callers() {
    let (upstream, server) = served(|_| Answer::ok("{}")).await;
    let wire = wire();
    for name in ["authorization", "host", "content-length", "a b"] {
        let mut request = sent("x");
        request.headers = vec![(name, "1".to_owned())];
        assert_eq!(
            refused(&wire, &server, request).await.code,
            Code::Internal,
            "{name}"
        );
    }
    let mut request = sent("x");
    request.method = "DELETE";
    assert_eq!(refused(&wire, &server, request).await.code, Code::Internal);
    let broken = refused(&wire, &server, get("/v1/a b")).await;
    assert_eq!(broken.code, Code::Internal);
    assert!(upstream.seen().is_empty());
}

async fn code_for(config: Arc<ServerConfig>, pem: Option<String>) -> Result<u16, (Code, String)> {
    let upstream = Upstream::start(Some(config), |_| Answer::ok("{}")).await;
    let server = at("team.test", &upstream).with_extra_ca(pem);
    let reply = wire().post(&server, get("/v1/server"), None).await;
    reply
        .map(|reply| reply.status)
        .map_err(|refusal| (refusal.code, refusal.hint.as_str().to_owned()))
}

#[tokio::test]
async fn only_a_good_certificate_is_believed_and_the_hint_says_what_mends() {
    let (own, other) = (Authority::new(), Authority::new());
    let good = || own.server("team.test", |_| {});
    assert_eq!(code_for(good(), Some(own.pem())).await, Ok(200));
    // Any of the certificates will do.
    assert_eq!(
        code_for(good(), Some(other.pem() + &own.pem())).await,
        Ok(200)
    );
    for pem in [None, Some(other.pem())] {
        let (code, hint) = code_for(good(), pem).await.expect_err("refused");
        assert_eq!(code, Code::UpstreamUntrusted);
        assert!(hint.ends_with("withheld config extra-ca FILE"), "{hint}");
    }
    for config in [
        own.server("other.test", |_| {}),
        own.server("team.test", |params: &mut CertificateParams| {
            params.not_after = date_time_ymd(2001, 1, 1);
        }),
    ] {
        let refused = code_for(config, Some(own.pem()))
            .await
            .expect_err("refused");
        assert_eq!(refused.0, Code::UpstreamUntrusted);
    }
    let (code, hint) = code_for(good(), Some("nonsense".to_owned()))
        .await
        .expect_err("refused");
    assert_eq!(code, Code::UpstreamUntrusted);
    assert!(hint.contains("withheld config extra-ca FILE"), "{hint}");
}

/// `extra-ca` adds to the system's roots; a binding's `--ca` stands in their place.
#[cfg(target_os = "linux")]
#[test]
fn extra_certificates_do_not_take_the_systems_away() {
    let pem = Authority::new().pem();
    let tls = crate::tls::Tls::default();
    let number = |trust: Result<crate::tls::Trust, Refusal>| trust.expect("trusted").number;
    let team = number(tls.trust_team(Some(&pem)));
    assert_ne!(team, number(tls.trust(Some(&pem))));
    assert_eq!(team, number(tls.trust_team(Some(&pem))));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_what_still_works() {
    let upstream = Upstream::start(None, |_| Answer::ok("{}")).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let gone = TeamServer::parse(&format!("https://team.test:{port}")).expect("a server");
    let hasty = wire_with(Limits {
        handshake: Duration::from_millis(50),
        ..LIMITS
    });
    // Nobody there; and somebody who does not speak TLS.
    for server in [gone, at("team.test", &upstream)] {
        let refusal = refused(&hasty, &server, get("/v1/server")).await;
        assert_eq!(refusal.code, Code::ServerUnreachable);
        assert!(
            refusal.message.as_str().contains("`team.test`"),
            "{refusal}"
        );
        let hint = refusal.hint.as_str();
        assert!(hint.contains("everything but membership works"), "{hint}");
    }
}

#[tokio::test]
async fn what_is_no_reply_is_not_waited_for_nor_believed() {
    let short = Duration::from_millis(100);
    let limits = [
        LIMITS,
        Limits {
            head: short,
            ..LIMITS
        },
        Limits {
            body: short,
            ..LIMITS
        },
    ];
    let drip = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
    let large = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
        16 * 1024 * 1024 + 1,
        "x".repeat(16 * 1024 * 1024 + 1)
    );
    let endless = "HTTP/1.1 100 Continue\r\n\r\n".repeat(40);
    for (answer, limits) in [
        (
            Answer::new("SSH-2.0-OpenSSH_9.9\r\n\r\n").then_close(),
            limits[0],
        ),
        (Answer::new("").then_close(), limits[0]),
        (Answer::new(drip).then_close(), limits[0]),
        (Answer::new(large), limits[0]),
        (Answer::new(endless), limits[0]),
        (Answer::new(""), limits[1]),
        (Answer::new(drip), limits[1]),
        (Answer::new(drip), limits[2]),
    ] {
        let shown =
            String::from_utf8_lossy(&answer.bytes[..answer.bytes.len().min(60)]).into_owned();
        let (upstream, server) = served(move |_| answer.clone()).await;
        let refusal = refused(&wire_with(limits), &server, sent("x")).await;
        assert_eq!(refusal.code, Code::ServerUnreachable, "{shown}");
        assert_eq!(upstream.seen().len(), 1, "{shown}");
    }
    // The limit itself is taken.
    let whole = "x".repeat(16 * 1024 * 1024);
    let (_, server) = served(move |_| Answer::ok(&whole)).await;
    let reply = answered(&wire(), &server, get("/v1/x")).await;
    assert_eq!(reply.body.len(), 16 * 1024 * 1024);
}

#[tokio::test]
async fn metadata_services_and_our_own_listeners_are_never_reached() {
    let upstream = Upstream::start(None, |_| Answer::ok("{}")).await;
    let port = upstream.address.port();
    let config = WireConfig {
        own: Arc::new(move |address| address.port() == port),
        via: "withheld-test".to_owned(),
    };
    let wire = Wire::with(config, Arc::new(System), class, LIMITS).expect("a wire");
    for written in [
        "https://169.254.169.254".to_owned(),
        "https://metadata.google.internal".to_owned(),
        "https://[fd00:ec2::254]".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
    ] {
        let server = TeamServer::parse(&written).expect("a server");
        let refusal = refused(&wire, &server, get("/v1/server")).await;
        assert_eq!(refusal.code, Code::UpstreamAddressRefused, "{written}");
        assert!(!refusal.hint.as_str().contains("--private"), "{written}");
    }
    assert_eq!(upstream.record.lock().expect("a lock").accepted, 0);
}

#[tokio::test]
async fn a_server_on_this_machine_may_speak_in_the_clear() {
    let upstream = Upstream::start(None, |_| Answer::ok("{}")).await;
    let port = upstream.address.port();
    for host in ["127.0.0.1", "localhost"] {
        let server = TeamServer::parse(&format!("http://{host}:{port}/")).expect("a server");
        answered(&wire(), &server, get("/v1/server")).await;
        let seen = upstream.seen();
        assert_eq!(
            seen[seen.len() - 1].field("host"),
            [format!("{host}:{port}")]
        );
    }
}

#[test]
fn servers_are_written_one_way() {
    for (written, shown) in [
        (
            "https://withheld.example.com",
            "https://withheld.example.com",
        ),
        (
            "https://Withheld.Example.com:443/",
            "https://withheld.example.com",
        ),
        ("https://10.0.0.7:8443", "https://10.0.0.7:8443"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:80", "http://[::1]"),
    ] {
        let server = TeamServer::parse(written).expect("a server");
        assert_eq!(server.to_string(), shown);
    }
    for written in [
        "",
        "withheld.example.com",
        "https://",
        "https:///",
        "https://a.test/v1",
        "https://a.test//",
        "https://a.test?x",
        "https://user@a.test",
        "https://a.test:0",
        "https://a.test:65536",
        "https://a.test:+1",
        "https://a b",
        "ftp://a.test",
        "http://a.test",
        "http://10.0.0.7",
        "http://0.0.0.0",
        "http://localhost.evil.test",
        "http://127.1",
        "HTTP://a.test",
    ] {
        let refusal = TeamServer::parse(written).expect_err(written);
        assert_eq!(refusal.code, Code::Usage, "{written}");
        assert!(refusal.hint.as_str().contains("https://"), "{written}");
    }
}

#[test]
fn certificates_are_counted_where_all_of_them_can_be_roots() {
    let pem = Authority::new().pem();
    assert_eq!(certificates_in(&pem), Some(1));
    assert_eq!(certificates_in(&format!("a note\n{pem}{pem}")), Some(2));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "nonsense", broken, &format!("{pem}{broken}")] {
        assert_eq!(certificates_in(text), None, "{text}");
    }
}
