#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn parts(method: &str, uri: &str, fields: &[(&str, &str)]) -> http::request::Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn terms(way: Way, tunnel: Option<(&str, u16)>, target: Option<&str>) -> Terms {
    Terms {
        way,
        tunnel: tunnel.map(|(host, port)| (Host::parse(host).unwrap(), port)),
        target: target.map(str::to_owned),
        named: Vec::new(),
    }
}

fn in_tunnel(method: &str, uri: &str, host: &str) -> Result<Ask, Refusal> {
    Ask::read(
        parts(method, uri, &[("host", host)]),
        terms(Way::Proxy, Some(("api.test", 443)), None),
    )
}

fn absolute(uri: &str, host: &str) -> Result<Ask, Refusal> {
    Ask::read(
        parts("GET", uri, &[("host", host)]),
        terms(Way::Proxy, None, None),
    )
}

fn called(url: &str) -> Result<Ask, Refusal> {
    Ask::read(
        parts("GET", "/call", &[("host", "127.0.0.1:7717")]),
        terms(Way::Call, None, Some(url)),
    )
}

fn code(read: Result<Ask, Refusal>) -> (&'static str, u16) {
    let refusal = read.unwrap_err();
    (refusal.code.as_str(), refusal.status())
}

#[test]
fn every_way_gives_the_same_reading() {
    for ask in [
        in_tunnel("GET", "/v1/x?a=b", "api.test").unwrap(),
        in_tunnel("GET", "/v1/x?a=b", "API.test.:443").unwrap(),
        in_tunnel("GET", "https://api.test/v1/x?a=b", "api.test").unwrap(),
        absolute("https://api.test/v1/x?a=b", "api.test").unwrap(),
        called("https://API.test:443/v1/x?a=b").unwrap(),
    ] {
        assert_eq!(
            (ask.host().as_str(), ask.port(), ask.path(), ask.query()),
            ("api.test", 443, "/v1/x", Some("a=b"))
        );
        assert_eq!(
            (ask.scheme(), ask.authority_text().as_str()),
            (Scheme::Https, "api.test")
        );
    }
    let ask = called("http://[::1]:8080").unwrap();
    assert_eq!(
        (ask.authority_text().as_str(), ask.path(), ask.scheme()),
        ("[::1]:8080", "/", Scheme::Http)
    );
}

#[test]
fn h14_another_host_inside_is_a_mismatch() {
    let mismatch = ("destination_mismatch", 421);
    assert_eq!(code(in_tunnel("GET", "/", "evil.test")), mismatch);
    assert_eq!(code(in_tunnel("GET", "/", "api.test:8443")), mismatch);
    assert_eq!(
        code(in_tunnel("GET", "https://evil.test/", "api.test")),
        mismatch
    );
    assert_eq!(
        code(in_tunnel("GET", "http://api.test/", "api.test")),
        mismatch
    );
    assert_eq!(code(absolute("http://api.test/", "evil.test")), mismatch);
    let two = parts("GET", "/", &[("host", "api.test"), ("host", "api.test")]);
    assert_eq!(
        code(Ask::read(
            two,
            terms(Way::Proxy, Some(("api.test", 443)), None)
        )),
        ("ambiguous_request", 400)
    );
}

#[test]
fn h05_h06_h21_two_readings_are_refused() {
    for url in [
        "https://api.test:443@evil.test/",
        "https://evil.test#@api.test/",
        "https://evil.test\\@api.test/",
        "https://api.test;evil.test/",
        "https://api.test:0443/",
        "https://api.test:+443/",
        "https://api.test:65979/",
        "https://api.test:/",
        "ftp://api.test/",
        "api.test/",
        "https:///x",
        "https://api.test/v1/../admin",
        "https://api.test/v1/%2e%2e/admin",
        "https://api.test/v1/..%2fadmin",
        "https://api.test//v1/x",
        "https://api.test/v1/x#y",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://api.test/ü",
        "https://a b/",
    ] {
        assert_eq!(code(called(url)), ("ambiguous_request", 400), "{url}");
    }
}

#[test]
fn h22_p08_methods_that_are_never_forwarded() {
    assert_eq!(
        code(in_tunnel("TRACE", "/", "api.test")),
        ("ambiguous_request", 405)
    );
    let hops = parts(
        "OPTIONS",
        "/",
        &[("host", "api.test"), ("max-forwards", "0")],
    );
    assert_eq!(
        code(Ask::read(
            hops,
            terms(Way::Proxy, Some(("api.test", 443)), None)
        )),
        ("ambiguous_request", 405)
    );
    assert_eq!(
        code(in_tunnel("get", "/", "api.test")),
        ("ambiguous_request", 400)
    );
    assert!(in_tunnel("PURGE", "/", "api.test").is_ok());
}

#[test]
fn p13_placeholders_are_seen_wherever_a_server_would_read_them() {
    let text = "sk_withheldStripeKey0123";
    // printf 'user:sk_withheldStripeKey0123' | base64
    let basic = "Basic dXNlcjpza193aXRoaGVsZFN0cmlwZUtleTAxMjM=";
    let request = parts(
        "GET",
        "/a/sk_%77ithheldStripeKey0123?k=sk_withhel%64StripeKey0123&sk_withheldStripeKey0123",
        &[
            ("host", "api.test"),
            ("authorization", basic),
            ("cookie", "a=sk_withheldStripeKey0123; b=c"),
            ("accept", "*/*"),
        ],
    );
    let ask = Ask::read(request, terms(Way::Proxy, Some(("api.test", 443)), None)).unwrap();
    let seen = ask.sightings();
    let at = |spot: Spot| {
        seen.iter()
            .any(|(at, found)| *at == spot && found.contains(text))
    };
    assert!(at(Spot::Header(http::header::AUTHORIZATION)));
    assert!(at(Spot::Header(http::header::COOKIE)));
    assert!(at(Spot::Query("k".to_owned())) && at(Spot::Query(String::new())) && at(Spot::Target));
    assert!(
        !seen
            .iter()
            .any(|(spot, _)| *spot == Spot::Header(http::header::ACCEPT))
    );
}
