//! How a server lies: changes of its answers, by JSON and by bits.

use withheld_testkit::serde_json::{Value, json};
use withheld_testkit::{Changed, Exchange};

/// Answers to this method on paths that end like this, changed.
pub(super) fn on(
    method: &'static str,
    end: &'static str,
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> impl Fn(&Exchange) -> Option<Changed> + Send + Sync + 'static {
    move |exchange| {
        if !exchange.is(method, end) || exchange.status() != Some(200) {
            return None;
        }
        let mut document = exchange.json();
        change(&mut document);
        Some(exchange.with(&document))
    }
}

/// Changes one bit of bytes in base64url, so that they still are some: it sits so far in, in percent.
pub(super) fn flip(blob: &mut Value, percent: usize) {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = blob.as_str().unwrap().as_bytes().to_vec();
    // The last character may hold fewer bits.
    let at = (text.len() - 2) * percent / 100;
    let digit = ALPHABET
        .iter()
        .position(|letter| *letter == text[at])
        .unwrap();
    text[at] = ALPHABET[digit ^ 1];
    *blob = json!(String::from_utf8(text).unwrap());
}

/// The entries of a list, changed.
pub(super) fn list<'a>(document: &'a mut Value, field: &str) -> &'a mut Vec<Value> {
    document[field].as_array_mut().unwrap()
}
