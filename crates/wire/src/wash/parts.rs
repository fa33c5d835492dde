//! Takes a value apart into what must not be seen on its own: the halves of `user:password`, the
//! strings of a JSON value, the body of a PEM text and its lines.
//!
//! What is public by its form is left out: the armour of a PEM text, certificates and public keys
//! in it, the keys and the punctuation of JSON, addresses without a user, a query or a key.

use withheld_core::entropy::looks_like_key;
use zeroize::Zeroizing;

use super::forms::{IN_A_ROW, Part};

/// The shortest part, in bytes, that is looked for on its own.
pub(super) const SHORTEST: usize = 8;
/// The shortest line of a PEM text that is looked for on its own.
const SHORTEST_LINE: usize = 15;
/// How deep a JSON string may hold another kind of value.
const DEEPEST: usize = 3;

/// The parts of a value whose first `public` bytes are a public prefix.
pub(super) fn of(value: &[u8], public: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    take_apart(value, public, 0, &mut parts);
    let mut seen: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        if part.bytes.len() >= SHORTEST && !seen.iter().any(|known| known.bytes == part.bytes) {
            seen.push(part);
        }
    }
    seen
}

fn take_apart(value: &[u8], public: usize, depth: usize, parts: &mut Vec<Part>) {
    let before = parts.len();
    if depth < DEEPEST {
        if let Some(leaves) = json_leaves(value) {
            for leaf in leaves {
                let read = Zeroizing::new(super::views::json_text(leaf));
                for leaf in [leaf, &read] {
                    if let Some(public) = public_of_address(leaf) {
                        take_apart(leaf, public, depth + 1, parts);
                    }
                }
            }
        } else if let Some(blocks) = pem_blocks(value) {
            for body in blocks.bodies {
                push(body, 0, parts);
                lines(body, SHORTEST_LINE, parts);
            }
            for text in blocks.outside {
                push(text, 0, parts);
                lines(text, SHORTEST, parts);
            }
        }
    }
    // What has no part of its own is a part: nothing of a value is dropped.
    if parts[before..]
        .iter()
        .any(|part| part.bytes.len() >= SHORTEST)
    {
        return;
    }
    push(value, public.max(token_head(value)), parts);
    // A string of a JSON value that has a colon is more often a time than a pair.
    if depth == 0 {
        halves(value, public, parts);
    }
}

fn push(bytes: &[u8], public: usize, parts: &mut Vec<Part>) {
    // With too little behind its prefix a value would be taken out whole or not at all.
    let alone = bytes.len().saturating_sub(public);
    let public = if bytes.len() >= IN_A_ROW && alone < IN_A_ROW {
        0
    } else {
        public.min(bytes.len())
    };
    parts.push(Part {
        bytes: Zeroizing::new(bytes.to_vec()),
        public,
    });
}

/// How much of a string is public because it is an address; `None`: all of it. An address may hold
/// a key in its path, and then it is public up to there.
fn public_of_address(leaf: &[u8]) -> Option<usize> {
    let is_address = leaf.starts_with(b"https://") || leaf.starts_with(b"http://");
    if !is_address || leaf.iter().any(|byte| matches!(byte, b'@' | b'?')) {
        return Some(0);
    }
    let mut at = 0;
    for segment in leaf.split(|byte| matches!(byte, b'/' | b'#')) {
        if std::str::from_utf8(segment).is_ok_and(looks_like_key) {
            return Some(at);
        }
        at += segment.len() + 1;
    }
    None
}

/// The header of a JSON web token says which algorithm signed it; thousands of tokens share it.
fn token_head(value: &[u8]) -> usize {
    if !value.starts_with(b"eyJ") {
        return 0;
    }
    value
        .iter()
        .position(|byte| *byte == b'.')
        .map_or(0, |dot| dot + 1)
}

/// `user:password`, also inside an address.
fn halves(value: &[u8], public: usize, parts: &mut Vec<Part>) {
    let pair = match find(value, b"://") {
        Some(at) => {
            let rest = &value[at + 3..];
            let authority = rest.split(|byte| *byte == b'/').next().unwrap_or(rest);
            match authority.iter().rposition(|byte| *byte == b'@') {
                Some(end) => &authority[..end],
                None => return,
            }
        }
        None => value,
    };
    let Some(colon) = pair.iter().position(|byte| *byte == b':') else {
        return;
    };
    push(&pair[..colon], public, parts);
    push(&pair[colon + 1..], 0, parts);
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

/// A value that holds PEM blocks.
struct Blocks<'a> {
    /// What stands between the armour lines, of each block that is not public.
    bodies: Vec<&'a [u8]>,
    /// What stands before, between and behind the blocks.
    outside: Vec<&'a [u8]>,
}

/// `None` for a value without a block, or with public ones only.
fn pem_blocks(value: &[u8]) -> Option<Blocks<'_>> {
    let (mut bodies, mut outside) = (Vec::new(), Vec::new());
    let mut rest = value;
    while let Some(begin) = find(rest, b"-----BEGIN ") {
        outside.push(trim(&rest[..begin]));
        let label = &rest[begin + 11..];
        let label_end = find(label, b"-----")?;
        let body = &label[label_end + 5..];
        let end = find(body, b"-----END ")?;
        let label = &label[..label_end];
        if find(label, b"CERTIFICATE").is_none() && find(label, b"PUBLIC KEY").is_none() {
            bodies.push(trim(&body[..end]));
        }
        let label = &body[end + 9..];
        rest = &label[find(label, b"-----")? + 5..];
    }
    outside.push(trim(rest));
    (!bodies.is_empty()).then_some(Blocks { bodies, outside })
}

fn trim(mut body: &[u8]) -> &[u8] {
    loop {
        body = body.trim_ascii();
        // In an environment variable a line end is often written as two characters.
        match (body.strip_prefix(b"\\n"), body.strip_suffix(b"\\n")) {
            (Some(inner), _) | (None, Some(inner)) => body = inner,
            (None, None) => return body,
        }
    }
}

fn lines(body: &[u8], shortest: usize, parts: &mut Vec<Part>) {
    for line in body.split(|byte| matches!(byte, b'\n' | b'\r' | b'\\')) {
        let line = line
            .strip_prefix(b"n")
            .filter(|_| find(body, b"\\n").is_some())
            .unwrap_or(line);
        let line = line.trim_ascii();
        if line.len() >= shortest {
            push(line, 0, parts);
        }
    }
}

/// The strings of a JSON object or array that are not keys, as they are written, and its long
/// numbers. `None` when the value is neither.
fn json_leaves(value: &[u8]) -> Option<Vec<&[u8]>> {
    let text = value.trim_ascii();
    let closed = matches!(
        (text.first(), text.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    );
    if !closed {
        return None;
    }
    let mut leaves = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].iter().position(|byte| *byte == b'"') {
        leaves.extend(numbers(&text[at..at + open]));
        let start = at + open + 1;
        let end = string_end(text, start)?;
        let after = text[end + 1..].trim_ascii_start();
        if after.first() != Some(&b':') {
            leaves.push(&text[start..end]);
        }
        at = end + 1;
    }
    leaves.extend(numbers(&text[at..]));
    Some(leaves)
}

/// The numbers between two strings that have enough digits to be told from others.
fn numbers(between: &[u8]) -> impl Iterator<Item = &[u8]> {
    between
        .split(|byte| !(byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'e' | b'E')))
        .filter(|word| word.iter().filter(|byte| byte.is_ascii_digit()).count() >= SHORTEST)
        .map(|word| word.strip_prefix(b"-").unwrap_or(word))
}

fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
