//! E17, E18, E26: heads and trailers.

use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::ext::ReasonPhrase;

use super::*;
use crate::wash::Wash;
use crate::wash::head::Washing;

const BASE64: &str = "d2hDQU5BUllxN1pwUjR2TjF4VzhkVGpIMm1MczBGeUJ1NUdrOWNFbzNYYTZJclB0";

fn plain() -> &'static str {
    std::str::from_utf8(PLAIN).unwrap()
}

fn washed(fields: &[(&str, &str)]) -> (http::response::Parts, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    let mut builder = Response::builder().status(200);
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    let (mut parts, ()) = builder.body(()).unwrap().into_parts();
    let wash = Wash::new(one(PLAIN), Arc::clone(&meter));
    assert!(wash.head(&mut parts).is_ok());
    (parts, meter)
}

#[test]
fn e17_every_field_is_washed() {
    for (name, before, after) in [
        ("set-cookie", "sid=", "; Path=/"),
        ("location", "https://api.test/?key=", "&x=1"),
        ("www-authenticate", "Bearer realm=\"", "\""),
        ("link", "<https://api.test/?key=", ">; rel=next"),
        ("refresh", "0; url=/", ""),
        ("content-disposition", "attachment; filename=\"", ".txt\""),
        ("x-debug", "Authorization: Basic ", ""),
    ] {
        for spelled in [plain(), BASE64, &plain().to_ascii_uppercase()] {
            let (parts, meter) = washed(&[(name, &format!("{before}{spelled}{after}"))]);
            assert_eq!(parts.headers[name], format!("{before}{PLACE}{after}"));
            assert_eq!((meter.redactions(), meter.partial()), (1, 0));
        }
    }
}

#[test]
fn several_values_of_one_field_keep_their_order() {
    let (parts, _) = washed(&[
        ("set-cookie", "a=1"),
        ("set-cookie", plain()),
        ("set-cookie", "b=2"),
        ("x-last", "c"),
    ]);
    let cookies: Vec<_> = parts.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", PLACE, "b=2"]);
    assert_eq!(parts.headers["x-last"], "c");
}

#[test]
fn e17_a_field_whose_name_holds_a_value_is_dropped() {
    let name = format!("x-{}", plain().to_ascii_lowercase());
    let (parts, meter) = washed(&[(&name, "one"), (&name, "two"), ("x-other", "kept")]);
    assert_eq!(parts.headers.keys().collect::<Vec<_>>(), ["x-other"]);
    assert_eq!(meter.redactions(), 2);
}

#[test]
fn e17_the_reason_phrase_is_washed() {
    let meter = Arc::new(Meter::default());
    let (mut parts, ()) = Response::new(()).into_parts();
    let reason = format!("Bad key {}", plain());
    parts
        .extensions
        .insert(ReasonPhrase::try_from(reason.into_bytes()).unwrap());
    assert!(Wash::new(one(PLAIN), meter).head(&mut parts).is_ok());
    let reason = parts.extensions.get::<ReasonPhrase>().unwrap();
    assert_eq!(reason.as_bytes(), format!("Bad key {PLACE}").as_bytes());
}

#[test]
fn what_goes_no_further_is_taken_off() {
    let (parts, _) = washed(&[
        ("withheld-injected", "x"),
        ("x-as-agent", "x"),
        ("alt-svc", "h3=\":443\""),
        ("connection", "x-hop"),
        ("x-hop", "x"),
        ("keep-alive", "x"),
        ("content-type", "text/plain"),
    ]);
    assert_eq!(parts.headers.keys().collect::<Vec<_>>(), ["content-type"]);
}

#[test]
fn e26_the_tag_goes_when_the_upstream_echoes_and_stays_when_not() {
    let (parts, _) = washed(&[("etag", "\"abc\""), ("x-echo", plain())]);
    assert!(!parts.headers.contains_key("etag"));
    let (parts, _) = washed(&[("etag", "\"abc\"")]);
    assert_eq!(parts.headers["etag"], "\"abc\"");
}

#[test]
fn e18_trailers_are_washed() {
    let meter = Arc::new(Meter::default());
    let needles = one(PLAIN);
    let mut trailers = HeaderMap::new();
    let percent: String = PLAIN.iter().map(|byte| format!("%{byte:02X}")).collect();
    for (name, value) in [
        ("grpc-message", format!("bad key {percent}")),
        ("content-digest", "sha-256=:x:".to_owned()),
        ("content-length", "3".to_owned()),
    ] {
        trailers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(&value).unwrap(),
        );
    }
    Washing {
        needles: &needles,
        meter: &meter,
    }
    .trailers(&mut trailers);
    assert_eq!(trailers.len(), 1);
    assert_eq!(trailers["grpc-message"], format!("bad key {PLACE}"));
}

#[test]
fn a_coding_that_cannot_be_undone_refuses_the_reply() {
    let response = Response::builder()
        .header("content-encoding", "br")
        .body(())
        .unwrap();
    let (mut parts, ()) = response.into_parts();
    let refusal = Wash::new(one(PLAIN), Arc::default())
        .head(&mut parts)
        .err()
        .unwrap();
    assert_eq!(refusal.code, withheld_core::Code::ReplyUndecodable);
}
