//! What arrives upstream, and what of a broken exchange comes back.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use withheld_core::{Code, Refusal};

use super::house::{
    House, Mix, Step, bound, empty, full, get, house, house_with, placeholder, steps,
};
use super::upstream::{Answer, Authority, Seen, Upstream};
use crate::reply::ReplyFault;
use crate::upload::UploadFault;
use crate::{LIMITS, Limits};

const VALUE: &str = "whCANARY4f6a1c0b9d8e7f65";

/// An upstream under TLS as `api.test`, and a house with one secret bound to it.
async fn pair(
    place: &str,
    script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> (Upstream, House, String) {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), script).await;
    let port = upstream.address.port();
    let house = house(vec![bound(
        "API_KEY",
        VALUE,
        ("api.test", port),
        place,
        Some(authority.pem()),
    )]);
    (upstream, house, format!("https://api.test:{port}"))
}

fn ok(_: &Seen) -> Answer {
    Answer::ok("done")
}

#[tokio::test]
async fn a_named_secret_stands_at_its_place_once_and_nothing_of_ours_beside_it() {
    let (upstream, house, url) = pair("bearer", ok).await;
    let what = get(format!("{url}/v1/x?a=%20b&c"))
        .named("API_KEY")
        .field("Withheld-Inject", "bearer")
        .field("X-AS-Agent-ID", "me")
        .field("Proxy-Authorization", "Basic d2l0aGhlbGQ6eA==")
        .field("Connection", "authorization, x-hop")
        .field("X-Hop", "1")
        .field("X-Forwarded-Host", "evil.test")
        .field("Accept", "text/plain");
    assert_eq!(house.whole(what).await, (200, "done".to_owned()));
    let seen = &upstream.seen()[0];
    assert!(
        seen.head.starts_with("GET /v1/x?a=%20b&c HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    assert_eq!(seen.field("authorization"), [format!("Bearer {VALUE}")]);
    assert_eq!(
        seen.field("host"),
        [url.strip_prefix("https://").expect("https")]
    );
    assert_eq!(seen.field("accept-encoding"), ["identity"]);
    assert_eq!(seen.field("via"), ["1.1 withheld-test"]);
    assert_eq!(seen.field("accept"), ["text/plain"]);
    let mut names: Vec<String> = seen
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_lowercase())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["accept", "accept-encoding", "authorization", "host", "via"]
    );
}

#[tokio::test]
async fn p06_a_placeholder_is_replaced_whole_in_every_place() {
    for (place, field, sent, arrives) in [
        (
            "bearer",
            "Authorization",
            format!("Bearer {}", placeholder("API_KEY")),
            format!("Bearer {VALUE}"),
        ),
        (
            "header:X-Api-Key",
            "X-Api-Key",
            placeholder("API_KEY"),
            VALUE.to_owned(),
        ),
        // printf 'whCANARY4f6a1c0b9d8e7f65:' | base64
        (
            "basic",
            "Authorization",
            format!("Bearer {}", placeholder("API_KEY")),
            "Basic d2hDQU5BUlk0ZjZhMWMwYjlkOGU3ZjY1Og==".to_owned(),
        ),
    ] {
        let (upstream, house, url) = pair(place, ok).await;
        house.whole(get(format!("{url}/")).field(field, sent)).await;
        assert_eq!(upstream.seen()[0].field(field), [arrives], "{place}");
        assert!(!upstream.seen()[0].head.contains("withheldAPI"));
    }
    let (upstream, house, url) = pair("query:key", ok).await;
    house
        .whole(get(format!(
            "{url}/a?x=1&key={}&y=2",
            placeholder("API_KEY")
        )))
        .await;
    assert!(
        upstream.seen()[0]
            .head
            .starts_with(&format!("GET /a?x=1&key={VALUE}&y=2 HTTP/1.1\r\n"))
    );
}

#[tokio::test]
async fn a_format_goes_round_the_value() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), ok).await;
    let port = upstream.address.port();
    let secret = bound(
        "BOT",
        VALUE,
        ("api.test", port),
        "header:Authorization",
        Some(authority.pem()),
    )
    .formatted("Bot {}");
    house(vec![secret])
        .whole(get(format!("https://api.test:{port}/")).named("BOT"))
        .await;
    assert_eq!(
        upstream.seen()[0].field("authorization"),
        [format!("Bot {VALUE}")]
    );
}

#[tokio::test]
async fn two_secrets_of_one_request_stand_at_two_places() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), ok).await;
    let to = ("api.test", upstream.address.port());
    let pem = Some(authority.pem());
    let other = "whCANARYother0123456789";
    let house = house(vec![
        bound("KEY_A", VALUE, to, "bearer", pem.clone()),
        bound("KEY_B", other, to, "header:X-B", pem),
    ]);
    house
        .whole(
            get(format!("https://api.test:{}/", to.1))
                .named("KEY_B")
                .named("KEY_A"),
        )
        .await;
    let seen = &upstream.seen()[0];
    assert_eq!(seen.field("authorization"), [format!("Bearer {VALUE}")]);
    assert_eq!(seen.field("x-b"), [other]);
}

#[tokio::test]
async fn papers_of_two_requests_never_mix() {
    let (upstream, house, url) = pair("bearer", ok).await;
    for mix in [Mix::Receipt, Mix::Values, Mix::Count] {
        let failed = house
            .send_mixed(&format!("{url}/"), "API_KEY", mix)
            .await
            .err()
            .expect("no reply");
        assert_eq!(
            (failed.refusal.code, failed.sent),
            (Code::Internal, false),
            "{mix:?}"
        );
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_session_that_is_not_kept_has_no_needles_left() {
    let (upstream, house, url) = pair("bearer", ok).await;
    let get = || get(format!("{url}/")).named("API_KEY");
    house.wire.retain(|session| *session == house.session);
    house.send(get()).await.map_err(|_| ()).expect("a reply");
    let arms = house.wire.armory.of(&house.session).expect("needles");
    let needles = Arc::downgrade(&arms.needles);
    drop(arms);
    house.wire.retain(|session| *session != house.session);
    assert!(needles.upgrade().is_none());
    assert_eq!(house.fails(get()).await, (Code::VaultLocked, false));
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_armed_gets_no_reply() {
    let (upstream, house, url) = pair("bearer", ok).await;
    house.wire.disarm(&house.session);
    assert_eq!(
        house.fails(get(format!("{url}/")).named("API_KEY")).await,
        (Code::VaultLocked, false)
    );
    // Nor does a pass whose reply would have to be washed.
    assert_eq!(
        house.fails(get(format!("{url}/"))).await,
        (Code::VaultLocked, false)
    );
    assert!(upstream.seen().is_empty());
    house.arm();
    assert_eq!(
        house.whole(get(format!("{url}/")).named("API_KEY")).await.0,
        200
    );
}

#[tokio::test]
async fn p09_a_value_that_cannot_stand_at_its_place_fails_closed() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), ok).await;
    let port = upstream.address.port();
    for value in ["whCANARY\r\nX: y", "whCANARY\0 nul", "whCANARY\u{e9}0123"] {
        let secret = bound(
            "API_KEY",
            value,
            ("api.test", port),
            "bearer",
            Some(authority.pem()),
        );
        let fails = house(vec![secret])
            .fails(get(format!("https://api.test:{port}/")).named("API_KEY"))
            .await;
        assert_eq!(fails, (Code::ValueUnusable, false));
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn bodies_go_up_as_they_are_framed() {
    let (upstream, house, url) = pair("bearer", ok).await;
    house
        .whole(
            get(format!("{url}/known"))
                .named("API_KEY")
                .post(full("four")),
        )
        .await;
    house
        .whole(
            get(format!("{url}/chunked"))
                .named("API_KEY")
                .post(steps([Step::Data("ab"), Step::Data("cd")])),
        )
        .await;
    house
        .whole(get(format!("{url}/none")).named("API_KEY").post(empty()))
        .await;
    house
        .whole(
            get(format!("{url}/get"))
                .named("API_KEY")
                .post(steps([Step::Data("xy")]))
                .method("GET"),
        )
        .await;
    let seen = upstream.seen();
    assert_eq!(
        (seen[0].field("content-length"), &seen[0].body[..]),
        (vec!["4"], &b"four"[..])
    );
    assert_eq!(
        (seen[1].field("transfer-encoding"), &seen[1].body[..]),
        (vec!["chunked"], &b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"[..])
    );
    assert_eq!(seen[2].field("content-length"), ["0"]);
    assert_eq!(&seen[3].body[..], b"2\r\nxy\r\n0\r\n\r\n");
}

#[tokio::test]
async fn a_cut_upload_is_never_completed_upstream() {
    for (fault, code) in [
        (UploadFault::Cut, Code::AmbiguousRequest),
        (UploadFault::Malformed, Code::AmbiguousRequest),
        (UploadFault::TooSlow, Code::TooSlow),
        (UploadFault::TooLarge, Code::TooLarge),
    ] {
        let (upstream, house, url) = pair("bearer", ok).await;
        let body = steps([Step::Data("half"), Step::Yield, Step::Fault(fault)]);
        assert_eq!(
            house
                .fails(get(format!("{url}/")).named("API_KEY").post(body))
                .await,
            (code, true)
        );
        upstream.ended.notified().await;
        assert!(upstream.seen().is_empty());
        assert_eq!(upstream.cut(), 1);
    }
}

#[tokio::test]
async fn p03_an_upload_is_cut_when_the_reply_ends_first() {
    let (upstream, house, url) = pair("bearer", |_| Answer::ok("early").early()).await;
    let body = steps([Step::Data("begun"), Step::Hang]);
    assert_eq!(
        house
            .whole(get(format!("{url}/")).named("API_KEY").post(body))
            .await,
        (200, "early".to_owned())
    );
    upstream.ended.notified().await;
    assert_eq!((upstream.seen().len(), upstream.cut()), (1, 1));
}

#[tokio::test]
async fn p11_redirects_are_handed_back_and_not_followed() {
    let (upstream, house, url) = pair("bearer", |_| {
        Answer::new("HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nAlt-Svc: h3=\":443\"\r\nContent-Length: 0\r\n\r\n")
    })
    .await;
    let reply = house
        .send(get(format!("{url}/")).named("API_KEY"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    assert_eq!(
        (reply.status.as_u16(), &reply.headers["location"]),
        (302, &"http://evil.test/".parse().expect("a value"))
    );
    assert!(!reply.headers.contains_key("alt-svc"));
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn what_was_taken_away_while_the_upstream_was_dialled_is_not_sent() {
    let (upstream, house, url) = pair("bearer", |_| {
        Answer::new("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    })
    .await;
    let what = get(format!("{url}/")).named("API_KEY");
    let locked = || Refusal::new(Code::VaultLocked, "locked meanwhile", "unlock");
    let failed = house
        .send_while(what, &|| Err(locked()))
        .await
        .err()
        .expect("no reply");
    assert_eq!(
        (failed.refusal.code, failed.sent),
        (Code::VaultLocked, false)
    );
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test]
async fn p20_p21_what_is_no_reply_is_broken() {
    let flood = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(33)
        + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for bytes in [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "<html>as in 0.9</html>",
        &format!(
            "HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 0\r\n\r\n",
            "x".repeat(70_000)
        ),
        "",
        &flood,
    ] {
        let bytes = bytes.to_owned();
        let (upstream, house, url) =
            pair("bearer", move |_| Answer::new(bytes.clone()).then_close()).await;
        assert_eq!(
            house.fails(get(format!("{url}/")).named("API_KEY")).await,
            (Code::UpstreamBroken, true)
        );
        assert_eq!(upstream.seen().len(), 1);
    }
}

#[tokio::test]
async fn p21_a_flood_of_interim_replies_is_broken_before_any_other_comes() {
    let (_, house, url) = pair("bearer", |_| {
        Answer::new("HTTP/1.1 102 Wait\r\n\r\n".repeat(33))
    })
    .await;
    assert_eq!(
        house.fails(get(format!("{url}/")).named("API_KEY")).await,
        (Code::UpstreamBroken, true)
    );
}

#[tokio::test]
async fn p21_interim_replies_are_dropped_up_to_a_limit() {
    let bytes = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(32)
        + "HTTP/1.1 200 Fine whCANARY\r\nContent-Length: 2\r\n\r\nok";
    let (_, house, url) = pair("bearer", move |_| Answer::new(bytes.clone())).await;
    let reply = house
        .send(get(format!("{url}/")).named("API_KEY"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    assert!(reply.status.as_u16() == 200 && !reply.headers.contains_key("link"));
}

#[tokio::test]
async fn p20_a_body_that_ends_before_its_length_is_a_fault() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{}",
        "x".repeat(70_000)
    );
    let (_, house, url) = pair("bearer", move |_| Answer::new(long.clone()).then_close()).await;
    let reply = house
        .send(get(format!("{url}/")).named("API_KEY"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a head");
    assert_eq!(reply.body.collect().await.err(), Some(ReplyFault::Cut));
    let (_, house, url) = pair("bearer", |_| {
        Answer::new("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").then_close()
    })
    .await;
    assert_eq!(
        house.fails(get(format!("{url}/")).named("API_KEY")).await,
        (Code::UpstreamBroken, true)
    );
}

#[tokio::test]
async fn silence_is_a_timeout_before_the_head_and_a_fault_behind_it() {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), |seen| {
        if seen.head.starts_with("GET /head") {
            Answer::new("")
        } else {
            Answer::new("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        }
    })
    .await;
    let port = upstream.address.port();
    let ca = Some(authority.pem());
    let secrets = vec![bound("API_KEY", VALUE, ("api.test", port), "bearer", ca)];
    let short = Duration::from_millis(50);
    let url = format!("https://api.test:{port}");
    let house = house_with(
        secrets.clone(),
        Limits {
            head: short,
            ..LIMITS
        },
    );
    let fails = house
        .fails(get(format!("{url}/head")).named("API_KEY"))
        .await;
    assert_eq!(fails, (Code::UpstreamTimeout, true));
    let house = house_with(
        secrets,
        Limits {
            body: short,
            ..LIMITS
        },
    );
    let reply = house
        .send(get(format!("{url}/body")).named("API_KEY"))
        .await;
    let reply = reply.map_err(|failed| failed.refusal).expect("a head");
    assert_eq!(reply.body.collect().await.err(), Some(ReplyFault::Silent));
}

#[tokio::test]
async fn requests_and_replies_may_move_between_threads() {
    fn moves<T: Send>(what: T) -> T {
        what
    }
    let (_, house, url) = pair("bearer", ok).await;
    let reply = moves(house.send(get(format!("{url}/")).named("API_KEY"))).await;
    moves(
        reply
            .map_err(|failed| failed.refusal)
            .expect("a reply")
            .body,
    );
}
