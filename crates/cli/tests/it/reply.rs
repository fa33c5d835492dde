//! P: places, redirects, pooled connections, and replies that lie.

use withheld_testkit::Answer;
use withheld_testkit::encode::{base64, gzip};

use crate::common::{Way, arrived_once, bearer, busy, key_in, nothing_arrived, value, world};

#[test]
fn p09_cli_a_place_that_cannot_carry_the_value() {
    let mut world = world!();
    for (name, bytes) in [
        ("WITH_CR", b"whCANARYa1b2\rc3d4e5f6g7h8".to_vec()),
        ("WITH_LF", b"whCANARYa1b2\nc3d4e5f6g7h8".to_vec()),
        ("WITH_NUL", b"whCANARYa1b2\0c3d4e5f6g7h8".to_vec()),
        ("SPLIT", b"whCANARYi9\r\nX-Injected: j0k1l2".to_vec()),
    ] {
        let canary = value(bytes);
        world.also_hide(&canary);
        // A PEM key is a fair value: it is stored, and only the place is refused.
        world.set(name, &canary);
        for place in ["bearer", "header:X-Key", "basic:user"] {
            world
                .binding(name, "api.test/v1", &["--inject", place, "--json"])
                .fails(2)
                .says("usage");
        }
        let host = world.host_port("api.test");
        world
            .owner(&[
                "set",
                name,
                "--stdin",
                "--host",
                &host,
                "--inject",
                "bearer",
                "--no-input",
                "--json",
            ])
            .typing(canary.bytes())
            .fails(2)
            .says("usage");
    }
    let agent = world.agent();
    agent
        .call("GET", &world.url("api.test/v1/x"))
        .secret("SPLIT")
        .send()
        .is_refused("no_binding");
    nothing_arrived(&world);
    world.finish();
}

/// The value is replaced by one that the bound place cannot carry.
fn value_that_no_longer_fits(way: Way) {
    let mut world = world!().with_key();
    let broken = value(b"whCANARYq1w2\r\ne3r4t5y6u7i8".to_vec());
    world.also_hide(&broken);
    let ran = world
        .owner(&["set", "KEY", "--stdin", "--no-input", "--json"])
        .typing(broken.bytes())
        .run();
    let agent = world.agent();
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    if ran.code == Some(0) {
        reply.is_refused("value_unusable");
        assert_eq!(reply.status, 502);
        nothing_arrived(&world);
    } else {
        ran.exits(2).says("usage");
        reply.is(200);
        arrived_once(&world);
    }
    world.finish();
}

#[test]
fn p09_proxy_value_that_no_longer_fits() {
    value_that_no_longer_fits(Way::Proxy);
}

#[test]
fn p09_call_value_that_no_longer_fits() {
    value_that_no_longer_fits(Way::Call);
}

fn query_place(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.nasty.clone());
    world.bind("KEY", "api.test/v1", &["--inject", "query:appid"]);
    let agent = world.agent();
    let url = world.url("api.test/v1/x?a=b");
    let reply = match way {
        Way::Proxy => agent.get(&format!("{url}&appid={}", agent.placeholder("KEY")), &[]),
        Way::Call => agent.call("GET", &url).secret("KEY").send(),
    };
    reply.is(200);
    let target = world.api.last().target;
    let query = target.split_once('?').unwrap().1.to_owned();
    let values: Vec<String> = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("appid="))
        .map(decoded)
        .collect();
    assert_eq!(values, [world.canaries.nasty.text()]);
    assert!(query.split('&').any(|pair| pair == "a=b"));
    let records = world.records(&[]);
    let paths: Vec<&str> = records
        .iter()
        .filter_map(|record| record["path"].as_str())
        .collect();
    assert!(paths.iter().all(|path| !path.contains('?')), "{paths:?}");
    // An error of the upstream's that repeats the URL, and a page that links to it.
    world.api.answer(|seen| {
        Answer::with(
            404,
            &[("link", &format!("<{}>; rel=next", seen.target))],
            format!("no such page: {}", seen.target),
        )
    });
    let reply = match way {
        Way::Proxy => agent.get(&format!("{url}&appid={}", agent.placeholder("KEY")), &[]),
        Way::Call => agent.call("GET", &url).secret("KEY").send(),
    };
    reply.is(404);
    assert!(reply.text().starts_with("no such page: /v1/x?a=b"));
    world.finish();
}

/// `%XX` taken off.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        match tail.get(..2) {
            Some(digits) if *first == b'%' => {
                let digits = std::str::from_utf8(digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn p10_proxy_query_place() {
    query_place(Way::Proxy);
}

#[test]
fn p10_call_query_place() {
    query_place(Way::Call);
}

fn redirects(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    for status in [301, 302, 303, 307, 308] {
        for location in [
            world.url("evil.test/take"),
            world.url("other.test/"),
            "http://api.test/v1/x".to_owned(),
            "//evil.test/x".to_owned(),
            "https://user:pass@evil.test/".to_owned(),
        ] {
            let sent = location.clone();
            world
                .api
                .answer(move |_| Answer::with(status, &[("location", &sent)], ""));
            let reply = way.send(&agent, "GET", &url);
            reply.is(status);
            assert_eq!(reply.header("location"), Some(location.as_str()));
        }
        world.api.answer(move |seen| {
            let location = format!("https://evil.test/?k={}", key_in(seen));
            Answer::with(status, &[("location", &location)], "")
        });
        let reply = way.send(&agent, "GET", &url);
        reply.is(status);
        assert!(
            reply
                .header("location")
                .unwrap()
                .starts_with("https://evil.test/?k=")
        );
    }
    assert_eq!(world.api.seen().len(), 30);
    assert!(world.evil.connections().is_empty());
    world.finish();
}

#[test]
fn p11_proxy_redirects_are_handed_back() {
    redirects(Way::Proxy);
}

#[test]
fn p11_call_redirects_are_handed_back() {
    redirects(Way::Call);
}

#[test]
fn p13_proxy_placeholder_in_another_place() {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    let placeholder = agent.placeholder("KEY").to_owned();
    for field in ["X-Api-Key", "Cookie", "X-Auth-Token"] {
        let text = if field == "Cookie" {
            format!("a={placeholder}")
        } else {
            placeholder.clone()
        };
        agent
            .get(&url, &[(field, &text)])
            .is_refused("binding_violation");
    }
    agent
        .get(&format!("{url}?key={placeholder}"), &[])
        .is_refused("binding_violation");
    agent
        .get(&world.url(&format!("api.test/v1/{placeholder}")), &[])
        .is_refused("binding_violation");
    nothing_arrived(&world);
    for text in [
        format!("{{\"content\":\"{placeholder}\"}}"),
        format!("filename={placeholder}.txt"),
    ] {
        agent.send("POST", &url, &[], text.as_bytes()).is(200);
        assert_eq!(world.api.last().body, text.as_bytes());
        assert_eq!(world.api.last().header("authorization"), None);
    }
    world.finish();
}

#[test]
fn p13_call_placeholder_in_another_place() {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    let placeholder = agent.placeholder("KEY").to_owned();
    agent
        .call("GET", &url)
        .field("X-Api-Key", &placeholder)
        .send()
        .is_refused("binding_violation");
    nothing_arrived(&world);
    agent
        .call("POST", &url)
        .secret("KEY")
        .body(format!("note={placeholder}"))
        .send()
        .is(200);
    assert_eq!(
        world.api.last().body,
        format!("note={placeholder}").into_bytes()
    );
    arrived_once(&world);
    world.finish();
}

fn pool_of_two_sessions(way: Way) {
    let world = world!().with_key();
    let (one, two) = (
        world.agent_named("one", &["--grant", "KEY"]),
        world.agent_named("two", &["--grant", "KEY"]),
    );
    let url = world.url("api.test/v1/x");
    for _ in 0..3 {
        way.send(&one, "GET", &url).is(200);
        way.send(&two, "GET", &url).is(200);
    }
    let connections: Vec<usize> = world
        .api
        .seen()
        .iter()
        .map(|seen| seen.connection)
        .collect();
    let of = |first: usize| {
        connections
            .iter()
            .skip(first)
            .step_by(2)
            .copied()
            .collect::<Vec<_>>()
    };
    assert!(
        of(0).iter().all(|connection| !of(1).contains(connection)),
        "{connections:?}"
    );
    assert_eq!(of(0), vec![connections[0]; 3]);
    world.finish();
}

#[test]
fn p14_proxy_pool_of_two_sessions() {
    pool_of_two_sessions(Way::Proxy);
}

#[test]
fn p14_call_pool_of_two_sessions() {
    pool_of_two_sessions(Way::Call);
}

fn login_of_a_connection(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    for scheme in ["NTLM", "Negotiate"] {
        world
            .api
            .answer(move |_| Answer::with(401, &[("www-authenticate", scheme)], "log in"));
        way.send(&agent, "GET", &url).is(401);
        let before = world.api.last().connection;
        world.api.answer(|_| Answer::ok("in"));
        way.send(&agent, "GET", &url).is(200);
        assert_ne!(world.api.last().connection, before, "{scheme}");
    }
    world.finish();
}

#[test]
fn p14_proxy_login_of_a_connection() {
    login_of_a_connection(Way::Proxy);
}

#[test]
fn p14_call_login_of_a_connection() {
    login_of_a_connection(Way::Call);
}

fn bombs(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    let url = world.url("api.test/v1/x");
    // 16 MiB of nothing a member, so often that all of it would be 32 GiB.
    let member = gzip(&vec![0; 16 << 20]);
    world.api.answer(move |_| {
        Answer::head(
            200,
            &[("content-encoding", "gzip"), ("connection", "close")],
        )
        .repeat(member.clone(), 2048)
        .close()
    });
    let reply = way.send(&agent, "GET", &url);
    assert!(
        reply.code() == Some("reply_undecodable") || !reply.whole,
        "{} bytes came through",
        reply.body.len()
    );
    assert!(reply.body.len() < 256 << 20, "{}", reply.body.len());
    let codings = vec!["gzip"; 20].join(", ");
    world
        .api
        .answer(move |_| Answer::with(200, &[("content-encoding", &codings)], gzip(b"nested")));
    way.send(&agent, "GET", &url)
        .is_refused("reply_undecodable");
    world.finish();
}

#[test]
fn p19_proxy_bombs() {
    bombs(Way::Proxy);
}

#[test]
fn p19_call_bombs() {
    bombs(Way::Call);
}

fn lies(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    for (code, answer) in [
        (
            "reply_undecodable",
            Answer::with(200, &[("content-encoding", "foo")], "x"),
        ),
        (
            "reply_undecodable",
            Answer::with(200, &[("content-encoding", "br")], "x"),
        ),
        (
            "reply_undecodable",
            Answer::with(200, &[("content-encoding", "zstd")], "x"),
        ),
        (
            "reply_undecodable",
            Answer::with(200, &[("content-encoding", "gzip")], "no gzip"),
        ),
        (
            // Nobody asked for a part, whatever its coding.
            "upstream_broken",
            Answer::with(
                206,
                &[
                    ("content-encoding", "gzip"),
                    ("content-range", "bytes 0-9/99"),
                ],
                gzip(b"part"),
            ),
        ),
        (
            "upstream_broken",
            Answer::raw(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
        ),
        (
            "upstream_broken",
            Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"),
        ),
    ] {
        world.api.answer(move |_| answer.clone());
        let reply = way.send(&agent, "GET", &url);
        reply.is_refused(code);
        assert_eq!(reply.status, 502);
    }
    // A body that ends too early is not made whole.
    world.api.answer(|_| {
        Answer::head(200, &[("content-length", "100000")])
            .then("x".repeat(70_000))
            .cut()
    });
    let reply = way.send(&agent, "GET", &url);
    assert!(reply.code().is_some() || !reply.whole, "{}", reply.shown());
    // What comes after the end of a body is of no reply.
    world
        .api
        .answer(|_| Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad"));
    assert_eq!(way.send(&agent, "GET", &url).is(200).body, b"ok");
    world.api.answer(|_| Answer::ok("good"));
    assert_eq!(way.send(&agent, "GET", &url).is(200).body, b"good");
    world.finish();
}

#[test]
fn p20_proxy_lies() {
    lies(Way::Proxy);
}

#[test]
fn p20_call_lies() {
    lies(Way::Call);
}

fn what_is_no_reply(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    let url = world.url("api.test/v1/x");
    let flood = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(64);
    for bytes in [
        format!("{flood}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_owned(),
        "<html>HTTP/0.9</html>".to_owned(),
        "HTTP/1.1 099 Low\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 1000 High\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 600 High\r\ncontent-length: 2\r\n\r\nok".to_owned(),
        "HTTP/9.9 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned(),
    ] {
        let answer = Answer::raw(bytes.clone()).close();
        world.api.answer(move |_| answer.clone());
        let reply = way.send(&agent, "GET", &url);
        reply.is_refused("upstream_broken");
        assert_eq!(reply.status, 502, "{bytes}");
    }
    world.api.answer(|seen| {
        let key = key_in(seen);
        Answer::raw(format!(
            "HTTP/1.1 103 Early Hints\r\nlink: <https://evil.test/{key}>\r\n\r\nHTTP/1.1 200 {key}\r\ncontent-length: 2\r\n\r\nok"
        ))
    });
    let reply = way.send(&agent, "GET", &url);
    reply.is(200);
    assert_eq!(reply.body, b"ok");
    assert!(
        reply.raw.starts_with(b"HTTP/1.1 200 "),
        "an interim reply came through"
    );
    world.finish();
}

#[test]
fn p21_proxy_what_is_no_reply() {
    what_is_no_reply(Way::Proxy);
}

#[test]
fn p21_call_what_is_no_reply() {
    what_is_no_reply(Way::Call);
}

/// Every place of this issue, by both ways, and each where its binding says.
#[test]
fn x02_proxy_places_come_from_the_binding() {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.set("PAIR", &world.canaries.basic.clone());
    world.bind(
        "KEY",
        "api.test/header",
        &["--inject", "header:X-Api-Key", "--format", "Bot {}"],
    );
    world.bind("KEY", "api.test/basic", &["--inject", "basic:git"]);
    world.bind("PAIR", "api.test/pair", &["--inject", "basic"]);
    let agent = world.agent();
    let placeholder = agent.placeholder("KEY").to_owned();
    let plain = world.canaries.plain.text();
    agent
        .get(
            &world.url("api.test/header"),
            &[("X-Api-Key", &format!("Bot {placeholder}"))],
        )
        .is(200);
    assert_eq!(
        world.api.last().all("x-api-key"),
        [format!("Bot {plain}").as_str()]
    );
    let basic = |pair: &str| format!("Basic {}", base64(pair.as_bytes()));
    agent
        .get(
            &world.url("api.test/basic"),
            &[("Authorization", &basic(&format!("git:{placeholder}")))],
        )
        .is(200);
    assert_eq!(
        world.api.last().all("authorization"),
        [basic(&format!("git:{plain}")).as_str()]
    );
    agent
        .call("GET", &world.url("api.test/pair"))
        .secret("PAIR")
        .send()
        .is(200);
    let pair = basic(world.canaries.basic.text());
    assert_eq!(world.api.last().all("authorization"), [pair.as_str()]);
    agent
        .get(
            &world.url("api.test/header"),
            &[("Authorization", &bearer(&agent))],
        )
        .is_refused("binding_violation");
    world.finish();
}
