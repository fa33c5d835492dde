//! What the views undo, unit by unit.

use crate::wash::entities::NAMED;
use crate::wash::readings::undo;
use crate::wash::views::{Kind, LONGEST_UNIT};

fn escapes(text: &str) -> Vec<u8> {
    undo(Kind::Escapes, None, text.as_bytes()).to_vec()
}

#[test]
fn escapes_are_undone_in_any_mix() {
    for (written, read) in [
        ("%41%2fb", "A/b"),
        ("100%", "100%"),
        ("%zz", "%zz"),
        ("%u00e9", "é"),
        (r#"\"\\\/\u0041\n\x42"#, "\"\\/A\nB"),
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", r"\ud83d"),
        (r"\q", r"\q"),
        ("&amp;&#65;&#x41;&eacute;&AMP;", "&AA\u{e9}&"),
        ("&nosuch; &#; &", "&nosuch; &#; &"),
        ("&#119&#104 &#x43&#65", "wh CA"),
        ("&#x0000000041", "A"),
        ("&#x000000000000041;", "&#x000000000000041;"),
        (r"%77\u0068&#67;A", "whCA"),
    ] {
        assert_eq!(escapes(written), read.as_bytes(), "{written}");
    }
}

#[test]
fn the_lines_view_undoes_quoted_printable_and_line_breaks() {
    for (written, read) in [
        ("a=3Db=\r\nc=\nd", "a=bcd"),
        ("a\r\nb\nc\rd", "abcd"),
        ("data: ab\ndata: cd\r\ndata:ef", "data: abcdef"),
        ("x=zz", "x=zz"),
    ] {
        assert_eq!(
            undo(Kind::Lines, None, written.as_bytes()).as_slice(),
            read.as_bytes()
        );
    }
}

#[test]
fn names_are_sorted_for_the_search() {
    assert!(NAMED.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(NAMED.iter().all(|(name, _)| name.len() + 2 <= LONGEST_UNIT));
}
