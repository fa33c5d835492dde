//! Text from outside, made safe to show: nothing in it can move a cursor, set a title, fill a
//! clipboard or turn the reading direction.

use std::borrow::Cow;

use serde_json::Value;

/// The text with every character escaped that does more than stand there.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if acts(character) {
            kept.extend(character.escape_unicode());
        } else {
            kept.push(character);
        }
    }
    Cow::Owned(kept)
}

/// A document on one line. JSON itself escapes only what is below the space; the rest of what
/// acts is escaped here, which changes the spelling of a string and not its content.
pub(crate) fn json_text(document: &Value) -> String {
    let text = document.to_string();
    if !text.chars().any(acts) {
        return text;
    }
    let mut kept = String::with_capacity(text.len() + 16);
    let mut units = [0; 2];
    for character in text.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut units) {
                kept.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            kept.push(character);
        }
    }
    kept
}

/// Controls (C0, DEL, C1), marks and overrides of direction, separators that break a line, and
/// what is there without being seen.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a02_what_acts_on_a_terminal_is_escaped() {
        for (from, shown) in [
            ("plain é 漢", "plain é 漢"),
            ("a\nb", "a\\u{a}b"),
            ("\u{1b}]52;c;aGk=\u{7}", "\\u{1b}]52;c;aGk=\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("x\u{202e}y", "x\\u{202e}y"),
            ("\u{0}", "\\u{0}"),
            ("\u{7f}", "\\u{7f}"),
        ] {
            assert_eq!(clean(from), shown);
        }
    }

    #[test]
    fn a_document_keeps_its_content() {
        let document = json!({"host": "a\u{9b}\u{202e}\u{e0041}é\n"});
        let text = json_text(&document);
        assert_eq!(text, "{\"host\":\"a\\u009b\\u202e\\udb40\\udc41é\\n\"}");
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(document));
    }
}
