use http::Request;

use super::*;

const TOKEN: &str = "whs_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn parts(fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method("POST").uri("/call");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn named(terms: &Terms) -> Vec<(String, Option<String>)> {
    let place = |one: &Named| one.place.as_ref().map(ToString::to_string);
    terms
        .named
        .iter()
        .map(|one| (one.secret.to_string(), place(one)))
        .collect()
}

fn token(shown: Shown) -> Option<String> {
    match shown {
        Shown::Nothing => None,
        Shown::Wrong => Some("wrong".to_owned()),
        Shown::Token(token) => Some(token.as_str().to_owned()),
    }
}

#[test]
fn a_call_names_its_url_and_its_secrets() {
    let parts = parts(&[
        ("withheld-url", "https://api.test/v1?q=1"),
        ("withheld-secret", "A_KEY"),
        ("withheld-inject", "bearer=B_KEY"),
        ("withheld-inject", "header:X-Key=C_KEY"),
    ]);
    let terms = read(&parts).unwrap();
    assert_eq!(terms.target.as_deref(), Some("https://api.test/v1?q=1"));
    let pair = |secret: &str, place: Option<&str>| (secret.to_owned(), place.map(str::to_owned));
    assert_eq!(
        named(&terms),
        [
            pair("A_KEY", None),
            pair("B_KEY", Some("bearer")),
            pair("C_KEY", Some("header:X-Key")),
        ]
    );
}

#[test]
fn a_call_that_cannot_be_read_is_wrong_usage() {
    const URL: (&str, &str) = ("withheld-url", "https://api.test/");
    for fields in [
        &[][..],
        &[URL, URL],
        &[("withheld-url", "https://api.t\u{e9}st/")],
        &[URL, ("withheld-secret", "lower")],
        &[URL, ("withheld-inject", "bearer")],
        &[URL, ("withheld-inject", "bearer=")],
        &[URL, ("withheld-inject", "nowhere=A_KEY")],
        &[URL, ("withheld-inject", "header:Host=A_KEY")],
    ] {
        let refused = read(&parts(fields)).err().map(|refusal| refusal.code);
        assert_eq!(refused, Some(Code::Usage), "{fields:?}");
    }
}

#[test]
fn the_other_names_mean_the_same() {
    let mut parts = parts(&[
        ("x-as-target-url", "https://api.test/"),
        ("x-as-method", "DELETE"),
        ("x-as-inject-bearer", "A_KEY"),
        ("x-as-inject-basic", "B_KEY"),
        ("x-as-inject-header-X-Api-Key", "C_KEY"),
        ("x-as-inject-query-apiKey", "D_KEY"),
        ("x-as-agent-id", "claude (laptop)"),
    ]);
    assert_eq!(claimed(&parts.headers).unwrap().as_str(), "claude (laptop)");
    let terms = read_agent_secrets(&mut parts).unwrap();
    assert_eq!(parts.method, Method::DELETE);
    let mut found = named(&terms);
    found.sort();
    let places: Vec<_> = found.into_iter().filter_map(|(_, place)| place).collect();
    assert_eq!(
        places,
        ["bearer", "basic", "header:x-api-key", "query:apikey"]
    );
    parts
        .headers
        .insert("x-as-inject-body-a-b", "A_KEY".parse().unwrap());
    let refused = read_agent_secrets(&mut parts).err();
    assert_eq!(refused.map(|refusal| refusal.code), Some(Code::Usage));
}

#[test]
fn tokens_are_read_where_they_stand() {
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let shown = |fields: &[&str]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|field| ("proxy-authorization", *field))
            .collect();
        token(proxy_token(&parts(&fields).headers))
    };
    let good = basic(&format!("withheld:{TOKEN}"));
    assert_eq!(shown(&[]), None);
    assert_eq!(shown(&[&good]).as_deref(), Some(TOKEN));
    assert_eq!(
        shown(&[&good.replace("Basic", "basic")]).as_deref(),
        Some(TOKEN)
    );
    for wrong in [
        basic(TOKEN),
        basic(&format!("other:{TOKEN}")),
        basic("withheld:whs_x"),
        format!("Bearer {TOKEN}"),
        "Basic ?".to_owned(),
    ] {
        assert_eq!(shown(&[&wrong]).as_deref(), Some("wrong"), "{wrong}");
    }
    assert_eq!(shown(&[&good, &good]).as_deref(), Some("wrong"));

    for name in ["withheld-session", "x-as-agent-token", "x-as-session-token"] {
        let headers = parts(&[(name, TOKEN)]).headers;
        assert_eq!(token(call_token(&headers)).as_deref(), Some(TOKEN));
    }
    let two = parts(&[("withheld-session", TOKEN), ("x-as-agent-token", TOKEN)]);
    assert_eq!(token(call_token(&two.headers)).as_deref(), Some("wrong"));
}

#[test]
fn what_is_said_to_us_is_taken_out_of_the_head() {
    let mut headers = parts(&[
        ("withheld-url", "https://api.test/"),
        ("withheld-session", TOKEN),
        ("x-as-agent-id", "x"),
        ("proxy-authorization", "Basic x"),
        ("accept", "*/*"),
        ("authorization", "Bearer x"),
    ])
    .headers;
    take_ours(&mut headers);
    let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["accept", "authorization"]);
}
