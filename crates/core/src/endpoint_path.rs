//! The path of a request as the log may hold it: no query, no control characters, nothing that
//! could be a key.

use crate::entropy::looks_like_key;
use crate::plain::word;

/// The longest path a record holds, in characters; what is longer ends in `…`.
const MAX_CHARS: usize = 256;

word! {
    /// A path as it is recorded: query dropped, at most 256 characters, control characters escaped,
    /// segments that could be a key shown as `*`. [`EndpointPath::parse`] never fails; it masks.
    EndpointPath, std::convert::Infallible, masked
}

impl EndpointPath {
    /// The path of a request that no binding and no allowed host matched.
    #[must_use]
    pub fn hidden() -> Self {
        Self("*".into())
    }

    /// Masks a request target, and the segments for which `secret` says yes (a bound place, a needle).
    #[must_use]
    pub fn of(target: &str, secret: impl Fn(&str) -> bool) -> Self {
        Self(mask(target, secret).into())
    }
}

/// What was kept is read back as it is: its escapes are undone first, and a cut stays a cut.
fn masked(kept: &str) -> Result<String, std::convert::Infallible> {
    let whole = kept
        .strip_suffix('…')
        .filter(|_| kept.chars().count() == MAX_CHARS);
    let mut masked = mask(&unescaped(whole.unwrap_or(kept)), |_| false);
    if whole.is_some() && !masked.ends_with('…') {
        masked.push('…');
    }
    Ok(masked)
}

fn unescaped(kept: &str) -> String {
    let mut parts = kept.split("\\u{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape = part.split_once('}').and_then(|(hex, rest)| {
            Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, rest))
        });
        match escape {
            Some((character, rest)) => {
                text.push(character);
                text.push_str(rest);
            }
            None => {
                text.push_str("\\u{");
                text.push_str(part);
            }
        }
    }
    text
}

fn mask(target: &str, secret: impl Fn(&str) -> bool) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut kept = String::new();
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            kept.push('/');
        }
        let words = || segment.split(['.', ':', ';', ',', '=', '@', '~', '!']);
        if secret(segment) || looks_like_key(segment) || words().any(looks_like_key) {
            kept.push('*');
        } else {
            kept.extend(segment.chars().flat_map(shown));
        }
    }
    match kept.char_indices().nth(MAX_CHARS - 1) {
        Some((cut, _)) if kept.chars().count() > MAX_CHARS => format!("{}…", &kept[..cut]),
        _ => kept,
    }
}

/// A character as a terminal and a log line may show it: ASCII as it is, everything else escaped
/// (bidirectional overrides and line separators among it).
fn shown(character: char) -> impl Iterator<Item = char> {
    let plain = character.is_ascii_graphic() && character != '\\';
    let (one, escaped) = if plain {
        (Some(character), None)
    } else {
        (None, Some(character.escape_unicode()))
    };
    one.into_iter().chain(escaped.into_iter().flatten())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn shown_as(target: &str) -> String {
        EndpointPath::of(target, |_| false).to_string()
    }

    #[test]
    fn a03_queries_and_keys_are_not_recorded() {
        assert_eq!(shown_as("/v1/balance?token=whCANARY"), "/v1/balance");
        assert_eq!(
            shown_as("/bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage"),
            "/*/sendMessage"
        );
        assert_eq!(
            shown_as("/v1/customers/cus_4fdAW5ftNQow1a9x"),
            "/v1/customers/*"
        );
        assert_eq!(
            EndpointPath::of("/a/hunter2/b", |segment| segment == "hunter2").to_string(),
            "/a/*/b"
        );
    }

    #[test]
    fn a02_control_characters_are_escaped() {
        assert_eq!(
            shown_as("/a\u{1b}[31m\n\u{202e}b"),
            "/a\\u{1b}[31m\\u{a}\\u{202e}b"
        );
    }

    #[test]
    fn long_paths_are_cut() {
        let long = shown_as(&"/abc".repeat(200));
        assert_eq!(long.chars().count(), MAX_CHARS);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn what_was_kept_is_read_back_as_it_is() {
        let cut_escape = format!("/{}\u{1b}x", "abc/".repeat(63));
        for target in [
            "/v1/x",
            "/a\u{1b}[31m\n\u{202e}b",
            &"/abc".repeat(200),
            "/a\\b",
            &cut_escape,
        ] {
            let kept = EndpointPath::of(target, |_| false);
            let json = serde_json::to_string(&kept).unwrap();
            assert_eq!(
                serde_json::from_str::<EndpointPath>(&json).unwrap(),
                kept,
                "{target:?}"
            );
        }
        assert_eq!(
            EndpointPath::parse("/a/cus_4fdAW5ftNQow1a9x")
                .unwrap()
                .as_str(),
            "/a/*"
        );
    }
}
