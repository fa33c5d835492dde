use super::*;

fn asked(method: Method, range: &[&str]) -> (Option<RangeInclusive<u64>>, Option<String>) {
    let mut headers = HeaderMap::new();
    for one in range {
        headers.append(RANGE, one.parse().expect("a value"));
    }
    headers.insert(IF_RANGE, HeaderValue::from_static("\"tag\""));
    let part = ask_wider(&method, &mut headers);
    let sent = headers
        .get(RANGE)
        .map(|field| field.to_str().expect("text").to_owned());
    assert_eq!(headers.contains_key(IF_RANGE), sent.is_some());
    (part, sent)
}

/// The margin is 504 bytes on either side.
#[test]
fn e25_one_long_range_is_asked_for_wider() {
    for (range, part, sent) in [
        ("bytes=0-4095", 0..=4095, "bytes=0-4599"),
        ("bytes=100-4195", 100..=4195, "bytes=0-4699"),
        ("bytes=10000-99999", 10_000..=99_999, "bytes=9496-100503"),
        ("bytes=10000-", 10_000..=u64::MAX, "bytes=9496-"),
    ] {
        assert_eq!(
            asked(Method::GET, &[range]),
            (Some(part), Some(sent.to_owned())),
            "{range}"
        );
    }
}

#[test]
fn e25_every_other_range_is_answered_with_the_whole() {
    for range in [
        "bytes=7-7",
        "bytes=0-4094",
        "bytes=-500",
        "bytes=-99999",
        "bytes=0-9999,20000-29999",
        "bytes=9-0",
        "bytes=+0-9999",
        "bytes=0-99999999999999999999999",
        "items=0-9999",
        "bytes 0-9999",
        "",
    ] {
        assert_eq!(asked(Method::GET, &[range]), (None, None), "{range}");
    }
    assert_eq!(
        asked(Method::GET, &["bytes=0-9999", "bytes=5-9999"]),
        (None, None)
    );
    assert_eq!(asked(Method::HEAD, &["bytes=0-9999"]), (None, None));
    assert_eq!(asked(Method::POST, &["bytes=0-9999"]), (None, None));
}

fn came_of(field: &str) -> Option<Came> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_RANGE, field.parse().expect("a value"));
    came(&headers)
}

#[test]
fn what_came_is_read_strictly() {
    assert_eq!(
        came_of("bytes 0-9/10"),
        Some(Came {
            range: 0..=9,
            whole: Some(10)
        })
    );
    assert_eq!(
        came_of("bytes 5-9/*"),
        Some(Came {
            range: 5..=9,
            whole: None
        })
    );
    for field in [
        "bytes */10",
        "bytes 5-4/10",
        "bytes 0-10/10",
        "bytes=0-9/10",
        "items 0-9/10",
        "bytes 0-9",
        "bytes a-9/10",
    ] {
        assert_eq!(came_of(field), None, "{field}");
    }
}

#[test]
fn what_came_must_show_what_stands_round_the_part() {
    let part = 10_000..=19_999;
    for (field, covers) in [
        ("bytes 9496-20503/90000", true),
        ("bytes 9496-15000/15001", true),
        ("bytes 9496-15000/90000", false),
        ("bytes 10000-20503/90000", false),
        ("bytes 10000-19999/90000", false),
        ("bytes 9496-15000/*", false),
    ] {
        assert_eq!(
            came_of(field).expect(field).covers(&part),
            covers,
            "{field}"
        );
    }
}

#[test]
fn the_reply_says_what_was_asked_for() {
    let mut headers = HeaderMap::new();
    let came = came_of("bytes 9496-15000/15001").expect("a range");
    let within = came.within(&(10_000..=19_999)).expect("some of it");
    came.say(&within, &mut headers);
    assert_eq!(headers[CONTENT_RANGE], "bytes 10000-15000/15001");
    assert_eq!(came.within(&(15_100..=19_999)), None);
    came.say_unsatisfiable(&mut headers);
    assert_eq!(headers[CONTENT_RANGE], "bytes */15001");
}
