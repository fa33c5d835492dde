//! A view wakes only for what a run may hold: so a value that is parted or escaped at one place is
//! tried at every place of it, beside everything that is undone near it.

use super::*;

/// What parts a value without being of it, and where that is seen.
const BREAKS: [&str; 6] = ["\n", "\r\n", "=\n", "=\r\n", "\ndata: ", "\n\n\n"];
/// Texts full of what is undone, or looks like it.
const NEAR: [&str; 8] = [
    "",
    "a\nb\nc\n",
    "k=v\nK=\n",
    "x=3Dy=\n",
    "a &amp; b &lt;",
    r#"{\"a\":\"b\\n\"}"#,
    "100% & \\ done %2",
    "%25 %zz \\\\x &am",
];

fn is_taken_out(needles: &Arc<Needles>, echo: &str, turn: usize) {
    for (number, before) in NEAR.iter().enumerate() {
        let after = NEAR[(number + turn) % NEAR.len()];
        for gap in [0, 7, 8, 30] {
            let gap = ".".repeat(gap);
            let text = format!("{before}{gap}<{echo}>{gap}{after}");
            let clean = format!("{before}{gap}<{PLACE}>{gap}{after}");
            let got = wash(needles, [text.as_bytes()]);
            assert_eq!(got, whole(clean.as_bytes()), "{text:?}");
            let size = 1 + turn % 40;
            assert_eq!(
                wash(needles, text.as_bytes().chunks(size)),
                got,
                "{text:?} in pieces of {size}"
            );
        }
    }
}

#[test]
fn a_value_that_is_parted_anywhere_is_taken_out_whatever_is_near() {
    let needles = one(PLAIN);
    let value = std::str::from_utf8(PLAIN).unwrap();
    for part in BREAKS {
        for at in 1..value.len() {
            let (first, second) = value.split_at(at);
            is_taken_out(&needles, &format!("{first}{part}{second}"), at);
        }
    }
}

#[test]
fn a_value_with_one_escape_anywhere_is_taken_out_whatever_is_near() {
    let needles = one(PLAIN);
    let value = std::str::from_utf8(PLAIN).unwrap();
    let escapes: [fn(u8) -> String; 5] = [
        |byte| format!("%{byte:02X}"),
        |byte| format!("%25{byte:02X}"),
        |byte| format!("\\u00{byte:02x}"),
        |byte| format!("&amp;#{byte};"),
        |byte| format!("={byte:02X}"),
    ];
    for escape in escapes {
        for at in 0..value.len() {
            let escaped = escape(value.as_bytes()[at]);
            let echo = format!("{}{escaped}{}", &value[..at], &value[at + 1..]);
            is_taken_out(&needles, &echo, at);
        }
    }
}

/// A form writes a plus, and whoever reads it reads a space.
#[test]
fn an_encoding_whose_pluses_became_spaces_is_taken_out() {
    let value = b"\xfb\xef\xbe\xfb\xef\xbe\xfb\xef\xbewhCANARYq7ZpR4vN1\xfb\xef\xbe";
    let needles = one(value);
    let encoded = "++++++++++++d2hDQU5BUllxN1pwUjR2TjH7774=";
    for text in [encoded.to_owned(), encoded.replace('+', " ")] {
        let text = format!("[{text}]");
        assert_eq!(
            wash(&needles, [text.as_bytes()]),
            whole(b"[<PLACEHOLDER>]"),
            "{text}"
        );
    }
}
