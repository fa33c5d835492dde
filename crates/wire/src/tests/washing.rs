//! Replies of a host that a secret is bound to: washed on every path that a reply takes.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use withheld_core::Code;

use super::house::{House, bound, get, house, placeholder};
use super::upstream::{Answer, Authority, Seen, Upstream};
use crate::Reply;
use crate::reply::ReplyFault;

const VALUE: &str = "whCANARY4f6a1c0b9d8e7f65";

async fn pair(
    script: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> (Upstream, House, String) {
    let authority = Authority::new();
    let upstream = Upstream::start(Some(authority.server("api.test", |_| {})), script).await;
    let port = upstream.address.port();
    let house = house(vec![bound(
        "API_KEY",
        VALUE,
        ("api.test", port),
        "bearer",
        Some(authority.pem()),
    )]);
    (upstream, house, format!("https://api.test:{port}/"))
}

async fn answered(answer: Answer) -> (House, String) {
    let (_, house, url) = pair(move |_| answer.clone()).await;
    (house, url)
}

async fn reply(house: &House, url: &str) -> Reply {
    house
        .send(get(url).named("API_KEY"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply")
}

async fn text(reply: Reply) -> String {
    String::from_utf8(
        reply
            .body
            .collect()
            .await
            .expect("a body")
            .to_bytes()
            .to_vec(),
    )
    .expect("text")
}

#[tokio::test]
async fn an_echo_becomes_the_placeholder_in_one_piece_with_its_length() {
    let (house, url) = answered(Answer::ok(&format!("you are {VALUE}!"))).await;
    let reply = reply(&house, &url).await;
    let (length, meter) = (
        reply.headers["content-length"].clone(),
        Arc::clone(&reply.meter),
    );
    let text = text(reply).await;
    assert_eq!(text, format!("you are {}!", placeholder("API_KEY")));
    assert_eq!(length, text.len().to_string());
    assert_eq!(
        (meter.redactions(), meter.partial(), meter.bytes_down()),
        (1, 0, text.len() as u64)
    );
}

#[tokio::test]
async fn an_echo_is_found_in_every_part_of_a_reply() {
    let long = format!("{}{VALUE}{}", "x".repeat(100_000), "y".repeat(5_000));
    let (left, right) = VALUE.split_at(7);
    for answer in [
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Echo: <{VALUE}>\r\nLocation: /?k={VALUE}\r\n\r\n"
        ),
        format!("HTTP/1.1 200 {VALUE}\r\nContent-Length: 0\r\n\r\n"),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}",
            long.len()
        ),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{left}\r\n11\r\n{right}\r\n0\r\n\r\n"
        ),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n21\r\ndata: {VALUE}\n\n\n\r\n0\r\n\r\n"
        ),
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: {VALUE}\r\n\r\n"
        ),
    ] {
        let (house, url) = answered(Answer::new(answer.clone())).await;
        let reply = reply(&house, &url).await;
        let (fields, meter) = (format!("{:?}", reply.headers), Arc::clone(&reply.meter));
        let whole = reply.body.collect().await.expect("a body");
        let trailers = format!("{:?}", whole.trailers());
        let body = String::from_utf8(whole.to_bytes().to_vec()).expect("text");
        let said = fields + &trailers + &body;
        assert!(
            !said.contains(VALUE) && !said.contains(right),
            "{answer:.60}"
        );
        assert!(
            meter.redactions() >= 1 || answer.starts_with("HTTP/1.1 200 wh"),
            "{answer:.60}"
        );
    }
}

#[tokio::test]
async fn a_reply_without_a_body_says_no_length() {
    let (house, url) = answered(Answer::new(
        "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n",
    ))
    .await;
    let reply = house
        .send(get(&url).named("API_KEY").method("HEAD"))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    assert!(!reply.headers.contains_key("content-length"));
    assert_eq!(reply.headers["etag"], "\"x\"");
    assert_eq!(text(reply).await, "");
}

#[tokio::test]
async fn p20_what_cannot_be_searched_is_not_handed_on() {
    for (answer, code) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: foo\r\nContent-Length: 2\r\n\r\nab",
            Code::ReplyUndecodable,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab",
            Code::ReplyUndecodable,
        ),
        (
            "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 2\r\n\r\nab",
            Code::UpstreamBroken,
        ),
    ] {
        let (house, url) = answered(Answer::new(answer)).await;
        assert_eq!(
            house.fails(get(&url).named("API_KEY")).await,
            (code, true),
            "{answer}"
        );
    }
    let (house, url) = answered(Answer::new("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")).await;
    assert_eq!(
        reply(&house, &url).await.body.collect().await.err(),
        Some(ReplyFault::Undecodable)
    );
}

/// A file of 40,000 bytes with the value in the middle, served by range.
fn file() -> String {
    let mut file: String = (0..40_000)
        .map(|at| char::from(b'a' + u8::try_from(at % 23).expect("small")))
        .collect();
    file.replace_range(20_000..20_000 + VALUE.len(), VALUE);
    file
}

fn serve(seen: &Seen) -> Answer {
    let file = file();
    let asked = seen.field("range").first().map(|range| {
        let (first, last) = range
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
            .expect("a range");
        let last = last.parse().unwrap_or(usize::MAX).min(file.len() - 1);
        first.parse::<usize>().expect("a number")..=last
    });
    match asked {
        None => Answer::ok(&file),
        Some(range) if *range.start() >= file.len() => Answer::new(
            "HTTP/1.1 416 No\r\nContent-Range: bytes */40000\r\nContent-Length: 0\r\n\r\n",
        ),
        Some(range) => {
            let part = &file[range.clone()];
            Answer::new(format!(
                "HTTP/1.1 206 Part\r\nContent-Range: bytes {}-{}/40000\r\nContent-Length: {}\r\n\r\n{part}",
                range.start(),
                range.end(),
                part.len()
            ))
        }
    }
}

async fn part(house: &House, url: &str, range: &str) -> (u16, Option<String>, String) {
    let reply = house
        .send(get(url).named("API_KEY").field("Range", range))
        .await
        .map_err(|failed| failed.refusal)
        .expect("a reply");
    let said = reply
        .headers
        .get("content-range")
        .map(|field| field.to_str().expect("text").to_owned());
    (reply.status.as_u16(), said, text(reply).await)
}

#[tokio::test]
async fn e25_parts_come_whole_and_true_where_nothing_of_ours_is() {
    let (_, house, url) = pair(serve).await;
    for (range, first, last) in [
        ("bytes=0-4095", 0, 4095),
        ("bytes=1000-9999", 1000, 9999),
        ("bytes=30000-", 30_000, 39_999),
        ("bytes=35000-99999", 35_000, 39_999),
    ] {
        let (status, said, text) = part(&house, &url, range).await;
        assert_eq!(
            (status, said),
            (206, Some(format!("bytes {first}-{last}/40000"))),
            "{range}"
        );
        assert!(text == file()[first..=last], "{range}");
    }
}

#[tokio::test]
async fn e25_a_value_is_not_read_piece_by_piece() {
    let (_, house, url) = pair(serve).await;
    let mut put_together = vec![b'?'; 40_000];
    // Parts that begin or end at each byte of the value.
    for at in 20_000..=20_000 + VALUE.len() {
        for range in [(at - 5000, at - 1), (at, at + 5000)] {
            let (status, _, text) =
                part(&house, &url, &format!("bytes={}-{}", range.0, range.1)).await;
            assert_eq!(status, 206);
            for (offset, byte) in text.bytes().enumerate() {
                if byte != b'*' {
                    put_together[range.0 + offset] = byte;
                }
            }
        }
    }
    assert_eq!(
        String::from_utf8_lossy(&put_together[20_000..20_000 + VALUE.len()]),
        "?".repeat(VALUE.len())
    );
    assert_eq!(
        &put_together[19_990..20_000],
        &file().as_bytes()[19_990..20_000]
    );
}

#[tokio::test]
async fn e25_other_ranges_are_answered_with_the_whole() {
    let (upstream, house, url) = pair(serve).await;
    for range in [
        "bytes=20000-20000",
        "bytes=-100",
        "bytes=0-4999,20000-24999",
    ] {
        let (status, said, text) = part(&house, &url, range).await;
        assert_eq!((status, said), (200, None), "{range}");
        assert_eq!(
            text.len(),
            40_000 - VALUE.len() + placeholder("API_KEY").len()
        );
    }
    assert!(
        upstream
            .seen()
            .iter()
            .all(|seen| seen.field("range").is_empty())
    );
}

#[tokio::test]
async fn e25_a_part_behind_the_end_is_not_satisfiable() {
    let (_, house, url) = pair(serve).await;
    for range in ["bytes=40100-49999", "bytes=90000-99999", "bytes=40000-"] {
        let (status, said, text) = part(&house, &url, range).await;
        assert_eq!(
            (status, said.as_deref(), text.as_str()),
            (416, Some("bytes */40000"), ""),
            "{range}"
        );
    }
}
