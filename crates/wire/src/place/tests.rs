#![allow(
    clippy::disallowed_methods,
    reason = "tests look at their own canaries"
)]

use super::*;

fn value(bytes: &[u8]) -> SecretValue {
    SecretValue::with_len::<()>(bytes.len(), |room| {
        room.copy_from_slice(bytes);
        Ok(bytes.len())
    })
    .expect("room")
}

fn head(target: &'static str) -> Head {
    Head {
        method: Method::GET,
        target: Bytes::from_static(target.as_bytes()),
        headers: HeaderMap::new(),
        part: None,
    }
}

fn place(written: &str) -> Place {
    written.parse().expect("a place")
}

fn placed(
    place_of: &str,
    format: Option<&str>,
    bytes: &[u8],
    mut head: Head,
) -> Result<Head, Misfit> {
    let value = value(bytes);
    match place(place_of) {
        Place::Bearer => bearer::put(&mut head, &value)?,
        Place::Basic(user) => basic::put(&mut head, user.as_ref(), &value)?,
        Place::Header(name) => {
            let format = format.map(|format| Format::parse(format).expect("a format"));
            header::put(&mut head, &name, format.as_ref(), &value)?;
        }
        Place::Query(key) => query::put(&mut head, &key, &value)?,
    }
    Ok(head)
}

#[test]
fn each_place_writes_its_field() {
    // The base64 forms were made with coreutils: printf %s TEXT | base64
    for (place, format, bytes, field, written) in [
        (
            "bearer",
            None,
            "sk_live_x",
            "authorization",
            "Bearer sk_live_x",
        ),
        ("basic", None, "u:p", "authorization", "Basic dTpw"),
        (
            "basic",
            None,
            "sk_live_x",
            "authorization",
            "Basic c2tfbGl2ZV94Og==",
        ),
        (
            "basic:git",
            None,
            "pa:ss",
            "authorization",
            "Basic Z2l0OnBhOnNz",
        ),
        ("header:X-Api-Key", None, "k 1", "x-api-key", "k 1"),
        (
            "header:Authorization",
            Some("Bot {}"),
            "k1",
            "authorization",
            "Bot k1",
        ),
        ("header:X-A", Some("a {} b"), "k1", "x-a", "a k1 b"),
    ] {
        let head = placed(place, format, bytes.as_bytes(), head("/")).expect(place);
        assert_eq!(head.headers.len(), 1);
        assert_eq!(head.headers[field], written);
        assert!(head.headers[field].is_sensitive());
        assert_eq!(head.target, "/");
    }
}

#[test]
fn what_stood_at_the_place_is_replaced_whole() {
    let mut before = head("/");
    before
        .headers
        .append("x-api-key", HeaderValue::from_static("withheldK1"));
    before
        .headers
        .append("x-api-key", HeaderValue::from_static("withheldK2"));
    let after = placed("header:X-Api-Key", None, b"real", before).expect("placed");
    assert_eq!(
        after
            .headers
            .get_all("x-api-key")
            .iter()
            .collect::<Vec<_>>(),
        ["real"]
    );
}

#[test]
fn p10_a_query_value_is_encoded_once_and_stands_once() {
    for (target, written) in [
        ("/a", "/a?key=a%26%23%3F%2F%25%20~%C3%A9"),
        ("/a?", "/a?&key=a%26%23%3F%2F%25%20~%C3%A9"),
        ("/a?x=1", "/a?x=1&key=a%26%23%3F%2F%25%20~%C3%A9"),
        (
            "/a?x=1&key=withheldK&y=%20",
            "/a?x=1&key=a%26%23%3F%2F%25%20~%C3%A9&y=%20",
        ),
        (
            "/a?key=withheldK&key=other&%6Bey=b&keys=c",
            "/a?key=a%26%23%3F%2F%25%20~%C3%A9&keys=c",
        ),
        ("/a?Key=1", "/a?Key=1&key=a%26%23%3F%2F%25%20~%C3%A9"),
    ] {
        let head = placed("query:key", None, "a&#?/% ~é".as_bytes(), head(target)).expect(target);
        assert_eq!(head.target, written, "{target}");
        http::uri::PathAndQuery::from_maybe_shared(head.target).expect("a target");
    }
}

#[test]
fn p09_a_value_that_a_field_cannot_carry_is_unusable() {
    for bytes in [
        "a\rb",
        "a\nb",
        "a\r\nX: y",
        "a\0b",
        "a\x7fb",
        "a\tb",
        "\u{e9}",
        " a",
        "a ",
        "",
        "\x1b",
    ] {
        for at in ["bearer", "header:X-Api-Key"] {
            assert_eq!(
                placed(at, None, bytes.as_bytes(), head("/")).err(),
                Some(Misfit::Value),
                "{at} {bytes:?}"
            );
            assert!(!can_carry(&place(at), None, &value(bytes.as_bytes())));
        }
    }
    for bytes in ["a\rb", "a\nb", "a\0b", ""] {
        for at in ["basic", "basic:u"] {
            assert_eq!(
                placed(at, None, bytes.as_bytes(), head("/")).err(),
                Some(Misfit::Value),
                "{at} {bytes:?}"
            );
            assert!(!can_carry(&place(at), None, &value(bytes.as_bytes())));
        }
    }
    assert!(can_carry(
        &place("basic:u"),
        None,
        &value("pässword".as_bytes())
    ));
    assert!(can_carry(&place("query:k"), None, &value(b"a\r\nb")));
    assert!(can_carry(&place("bearer"), None, &value(b"sk_live_x")));
}

#[test]
fn what_is_too_long_is_unusable_and_never_cut() {
    let long = vec![b'a'; 64 * 1024];
    for at in ["bearer", "basic", "query:k"] {
        assert_eq!(
            placed(at, None, &long, head("/")).err(),
            Some(Misfit::Value),
            "{at}"
        );
        assert!(!can_carry(&place(at), None, &value(&long)));
    }
    assert!(can_carry(&place("header:X-K"), None, &value(&long)));
}
