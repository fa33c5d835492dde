//! The doors: what is read at them, and how a broker leaves through them.

use std::io::{Read as _, Write as _};

use serde_json::json;
use withheld_testkit::{Answer, Latch};

use crate::broker::exchange;
use crate::set::Set;

#[test]
fn an_old_client_may_connect_without_a_host() {
    let set = Set::up();
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.0");
    let tls = set.broker.tls(tunnel, "localhost").unwrap();
    let reply = exchange(tls, &set.get(""));
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    set.broker.stop();
}

#[test]
fn h13_another_name_in_the_handshake_ends_it() {
    let set = Set::up();
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.1");
    let fault = set.broker.tls(tunnel, "evil.test").err().unwrap();
    assert!(fault.to_string().contains("UnrecognisedName"), "{fault}");
    set.broker.stop();
}

#[test]
fn h14_h23_inside_a_tunnel_there_is_one_host_and_tls() {
    let set = Set::up();
    let fronted = set
        .get("")
        .replace(&format!("Host: {}", set.to), "Host: evil.test");
    let reply = set.broker.tunnelled(&set.token, &set.to, &fronted);
    assert!(
        reply.starts_with("HTTP/1.1 421 Withheld destination_mismatch\r\n"),
        "{reply}"
    );
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.1");
    let reply = exchange(tunnel, &set.get(""));
    assert!(
        reply.starts_with("HTTP/1.1 403 Withheld cleartext_refused\r\n"),
        "{reply}"
    );
    assert!(set.upstream.seen().is_empty());
    set.broker.stop();
}

#[test]
fn p01_a_head_with_two_readings_is_refused_in_house_form() {
    let set = Set::up();
    let smuggling = set.get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    let reply = set.broker.tunnelled(&set.token, &set.to, &smuggling);
    assert!(
        reply.starts_with("HTTP/1.1 400 Withheld ambiguous_request\r\n"),
        "{reply}"
    );
    let reply = set
        .broker
        .port(&format!("GET http://{}/ HTTP/1.1\nHost: x\n\n", set.to));
    assert!(
        reply.starts_with("HTTP/1.1 400 Withheld ambiguous_request\r\n"),
        "{reply}"
    );
    assert!(set.upstream.seen().is_empty());
    assert_eq!(set.outcomes(), ["refused"]);
    set.broker.stop();
}

#[test]
fn a_call_that_reads_trailers_learns_what_was_washed_out() {
    let set = Set::up();
    set.upstream.answer(|seen| {
        let sent = seen.header("authorization").unwrap_or_default().to_owned();
        Answer::chunked(&[], ["x".repeat(100_000), sent, "y".repeat(100_000)])
    });
    let call = format!(
        "GET /call HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTE: trailers\r\nWithheld-Url: https://{}/v1/\r\nWithheld-Secret: API_KEY\r\nWithheld-Session: {}\r\n\r\n",
        set.broker.address, set.to, set.token
    );
    let reply = set.broker.port(&call);
    assert!(
        reply.ends_with("withheld-redactions: 1\r\n\r\n"),
        "{}",
        &reply[reply.len() - 100..]
    );
    assert!(!reply.contains(crate::broker::CANARY));
    set.broker.stop();
}

#[test]
fn a_client_that_goes_away_is_in_the_log() {
    let set = Set::up();
    let latch = Latch::default();
    let wait = latch.clone();
    set.upstream.answer(move |_| {
        let begin = Answer::head(200, &[("content-length", "5")]).then(b"ab");
        begin.wait(&wait).then(b"cde")
    });
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.1");
    let mut tls = set.broker.tls(tunnel, "localhost").unwrap();
    tls.write_all(set.get("").as_bytes()).unwrap();
    tls.flush().unwrap();
    set.upstream.wait_for(1);
    drop(tls);
    // Each look is a round trip; the broker sees the end of the connection in its own time.
    let seen = (0..100_000).any(|_| set.outcomes() == ["client_cancelled"]);
    assert!(seen, "{:?}", set.outcomes());
    latch.lift();
    set.broker.stop();
}

#[test]
fn a_request_that_is_under_way_is_finished_before_the_end() {
    let set = Set::up();
    let latch = Latch::default();
    let wait = latch.clone();
    set.upstream.answer(move |_| {
        let begin = Answer::head(200, &[("content-length", "5")]);
        begin.wait(&wait).then(b"abcde")
    });
    let tunnel = set.broker.tunnel(&set.token, &set.to, "HTTP/1.1");
    let mut tls = set.broker.tls(tunnel, "localhost").unwrap();
    tls.write_all(set.get("").as_bytes()).unwrap();
    tls.flush().unwrap();
    set.upstream.wait_for(1);
    set.broker.owner(&json!({"do": "stop"}));
    latch.lift();
    let mut reply = String::new();
    tls.read_to_string(&mut reply).unwrap();
    assert!(reply.ends_with("abcde"), "{reply}");
    set.broker.ended();
}
