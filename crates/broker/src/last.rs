//! What `why --last` explains: the last request of a session that did not go out, or went out
//! without a credential.

use withheld_core::destination::{Host, MethodName};
use withheld_core::endpoint_path::EndpointPath;
use withheld_core::policy::{Pass, Refused};
use withheld_core::refusal::{Facts, Next};
use withheld_core::{Code, Moment, Refusal, Text, plain, text};

plain! {
    /// One such request.
    #[derive(Clone, Debug)]
    pub(crate) struct Last {
        /// When.
        pub(crate) at: Moment,
        /// Null where it was refused before it was read.
        pub(crate) method: Option<MethodName>,
        /// Null where it was refused before it was read.
        pub(crate) host: Option<Host>,
        /// Null where it was refused before it was read.
        pub(crate) port: Option<u16>,
        /// Without its query; `*` where no binding and no allowed host matched.
        pub(crate) path: EndpointPath,
        /// Why it was refused, as in `withheld.error/1`; null where it went out.
        pub(crate) code: Option<Code>,
        /// Why it went out without a credential: `no_binding`, `not_granted` or `named_only`; null where
        /// it was refused.
        pub(crate) without: Option<&'static str>,
        /// One sentence.
        pub(crate) message: Text,
        /// What to do, with a command where there is one.
        pub(crate) hint: Text,
        /// What the refusal is about.
        pub(crate) facts: Facts,
        /// Commands that would help, in order.
        pub(crate) next: Vec<Next>,
    }
}

impl Last {
    pub(crate) fn refused(at: Moment, refused: &Refused) -> Self {
        let path = if refused.matched {
            refused.ask.endpoint()
        } else {
            EndpointPath::hidden()
        };
        Self {
            method: Some(refused.ask.method_name().clone()),
            host: Some(refused.ask.host().clone()),
            port: Some(refused.ask.port()),
            path,
            ..Self::unread(at, None, &refused.refusal)
        }
    }

    pub(crate) fn unread(at: Moment, host: Option<Host>, refusal: &Refusal) -> Self {
        let (hint, next) = onward(refusal);
        Self {
            at,
            method: None,
            host,
            port: None,
            path: EndpointPath::hidden(),
            code: Some(refusal.code),
            without: None,
            message: refusal.message.clone(),
            hint,
            facts: Facts::clone(&refusal.facts),
            next,
        }
    }

    pub(crate) fn without(at: Moment, pass: &Pass) -> Self {
        let (message, hint) = explained(pass);
        Self {
            at,
            method: Some(pass.ask().method_name().clone()),
            host: Some(pass.ask().host().clone()),
            port: Some(pass.ask().port()),
            path: pass.ask().endpoint(),
            code: None,
            without: Some(pass.why().as_str()),
            message,
            hint,
            facts: Facts::default(),
            next: Vec::new(),
        }
    }
}

/// What whoever asked `why` is to do next: a hint that leads there leads nowhere.
pub(crate) fn onward(refusal: &Refusal) -> (Text, Vec<Next>) {
    let is_why = |next: &Next| next.argv.get(1).is_some_and(|verb| verb.as_str() == "why");
    if !refusal.next.iter().any(is_why) {
        return (refusal.hint.clone(), refusal.next.clone());
    }
    let on = if refusal.hint.as_str().contains("withheld why ") {
        Text::from("see what you may use: withheld status")
    } else {
        refusal.hint.clone()
    };
    let on = Refusal::new(refusal.code, "", on);
    (on.hint, on.next)
}

/// Why a request goes out without a credential, and what would change that.
pub(crate) fn explained(pass: &Pass) -> (Text, Text) {
    use withheld_core::policy::Without;
    let host = pass.ask().host();
    match (pass.why(), pass.binding()) {
        (Without::NamedOnly, Some(binding)) => (
            text!(
                "`{}` is bound to `{}`, and the request did not ask for it",
                binding.secret,
                host
            ),
            text!(
                "send its placeholder, or name it: withheld call --secret {}",
                binding.secret
            ),
        ),
        (Without::NotGranted, _) => (
            text!("no secret that is bound to `{}` is granted to you", host),
            "see what is: withheld ls".into(),
        ),
        _ => (
            text!("`{}` is allowed, and no secret is bound to it", host),
            "nothing is to be done where the service wants no key".into(),
        ),
    }
}
