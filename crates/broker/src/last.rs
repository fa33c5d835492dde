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
        pub(crate) method: Option<MethodName>,
        pub(crate) host: Option<Host>,
        pub(crate) port: Option<u16>,
        pub(crate) path: EndpointPath,
        /// Why it was refused; of a request that went out, nothing.
        pub(crate) code: Option<Code>,
        /// Why it went out without a credential.
        pub(crate) without: Option<&'static str>,
        pub(crate) message: Text,
        pub(crate) hint: Text,
        pub(crate) facts: Facts,
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
        Self {
            at,
            method: None,
            host,
            port: None,
            path: EndpointPath::hidden(),
            code: Some(refusal.code),
            without: None,
            message: refusal.message.clone(),
            hint: refusal.hint.clone(),
            facts: Facts::clone(&refusal.facts),
            next: refusal.next.clone(),
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
