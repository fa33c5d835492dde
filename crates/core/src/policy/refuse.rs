//! The words of each refusal of the policy: what happened, and what to type next.

use std::sync::Arc;

use super::No;
use crate::ask::Ask;
use crate::binding::Binding;
use crate::destination::Scheme;
use crate::name::{Environment, SecretName};
use crate::path::PathPattern;
use crate::plain::Text;
use crate::record::AgentRecord;
use crate::refusal::{Actor, Code, Facts, Next, Refusal};
use crate::text;

/// Where no dry run comes to the same end: what it turned on is not in a URL.
const LAST: &str = "see which rule: withheld why --last";

pub(super) fn not_found(secret: &SecretName) -> No {
    let refusal = Refusal::new(
        Code::NotFound,
        text!("there is no secret `{}` that you may use", secret),
        "see what there is: withheld ls",
    );
    no(refusal, [secret], Facts::default())
}

pub(super) fn no_grant(secret: &SecretName) -> No {
    let refusal = Refusal::new(
        Code::NoGrant,
        text!("`{}` is no longer granted to you", secret),
        "see what there is: withheld status",
    );
    no(refusal, [secret], Facts::default())
}

pub(super) fn no_binding(environment: &Environment, secret: &SecretName) -> No {
    let refusal = Refusal::new(
        Code::NoBinding,
        text!("`{}` is not bound to any host", secret),
        text!(
            "ask the owner: withheld bind {} --host HOST{}",
            secret,
            environment.option()
        ),
    );
    no(refusal, [secret], Facts::default())
}

pub(super) fn violation<'a>(
    ask: &Ask,
    secret: &SecretName,
    bindings: impl Iterator<Item = &'a Arc<Binding>>,
) -> No {
    let bindings: Vec<_> = bindings.collect();
    let unfit = unfit(ask, secret, &bindings);
    let refusal = Refusal::new(Code::BindingViolation, unfit.message, unfit.hint);
    // A method and a path say nothing without their host, so those of other hosts are left out.
    let is_here = |one: &&&Arc<Binding>| one.reaches(ask.scheme(), ask.host(), ask.port());
    let here = || bindings.iter().filter(is_here);
    let mut bound: Vec<Text> = here().flat_map(|one| bound_lines(one)).collect();
    bound.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    bound.dedup();
    let of_host = || bindings.iter().find(|one| one.host.matches(ask.host()));
    let facts = Facts {
        bound,
        rule: here().next().or_else(of_host).map(|one| one.id),
        ..Facts::default()
    };
    about(ask, refusal, Some(secret), facts)
}

/// What of a request does not fit any binding of its secret.
struct Unfit {
    message: Text,
    hint: Text,
}

/// The first part that fits none: host, port, method, path, place.
fn unfit(ask: &Ask, secret: &SecretName, bindings: &[&Arc<Binding>]) -> Unfit {
    let host = ask.host();
    let of_host = |one: &&&Arc<Binding>| one.host.matches(host);
    let here = |one: &&&Arc<Binding>| one.reaches(ask.scheme(), host, ask.port());
    let has_method = |one: &&Arc<Binding>| one.methods.covers(ask.method().as_str());
    let has_path = |one: &&Arc<Binding>| one.paths.covers(ask.path()).is_some();
    let fitting = |one: &&Arc<Binding>| has_method(one) && has_path(one);
    let here: Vec<_> = bindings.iter().filter(here).copied().collect();
    let message = if !bindings.iter().any(|one| of_host(&one)) {
        text!("`{}` is not bound to `{}`", secret, host)
    } else if here.is_empty() {
        text!(
            "`{}` is not bound to port {} of `{}`",
            secret,
            ask.port(),
            host
        )
    } else if let Some(binding) = here.iter().find(|one| fitting(one)) {
        return Unfit {
            message: text!("`{}` is not bound at this place on `{}`", secret, host),
            hint: text!(
                "leave the place out, or name the bound one: {}",
                binding.place
            ),
        };
    } else if here.iter().any(has_method) && !here.iter().any(has_path) {
        text!("`{}` is not bound for this path on `{}`", secret, host)
    } else if here.iter().any(has_method) {
        text!(
            "`{}` is not bound for {} and this path on `{}`",
            secret,
            ask.method_name(),
            host
        )
    } else {
        text!(
            "`{}` is not bound for {} on `{}`",
            secret,
            ask.method_name(),
            host
        )
    };
    Unfit {
        message,
        hint: which_rule(ask, Some(secret)),
    }
}

pub(super) fn cleartext(ask: &Ask, secret: &SecretName) -> No {
    let refusal = Refusal::new(
        Code::CleartextRefused,
        text!("`{}` is bound to `{}` over TLS only", secret, ask.host()),
        text!("use {}", over_tls(ask)),
    );
    about(ask, refusal, Some(secret), Facts::default())
}

pub(super) fn tripwire(ask: &Ask, secret: Option<&SecretName>) -> No {
    let message = match secret {
        Some(secret) => text!(
            "the placeholder of `{}` was on its way to `{}`",
            secret,
            ask.host()
        ),
        None => text!(
            "a placeholder of another session was on its way to `{}`",
            ask.host()
        ),
    };
    let refusal = Refusal::new(Code::Tripwire, message, LAST);
    about(ask, refusal, secret, Facts::default())
}

pub(super) fn two_places(ask: &Ask, secret: &SecretName) -> No {
    let refusal = Refusal::new(
        Code::AmbiguousSecret,
        text!(
            "`{}` has two bindings that fit this request equally well",
            secret
        ),
        text!("name the place: withheld call --inject PLACE={}", secret),
    );
    about(ask, refusal, Some(secret), Facts::default())
}

pub(super) fn two_secrets(ask: &Ask, one: &SecretName, other: &SecretName) -> No {
    let refusal = Refusal::new(
        Code::AmbiguousSecret,
        text!("`{}` and `{}` would stand at the same place", one, other),
        text!("name one of them: withheld call --secret {}", one),
    );
    let mut no = about(ask, refusal, Some(one), Facts::default());
    no.secrets.push(other.clone());
    no
}

pub(super) fn host_denied(ask: &Ask, record: &AgentRecord) -> No {
    let refusal = Refusal::new(
        Code::HostDenied,
        text!("`{}` is not allowed for `{}`", ask.host(), record.agent),
        which_rule(ask, None),
    );
    about(ask, refusal, None, Facts::default())
}

pub(super) fn foreign(ask: &Ask, suggested: Option<&Arc<Binding>>) -> No {
    let hint = match suggested.map(|one| (&one.secret, one.vars.first())) {
        Some((secret, Some(var))) => text!(
            "remove it and send the placeholder in ${}; the broker adds {}",
            var,
            secret
        ),
        Some((secret, None)) => text!(
            "remove it and send the placeholder in ${}; the broker adds it",
            secret
        ),
        None => Text::from("remove it, or send the request from a program that is not an agent"),
    };
    let refusal = Refusal::new(
        Code::ForeignCredential,
        "it carries a credential that is not from this vault",
        hint,
    );
    let secret = suggested.map(|one| one.secret.clone());
    about(ask, refusal, secret.as_ref(), Facts::default())
}

pub(super) fn overriding(ask: &Ask, secret: &SecretName, upgrade: bool) -> No {
    let message = if upgrade {
        text!(
            "`{}` is not bound for an upgrade to another protocol on `{}`",
            secret,
            ask.host()
        )
    } else {
        text!(
            "`_method` would change the method that `{}` is bound for",
            secret
        )
    };
    let refusal = Refusal::new(Code::BindingViolation, message, LAST);
    about(ask, refusal, Some(secret), Facts::default())
}

fn bound_lines(binding: &Arc<Binding>) -> Vec<Text> {
    let paths = binding.paths.patterns();
    let shown: Vec<Text> = if paths.is_empty() {
        vec![Text::from("/*")]
    } else {
        paths.iter().map(PathPattern::shown).collect()
    };
    let methods = binding.methods.method_names();
    let methods: Vec<Text> = if methods.is_empty() {
        vec![Text::from("*")]
    } else {
        methods.iter().map(|method| text!("{}", method)).collect()
    };
    methods
        .iter()
        .flat_map(|method| shown.iter().map(move |path| text!("{} {}", method, path)))
        .collect()
}

/// The dry run that explains it.
fn which_rule(ask: &Ask, secret: Option<&SecretName>) -> Text {
    let url = url(ask, ask.scheme(), ask.port());
    if !is_word(&url) {
        return LAST.into();
    }
    let method = ask.method_name();
    match secret {
        Some(secret) => text!(
            "see which rule: withheld why {} {} --secret {}",
            method,
            url,
            secret
        ),
        None => text!("see which rule: withheld why {} {}", method, url),
    }
}

/// A hint is pasted into a shell: a path with characters that mean something there is not repeated.
fn is_word(url: &Text) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._~/%:@,+=-".contains(&b);
    url.as_str().bytes().all(fits)
}

/// The same place over TLS; a port that is not the clear text's own is kept.
fn over_tls(ask: &Ask) -> Text {
    let port = match ask.port() {
        port if port == Scheme::Http.default_port() => Scheme::Https.default_port(),
        port => port,
    };
    let url = url(ask, Scheme::Https, port);
    if is_word(&url) {
        url
    } else {
        text!("https://{}", ask.host())
    }
}

pub(super) fn too_many(ask: &Ask) -> No {
    let refusal = Refusal::new(
        Code::AmbiguousRequest,
        "its head holds more placeholders than a request can use",
        "send each placeholder once, at its place",
    );
    about(ask, refusal, None, Facts::default())
}

/// The URL as it may be shown: without its query, with the port where it is not the scheme's own.
fn url(ask: &Ask, scheme: Scheme, port: u16) -> Text {
    if port == scheme.default_port() {
        text!("{}://{}{}", scheme, ask.host(), ask.endpoint())
    } else {
        text!("{}://{}:{}{}", scheme, ask.host(), port, ask.endpoint())
    }
}

fn about(ask: &Ask, refusal: Refusal, secret: Option<&SecretName>, facts: Facts) -> No {
    let mut no = no(
        refusal,
        secret,
        Facts {
            secret: secret.cloned(),
            host: Some(ask.host().clone()),
            method: Some(ask.method_name().clone()),
            ..facts
        },
    );
    if no.refusal.next.is_empty() {
        no.refusal.next = vec![Next {
            who: Actor::Agent,
            argv: ["withheld", "why", "--last"].map(Text::from).into(),
        }];
    }
    no
}

fn no<'a>(refusal: Refusal, secrets: impl IntoIterator<Item = &'a SecretName>, facts: Facts) -> No {
    No {
        refusal: refusal.with_facts(facts),
        secrets: secrets.into_iter().cloned().collect(),
    }
}
