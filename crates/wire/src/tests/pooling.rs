//! Which connections serve again, counted at the origin.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use withheld_core::name::SessionId;

use super::house::{House, Step, bound, empty, full, get, house, house_with, steps};
use super::upstream::{Answer, Authority, Seen, Upstream};
use crate::{LIMITS, Limits};

const VALUE: &str = "whCANARY4f6a1c0b9d8e7f65";

async fn pair(
    script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> (Upstream, House, String) {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), script).await;
    let to = ("api.test", upstream.address.port());
    let pem = Some(authority.pem());
    let house = house(vec![
        bound("KEY_A", VALUE, to, "bearer", pem.clone()),
        bound("KEY_B", VALUE, to, "header:X-B", pem),
    ]);
    (upstream, house, format!("https://api.test:{}", to.1))
}

fn by_kind(seen: &Seen) -> Answer {
    match seen.head.split(' ').nth(1) {
        Some("/chunked") => Answer::new(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\n\r\n",
        ),
        Some("/trailers") => Answer::new(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndata\r\n0\r\nX-Sum: 1\r\n\r\n",
        ),
        Some("/none") => Answer::new("HTTP/1.1 204 No Content\r\n\r\n"),
        Some("/long") => Answer::ok(&"x".repeat(100_000)),
        Some("/close") => {
            Answer::new("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
                .then_close()
        }
        Some("/ntlm") => Answer::new(
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\", NTLM\r\nContent-Length: 0\r\n\r\n",
        ),
        Some("/negotiate") => Answer::new(
            "HTTP/1.1 401 No\r\nWWW-Authenticate: negotiate abc\r\nContent-Length: 0\r\n\r\n",
        ),
        _ => Answer::ok("done"),
    }
}

/// As hyper's server reads: it asks for no more once the body says that it is at its end.
async fn read(house: &House, url: &str, name: &'static str) {
    let reply = house
        .send(get(url).named(name))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    let mut body = reply.body;
    while !http_body::Body::is_end_stream(&body) && body.frame().await.is_some() {}
}

#[tokio::test]
async fn a_thousand_requests_in_a_row_need_one_handshake() {
    for path in ["/known", "/chunked", "/trailers", "/none", "/long"] {
        let (upstream, house, url) = pair(by_kind).await;
        for _ in 0..1000 {
            read(&house, &format!("{url}{path}"), "KEY_A").await;
        }
        assert_eq!(
            (upstream.handshakes(), upstream.seen().len()),
            (1, 1000),
            "{path}"
        );
    }
}

#[tokio::test]
async fn requests_at_once_need_as_many_handshakes_as_there_are() {
    let (upstream, house, url) = pair(by_kind).await;
    for _ in 0..50 {
        let one = || read(&house, &url, "KEY_A");
        tokio::join!(one(), one(), one(), one());
    }
    assert_eq!(upstream.seen().len(), 200);
    assert!(upstream.handshakes() <= 4, "{}", upstream.handshakes());
}

#[tokio::test]
async fn p14_connections_are_kept_apart_by_session_and_binding() {
    let (upstream, mut house, url) = pair(by_kind).await;
    read(&house, &url, "KEY_A").await;
    read(&house, &url, "KEY_B").await;
    house.whole(get(&url)).await;
    house.session = SessionId::from_bytes([2; 9]);
    house.arm();
    read(&house, &url, "KEY_A").await;
    let mut used: Vec<usize> = upstream.seen().iter().map(|seen| seen.connection).collect();
    used.sort_unstable();
    assert_eq!(used, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_session_that_ends_takes_its_connections_along() {
    let (upstream, house, url) = pair(by_kind).await;
    read(&house, &url, "KEY_A").await;
    house.wire.disarm(&house.session);
    upstream.ended.notified().await;
    house.arm();
    read(&house, &url, "KEY_A").await;
    assert_eq!(upstream.handshakes(), 2);
}

#[tokio::test]
async fn p14_a_connection_on_which_a_login_began_is_not_used_again() {
    for path in ["/ntlm", "/negotiate", "/close"] {
        let (upstream, house, url) = pair(by_kind).await;
        read(&house, &format!("{url}{path}"), "KEY_A").await;
        upstream.ended.notified().await;
        read(&house, &url, "KEY_A").await;
        assert_eq!(upstream.handshakes(), 2, "{path}");
    }
}

#[tokio::test]
async fn a_new_connection_goes_on_with_the_earlier_tls_session() {
    let (upstream, house, url) = pair(by_kind).await;
    for _ in 0..3 {
        read(&house, &format!("{url}/close"), "KEY_A").await;
        upstream.ended.notified().await;
    }
    let record = upstream.record.lock().expect("a lock");
    assert_eq!((record.handshakes, record.resumed), (3, 2));
}

#[tokio::test]
async fn p03_no_credential_follows_a_body_that_an_agent_sent() {
    for body in [full("body"), steps([Step::Data("body")])] {
        let (upstream, house, url) = pair(by_kind).await;
        read(&house, &url, "KEY_A").await;
        house.whole(get(&url).named("KEY_A").post(body)).await;
        house.whole(get(&url).named("KEY_A").post(empty())).await;
        let used: Vec<usize> = upstream.seen().iter().map(|seen| seen.connection).collect();
        assert_eq!(used, [1, 1, 2]);
    }
}

#[tokio::test]
async fn a_reply_that_is_not_read_to_its_end_cuts_the_connection() {
    let (upstream, house, url) = pair(by_kind).await;
    let reply = house
        .send(get(format!("{url}/long")).named("KEY_A"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a head");
    drop(reply);
    upstream.ended.notified().await;
    read(&house, &url, "KEY_A").await;
    assert_eq!(upstream.handshakes(), 2);
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced_and_nothing_is_sent_twice() {
    let count = AtomicUsize::new(0);
    let (upstream, house, url) = pair(move |seen| {
        // The script is asked twice a request: before and behind its body.
        let turn = count.fetch_add(1, Ordering::SeqCst) / 2;
        if turn == 0 {
            by_kind(seen).then_close()
        } else {
            by_kind(seen)
        }
    })
    .await;
    read(&house, &url, "KEY_A").await;
    upstream.ended.notified().await;
    read(&house, &url, "KEY_A").await;
    assert_eq!((upstream.seen().len(), upstream.handshakes()), (2, 2));
}

#[tokio::test]
async fn a_connection_that_waited_too_long_is_not_used() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), by_kind).await;
    let port = upstream.address.port();
    let limits = Limits {
        idle: Duration::ZERO,
        ..LIMITS
    };
    let house = house_with(
        vec![bound(
            "KEY_A",
            VALUE,
            ("api.test", port),
            "bearer",
            Some(authority.pem()),
        )],
        limits,
    );
    for _ in 0..2 {
        read(&house, &format!("https://api.test:{port}"), "KEY_A").await;
    }
    assert_eq!(upstream.handshakes(), 2);
}

#[tokio::test]
async fn a_second_reply_behind_the_first_is_nobodys_answer() {
    let (upstream, house, url) = pair(|seen| {
        let mut answer = Answer::ok(if seen.connection == 1 { "one" } else { "two" });
        if seen.connection == 1 {
            answer.bytes.extend(Answer::ok("evil").bytes);
        }
        answer
    })
    .await;
    let one = house.whole(get(&url).named("KEY_A")).await;
    let two = house.whole(get(&url).named("KEY_A")).await;
    assert_eq!((one.1.as_str(), two.1.as_str()), ("one", "two"));
    assert_eq!(upstream.handshakes(), 2);
}
