//! Values that are full of what encoders escape, and of what reads as an escape by chance, through
//! one encoder or two.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Everything that RFC 3986 does not leave alone.
fn percent(text: &str) -> String {
    let written = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(written).collect()
}

fn json(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn json_with_slashes(text: &str) -> String {
    json(text).replace('/', "\\/")
}

/// The encoder of a language that writes what HTML reads as escapes of its own.
fn json_for_html(text: &str) -> String {
    json(text)
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

/// What a browser leaves alone in a query is more.
fn component(text: &str) -> String {
    percent(text)
        .replace("%27", "'")
        .replace("%2F", "/")
        .replace("%3B", ";")
}

type Encoder = fn(&str) -> String;

const ENCODERS: [(&str, Encoder); 7] = [
    ("nothing", |text| text.to_owned()),
    ("html", html),
    ("percent", percent),
    ("json", json),
    ("json with slashes", json_with_slashes),
    ("json for html", json_for_html),
    ("component", component),
];

fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z0-9]",
        3 => r#"[&<>;"'%/\\#]"#,
        1 => prop::sample::select(vec!["&lt;", "&#39;", "%41", "\\n", "\\u0041", "\\'", "\\/", "%u0041", "&#65", "x41"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 20..70).prop_map(|pieces| format!("w{}w", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn a_value_full_of_escapes_is_taken_out_whole(value in value()) {
        let needles = one(value.as_bytes());
        for (first, inner) in ENCODERS {
            for (second, outer) in ENCODERS {
                let echo = outer(&inner(&value));
                let got = wash(&needles, [b"[ ", echo.as_bytes(), b" ]"]);
                prop_assert_eq!(
                    String::from_utf8_lossy(&got.text), "[ <PLACEHOLDER> ]", "{} of {}", second, first
                );
            }
        }
    }
}
