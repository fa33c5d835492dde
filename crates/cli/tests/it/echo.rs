//! E: an upstream that echoes the credential, in every encoding of set E-G1. The oracle of each world says
//! whether anything of it came through; what stands around the echo must come through as it was.

use withheld_testkit::encode;
use withheld_testkit::{Answer, Seen, World};

use crate::common::{Way, arrived_once, busy, key_in, value, world};

const BEFORE: &str = "{\"before\": \"";
const AFTER: &str = "\", \"after\": 1}";

/// One way to echo a value.
struct Echo {
    coding: Option<&'static str>,
    body: Vec<u8>,
}

/// A value between what stands around it.
fn around(echo: impl AsRef<[u8]>) -> Vec<u8> {
    [BEFORE.as_bytes(), echo.as_ref(), AFTER.as_bytes()].concat()
}

fn texts(echoes: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Echo> {
    echoes
        .into_iter()
        .map(|echo| Echo {
            coding: None,
            body: around(echo),
        })
        .collect()
}

/// Every echo that `form` makes, of a value of letters and of one of signs.
fn echoed(way: Way, form: fn(&str) -> Vec<Echo>) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.set("NASTY", &world.canaries.nasty.clone());
    world.bind("KEY", "api.test/v1", &["--inject", "bearer"]);
    world.bind("NASTY", "api.test/nasty", &["--inject", "header:X-Nasty"]);
    let agent = busy(&world);
    world.api.answer(move |seen| {
        let number: usize = seen.target.rsplit('/').next().unwrap().parse().unwrap();
        let key = seen.header("x-nasty").map_or_else(|| key_in(seen), utf8);
        let echo = &form(&key)[number];
        let mut fields = vec![("content-type", "application/json")];
        fields.extend(echo.coding.map(|coding| ("content-encoding", coding)));
        Answer::with(200, &fields, &echo.body)
    });
    for number in 0..form(world.canaries.plain.text()).len() {
        let reply = way.send(&agent, "GET", &world.url(&format!("api.test/v1/{number}")));
        came_washed(&reply, number);
        arrived_once(&world);
        let url = world.url(&format!("api.test/nasty/{number}"));
        let reply = match way {
            Way::Proxy => agent.get(&url, &[("X-Nasty", agent.placeholder("NASTY"))]),
            Way::Call => agent.call("GET", &url).secret("NASTY").send(),
        };
        came_washed(&reply, number);
    }
    recorded(&world);
    world.finish();
}

/// The bytes of a field as they were sent: a harness reads heads one byte a character.
fn utf8(value: &str) -> String {
    let bytes: Vec<u8> = value
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    String::from_utf8(bytes).unwrap()
}

#[track_caller]
fn came_washed(reply: &withheld_testkit::Reply, number: usize) {
    assert_eq!(reply.status, 200, "echo {number}: {}", reply.shown());
    assert!(reply.whole, "echo {number}");
    assert_eq!(reply.header("content-encoding"), None, "echo {number}");
    let text = reply.text();
    assert!(text.starts_with(BEFORE), "echo {number}: {text}");
    assert!(text.ends_with(AFTER), "echo {number}: {text}");
}

/// Every one of these replies was redacted, and the log says so.
#[track_caller]
fn recorded(world: &World) {
    let records = world.records(&[]);
    let counts: Vec<u64> = records
        .iter()
        .filter(|record| record["kind"] == "request")
        .filter_map(|record| record["redactions"].as_u64())
        .collect();
    assert!(!counts.is_empty());
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

macro_rules! echoes {
    ($( $proxy:ident $call:ident $form:expr; )*) => { $(
        #[test]
        fn $proxy() {
            echoed(Way::Proxy, $form);
        }

        #[test]
        fn $call() {
            echoed(Way::Call, $form);
        }
    )* };
}

echoes! {
    e01_proxy_raw e01_call_raw |key| texts([key]);
    e02_proxy_folded e02_call_folded |key| texts([key.to_ascii_lowercase(), key.to_ascii_uppercase()]);
    e04_proxy_base64 e04_call_base64 |key| texts(aligned(key, encode::base64));
    e05_proxy_base64url e05_call_base64url |key| texts(aligned(key, encode::base64url));
    e06_proxy_mime e06_call_mime |key| {
        let text = encode::base64(format!("a line before it, so that it wraps: {key}").as_bytes());
        texts([encode::lines(&text, 76, "\r\n"), encode::lines(&text, 64, "\n"), encode::lines(&text, 76, "\\r\\n")])
    };
    e07_proxy_hex e07_call_hex |key| {
        let lower = encode::hex(key.as_bytes());
        let mixed: String = lower
            .chars()
            .enumerate()
            .map(|(at, c)| if at % 3 == 0 { c.to_ascii_uppercase() } else { c })
            .collect();
        texts([lower.clone(), lower.to_uppercase(), mixed])
    };
    e08_proxy_percent e08_call_percent |key| {
        let minimal = encode::percent(key.as_bytes());
        texts([
            minimal.clone(),
            minimal.to_lowercase(),
            minimal.replace("%20", "+"),
            encode::percent_full(key.as_bytes()),
            encode::percent_full(key.as_bytes()).to_uppercase(),
        ])
    };
    e09_proxy_percent_twice e09_call_percent_twice |key| {
        let twice = |once: String| encode::percent(once.as_bytes());
        texts([twice(encode::percent(key.as_bytes())), twice(encode::percent_full(key.as_bytes()))])
    };
    e10_proxy_json e10_call_json |key| {
        let plain = encode::json(key);
        let plain = plain.trim_matches('"').to_owned();
        texts([
            plain.replace('/', "\\/"),
            plain,
            encode::json_full(key),
            encode::json_full(key).to_uppercase().replace("\\U", "\\u"),
            mixed(key, |c| encode::json_full(&c.to_string())),
        ])
    };
    e11_proxy_entities e11_call_entities |key| {
        texts([
            encode::html(key),
            encode::html(key).replace("&#39;", "&apos;"),
            encode::html_decimal(key),
            encode::html_hex(key),
            mixed(key, |c| encode::html_decimal(&c.to_string())),
        ])
    };
    e12_proxy_quoted_printable e12_call_quoted_printable |key| {
        texts([
            encode::quoted_printable(key.as_bytes()),
            encode::quoted_printable(format!("{}{key}", "x".repeat(50)).as_bytes()),
        ])
    };
    e13_proxy_utf16 e13_call_utf16 |key| texts([encode::utf16le(key), encode::utf16be(key)]);
    e14_proxy_base32 e14_call_base32 |key| texts(aligned(key, encode::base32));
    e15_proxy_compressed e15_call_compressed |key| {
        let body = around(key);
        let coded = |coding, body| Echo { coding: Some(coding), body };
        vec![
            coded("gzip", encode::gzip(&body)),
            coded("x-gzip", encode::gzip(&body)),
            coded("deflate", encode::zlib(&body)),
            coded("deflate", encode::deflate(&body)),
            coded("gzip, deflate", encode::zlib(&encode::gzip(&body))),
            coded("gzip, gzip", encode::gzip(&encode::gzip(&body))),
            coded("gzip", encode::gzip(&around(encode::base64(key.as_bytes())))),
        ]
    };
    e20_proxy_names_of_no_coding e20_call_names_of_no_coding |key| {
        ["identity", "utf-8", "none", "binary"]
            .into_iter()
            .map(|coding| Echo { coding: Some(coding), body: around(key) })
            .collect()
    };
}

/// The value behind 0 to 4 other bytes, so that it begins at each place of a group.
fn aligned(key: &str, encoder: fn(&[u8]) -> String) -> Vec<String> {
    (0..5)
        .map(|before| encoder(format!("{}{key}", &"wxyz"[..before]).as_bytes()))
        .flat_map(|text| [text.trim_end_matches('=').to_owned(), text])
        .collect()
}

/// Every other character in its escaped form.
fn mixed(key: &str, escape: impl Fn(char) -> String) -> String {
    key.chars()
        .enumerate()
        .map(|(at, c)| {
            if at % 2 == 0 {
                escape(c)
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// The whole field that was injected, and each part of it.
fn formatted(way: Way) {
    let world = world!();
    world.set("KEY", &world.canaries.plain.clone());
    world.set("PAIR", &world.canaries.basic.clone());
    world.bind(
        "KEY",
        "api.test/v1",
        &["--inject", "header:X-Key", "--format", "Token token={}"],
    );
    world.bind("PAIR", "api.test/pair", &["--inject", "basic"]);
    let agent = busy(&world);
    world.api.answer(|seen| {
        let field = seen
            .header("x-key")
            .or(seen.header("authorization"))
            .unwrap();
        Answer::ok(around(field))
    });
    let placeholder = agent.placeholder("KEY").to_owned();
    let pair = format!(
        "Basic {}",
        encode::base64(agent.placeholder("PAIR").as_bytes())
    );
    for (name, path, field, text) in [
        ("KEY", "v1/x", "X-Key", format!("Token token={placeholder}")),
        ("PAIR", "pair", "Authorization", pair),
    ] {
        let url = world.url(&format!("api.test/{path}"));
        let reply = match way {
            Way::Proxy => agent.get(&url, &[(field, &text)]),
            Way::Call => agent.call("GET", &url).secret(name).send(),
        };
        came_washed(&reply, 0);
    }
    let plain = world.canaries.plain.text().to_owned();
    world.api.answer(move |_| Answer::ok(around(&plain)));
    came_washed(
        &agent
            .call("GET", &world.url("api.test/pair"))
            .secret("PAIR")
            .send(),
        1,
    );
    world.finish();
}

#[test]
fn e03_proxy_formatted_field_and_its_parts() {
    formatted(Way::Proxy);
}

#[test]
fn e03_call_formatted_field_and_its_parts() {
    formatted(Way::Call);
}

/// The leaves of a value that is a JSON document, and the lines of one that is a PEM key.
fn leaves(way: Way) {
    let mut world = world!().with_key();
    let leaf = "q8Rk2Lm9Xv4Tz7Wb1Nc6Yd3Hf5Jg0PsAeUiOo";
    let document = format!("{{\"type\":\"service\",\"private_key\":\"{leaf}\",\"id\":7}}");
    let line = "q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c2v3b4n5m6Q7W8E9R0T1Y2";
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{line}\n{}\n-----END PRIVATE KEY-----\n",
        line.to_lowercase()
    );
    for secret in [leaf, line] {
        world.also_hide(&value(secret));
    }
    world.set("DOCUMENT", &value(document));
    world.set("PEM", &value(pem));
    world.bind("DOCUMENT", "other.test", &["--inject", "query:document"]);
    world.bind("PEM", "other.test/pem", &["--inject", "query:pem"]);
    let agent = busy(&world);
    for secret in [leaf, line] {
        world.api.answer(move |_| Answer::ok(around(secret)));
        let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
        came_washed(&reply, 0);
    }
    world.finish();
}

#[test]
fn e16_proxy_leaves_of_a_value() {
    leaves(Way::Proxy);
}

#[test]
fn e16_call_leaves_of_a_value() {
    leaves(Way::Call);
}

/// Fields whose value an upstream may put a key into.
const FIELDS: &[(&str, &str)] = &[
    ("x-echo", "KEY"),
    ("x-echo-coded", "BASE64"),
    ("set-cookie", "session=KEY; Path=/"),
    ("location", "https://api.test/next?token=KEY"),
    ("www-authenticate", "Bearer realm=\"KEY\""),
    ("link", "<https://api.test/p?key=KEY>; rel=\"next\""),
    ("refresh", "5; url=/?KEY"),
    ("content-disposition", "attachment; filename=\"KEY.txt\""),
    ("etag", "\"KEY\""),
    ("x-KEY", "the name"),
];

fn filled(text: &str, key: &str) -> String {
    text.replace("KEY", key)
        .replace("BASE64", &encode::base64(key.as_bytes()))
}

fn head_of_a_reply(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    for (name, text) in FIELDS {
        world.api.answer(move |seen| {
            let key = key_in(seen);
            Answer::with(200, &[(&filled(name, &key), &filled(text, &key))], "ok")
        });
        let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
        reply.is(200);
        assert_eq!(reply.body, b"ok");
        if !name.contains("KEY") {
            let value = reply.header(name).unwrap_or_default();
            let before = text
                .split("KEY")
                .next()
                .unwrap()
                .split("BASE64")
                .next()
                .unwrap();
            assert!(
                value.starts_with(before) || *name == "etag",
                "{name}: {value}"
            );
        }
    }
    world.api.answer(|seen| {
        Answer::raw(format!(
            "HTTP/1.1 403 no {} here\r\ncontent-length: 2\r\n\r\nok",
            key_in(seen)
        ))
    });
    way.send(&agent, "GET", &world.url("api.test/v1/x")).is(403);
    world.finish();
}

#[test]
fn e17_proxy_head_of_a_reply() {
    head_of_a_reply(Way::Proxy);
}

#[test]
fn e17_call_head_of_a_reply() {
    head_of_a_reply(Way::Call);
}

/// A debug page of a web framework: everything that came, in HTML, twice.
fn debug_page(seen: &Seen) -> String {
    let rows: String = seen
        .headers
        .iter()
        .map(|(name, value)| {
            format!(
                "<tr><td>HTTP_{}</td><td class=\"code\"><pre>'{}'</pre></td></tr>\n",
                name.to_uppercase(),
                encode::html(value)
            )
        })
        .collect();
    format!(
        "<html><h1>KeyError at {}</h1><table>{rows}</table><!-- {:?} --></html>",
        seen.target, seen.headers
    )
}

fn error_pages(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    for status in [400, 401, 403, 404, 418, 500, 502, 503, 599] {
        world.api.answer(move |seen| {
            Answer::with(status, &[("content-type", "text/html")], debug_page(seen))
        });
        let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
        reply.is(status);
        assert!(reply.text().starts_with("<html><h1>KeyError at /v1/x</h1>"));
        assert!(reply.text().ends_with("--></html>"));
    }
    world.finish();
}

#[test]
fn e19_proxy_error_pages() {
    error_pages(Way::Proxy);
}

#[test]
fn e19_call_error_pages() {
    error_pages(Way::Call);
}

fn codings_that_a_client_asks_for(way: Way) {
    let world = world!().with_key();
    let agent = world.agent();
    world.api.answer(|seen| {
        Answer::with(
            200,
            &[("content-encoding", "gzip"), ("etag", "\"x\"")],
            encode::gzip(&around(key_in(seen))),
        )
    });
    let fields = [("Accept-Encoding", "gzip, br, zstd;q=1"), ("TE", "gzip")];
    let reply = way.with(&agent, "GET", &world.url("api.test/v1/x"), &fields, b"");
    came_washed(&reply, 0);
    assert_eq!(
        reply.header("content-length"),
        Some(reply.body.len().to_string().as_str())
    );
    let seen = world.api.last();
    assert_eq!(seen.all("accept-encoding"), ["identity"]);
    assert_eq!(seen.header("te"), None);
    world.finish();
}

#[test]
fn e20_proxy_codings_that_a_client_asks_for() {
    codings_that_a_client_asks_for(Way::Proxy);
}

#[test]
fn e20_call_codings_that_a_client_asks_for() {
    codings_that_a_client_asks_for(Way::Call);
}

/// An echo becomes the session's own placeholder, so that what is sent back works again.
fn echo_is_the_placeholder(way: Way) {
    let world = world!().with_key();
    let agent = busy(&world);
    world.api.answer(|seen| Answer::ok(key_in(seen)));
    let reply = way.send(&agent, "GET", &world.url("api.test/v1/x"));
    assert_eq!(reply.is(200).text(), agent.placeholder("KEY"));
    agent
        .get(
            &world.url("api.test/v1/x"),
            &[("Authorization", &format!("Bearer {}", reply.text()))],
        )
        .is(200);
    arrived_once(&world);
    world.finish();
}

#[test]
fn e01_proxy_echo_is_the_placeholder() {
    echo_is_the_placeholder(Way::Proxy);
}

#[test]
fn e01_call_echo_is_the_placeholder() {
    echo_is_the_placeholder(Way::Call);
}
