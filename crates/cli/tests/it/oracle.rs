//! E: echoes that are cut, hidden among others, put together from parts, or asked for by guessing.

use withheld_testkit::{Agent, Answer, Latch, Reply, Seen, World};

use crate::common::{Way, bearer, busy, key_in, value, world};

fn cut_at_every_place(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let length = world.canaries.plain.bytes().len();
    world.api.answer(|seen| {
        let key = key_in(seen).into_bytes();
        match seen.target.rsplit('/').next().unwrap().parse::<usize>() {
            Ok(cut) => Answer::chunked(&[], [b"before ", &key[..cut], &key[cut..], b" after"]),
            Err(_) => Answer::chunked(
                &[],
                format!("before {} after", String::from_utf8(key).unwrap())
                    .as_bytes()
                    .chunks(1),
            ),
        }
    });
    let cuts = (1..length)
        .map(|cut| cut.to_string())
        .chain(["each".to_owned()]);
    for cut in cuts {
        let reply = way.send(&agent, "GET", &world.url(&format!("api.test/v1/{cut}")));
        reply.is(200);
        assert!(reply.whole);
        assert!(reply.text().starts_with("before "), "{cut}");
        assert!(reply.text().ends_with(" after"), "{cut}");
    }
    world.finish();
}

#[test]
fn e21_proxy_cut_at_every_place() {
    cut_at_every_place(Way::Proxy);
}

#[test]
fn e21_call_cut_at_every_place() {
    cut_at_every_place(Way::Call);
}

/// Where the buffers of servers and proxies end.
const BORDERS: &[usize] = &[
    4095,
    4096,
    8191,
    8192,
    16_383,
    16_384,
    65_535,
    65_536,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
];

fn large_bodies(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    world.api.answer(|seen| {
        let key = key_in(seen).into_bytes();
        let size = 6 << 20;
        let mut body = vec![b'.'; size];
        let middle = seen.target.rsplit('/').next().unwrap().parse().unwrap();
        let places = [0, middle, size - key.len()];
        for place in places {
            body[place..place + key.len()].copy_from_slice(&key);
        }
        Answer::ok(body)
    });
    for border in BORDERS {
        let place = border - world.canaries.plain.bytes().len() / 2;
        let reply = way.send(&agent, "GET", &world.url(&format!("api.test/v1/{place}")));
        reply.is(200);
        assert!(reply.whole, "{border}");
        let dots = reply.body.iter().filter(|byte| **byte == b'.').count();
        assert_eq!(
            dots,
            (6 << 20) - 3 * world.canaries.plain.bytes().len(),
            "{border}"
        );
    }
    world.finish();
}

#[test]
fn e22_proxy_large_bodies() {
    large_bodies(Way::Proxy);
}

#[test]
fn e22_call_large_bodies() {
    large_bodies(Way::Call);
}

#[test]
fn e23_cli_our_own_limit_falls_into_a_value() {
    let world = world!().with_key();
    let agent = world.agent();
    let length = world.canaries.plain.bytes().len();
    for inside in [1, length / 2, length - 1] {
        world.api.answer(move |seen| {
            let mut body = vec![b'.'; (1 << 20) - inside];
            body.extend_from_slice(key_in(seen).as_bytes());
            body.extend_from_slice(&[b'.'; 4096]);
            Answer::ok(body)
        });
        let url = world.url("api.test/v1/x");
        let ran = agent
            .withheld(&["call", &url, "--secret", "KEY", "--json"])
            .run();
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(ran.document()["error"]["code"].is_string(), "{ran}");
        let file = world.user().join("body");
        agent
            .withheld(&["call", &url, "--secret", "KEY", "--json", "-o"])
            .arg(&file)
            .succeeds();
        assert!(std::fs::metadata(&file).unwrap().len() > 1 << 20);
    }
    world.finish();
}

fn decoys(way: Way) {
    let mut world = world!().with_key();
    // One value is the beginning of another, and a third repeats itself.
    let long = format!("{}xQ4zR7", world.canaries.plain.text());
    let twice = value("ab12ab12ab12ab12ab12ab12");
    world.set("LONG", &value(long.clone()));
    world.set("TWICE", &twice);
    world.also_hide(&twice);
    world.bind("LONG", "other.test", &["--inject", "bearer"]);
    world.bind("TWICE", "other.test/twice", &["--inject", "header:X-Twice"]);
    let agent = busy(&world);
    world.api.answer(move |seen| {
        let key = key_in(seen);
        let decoys: String = (0..1000)
            .map(|at| format!("{}-{at} ", &key[..14]))
            .collect();
        let near = "ab12".repeat(9);
        Answer::ok(format!("<{decoys}{key}{key} {long} {near} {key}>"))
    });
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    reply.is(200);
    assert!(reply.text().starts_with('<') && reply.text().ends_with('>'));
    assert!(reply.text().contains("-999 "));
    world.finish();
}

#[test]
fn e24_proxy_decoys() {
    decoys(Way::Proxy);
}

#[test]
fn e24_call_decoys() {
    decoys(Way::Call);
}

/// A server that knows ranges, of a body with the value in it.
fn ranged(seen: &Seen) -> Answer {
    let body = format!("before {} after", key_in(seen)).into_bytes();
    let range = seen
        .header("range")
        .and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return Answer::with(200, &[("accept-ranges", "bytes")], body);
    };
    let end = body.len() - 1;
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last.min(end)),
        (Ok(first), Err(_)) => (first, end),
        (Err(_), Ok(count)) => (body.len().saturating_sub(count), end),
        _ => return Answer::with(200, &[], body),
    };
    if first > last {
        return Answer::with(416, &[], "");
    }
    let range = format!("bytes {first}-{last}/{}", body.len());
    Answer::with(206, &[("content-range", &range)], &body[first..=last])
}

/// What a client makes of parts: each reply that is one is one byte.
fn put_together(replies: &[Reply]) -> Vec<u8> {
    replies
        .iter()
        .filter(|reply| reply.status == 206)
        .flat_map(|reply| reply.body.clone())
        .collect()
}

fn ranges(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    world.api.answer(ranged);
    let length = world.canaries.plain.bytes().len() + 13;
    let replies: Vec<Reply> = (0..length)
        .map(|at| {
            way.with(
                &agent,
                "GET",
                &url,
                &[("Range", &format!("bytes={at}-{at}"))],
                b"",
            )
        })
        .collect();
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply.status, 200 | 206))
    );
    world.saw("parts put together", put_together(&replies));
    for range in [
        "bytes=0-9,10-19,20-29",
        "bytes=-30",
        "bytes=20-",
        "bytes=3-40",
    ] {
        let reply = way.with(&agent, "GET", &url, &[("Range", range)], b"");
        assert!(
            matches!(reply.status, 200 | 206),
            "{range}: {}",
            reply.shown()
        );
    }
    let reply = way.with(
        &agent,
        "GET",
        &url,
        &[("Range", "bytes=9-9"), ("If-Range", "\"tag\"")],
        b"",
    );
    assert!(matches!(reply.status, 200 | 206));
    world.finish();
}

#[test]
fn e25_proxy_ranges() {
    ranges(Way::Proxy);
}

#[test]
fn e25_call_ranges() {
    ranges(Way::Call);
}

#[test]
fn e31_cli_values_that_can_be_guessed() {
    let world = world!();
    for short in ["a", "hunter2", "1234567"] {
        world
            .owner(&["set", "SHORT", "--stdin", "--no-input", "--json"])
            .typing(short)
            .fails(2)
            .says("usage");
    }
    let ran = world
        .owner(&["set", "WEAK", "--stdin", "--no-input"])
        .typing("aaaaaaaaaaaa")
        .succeeds();
    let said = format!("{}{}", ran.text(), ran.errors());
    assert!(said.contains("guess"), "{said}");
    world.finish();
}

/// The first `count` characters of the value, then something else: a hit that is not whole.
fn cut_echo(count: usize) -> impl Fn(&Seen) -> Answer + Send + Sync {
    move |seen| Answer::ok(format!("error near {}... ", &key_in(seen)[..count]))
}

fn three_partial_hits(way: Way) {
    let world = world!().with_key();
    let agent = world.agent_named("guesser", &["--grant", "KEY"]);
    let url = world.url("api.test/v1/x");
    // Whole echoes are not counted: paging links echo keys.
    world.api.answer(|seen| Answer::ok(key_in(seen)));
    for _ in 0..5 {
        way.send(&agent, "GET", &url).is(200);
    }
    world.api.answer(cut_echo(30));
    let statuses: Vec<u16> = (0..4)
        .map(|_| after_a_hit(way, &agent, &url).status)
        .collect();
    assert!(
        statuses[..2].iter().all(|status| *status == 200),
        "{statuses:?}"
    );
    assert_eq!(
        statuses[3],
        if way == Way::Call { 401 } else { 407 },
        "{statuses:?}"
    );
    let requests = world.api.seen().len();
    assert!(requests <= 8, "{requests}");
    let ran = world.user_runs(&["status", "--json"]).succeeds();
    assert!(!ran.text().is_empty());
    let denied = world.records(&["--agent", "guesser"]);
    assert!(
        denied
            .iter()
            .any(|record| record["kind"] == "session" || record["refusal"] == "session_expired"),
        "{denied:?}"
    );
    world.finish();
}

/// A request of a session that may have ended: then the proxy answers CONNECT itself.
fn after_a_hit(way: Way, agent: &Agent, url: &str) -> Reply {
    if way == Way::Call {
        return way.send(agent, "GET", url);
    }
    let authority = url
        .trim_start_matches("https://")
        .split('/')
        .next()
        .unwrap();
    match agent.try_connect(authority) {
        Err(reply) => *reply,
        Ok(stream) => {
            let host = authority.split(':').next().unwrap();
            let mut tunnel = agent.tls(stream, authority, host).unwrap();
            tunnel.request("GET", "/v1/x", &[("Authorization", &bearer(agent))], b"")
        }
    }
}

#[test]
fn e31_proxy_three_partial_hits_end_a_session() {
    three_partial_hits(Way::Proxy);
}

#[test]
fn e31_call_three_partial_hits_end_a_session() {
    three_partial_hits(Way::Call);
}

fn another_secret_of_the_session(way: Way) {
    let world = world!().with_key();
    world.set("OTHER", &world.canaries.nasty.clone());
    world.bind("OTHER", "other.test", &["--inject", "header:X-Other"]);
    let agent = world.agent();
    let other = world.canaries.nasty.text().to_owned();
    world
        .api
        .answer(move |_| Answer::with(200, &[("x-other", &other)], format!("it is {other}.")));
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    reply.is(200);
    assert!(reply.text().starts_with("it is "));
    // And where nothing was injected at all.
    let reply = way.bare(&agent, "GET", &world.url("api.test/v1/x"), &[], b"");
    reply.is(200);
    assert_eq!(
        reply.header("withheld-injected"),
        Some("none; why=named_only")
    );
    assert_eq!(world.api.last().header("authorization"), None);
    world.finish();
}

#[test]
fn e36_proxy_another_secret_of_the_session() {
    another_secret_of_the_session(Way::Proxy);
}

#[test]
fn e36_call_another_secret_of_the_session() {
    another_secret_of_the_session(Way::Call);
}

/// How much of a body has arrived while the upstream waits behind a guess. What is held back is under 512 bytes,
/// so the frame that crosses that line is the last one that comes before the upstream goes on.
fn arrived_before_the_rest(world: &World, agent: &Agent, near: bool) -> usize {
    const FILLER: usize = 100_000;
    const GUESS: usize = 1000;
    let (filled, guessed) = (Latch::new(), Latch::new());
    let (filler_came, guess_came) = (filled.clone(), guessed.clone());
    world.api.answer(move |seen| {
        let key = key_in(seen);
        let shown = if near { &key[..14] } else { "~~~~~~~~~~~~~~" };
        let guess = format!("{}{shown}{}", ".".repeat(GUESS - 200), ".".repeat(186));
        Answer::head(200, &[("transfer-encoding", "chunked")])
            .chunk(".".repeat(FILLER))
            .wait(&filler_came)
            .chunk(guess)
            .wait(&guess_came)
            .chunk("end")
            .then("0\r\n\r\n")
    });
    let mut tunnel = agent.tunnel(&world.host_port("api.test"));
    let head = format!(
        "GET /v1/x HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        world.host_port("api.test"),
        bearer(agent)
    );
    tunnel.write(head.as_bytes());
    let mut came = Vec::new();
    let body = |came: &[u8]| {
        // Frames add a line each; dots stand in the body alone.
        came.iter().filter(|byte| **byte == b'.').count()
    };
    for (sent, latch) in [(FILLER, &filled), (FILLER + GUESS - 14, &guessed)] {
        while body(&came) < sent - 512 {
            let piece = tunnel.piece();
            assert!(!piece.is_empty(), "the reply ended early");
            came.extend_from_slice(&piece);
        }
        if sent > FILLER {
            let arrived = body(&came);
            latch.lift();
            return arrived;
        }
        latch.lift();
    }
    unreachable!("the second round returns")
}

#[test]
fn e37_proxy_frames_say_nothing_about_a_guess() {
    let world = world!().with_key();
    let agent = busy(&world);
    let sizes: Vec<usize> = [true, false, true, false]
        .into_iter()
        .map(|near| arrived_before_the_rest(&world, &agent, near))
        .collect();
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    world.finish();
}

fn cut_echoes(way: Way) {
    let world = world!().with_key();
    let length = world.canaries.plain.bytes().len();
    for (round, counts) in [[15, 16, 23], [31, length - 2, length - 1]]
        .iter()
        .enumerate()
    {
        let agent = world.agent_named(&format!("cut-{round}"), &["--grant", "KEY"]);
        for count in counts {
            world.api.answer(cut_echo(*count));
            let reply = after_a_hit(way, &agent, &world.url("api.test/v1/x"));
            if reply.status == 200 {
                assert!(reply.text().starts_with("error near "), "{count}");
            } else {
                assert!(
                    matches!(reply.status, 401 | 407 | 502),
                    "{count}: {}",
                    reply.shown()
                );
            }
        }
        let reply = after_a_hit(way, &agent, &world.url("api.test/v1/x"));
        assert_eq!(reply.status, if way == Way::Call { 401 } else { 407 });
    }
    world.finish();
}

#[test]
fn e38_proxy_cut_echoes() {
    cut_echoes(Way::Proxy);
}

#[test]
fn e38_call_cut_echoes() {
    cut_echoes(Way::Call);
}
