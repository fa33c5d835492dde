//! Where the line is drawn: how much of a value is too much, what is held back, and what a hostile
//! text cannot do.

use super::*;
use crate::wash::stream::HOLD;

const FILLER: &[u8] = b" .. ";

fn embedded(text: &[u8]) -> Vec<u8> {
    [FILLER, text, FILLER].concat()
}

/// Spelled by hand: `PLAIN` from its 11th character on.
const HEX_OF_PIECE: &[u8] = b"705234764e3178573864";
const PIECE: &[u8] = b"pR4vN1xW8dTjH2mLs0FyBu5Gk9cEo3X";

#[test]
fn e38_fifteen_characters_do_not_pass_and_fourteen_do() {
    let needles = one(PLAIN);
    for (text, name) in [
        (PIECE, "raw"),
        (
            &b"d2hDQU5BUllxN1pwUjR2TjF4VzhkVGpIMm1MczBGeUJ1NUdrOWNFbzNYYTZJclB0"[..],
            "base64",
        ),
        (HEX_OF_PIECE, "hex"),
    ] {
        for from in 0..text.len() - 15 {
            let fifteen = embedded(&text[from..from + 15]);
            let clean = embedded(PLACE.as_bytes());
            assert_eq!(
                wash(&needles, [&fifteen[..]]),
                partly(&clean),
                "{name} {from}"
            );
            let fourteen = embedded(&text[from..from + 14]);
            assert_eq!(
                wash(&needles, [&fourteen[..]]),
                untouched(&fourteen),
                "{name} {from}"
            );
        }
    }
}

#[test]
fn e38_in_utf_16_fifteen_characters_are_thirty_bytes() {
    let needles = one(PLAIN);
    let wide: Vec<u8> = PIECE.iter().flat_map(|byte| [*byte, 0]).collect();
    let fifteen = embedded(&wide[..30]);
    assert_eq!(
        wash(&needles, [&fifteen[..]]),
        partly(&embedded(PLACE.as_bytes()))
    );
    let fourteen = embedded(&wide[..29]);
    assert_eq!(wash(&needles, [&fourteen[..]]), untouched(&fourteen));
}

#[test]
fn e38_of_escaped_characters_eight_do_not_pass_and_seven_do() {
    let needles = one(PLAIN);
    let spellings: [fn(u8) -> String; 5] = [
        |byte| format!("%{byte:02X}"),
        |byte| format!("%25{byte:02X}"),
        |byte| format!("\\u00{byte:02x}"),
        |byte| format!("&#{byte};"),
        |byte| format!("&#x{byte:04X};"),
    ];
    for spell in spellings {
        let spelled = |len| -> Vec<u8> {
            PIECE[..len]
                .iter()
                .flat_map(|byte| spell(*byte).into_bytes())
                .collect()
        };
        let eight = embedded(&spelled(8));
        assert_eq!(
            wash(&needles, [&eight[..]]),
            partly(&embedded(PLACE.as_bytes()))
        );
        let seven = embedded(&spelled(7));
        assert_eq!(wash(&needles, [&seven[..]]), untouched(&seven));
    }
}

#[test]
fn mixes_by_character_are_taken_out() {
    let needles = one(PLAIN);
    let mixed: Vec<u8> = PLAIN
        .iter()
        .enumerate()
        .flat_map(|(at, byte)| {
            match at % 5 {
                0 => format!("%{byte:02x}"),
                1 => format!("\\u00{byte:02X}"),
                2 => format!("&#{byte};"),
                3 => char::from(byte.to_ascii_uppercase()).to_string(),
                _ => format!("%25{byte:02x}"),
            }
            .into_bytes()
        })
        .collect();
    assert_eq!(wash(&needles, [&mixed[..]]), whole(PLACE.as_bytes()));
}

/// JSON that holds MIME lines, a form that holds base64, quoted-printable that holds hex.
#[test]
fn an_encoding_inside_an_escape_is_taken_out() {
    let file = |name: &str| String::from_utf8(std::fs::read(folder().join(name)).unwrap()).unwrap();
    let needles = one(file("nasty.value").as_bytes());
    let lines = file("nasty-base64-lines-20.bin");
    for text in [
        lines.replace('\n', "\\n"),
        lines.replace('\n', "\\r\\n"),
        lines.replace('\n', "%0A"),
        lines.replace('\n', "=\r\n"),
        file("nasty-base64.bin")
            .replace('+', "%2B")
            .replace('/', "%2F"),
        file("nasty-base64.bin").replace('/', "\\/"),
        file("nasty-hex-lines.bin").replace('\n', "=\r\n"),
        file("nasty-json.bin").replace('"', "&quot;"),
        file("nasty-percent-plus.bin").replace('%', "\\u0025"),
    ] {
        assert_eq!(
            wash(&needles, [text.as_bytes()]),
            whole(PLACE.as_bytes()),
            "{text}"
        );
    }
}

#[test]
fn a_short_value_is_taken_out_whole_and_only_whole() {
    for len in 8..15 {
        let value = &PLAIN[..len];
        let needles = one(value);
        for before in 0..9 {
            let text = [&b".........."[..before], value, b"|"].concat();
            let clean = [&b".........."[..before], PLACE.as_bytes(), b"|"].concat();
            assert_eq!(
                wash(&needles, [&text[..]]),
                whole(&clean),
                "{len} after {before}"
            );
        }
        let less = embedded(&value[1..]);
        assert_eq!(wash(&needles, [&less[..]]), untouched(&less));
    }
}

#[test]
fn a_public_prefix_is_no_hit_and_goes_with_the_value() {
    let needles = needles(&[(b"sk_live_longer_prefix_q7ZpR4vN1xW8dTjH2mL", PLACE, 22)]);
    let prefix = b"keys begin with sk_live_longer_prefix_ here";
    assert_eq!(wash(&needles, [&prefix[..]]), untouched(prefix));
    let text = b"it was sk_live_longer_prefix_q7ZpR4vN1xW8dTjH2mL.";
    assert_eq!(wash(&needles, [&text[..]]), whole(b"it was <PLACEHOLDER>."));
    let escaped = b"it was sk%5Flive%5Flonger%5Fprefix%5Fq7ZpR4vN1xW8dTjH2mL.";
    assert_eq!(
        wash(&needles, [&escaped[..]]),
        whole(b"it was <PLACEHOLDER>.")
    );
}

#[test]
fn a_value_with_little_behind_its_prefix_does_not_pass_in_part() {
    let needles = needles(&[(b"sk_live_q7ZpR4vN1xW8dT", PLACE, 8)]);
    for part in ["sk_live_q7ZpR4v", "live_q7ZpR4vN1xW8", "_q7ZpR4vN1xW8dT"] {
        let text = embedded(part.as_bytes());
        assert_eq!(
            wash(&needles, [&text[..]]),
            partly(&embedded(PLACE.as_bytes())),
            "{part}"
        );
    }
}

#[test]
fn a_short_value_that_reads_as_less_is_taken_out_where_it_was_escaped() {
    for value in ["ab%41cdef", "a\\nbcdef", "&#65;bcd", "%41%42cd"] {
        let armed = one(value.as_bytes());
        let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let component = value
            .replace('%', "%25")
            .replace('\\', "%5C")
            .replace('&', "%26");
        let json = value.replace('\\', "\\\\");
        let html = value.replace('&', "&amp;");
        for echo in [value, &percent, &component, &json, &html] {
            let text = embedded(echo.as_bytes());
            let clean = embedded(PLACE.as_bytes());
            assert_eq!(
                wash(&armed, [&text[..]]),
                whole(&clean),
                "{value} as {echo}"
            );
            assert_eq!(
                wash(&armed, text.chunks(1)),
                whole(&clean),
                "{value} as {echo}"
            );
        }
        // Its reading alone is as good as any word.
        for word in ["abAcdef", "Abcd", "ABcd", "abcdef"] {
            let beside_an_escape = format!("%21 {word} %21");
            for text in [word.as_bytes(), beside_an_escape.as_bytes()] {
                assert_eq!(wash(&armed, [text]), untouched(text));
            }
        }
    }
}

#[test]
fn spaces_and_pluses_are_one_where_nothing_else_is_escaped() {
    for (value, echo) in [
        (
            "correct horse battery staple",
            "correct+horse+battery+staple",
        ),
        (
            "correct+horse+battery+staple",
            "correct horse battery staple",
        ),
        ("two w", "two+w"),
    ] {
        let value = format!("{value}é.x");
        let narrow: Vec<u8> = [echo.as_bytes(), b"\xe9.x"].concat();
        let text = embedded(&narrow);
        assert_eq!(
            wash(&one(value.as_bytes()), [&text[..]]),
            whole(&embedded(PLACE.as_bytes())),
            "{value}"
        );
    }
}

#[test]
fn e24_one_value_is_the_beginning_of_another() {
    let short = &PLAIN[..30];
    let needles = needles(&[(short, "<SHORT>", 0), (PLAIN, "<LONG>", 0)]);
    let text = [short, b" ", PLAIN, b" ", short].concat();
    let got = wash(&needles, [&text[..]]);
    assert_eq!(got.text, b"<SHORT> <LONG> <SHORT>");
    assert_eq!((got.redactions, got.partial), (3, 0));
}

#[test]
fn e24_values_that_touch_or_overlap_themselves() {
    let needles = needles(&[
        (PLAIN, "<A>", 0),
        (b"tq7Zp.other.value.0123456789", "<B>", 0),
    ]);
    let text = [PLAIN, PLAIN, b"tq7Zp.other.value.0123456789", PLAIN].concat();
    assert_eq!(wash(&needles, [&text[..]]).text, b"<A><A><B><A>");
    let periodic = b"abcabcabcabcabcabcabcabcabcabcabcabc";
    let needles = one(periodic);
    let text = [&b"x "[..], periodic, b"abcabc y"].concat();
    assert_eq!(wash(&needles, [&text[..]]).text, b"x <PLACEHOLDER> y");
}

#[test]
fn e24_a_thousand_decoys_hide_nothing() {
    let needles = one(PLAIN);
    let decoy = [&PLAIN[..14], b" "].concat();
    let text = [&decoy.repeat(1000)[..], PLAIN].concat();
    let clean = [&decoy.repeat(1000)[..], PLACE.as_bytes()].concat();
    assert_eq!(wash(&needles, [&text[..]]), whole(&clean));
    let echoes = [PLAIN, b" "].concat().repeat(1000);
    let got = wash(&needles, echoes.chunks(777));
    assert_eq!(got.text, [PLACE.as_bytes(), b" "].concat().repeat(1000));
    assert_eq!((got.redactions, got.partial), (1000, 0));
}

/// Values that repeat themselves meet a text that does at every place; it is one echo all the same.
#[test]
fn e24_values_of_one_character_are_searched_in_linear_time() {
    for len in [8, 14, 15, 64, 3000, 5000] {
        let needles = one(&b"a".repeat(len));
        let text = [
            &b"x"[..],
            &b"a".repeat(200_000),
            b"y",
            &b"%61".repeat(20_000),
            b"z",
        ]
        .concat();
        assert_eq!(
            wash(&needles, text.chunks(9000)).text,
            b"x<PLACEHOLDER>y<PLACEHOLDER>z",
            "{len}"
        );
    }
}

/// A value that stands before more than can be held, and escapes of escapes that are as long: what
/// is too far back has gone, at every cut the same.
#[test]
fn what_reaches_further_back_than_is_held_does_not_depend_on_the_cut() {
    let key = [&b"k".repeat(30), &b"_abcdefghi".repeat(45)[..], PLAIN].concat();
    let armed = needles(&[(&key, PLACE, 480)]);
    let keyed = [&b"x".repeat(9)[..], &key, &b" y".repeat(400)].concat();
    let nested: String = PLAIN[..9]
        .iter()
        .flat_map(|byte| format!("&#{byte};").into_bytes())
        .map(|byte| format!("&#x000{byte:02x};"))
        .collect();
    let plain = one(PLAIN);
    let nested = [b"x ", nested.as_bytes(), &b" y".repeat(400)].concat();
    for (needles, text) in [(&armed, &keyed), (&plain, &nested)] {
        let at_once = wash(needles, [&text[..]]);
        assert_eq!(at_once.redactions, 1);
        assert!(
            at_once.text.starts_with(&text[..20]),
            "the far end has gone"
        );
        for size in [1, 7, 100, 300] {
            assert_eq!(
                wash(needles, text.chunks(size)),
                at_once,
                "in pieces of {size}"
            );
        }
    }
}

#[test]
fn e36_every_value_of_the_session_is_looked_for() {
    let other = b"another.credential.of.the.session";
    let needles = needles(&[(PLAIN, "<A>", 0), (other, "<B>", 0)]);
    let text = [&b"a "[..], other, b" b"].concat();
    assert_eq!(wash(&needles, [&text[..]]), whole(b"a <B> b"));
}

#[test]
fn e37_what_is_held_back_does_not_depend_on_what_it_is() {
    let miss = [b'-'; 48];
    let mut near = *b"whCANARYq7ZpR4vN1xW8dTjH2mLs0FyBu5Gk9cEo3Xa6IrP-";
    near[13] = b'-';
    let mut sizes = Vec::new();
    for guess in [&miss[..], &near[..], PLAIN] {
        let needles = one(PLAIN);
        let meter = Arc::new(Meter::default());
        let mut washer = Washer::new(needles, meter, Fill::Stars, false);
        let frames = [
            b"x".repeat(700),
            guess.to_vec(),
            b"y".repeat(300),
            b"z".repeat(300),
        ]
        .map(|chunk| {
            let mut out = Vec::new();
            washer.push(&chunk, &mut out);
            out.iter().map(Bytes::len).collect::<Vec<_>>()
        });
        sizes.push(frames);
    }
    assert_eq!(sizes[0], [vec![700 - HOLD], vec![48], vec![300], vec![300]]);
    assert!(sizes.iter().all(|other| *other == sizes[0]));
    const { assert!(HOLD < 512) };
}

#[test]
fn e22_a_value_at_any_border_of_a_large_body_is_taken_out() {
    let needles = one(PLAIN);
    for border in [4096, 8192, 16384, 65536, 131_072, 1 << 20] {
        for at in [border - PLAIN.len(), border - 20, border - 1, border] {
            let mut text = b"0123 56:89 bcdef\n".repeat((1 << 20) / 16 + 100);
            text[at..at + PLAIN.len()].copy_from_slice(PLAIN);
            let clean = [&text[..at], PLACE.as_bytes(), &text[at + PLAIN.len()..]].concat();
            assert!(wash(&needles, text.chunks(border)) == whole(&clean), "{at}");
        }
    }
}

#[test]
fn e28_an_event_is_let_go_at_its_blank_line() {
    let needles = one(PLAIN);
    let meter = Arc::new(Meter::default());
    let mut washer = Washer::new(needles, meter, Fill::Replacement, true);
    let mut out = Vec::new();
    washer.push(b"data: hello", &mut out);
    assert!(out.is_empty());
    washer.push(b"\n\ndata: next", &mut out);
    assert_eq!(out.concat(), b"data: hello\n\n");
}

#[test]
fn e28_a_value_in_any_field_of_an_event_or_over_two_data_lines_is_taken_out() {
    let needles = one(PLAIN);
    let (first, second) = PLAIN.split_at(20);
    for (before, after) in [
        ("data: ", "\n\n"),
        ("id: ", "\ndata: x\n\n"),
        ("event: ", "\n\n"),
        (": ", "\n\n"),
    ] {
        let split = [first, b"\ndata: ", second].concat();
        for value in [PLAIN, &split[..]] {
            let text = [before.as_bytes(), value, after.as_bytes()].concat();
            let clean = format!("{before}{PLACE}{after}");
            for cut in 1..text.len() {
                let got = wash_as(&needles, Fill::Replacement, true, text.chunks(cut));
                assert_eq!(got, whole(clean.as_bytes()), "{before} in pieces of {cut}");
            }
        }
    }
}

#[test]
fn e16_leaves_of_json_and_lines_of_pem_are_taken_out() {
    let json = br#"{"type":"robot","id":"whCANARYq7ZpR4vN1xW8","key":"-----BEGIN PRIVATE KEY-----\nTjH2mLs0FyBu5Gk9cEo3Xa6IrPtQ\nq7ZpR4vN1xW8dT\n-----END PRIVATE KEY-----\n"}"#;
    let needles = one(json);
    for (text, clean) in [
        (&b"id whCANARYq7ZpR4vN1xW8."[..], &b"id <PLACEHOLDER>."[..]),
        (b"line TjH2mLs0FyBu5Gk9cEo3Xa6IrPtQ.", b"line <PLACEHOLDER>."),
        (
            b"-----BEGIN PRIVATE KEY-----\nTjH2mLs0FyBu5Gk9cEo3Xa6IrPtQ\nq7ZpR4vN1xW8dT\n-----END PRIVATE KEY-----\n",
            b"-----BEGIN PRIVATE KEY-----\n<PLACEHOLDER>\n-----END PRIVATE KEY-----\n",
        ),
    ] {
        assert_eq!(wash(&needles, [text]), whole(clean));
    }
    let armour = b"-----BEGIN PRIVATE KEY-----";
    assert_eq!(wash(&needles, [&armour[..]]), untouched(armour));
}

#[test]
fn a_value_of_64_kib_is_taken_out_whole() {
    let mut seed = 7_u64;
    let value: Vec<u8> = (0..65_536)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b'a' + u8::try_from(seed >> 33 & 15).unwrap()
        })
        .collect();
    let needles = one(&value);
    let text = [b"at ", &value[..], b"."].concat();
    assert_eq!(
        wash(&needles, text.chunks(10_000)),
        whole(b"at <PLACEHOLDER>.")
    );
    for from in [0, 1, 777, 65_536 - 71] {
        let piece = embedded(&value[from..from + 71]);
        assert_eq!(
            wash(&needles, [&piece[..]]),
            partly(&embedded(PLACE.as_bytes()))
        );
    }
}

/// E-G2: what is documented as not covered stays as it is.
#[test]
fn g2_what_no_uniform_encoding_makes_is_not_found() {
    let needles = one(PLAIN);
    let reversed: Vec<u8> = PLAIN.iter().rev().copied().collect();
    let xored: Vec<u8> = PLAIN.iter().map(|byte| byte ^ 0x15).collect();
    let spelled: Vec<u8> = PLAIN.iter().flat_map(|byte| [*byte, b'.']).collect();
    for text in [reversed, xored, spelled] {
        assert_eq!(wash(&needles, [&text[..]]), untouched(&text));
    }
}
