//! By which way a request came in. The answer goes by its form alone.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, Request};
use withheld_core::destination::{Host, authority};

/// A way in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sorted {
    /// CONNECT to an authority.
    Connect(Host, u16),
    /// Absolute-form.
    Forward,
    /// The call endpoint.
    Call,
    /// The same, as agents written for AgentSecrets know it.
    AgentSecrets,
    /// The JSON interface; on the sockets only.
    Api,
    /// No such path here.
    Nowhere,
    /// From a page, or meant for another host (421).
    Misdirected,
    /// The authority of a CONNECT cannot be read, or its Host is another one.
    Unreadable,
}

/// Sorts a request. `port` is that of the token port; a socket has none and no Host of its own.
pub(crate) fn sort<B>(request: &Request<B>, port: Option<u16>) -> Sorted {
    if *request.method() == Method::CONNECT {
        return connect(request);
    }
    if request.uri().scheme().is_some() {
        return Sorted::Forward;
    }
    let is_own = port.is_none_or(|port| is_own_host(request.headers(), port));
    if is_from_page(request.headers()) || !is_own {
        return Sorted::Misdirected;
    }
    match request.uri().path() {
        "/call" => Sorted::Call,
        "/proxy" => Sorted::AgentSecrets,
        withheld_core::api::API_PATH if port.is_none() => Sorted::Api,
        _ => Sorted::Nowhere,
    }
}

fn connect<B>(request: &Request<B>) -> Sorted {
    let written = request.uri().authority().map(http::uri::Authority::as_str);
    let Some(Ok((host, Some(port)))) = written.map(authority) else {
        return Sorted::Unreadable;
    };
    // Some clients leave the port out of the Host; another one than the authority's is a second reading.
    let agrees = match request.headers().get(HOST) {
        None => true,
        Some(field) => field.to_str().is_ok_and(|field| {
            authority(field)
                .is_ok_and(|(named, at)| named == host && at.is_none_or(|at| at == port))
        }),
    };
    if agrees {
        Sorted::Connect(host, port)
    } else {
        Sorted::Unreadable
    }
}

fn is_from_page(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// The names by which programs of this machine know the listener.
fn is_own_host(headers: &HeaderMap, port: u16) -> bool {
    let written = headers.get(HOST).and_then(|field| field.to_str().ok());
    let Some(Ok((host, at))) = written.map(authority) else {
        return false;
    };
    let is_ours = ["127.0.0.1", "localhost", "::1"].contains(&host.as_str());
    is_ours && at.unwrap_or(80) == port
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::Request;

    use super::*;

    fn sorted(method: &str, target: &str, fields: &[(&str, &str)]) -> Sorted {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        sort(&request.body(()).unwrap(), Some(7717))
    }

    fn host(written: &str) -> Host {
        Host::parse(written).unwrap()
    }

    #[test]
    fn a_connect_is_its_authority() {
        let api = || Sorted::Connect(host("api.test"), 443);
        assert_eq!(sorted("CONNECT", "API.Test.:443", &[]), api());
        for fields in [[("host", "api.test:443")], [("host", "api.test")]] {
            assert_eq!(sorted("CONNECT", "api.test:443", &fields), api());
        }
        for fields in [[("host", "evil.test:443")], [("host", "api.test:8443")]] {
            assert_eq!(
                sorted("CONNECT", "api.test:443", &fields),
                Sorted::Unreadable
            );
        }
    }

    #[test]
    fn absolute_form_is_a_request_to_the_proxy_whatever_its_path() {
        let target = "http://127.0.0.1:7717/call";
        assert_eq!(
            sorted("GET", target, &[("host", "127.0.0.1:7717")]),
            Sorted::Forward
        );
        assert_eq!(
            sorted(
                "GET",
                "https://api.test/",
                &[("origin", "https://evil.test")]
            ),
            Sorted::Forward
        );
    }

    #[test]
    fn the_call_endpoint_has_two_names() {
        for own in [
            "127.0.0.1:7717",
            "localhost:7717",
            "[::1]:7717",
            "LOCALHOST:7717",
        ] {
            assert_eq!(sorted("POST", "/call", &[("host", own)]), Sorted::Call);
            assert_eq!(
                sorted("GET", "/proxy", &[("host", own)]),
                Sorted::AgentSecrets
            );
            for elsewhere in ["/", "/call/", "/calls", "/to/api.test/", "/api", "/status"] {
                assert_eq!(sorted("GET", elsewhere, &[("host", own)]), Sorted::Nowhere);
            }
        }
    }

    #[test]
    fn l01_l02_l04_pages_and_other_hosts_are_misdirected_on_every_path() {
        for path in ["/call", "/proxy", "/to/api.test/", "/nothing"] {
            for fields in [
                &[("host", "evil.test:7717")][..],
                &[("host", "127.0.0.1:7718")],
                &[("host", "127.0.0.1")],
                &[("host", "192.0.2.1:7717")],
                &[],
                &[("host", "127.0.0.1:7717"), ("origin", "https://evil.test")],
                &[("host", "127.0.0.1:7717"), ("origin", "null")],
                &[("host", "127.0.0.1:7717"), ("sec-fetch-site", "none")],
            ] {
                assert_eq!(sorted("POST", path, fields), Sorted::Misdirected, "{path}");
            }
        }
    }
}
