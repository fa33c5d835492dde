//! The one reading of a request: what the policy judges is what the wire sends.
//!
//! A host is brought to its A-label in lower case without a trailing dot; nothing else is repaired.
//! What could be read in two ways is refused.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{HOST, MAX_FORWARDS};
use http::{HeaderMap, HeaderName, Method, Uri};

use crate::binding::Place;
use crate::destination::{Host, MethodName, Scheme, authority};
use crate::endpoint_path::EndpointPath;
use crate::name::SecretName;
use crate::path::one_reading;
use crate::placeholder::MARK;
use crate::refusal::{Code, Refusal};
use crate::text;

/// By which way a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Forward proxy: CONNECT, or absolute-form.
    Proxy,
    /// The call endpoint, or its alias.
    Call,
}

/// A secret that the request names, and the place it names for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The secret.
    pub secret: SecretName,
    /// The place; compared with the binding's, and never decides.
    pub place: Option<Place>,
}

/// How the request came in, and what was said about it beside its head.
pub struct Terms {
    /// The way in.
    pub way: Way,
    /// The authority of the CONNECT, of a request inside a tunnel.
    pub tunnel: Option<(Host, u16)>,
    /// The URL that a call names.
    pub target: Option<String>,
    /// The secrets that a call names.
    pub named: Vec<Named>,
}

/// A request, read once.
#[derive(Debug)]
pub struct Ask {
    way: Way,
    method: Method,
    name: MethodName,
    scheme: Scheme,
    host: Host,
    port: u16,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    named: Vec<Named>,
}

/// A part of a head where a placeholder could stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A header field.
    Header(HeaderName),
    /// A query parameter's value, or the whole query where it has no `=`.
    Query(String),
    /// The path, or a query parameter's name.
    Target,
}

impl Ask {
    /// Reads a head.
    ///
    /// # Errors
    /// `ambiguous_request` (400, or 405 for a method that is never forwarded) and
    /// `destination_mismatch` (421).
    pub fn read(parts: http::request::Parts, terms: Terms) -> Result<Self, Refusal> {
        let name = readable_method(&parts.method, &parts.headers)?;
        let destination = match &terms.target {
            Some(url) => Destination::of_url(url)?,
            None => Destination::of_head(&parts.uri, &parts.headers, terms.tunnel.as_ref())?,
        };
        one_reading(&destination.path)
            .map_err(|_| ambiguous("the path can be read in two ways"))?;
        Ok(Self {
            way: terms.way,
            method: parts.method,
            name,
            scheme: destination.scheme,
            host: destination.host,
            port: destination.port,
            path: destination.path,
            query: destination.query,
            headers: parts.headers,
            named: terms.named,
        })
    }

    /// The way in.
    #[must_use]
    pub fn way(&self) -> Way {
        self.way
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The method, as it is recorded.
    #[must_use]
    pub fn method_name(&self) -> &MethodName {
        &self.name
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path, byte for byte.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, byte for byte, without its `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The client's own fields, none of them taken away.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The secrets it names.
    #[must_use]
    pub fn named(&self) -> &[Named] {
        &self.named
    }

    /// Whether a page in a browser made it.
    #[must_use]
    pub fn from_page(&self) -> bool {
        self.headers
            .keys()
            .any(|name| *name == http::header::ORIGIN || name.as_str().starts_with("sec-fetch-"))
    }

    /// The path as it is recorded.
    #[must_use]
    pub fn endpoint(&self) -> EndpointPath {
        EndpointPath::of(&self.path, |segment| segment.contains(MARK))
    }

    /// The `Host` field that goes upstream: the port is left out where it is the scheme's own.
    #[must_use]
    pub fn authority_text(&self) -> String {
        let bracketed = match self.host.as_ip() {
            Some(std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => self.host.to_string(),
        };
        if self.port == self.scheme.default_port() {
            bracketed
        } else {
            format!("{bracketed}:{}", self.port)
        }
    }

    /// The keys and values of the query as they are written, not decoded.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.query()
            .unwrap_or_default()
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| match parameter.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (parameter, None),
            })
    }

    /// Every part of the head that holds the placeholders' mark, decoded as a server would decode it.
    #[must_use]
    pub fn sightings(&self) -> Vec<(Spot, String)> {
        let mut seen = Vec::new();
        let mut look = |spot: Spot, text: Cow<'_, str>| {
            if text.contains(MARK) {
                seen.push((spot, text.into_owned()));
            }
        };
        for (name, value) in &self.headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            if let Some(decoded) = decoded_basic(&text) {
                look(Spot::Header(name.clone()), decoded.into());
            }
            if text.contains('%') {
                look(Spot::Header(name.clone()), percent_decoded(&text).into());
            }
            look(Spot::Header(name.clone()), text);
        }
        for (key, value) in self.parameters() {
            let key = percent_decoded(key);
            match value {
                Some(value) => look(Spot::Query(key.clone()), percent_decoded(value).into()),
                None => look(Spot::Query(String::new()), key.clone().into()),
            }
            look(Spot::Target, key.into());
        }
        look(Spot::Target, percent_decoded(&self.path).into());
        seen
    }
}

struct Destination {
    scheme: Scheme,
    host: Host,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Destination {
    /// A URL that a call names. The parser cuts a fragment away, so it is looked for first.
    fn of_url(url: &str) -> Result<Self, Refusal> {
        if url.contains(['#', '\\']) || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ambiguous("the URL can be read in two ways"));
        }
        let uri: Uri = url
            .parse()
            .map_err(|_| ambiguous("the URL cannot be read"))?;
        Self::of_absolute(&uri)
    }

    fn of_head(
        uri: &Uri,
        headers: &HeaderMap,
        tunnel: Option<&(Host, u16)>,
    ) -> Result<Self, Refusal> {
        let named = host_field(headers)?;
        let destination = match tunnel {
            None => Self::of_absolute(uri)?,
            Some((host, port)) if uri.authority().is_none() => Self {
                scheme: Scheme::Https,
                host: host.clone(),
                port: *port,
                path: path_of(uri),
                query: uri.query().map(str::to_owned),
            },
            Some((host, port)) => {
                let inner = Self::of_absolute(uri)?;
                if inner.scheme != Scheme::Https || inner.host != *host || inner.port != *port {
                    return Err(mismatch());
                }
                inner
            }
        };
        let (host, port) = named;
        if host != destination.host
            || port.unwrap_or(destination.scheme.default_port()) != destination.port
        {
            return Err(mismatch());
        }
        Ok(destination)
    }

    fn of_absolute(uri: &Uri) -> Result<Self, Refusal> {
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => return Err(ambiguous("the URL does not begin with https:// or http://")),
        };
        let written = uri
            .authority()
            .ok_or_else(|| ambiguous("the URL has no host"))?;
        let (host, port) = authority(written.as_str())
            .map_err(|_| ambiguous("the host cannot be read in one way"))?;
        Ok(Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
            path: path_of(uri),
            query: uri.query().map(str::to_owned),
        })
    }
}

fn path_of(uri: &Uri) -> String {
    match uri.path() {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

fn host_field(headers: &HeaderMap) -> Result<(Host, Option<u16>), Refusal> {
    let mut fields = headers.get_all(HOST).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return Err(ambiguous("the request does not have exactly one Host"));
    };
    let written = field
        .to_str()
        .map_err(|_| ambiguous("the Host cannot be read"))?;
    authority(written).map_err(|_| ambiguous("the Host cannot be read in one way"))
}

/// TRACE and CONNECT inside a tunnel are never forwarded; `Max-Forwards` asks a proxy to answer in
/// the origin's place (RFC 9110, section 7.6.2).
fn readable_method(method: &Method, headers: &HeaderMap) -> Result<MethodName, Refusal> {
    let hops = *method == Method::OPTIONS && headers.contains_key(MAX_FORWARDS);
    if hops || *method == Method::TRACE || *method == Method::CONNECT {
        return Err(ambiguous("this method is never forwarded").with_status(405));
    }
    MethodName::parse(method.as_str())
        .map_err(|_| ambiguous("the method is not a token in capitals"))
}

fn ambiguous(message: &'static str) -> Refusal {
    Refusal::new(
        Code::AmbiguousRequest,
        message,
        "send the request in its plain form: one host, one path, no parts that servers read in different ways",
    )
}

fn mismatch() -> Refusal {
    Refusal::new(
        Code::DestinationMismatch,
        "the host inside the request is not the one that the connection was opened for",
        text!("open a connection for each host, and send its own Host"),
    )
}

/// Decoders differ in what padding they ask for; a client's is taken either way.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decoded_basic(text: &str) -> Option<String> {
    let (scheme, body) = text.trim_start().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = ANY_PADDING.decode(body.trim()).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decodes `%XX` and nothing else; what is no pair of digits stands as it is.
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1..at + 3)
            .filter(|pair| bytes[at] == b'%' && pair.iter().all(u8::is_ascii_hexdigit));
        let byte = pair
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
