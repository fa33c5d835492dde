//! From what the owner wrote about a destination to bindings that can be signed.

use std::fmt;

use withheld_core::binding::{BindingDraft, Format};
use withheld_core::destination::{HostPattern, Methods};
use withheld_core::entropy::looks_like_key;
use withheld_core::name::{SecretName, VarName};
use withheld_core::path::{PathPattern, Paths};
use withheld_core::record::AllowedHost;
use withheld_core::{Code, Place, Text, text};

use crate::catalogue::Catalogue;
use crate::cli::Destination;
use crate::failure::{Failure, Fault};
use crate::output::Outcome;

/// TLS goes without a port there.
pub(crate) const HTTPS_PORT: u16 = 443;

/// `HOST[:PORT][/PATH]`, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) host: HostPattern,
    pub(crate) port: Option<u16>,
    pub(crate) path: Option<PathPattern>,
}

impl Spot {
    /// Reads one; a leading `https://` says nothing new.
    ///
    /// # Errors
    /// `usage`, with what is wrong and without the words.
    pub(crate) fn parse(written: &str) -> Outcome<Self> {
        if written.starts_with("http://") {
            return Err(Failure::refuse(
                Code::Usage,
                "a key never goes out in clear text",
                "name the host alone: --host api.example.com",
            ));
        }
        Self::read(
            written,
            "write HOST[:PORT][/PATH], like: --host api.example.com/v1",
        )
    }

    fn read(written: &str, hint: &'static str) -> Outcome<Self> {
        let written = written.strip_prefix("https://").unwrap_or(written);
        let (authority, path) = match written.find('/') {
            Some(slash) => (&written[..slash], Some(&written[slash..])),
            None => (written, None),
        };
        let (host, port) = split_port(authority, hint)?;
        let wrong = |fault: &dyn Fault| Failure::wrong("the host cannot be read", fault, hint);
        let host = HostPattern::parse(host).map_err(|fault| wrong(&fault))?;
        no_key_in(path.unwrap_or_default(), '/')?;
        let path = path
            .filter(|path| *path != "/")
            .map(PathPattern::parse)
            .transpose()
            .map_err(|fault| wrong(&fault))?;
        Ok(Self { host, port, path })
    }

    /// A host without a path, as `allow` and `agent add --host` take it.
    ///
    /// # Errors
    /// `usage`.
    pub(crate) fn allowed(written: &str, foreign: bool) -> Outcome<AllowedHost> {
        const HINT: &str = "name the host alone, as HOST or HOST:PORT, like: api.example.com";
        let no = |why| Failure::refuse(Code::Usage, why, HINT);
        if written.starts_with("http://") {
            return Err(no("a host is allowed without a scheme"));
        }
        let spot = Self::read(written, HINT)?;
        if spot.path.is_some() {
            return Err(no("a host is allowed as a whole, without a path"));
        }
        Ok(AllowedHost {
            host: spot.host,
            port: spot.port,
            foreign,
        })
    }

    fn paths(&self) -> Paths {
        Paths::new(self.path.iter().cloned().collect())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match &self.path {
            Some(path) => write!(f, "{path}"),
            None => Ok(()),
        }
    }
}

/// C12: what a binding says is written to logs, so nothing in it may look like a key.
fn no_key_in(written: &str, separator: char) -> Outcome {
    if written.split(separator).any(looks_like_key) {
        return Err(Failure::refuse(
            Code::Usage,
            "a part of this looks like a key, and what a binding says is written to logs",
            "name the place alone; the key itself is asked for by: withheld set NAME",
        ));
    }
    Ok(())
}

fn split_port<'a>(authority: &'a str, hint: &'static str) -> Outcome<(&'a str, Option<u16>)> {
    let is_bare = authority.ends_with(']') || !authority.contains(':');
    let Some((host, port)) = authority.rsplit_once(':').filter(|_| !is_bare) else {
        return Ok((authority, None));
    };
    let canonical = !port.starts_with('0') && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse() {
        Ok(port) if canonical => Ok((host, Some(port))),
        _ => Err(Failure::refuse(
            Code::Usage,
            "the port cannot be read",
            hint,
        )),
    }
}

/// What is said beside the destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) format: Option<String>,
    pub(crate) auto: bool,
    pub(crate) private: bool,
    pub(crate) foreign: bool,
    pub(crate) ca: Option<String>,
}

/// The bindings that options ask for; none where they name no destination.
///
/// # Errors
/// `usage`, with what is wrong and without the words.
pub(crate) fn of_options(
    catalogue: &Catalogue,
    name: &SecretName,
    written: &Destination,
    extras: &Extras,
) -> Outcome<Vec<BindingDraft>> {
    let mut drafts = match &written.service {
        Some(service) => catalogue.service(service)?.drafts(name),
        None => of_hosts(catalogue, name, &written.host)?,
    };
    if drafts.is_empty() {
        return no_destination(written, extras);
    }
    let methods = methods(&written.methods)?;
    let place = written.inject.as_deref().map(place).transpose()?;
    let format = extras.format.as_deref().map(format).transpose()?;
    let vars = vars(&written.vars)?;
    for draft in &mut drafts {
        if let Some(place) = &place {
            draft.place = place.clone();
            draft.format = None;
        }
        if format.is_some() {
            draft.format.clone_from(&format);
        }
        if draft.format.is_some() && !matches!(draft.place, Place::Header(_)) {
            return Err(Failure::refuse(
                Code::Usage,
                "a format stands round a key in a header of its own",
                "name the header, like: --inject header:Authorization --format 'Bot {}'",
            ));
        }
        if !vars.is_empty() {
            draft.vars.clone_from(&vars);
        }
        draft.methods = methods.clone();
        draft.auto = extras.auto;
        draft.private = extras.private;
        draft.foreign = extras.foreign;
        draft.ca.clone_from(&extras.ca);
    }
    Ok(drafts)
}

/// Nothing to bind to, unless something was said about how.
fn no_destination(written: &Destination, extras: &Extras) -> Outcome<Vec<BindingDraft>> {
    let said = written.inject.is_some()
        || !written.methods.is_empty()
        || !written.vars.is_empty()
        || extras.format.is_some();
    if said {
        return Err(Failure::refuse(
            Code::Usage,
            "it is said how the key is used, but not where",
            "name the host, too: --host api.example.com",
        ));
    }
    Ok(Vec::new())
}

fn of_hosts(
    catalogue: &Catalogue,
    name: &SecretName,
    hosts: &[String],
) -> Outcome<Vec<BindingDraft>> {
    hosts
        .iter()
        .map(|written| {
            let spot = Spot::parse(written)?;
            let known = catalogue.at(&spot.host);
            let (place, format) = known.map_or((Place::Bearer, None), |(_, at)| {
                (at.place.clone(), at.format.clone())
            });
            Ok(BindingDraft {
                port: spot.port.unwrap_or(HTTPS_PORT),
                paths: spot.paths(),
                place,
                format,
                ..draft(spot.host.clone(), name)
            })
        })
        .collect()
}

/// Where a binding leads, as it is typed: the port only where it does not go without saying.
pub(crate) fn at(binding: &BindingDraft) -> String {
    match binding.port {
        HTTPS_PORT => binding.host.to_string(),
        port => format!("{}:{port}", binding.host),
    }
}

/// The paths of a binding, as every document shows them.
pub(crate) fn paths_shown(binding: &BindingDraft) -> Vec<Text> {
    match binding.paths.patterns() {
        [] => vec!["/*".into()],
        patterns => patterns.iter().map(PathPattern::shown).collect(),
    }
}

/// The methods of a binding, as every document shows them.
pub(crate) fn methods_shown(binding: &BindingDraft) -> Vec<Text> {
    match binding.methods.method_names() {
        [] => vec!["*".into()],
        names => names.iter().map(|name| text!("{}", *name)).collect(),
    }
}

/// A binding to a host with nothing said about it.
pub(crate) fn draft(host: HostPattern, name: &SecretName) -> BindingDraft {
    BindingDraft {
        host,
        port: HTTPS_PORT,
        paths: Paths::default(),
        methods: Methods::default(),
        place: Place::Bearer,
        format: None,
        vars: VarName::parse(name.as_str()).into_iter().collect(),
        auto: false,
        private: false,
        foreign: false,
        ca: None,
        prefix: None,
    }
}

/// Reads a place.
///
/// # Errors
/// `usage`.
pub(crate) fn place(written: &str) -> Outcome<Place> {
    // The user of Basic may be an account's id, which is as irregular as a key and is none.
    if !written.starts_with("basic:") {
        no_key_in(written, ':')?;
    }
    written.parse().map_err(|fault| {
        Failure::wrong(
            "the place cannot be read",
            &fault,
            "write one, like: --inject header:X-Api-Key",
        )
    })
}

fn format(written: &str) -> Outcome<Format> {
    no_key_in(written, ' ')?;
    Format::parse(written).map_err(|fault| {
        Failure::wrong(
            "the format cannot be read",
            &fault,
            "write one, like: --format 'Bot {}'",
        )
    })
}

fn methods(written: &[String]) -> Outcome<Methods> {
    Methods::parse(written.iter().map(String::as_str)).map_err(|_| {
        Failure::refuse(
            Code::Usage,
            "a method is a word in capitals, and neither CONNECT nor TRACE",
            "write one, like: --method GET",
        )
    })
}

/// Reads variables.
///
/// # Errors
/// `usage`.
pub(crate) fn vars(written: &[String]) -> Outcome<Vec<VarName>> {
    written
        .iter()
        .map(|var| {
            VarName::parse(var).map_err(|fault| {
                Failure::wrong(
                    "the variable cannot be read",
                    &fault,
                    "write one, like: --var STRIPE_API_KEY",
                )
            })
        })
        .collect()
}

/// Reads the name of a secret where no value can stand.
///
/// # Errors
/// `usage`.
pub(crate) fn secret(written: &str) -> Outcome<SecretName> {
    SecretName::parse(written).map_err(|fault| {
        Failure::wrong(
            "the name of the key cannot be read",
            &fault,
            "see the names that are here: withheld ls",
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn spots_are_read() {
        for (written, host, port, path) in [
            ("api.test", "api.test", None, None),
            ("https://api.test/", "api.test", None, None),
            ("api.test:8443", "api.test", Some(8443), None),
            ("api.test/v1/*", "api.test", None, Some("/v1")),
            (
                "*.example.com:444/a",
                "*.example.com",
                Some(444),
                Some("/a"),
            ),
            ("[::1]:8443", "::1", Some(8443), None),
            ("[::1]", "::1", None, None),
        ] {
            let spot = Spot::parse(written).unwrap();
            assert_eq!(spot.host.to_string(), host, "{written}");
            assert_eq!(spot.port, port, "{written}");
            assert_eq!(spot.path.map(|path| path.to_string()).as_deref(), path);
        }
        for written in [
            "",
            "http://api.test",
            "api.test:0",
            "api.test:0443",
            "api.test:x",
            "a b",
            "api.test/../x",
            "*.com",
        ] {
            let failure = Spot::parse(written).unwrap_err();
            assert_eq!(failure.code(), Some(Code::Usage), "{written}");
        }
    }

    #[test]
    fn a_host_that_is_allowed_has_no_scheme_and_no_path() {
        for (written, why) in [
            ("http://x.test/", "a host is allowed without a scheme"),
            ("x.test/v1", "a host is allowed as a whole, without a path"),
            ("x.test:0", "the port cannot be read"),
            ("*", "the host cannot be read"),
        ] {
            let Err(Failure::Refused(refused)) = Spot::allowed(written, false) else {
                panic!("{written} is refused");
            };
            assert_eq!(refused.code(), Code::Usage);
            assert!(refused.message().starts_with(why), "{}", refused.message());
            assert_eq!(
                refused.hint(),
                "name the host alone, as HOST or HOST:PORT, like: api.example.com"
            );
        }
        let allowed = Spot::allowed("https://x.test:8443/", false).unwrap();
        assert_eq!(
            (allowed.host.to_string().as_str(), allowed.port),
            ("x.test", Some(8443))
        );
    }

    #[test]
    fn what_is_taken_away_is_said_as_it_is_typed() {
        for written in ["api.test", "api.test:8443/v1", "*.example.com/a"] {
            assert_eq!(Spot::parse(written).unwrap().to_string(), written);
        }
    }

    #[test]
    fn c12_nothing_that_looks_like_a_key_goes_into_a_binding() {
        let key = "sk4ec39hqlyjwdarjtt1zdp7dcq8w2xv5n";
        let code = |outcome: Outcome| outcome.err().and_then(|failure| failure.code());
        for outcome in [
            Spot::parse(&format!("api.test/v1/{key}")).map(|_| ()),
            place(&format!("query:{key}")).map(|_| ()),
            format(&format!("Key {key}{{}}")).map(|_| ()),
        ] {
            assert_eq!(code(outcome), Some(Code::Usage));
        }
        let account = "basic:AC0123456789abcdef0123456789abcdef";
        assert!(place(account).is_ok());
    }

    fn drafts(written: Destination, extras: &Extras) -> Outcome<Vec<BindingDraft>> {
        let catalogue = Catalogue::read().unwrap();
        of_options(
            &catalogue,
            &SecretName::parse("MY_KEY").unwrap(),
            &written,
            extras,
        )
    }

    #[test]
    fn options_become_bindings() {
        let made = drafts(
            Destination {
                host: vec!["api.test:8443/v1".into(), "b.test".into()],
                inject: Some("header:X-Key".into()),
                methods: vec!["POST".into(), "GET".into()],
                vars: vec!["A_KEY".into()],
                ..Destination::default()
            },
            &Extras {
                format: Some("Key {}".into()),
                private: true,
                ..Extras::default()
            },
        )
        .unwrap();
        assert_eq!(made.len(), 2);
        assert_eq!(made[0].port, 8443);
        assert_eq!([at(&made[0]), at(&made[1])], ["api.test:8443", "b.test"]);
        let words = |words: Vec<Text>| words.iter().map(Text::to_string).collect::<Vec<_>>();
        assert_eq!(words(paths_shown(&made[0])), ["/v1/*"]);
        assert_eq!(words(paths_shown(&made[1])), ["/*"]);
        assert_eq!(words(methods_shown(&made[0])), ["GET", "POST"]);
        assert_eq!(made[0].place.to_string(), "header:X-Key");
        assert_eq!(made[1].format.as_ref().unwrap().as_str(), "Key {}");
        assert!(made[1].private && !made[1].foreign && !made[1].auto);
        assert!(made[1].methods.covers("GET") && !made[1].methods.covers("PUT"));
        assert_eq!(made[1].vars, [VarName::parse("A_KEY").unwrap()]);
    }

    #[test]
    fn without_more_a_host_takes_a_bearer_token_in_the_variable_of_its_name() {
        let made = drafts(
            Destination {
                host: vec!["api.test".into()],
                ..Destination::default()
            },
            &Extras::default(),
        )
        .unwrap();
        assert_eq!(made[0].place, Place::Bearer);
        assert_eq!(made[0].vars, [VarName::parse("MY_KEY").unwrap()]);
        let known = drafts(
            Destination {
                host: vec!["discord.com".into()],
                ..Destination::default()
            },
            &Extras::default(),
        )
        .unwrap();
        assert_eq!(known[0].format.as_ref().unwrap().as_str(), "Bot {}");
    }

    #[test]
    fn how_without_where_is_refused() {
        for written in [
            Destination {
                inject: Some("bearer".into()),
                ..Destination::default()
            },
            Destination {
                methods: vec!["GET".into()],
                ..Destination::default()
            },
            Destination {
                service: Some("nobody".into()),
                ..Destination::default()
            },
            Destination {
                host: vec!["a.test".into()],
                methods: vec!["TRACE".into()],
                ..Destination::default()
            },
            Destination {
                host: vec!["a.test".into()],
                vars: vec!["LD_PRELOAD".into()],
                ..Destination::default()
            },
        ] {
            assert_eq!(
                drafts(written, &Extras::default()).unwrap_err().code(),
                Some(Code::Usage)
            );
        }
        let bearer = Destination {
            host: vec!["a.test".into()],
            ..Destination::default()
        };
        let format = Extras {
            format: Some("Bot {}".into()),
            ..Extras::default()
        };
        assert_eq!(
            drafts(bearer, &format).unwrap_err().code(),
            Some(Code::Usage)
        );
    }
}
