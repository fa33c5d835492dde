//! From the options to one request on the agents' socket.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http_body_util::Full;
use withheld_core::destination::MethodName;
use withheld_core::name::SecretName;
use withheld_core::{Code, Place, Refusal};

use crate::cli::Call;
use crate::drafts;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket::Socket;

const URL: HeaderName = HeaderName::from_static("withheld-url");
const SECRET: HeaderName = HeaderName::from_static("withheld-secret");
const INJECT: HeaderName = HeaderName::from_static("withheld-inject");
/// What curl says of data.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("withheld/", env!("CARGO_PKG_VERSION")));
const ANY: HeaderValue = HeaderValue::from_static("*/*");

/// What is to be sent.
pub(super) struct Wanted {
    method: MethodName,
    headers: HeaderMap,
    body: Bytes,
}

impl Wanted {
    /// Reads the options.
    ///
    /// # Errors
    /// `usage`, and `not_found` for a file of data that is not there.
    pub(super) fn read(arguments: &Call) -> Outcome<Self> {
        let (method, url) = target(&arguments.target, !arguments.data.is_empty())?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, ANY);
        headers.insert(USER_AGENT, AGENT);
        if !arguments.data.is_empty() {
            headers.insert(CONTENT_TYPE, FORM);
        }
        own_headers(&arguments.headers, &mut headers)?;
        headers.insert(URL, url);
        named(arguments, &mut headers)?;
        Ok(Self {
            method,
            headers,
            body: data(&arguments.data)?,
        })
    }

    /// Whether it may be sent twice: it asks, and does nothing.
    pub(super) fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    /// Whether the answer has a head alone.
    pub(super) fn is_head(&self) -> bool {
        self.method.as_str() == "HEAD"
    }

    /// The request for a socket.
    ///
    /// # Errors
    /// `internal`: its parts were checked.
    pub(super) fn over(self, socket: &Socket) -> Outcome<http::Request<Full<Bytes>>> {
        let mut request = socket
            .request(self.method.as_str(), "/call")
            .body(Full::new(self.body))
            .map_err(|_| {
                Failure::refuse(
                    Code::Internal,
                    "the request cannot be written",
                    "report this, with: withheld doctor --json",
                )
            })?;
        request.headers_mut().extend(self.headers);
        Ok(request)
    }
}

fn target(words: &[String], with_data: bool) -> Outcome<(MethodName, HeaderValue)> {
    let (method, url) = match words {
        [url] if with_data => ("POST", url),
        [url] => ("GET", url),
        [method, url] => (method.as_str(), url),
        _ => return Err(no_url()),
    };
    let method = MethodName::parse(method).map_err(|_| {
        Failure::refuse(
            Code::Usage,
            "the method is not a word in capitals",
            "write it before the URL, like: withheld call POST https://api.example.com/x",
        )
    })?;
    let is_url = url.starts_with("https://") || url.starts_with("http://");
    match HeaderValue::from_str(url) {
        Ok(url) if is_url => Ok((method, url)),
        _ => Err(no_url()),
    }
}

fn no_url() -> Failure {
    Failure::refuse(
        Code::Usage,
        "there is no URL that begins with https://",
        "write it whole, like: withheld call https://api.example.com/x",
    )
}

/// `K: V`; as with curl, `K:` alone takes a header away that would be there without it.
fn own_headers(written: &[String], headers: &mut HeaderMap) -> Outcome {
    let mut set = Vec::new();
    for line in written {
        let (name, value) = line.split_once(':').ok_or_else(no_header)?;
        let name: HeaderName = name.trim().parse().map_err(|_| no_header())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| no_header())?;
        if name.as_str().starts_with("withheld-") {
            return Err(Failure::refuse(
                Code::Usage,
                "a header of Withheld's own has an option of its own",
                "name the key by an option: --bearer, --basic, --secret or --inject",
            ));
        }
        if !set.contains(&name) {
            headers.remove(&name);
            set.push(name.clone());
        }
        if !value.is_empty() {
            headers.append(name, value);
        }
    }
    Ok(())
}

fn no_header() -> Failure {
    Failure::refuse(
        Code::Usage,
        "a header cannot be read",
        "write it with a colon, like: -H 'Accept: application/json'",
    )
}

/// The keys that are named, and the places that are named for them.
fn named(arguments: &Call, headers: &mut HeaderMap) -> Outcome {
    if let Some(name) = &arguments.secret {
        headers.insert(SECRET, value(drafts::secret(name)?.as_str())?);
    }
    let mut inject = |place: &Place, name: &SecretName| -> Outcome {
        headers.append(INJECT, value(&format!("{place}={name}"))?);
        Ok(())
    };
    if let Some(name) = &arguments.bearer {
        inject(&Place::Bearer, &drafts::secret(name)?)?;
    }
    if let Some(written) = &arguments.basic {
        let (place, name) = match written.rsplit_once(':') {
            Some((user, name)) => (format!("basic:{user}"), name),
            None => ("basic".to_owned(), written.as_str()),
        };
        inject(&drafts::place(&place)?, &drafts::secret(name)?)?;
    }
    for written in &arguments.inject {
        let (place, name) = written.rsplit_once('=').ok_or_else(|| {
            Failure::refuse(
                Code::Usage,
                "a place and a key stand on both sides of `=`",
                "write it like: --inject header:X-Api-Key=MY_KEY",
            )
        })?;
        inject(&drafts::place(place)?, &drafts::secret(name)?)?;
    }
    Ok(())
}

fn value(text: &str) -> Outcome<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| no_header())
}

/// The data, joined by `&`; of a file, as with curl, without line ends and zero bytes.
fn data(written: &[String]) -> Outcome<Bytes> {
    let mut joined = Vec::new();
    for (index, part) in written.iter().enumerate() {
        if index > 0 {
            joined.push(b'&');
        }
        match part.strip_prefix('@') {
            Some("-") => without_line_ends(std::io::stdin().lock(), &mut joined)?,
            Some(file) => {
                let file = File::open(file).map_err(|_| unreadable())?;
                without_line_ends(file, &mut joined)?;
            }
            None => joined.extend_from_slice(part.as_bytes()),
        }
    }
    Ok(joined.into())
}

fn without_line_ends(mut from: impl Read, into: &mut Vec<u8>) -> Outcome {
    let start = into.len();
    from.read_to_end(into).map_err(|_| unreadable())?;
    let mut kept = into.split_off(start);
    kept.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
    into.append(&mut kept);
    Ok(())
}

fn unreadable() -> Failure {
    Refusal::new(
        Code::NotFound,
        "the data cannot be read",
        "see whether the file is there and may be read: ls -l FILE",
    )
    .into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn call(target: &[&str]) -> Call {
        Call {
            target: target.iter().map(ToString::to_string).collect(),
            secret: None,
            inject: Vec::new(),
            bearer: None,
            basic: None,
            headers: Vec::new(),
            data: Vec::new(),
            output: None,
            include: false,
            fail: false,
        }
    }

    fn field<'a>(wanted: &'a Wanted, name: &str) -> Vec<&'a str> {
        wanted
            .headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }

    #[test]
    fn the_method_is_get_or_post_or_what_is_written() {
        let url = "https://a.test/x";
        assert_eq!(Wanted::read(&call(&[url])).unwrap().method.as_str(), "GET");
        let with_data = Call {
            data: vec!["a=1".into(), "b=2".into()],
            ..call(&[url])
        };
        let wanted = Wanted::read(&with_data).unwrap();
        assert_eq!(wanted.method.as_str(), "POST");
        assert_eq!(&wanted.body[..], b"a=1&b=2");
        assert_eq!(
            field(&wanted, "content-type"),
            ["application/x-www-form-urlencoded"]
        );
        assert_eq!(
            Wanted::read(&call(&["DELETE", url]))
                .unwrap()
                .method
                .as_str(),
            "DELETE"
        );
    }

    #[test]
    fn keys_are_named_in_the_fields_of_the_call_endpoint() {
        let arguments = Call {
            secret: Some("A_KEY".into()),
            bearer: Some("B_KEY".into()),
            inject: vec!["header:X-Key=C_KEY".into(), "query:k=D_KEY".into()],
            ..call(&["https://a.test/"])
        };
        let wanted = Wanted::read(&arguments).unwrap();
        assert_eq!(field(&wanted, "withheld-url"), ["https://a.test/"]);
        assert_eq!(field(&wanted, "withheld-secret"), ["A_KEY"]);
        assert_eq!(
            field(&wanted, "withheld-inject"),
            ["bearer=B_KEY", "header:X-Key=C_KEY", "query:k=D_KEY"]
        );
        let basic = Call {
            basic: Some("user:A_KEY".into()),
            ..call(&["https://a.test/"])
        };
        assert_eq!(
            field(&Wanted::read(&basic).unwrap(), "withheld-inject"),
            ["basic:user=A_KEY"]
        );
        let basic = Call {
            basic: Some("A_KEY".into()),
            ..call(&["https://a.test/"])
        };
        assert_eq!(
            field(&Wanted::read(&basic).unwrap(), "withheld-inject"),
            ["basic=A_KEY"]
        );
    }

    #[test]
    fn headers_replace_add_and_take_away() {
        let arguments = Call {
            headers: vec![
                "Accept: text/x".into(),
                "X-A: 1".into(),
                "X-A: 2".into(),
                "User-Agent:".into(),
            ],
            ..call(&["https://a.test/"])
        };
        let wanted = Wanted::read(&arguments).unwrap();
        assert_eq!(field(&wanted, "accept"), ["text/x"]);
        assert_eq!(field(&wanted, "x-a"), ["1", "2"]);
        assert!(field(&wanted, "user-agent").is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_usage() {
        let url = "https://a.test/";
        for arguments in [
            call(&["a.test"]),
            call(&["file:///etc/passwd"]),
            call(&["get", url]),
            call(&["https://a.test/\n"]),
            Call {
                headers: vec!["no colon".into()],
                ..call(&[url])
            },
            Call {
                headers: vec!["Withheld-Session: x".into()],
                ..call(&[url])
            },
            Call {
                headers: vec!["A\r\nB: x".into()],
                ..call(&[url])
            },
            Call {
                bearer: Some("whCANARY".into()),
                ..call(&[url])
            },
            Call {
                inject: vec!["bearer".into()],
                ..call(&[url])
            },
            Call {
                inject: vec!["header:Host=A_KEY".into()],
                ..call(&[url])
            },
        ] {
            let failure = Wanted::read(&arguments).err().unwrap();
            assert_eq!(failure.code(), Some(Code::Usage));
            let Failure::Refused(refused) = failure else {
                panic!("refused")
            };
            assert!(!refused.message().contains("CANARY"));
        }
    }

    #[test]
    fn data_of_a_file_has_no_line_ends() {
        let mut read = b"before".to_vec();
        without_line_ends(&b"a\r\nb\n\0c"[..], &mut read).unwrap();
        assert_eq!(read, b"beforeabc");
    }
}
