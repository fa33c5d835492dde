//! What a request to the call endpoint says in its fields: the URL, the secrets it names, the session.
//! The fields are taken out of the head: what is left is what goes upstream.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::PROXY_AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use withheld_core::ask::{Named, Terms, Way};
use withheld_core::binding::Place;
use withheld_core::credential_fields::is_ours;
use withheld_core::name::{Label, SecretName};
use withheld_core::{Code, Refusal, SessionToken};

const INJECT: &str = "x-as-inject-";

/// What a caller shows to be known by.
pub(crate) enum Shown {
    Nothing,
    /// Something that no session has.
    Wrong,
    Token(SessionToken),
}

/// `Proxy-Authorization: Basic base64("withheld:" token)`.
pub(crate) fn proxy_token(headers: &HeaderMap) -> Shown {
    let mut fields = headers.get_all(PROXY_AUTHORIZATION).iter();
    let field = match (fields.next(), fields.next()) {
        (None, _) => return Shown::Nothing,
        (Some(field), None) => field.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let token = field
        .and_then(|field| field.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, body)| STANDARD.decode(body.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match token
        .as_deref()
        .and_then(|text| text.strip_prefix("withheld:"))
    {
        Some(written) => parsed(written),
        None => Shown::Wrong,
    }
}

/// The session field of the call endpoint, or one of its two other names.
pub(crate) fn call_token(headers: &HeaderMap) -> Shown {
    let names = ["withheld-session", "x-as-agent-token", "x-as-session-token"];
    let mut fields = names.iter().flat_map(|name| headers.get_all(*name));
    match (fields.next(), fields.next()) {
        (None, _) => Shown::Nothing,
        (Some(field), None) => field.to_str().map_or(Shown::Wrong, parsed),
        (Some(_), Some(_)) => Shown::Wrong,
    }
}

fn parsed(written: &str) -> Shown {
    SessionToken::parse(written).map_or(Shown::Wrong, Shown::Token)
}

/// What an agent calls itself (`X-AS-Agent-ID`). Nothing follows from it.
pub(crate) fn claimed(headers: &HeaderMap) -> Option<Label> {
    let field = headers.get("x-as-agent-id")?.to_str().ok()?;
    Label::parse(field).ok()
}

/// Takes what was said to us out of a head, so that it is neither judged nor sent.
pub(crate) fn take_ours(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_ours(name) || **name == PROXY_AUTHORIZATION)
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// Reads `Withheld-Url`, `Withheld-Secret` and `Withheld-Inject`.
///
/// # Errors
/// `usage` where a field is missing, twice, or cannot be read.
pub(crate) fn read(parts: &Parts) -> Result<Terms, Refusal> {
    let headers = &parts.headers;
    let mut named = Vec::new();
    for field in headers.get_all("withheld-secret") {
        let secret = field.to_str().ok().and_then(secret_name);
        named.push(Named {
            secret: secret.ok_or_else(unreadable_inject)?,
            place: None,
        });
    }
    for field in headers.get_all("withheld-inject") {
        let written = field.to_str().ok().and_then(|text| text.rsplit_once('='));
        let (place, secret) = written.ok_or_else(unreadable_inject)?;
        named.push(Named {
            secret: secret_name(secret).ok_or_else(unreadable_inject)?,
            place: Some(place.parse().map_err(|_| unknown_place())?),
        });
    }
    Ok(terms(url(headers, "withheld-url")?, named))
}

/// Reads the `X-AS-*` fields, and puts the method that they name into the head.
///
/// # Errors
/// `usage` as [`read`].
pub(crate) fn read_agent_secrets(parts: &mut Parts) -> Result<Terms, Refusal> {
    let mut named = Vec::new();
    for (name, field) in &parts.headers {
        let Some(place) = name.as_str().strip_prefix(INJECT) else {
            continue;
        };
        let secret = field.to_str().ok().and_then(secret_name);
        named.push(Named {
            secret: secret.ok_or_else(unreadable_inject)?,
            place: Some(place_of_alias(place).ok_or_else(unknown_place)?),
        });
    }
    if let Some(method) = one(&parts.headers, "x-as-method")? {
        parts.method = Method::from_bytes(method.as_bytes()).map_err(|_| {
            usage(
                "`X-AS-Method` is not a method",
                "write it in capitals: X-AS-Method: GET",
            )
        })?;
    }
    Ok(terms(url(&parts.headers, "x-as-target-url")?, named))
}

fn terms(target: String, named: Vec<Named>) -> Terms {
    Terms {
        way: Way::Call,
        tunnel: None,
        target: Some(target),
        named,
    }
}

/// Field names come without case, and so do the names in them; core compares them so.
fn place_of_alias(written: &str) -> Option<Place> {
    match written.split_once('-') {
        None if matches!(written, "bearer" | "basic") => written.parse().ok(),
        Some(("header", name)) => format!("header:{name}").parse().ok(),
        Some(("query", key)) => format!("query:{key}").parse().ok(),
        _ => None,
    }
}

fn secret_name(written: &str) -> Option<SecretName> {
    SecretName::parse(written.trim()).ok()
}

fn url(headers: &HeaderMap, name: &'static str) -> Result<String, Refusal> {
    one(headers, name)?.map(str::to_owned).ok_or_else(|| {
        usage(
            "the request does not name its URL",
            "name it in a field: Withheld-Url: https://HOST/PATH",
        )
    })
}

fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut fields = headers.get_all(name).iter();
    match (fields.next(), fields.next()) {
        (None, _) => Ok(None),
        (Some(field), None) => field.to_str().map(Some).map_err(|_| twice()),
        (Some(_), Some(_)) => Err(twice()),
    }
}

fn twice() -> Refusal {
    usage(
        "a field of the call is there twice, or has bytes that cannot be read",
        "send each field once, in plain ASCII",
    )
}

fn unreadable_inject() -> Refusal {
    usage(
        "a field of the call does not name a secret",
        "write it so: Withheld-Inject: bearer=NAME",
    )
}

fn unknown_place() -> Refusal {
    usage(
        "a field of the call names a place that there is none of",
        "use one of bearer, basic, basic:USER, header:NAME, query:KEY",
    )
}

fn usage(message: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::Usage, message, hint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
