//! Requests without a credential, to hosts that no secret is bound to and to hosts that one is.

use http_body_util::BodyExt as _;
use withheld_core::Code;

use super::house::{bound, full, get, open_house, strict_house};
use super::upstream::{Answer, Authority, Upstream};
use crate::Reply;

const VALUE: &str = "whCANARY4f6a1c0b9d8e7f65";

async fn free(answer: impl Into<Vec<u8>>) -> (Upstream, super::house::House, String) {
    let answer = Answer::new(answer);
    let upstream = Upstream::start(None, move |_| answer.clone()).await;
    let port = upstream.address.port();
    let house = open_house(
        vec![bound("API_KEY", VALUE, ("api.test", 443), "bearer", None)],
        &[("free.test", port)],
    );
    (upstream, house, format!("http://free.test:{port}/f"))
}

async fn bytes(reply: Reply) -> Vec<u8> {
    reply
        .body
        .collect()
        .await
        .expect("a body")
        .to_bytes()
        .to_vec()
}

#[tokio::test]
async fn what_no_secret_is_bound_to_stays_as_it_is() {
    let body = [b"\x1f\x8b not what it says \xff ", VALUE.as_bytes()].concat();
    let head = format!(
        "HTTP/1.1 206 Partial\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-{}/100\r\nETag: \"x\"\r\nDigest: sha-256=abc\r\nContent-Length: {}\r\n\r\n",
        body.len() - 1,
        body.len()
    );
    let (upstream, house, url) = free([head.as_bytes(), &body].concat()).await;
    let what = get(url)
        .field("Range", "bytes=0-50")
        .field("Accept-Encoding", "gzip")
        .field("X-Forwarded-For", "10.1.1.1");
    let reply = house
        .send(what)
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    assert_eq!(reply.status.as_u16(), 206);
    for (field, value) in [
        ("content-encoding", "gzip"),
        ("etag", "\"x\""),
        ("digest", "sha-256=abc"),
    ] {
        assert_eq!(reply.headers[field], value);
    }
    assert_eq!(reply.headers["content-length"], body.len().to_string());
    let meter = std::sync::Arc::clone(&reply.meter);
    assert_eq!(bytes(reply).await, body);
    assert_eq!(
        (meter.bytes_down(), meter.redactions()),
        (body.len() as u64, 0)
    );
    let seen = &upstream.seen()[0];
    assert_eq!(
        (seen.field("range"), seen.field("accept-encoding")),
        (vec!["bytes=0-50"], vec!["gzip"])
    );
    assert_eq!(seen.field("x-forwarded-for"), ["10.1.1.1"]);
    assert!(seen.field("authorization").is_empty());
}

#[tokio::test]
async fn a_reply_without_a_body_says_the_length_it_would_have() {
    for (method, answer, length) in [
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
            Some("1234"),
        ),
        (
            "GET",
            "HTTP/1.1 304 Same\r\nContent-Length: 1234\r\n\r\n",
            Some("1234"),
        ),
        (
            "GET",
            "HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\n",
            None,
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            Some("0"),
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            Some("2"),
        ),
    ] {
        let (_, house, url) = free(answer).await;
        let reply = house
            .send(get(url).method(method))
            .await
            .map_err(|failed| failed.refusal)
            .expect("a reply");
        let said: Vec<_> = reply.headers.get_all("content-length").iter().collect();
        assert_eq!(said, length.into_iter().collect::<Vec<_>>(), "{answer}");
    }
}

#[tokio::test]
async fn p05_trailers_that_belong_in_a_head_are_dropped() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nAuthorization: x\r\nContent-Length: 9\r\nX-Sum: 1\r\n\r\n";
    let (_, house, url) = free(answer).await;
    let reply = house
        .send(get(url))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    let trailers = reply
        .body
        .collect()
        .await
        .expect("a body")
        .trailers()
        .cloned()
        .expect("trailers");
    assert_eq!(
        trailers
            .keys()
            .map(http::HeaderName::as_str)
            .collect::<Vec<_>>(),
        ["x-sum"]
    );
}

#[tokio::test]
async fn a_pass_may_go_on_where_a_body_went() {
    let (upstream, house, url) = free("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    for _ in 0..3 {
        house.whole(get(&url).post(full("body"))).await;
    }
    let used: Vec<usize> = upstream.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(used, [1, 1, 1]);
}

#[tokio::test]
async fn a_pass_to_a_bound_host_loses_what_overrides_and_is_asked_without_a_coding() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), |_| {
        Answer::ok("open")
    })
    .await;
    let port = upstream.address.port();
    let house = strict_house(
        vec![bound(
            "API_KEY",
            VALUE,
            ("api.test", port),
            "bearer",
            Some(authority.pem()),
        )],
        &[],
    );
    let what = get(format!("https://api.test:{port}/"))
        .field("X-Original-URL", "/admin")
        .field("Accept-Encoding", "br");
    assert_eq!(house.whole(what).await, (200, "open".to_owned()));
    let seen = &upstream.seen()[0];
    assert!(seen.field("authorization").is_empty() && seen.field("x-original-url").is_empty());
    assert_eq!(seen.field("accept-encoding"), ["identity"]);
}

#[tokio::test]
async fn h26_a_request_that_comes_round_is_refused() {
    let (upstream, house, url) = free("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let fails = house
        .fails(get(url).field("Via", "1.1 other, 1.1 withheld-test"))
        .await;
    assert_eq!(fails, (Code::UpstreamAddressRefused, false));
    assert!(upstream.seen().is_empty());
}
