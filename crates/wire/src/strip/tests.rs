use super::*;

const BOUND: Towards<'_> = Towards {
    bound: true,
    washed: true,
    authority: "api.test",
    via: "withheld-7f",
};
const PASS: Towards<'_> = Towards {
    bound: false,
    washed: false,
    ..BOUND
};

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.parse().expect("a name");
        map.append(name, value.parse().expect("a value"));
    }
    map
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn h22_p07_one_list_decides_what_goes_upstream() {
    let client = map(&[
        ("Host", "evil.test"),
        ("Content-Length", "3"),
        ("Transfer-Encoding", "chunked"),
        ("Expect", "100-continue"),
        ("Connection", "x-secret-hop, close"),
        ("Connection", "authorization"),
        ("X-Secret-Hop", "1"),
        ("Authorization", "placeholder"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AA"),
        ("Proxy-Authorization", "Basic x"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Anything", "x"),
        ("Withheld-Secret", "X"),
        ("X-AS-Agent-ID", "x"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URL", "/admin"),
        ("Accept-Encoding", "gzip"),
        ("Accept", "text/plain"),
        ("Max-Forwards", "0"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
    ]);
    let sent = request(&client, BOUND).expect("goes");
    assert_eq!(
        names(&sent),
        [
            "accept",
            "accept-encoding",
            "host",
            "max-forwards",
            "via",
            "x-twice"
        ]
    );
    assert_eq!(sent["host"], "api.test");
    assert_eq!(sent["accept-encoding"], "identity");
    assert_eq!(sent["via"], "1.1 withheld-7f");
    assert_eq!(sent.get_all("x-twice").iter().count(), 2);
}

#[test]
fn a_pass_keeps_what_is_its_own() {
    let client = map(&[
        ("Host", "files.test"),
        ("Accept-Encoding", "gzip"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Range", "bytes=0-9"),
        ("Withheld-Session", "x"),
        ("Proxy-Authorization", "x"),
    ]);
    let sent = request(&client, PASS).expect("goes");
    assert_eq!(
        names(&sent),
        ["accept-encoding", "host", "range", "via", "x-forwarded-for"]
    );
    assert_eq!(sent["accept-encoding"], "gzip");
}

#[test]
fn h26_a_via_that_names_this_broker_is_a_circle() {
    for via in [
        "1.1 withheld-7f",
        "1.0 a, HTTP/1.1  WITHHELD-7F (x)",
        "1.1 a,1.1 withheld-7f",
    ] {
        let refused = request(&map(&[("Via", via)]), PASS).expect_err(via);
        assert_eq!(refused.code, Code::UpstreamAddressRefused);
    }
    for via in ["1.1 other", "1.1 withheld-7f2", "withheld-7f"] {
        let sent = request(&map(&[("Via", via)]), PASS).expect(via);
        assert_eq!(sent.get_all("via").iter().count(), 2);
    }
}

#[test]
fn h17_p05_replies_lose_what_would_lead_past_us() {
    let mut headers = map(&[
        ("Alt-Svc", "h3=\":443\""),
        ("Connection", "x-hop"),
        ("X-Hop", "1"),
        ("Withheld-Injected", "forged"),
        ("X-AS-Thing", "forged"),
        ("Proxy-Authenticate", "Basic"),
        ("Set-Cookie", "a=b"),
        ("Content-Type", "text/plain"),
    ]);
    reply(&mut headers);
    assert_eq!(names(&headers), ["content-type", "set-cookie"]);
    let mut late = map(&[
        ("Authorization", "x"),
        ("Host", "x"),
        ("Content-Length", "9"),
        ("Set-Cookie", "a=b"),
        ("Withheld-Error", "x"),
        ("Grpc-Status", "0"),
    ]);
    trailers(&mut late);
    assert_eq!(names(&late), ["grpc-status"]);
}
