//! Every refusal there is, in one table: its code, the exit status of the command line, the HTTP
//! status of the broker, and when to try again. The written form is `withheld.error/1`.

mod commands;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::destination::{Host, MethodName};
use crate::name::{BindingId, SecretName};
use crate::plain::Text;

/// When the same request may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Change the request.
    Never,
    /// At once.
    Now,
    /// After a while.
    Later,
    /// After the owner did something.
    AfterOwner,
}

macro_rules! codes {
    ($( $(#[doc = $about:literal])* $code:ident $name:literal $exit:literal $status:literal $retry:ident; )*) => {
        /// The code of a refusal. The list is closed; the compiler finds every place that a new one touches.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(with = "String", description = "As in `withheld.error/1`."))]
        pub enum Code { $( $(#[doc = $about])* #[serde(rename = $name)] $code, )* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$( Self::$code, )*];

            /// The code as it is written in JSON and in the `Withheld-Error` field.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$code => $name, )* }
            }

            /// What it says, in one sentence.
            #[cfg(feature = "schema")]
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $( Self::$code => concat!($($about),*).trim(), )* }
            }

            /// The exit status of the command line.
            #[must_use]
            pub fn exit(self) -> u8 {
                match self { $( Self::$code => $exit, )* }
            }

            /// The HTTP status that the broker answers with, where a request can meet this code.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $( Self::$code => $status, )* }
            }

            /// When to try again.
            #[must_use]
            pub fn retry(self) -> Retry {
                match self { $( Self::$code => Retry::$retry, )* }
            }
        }
    };
}

codes! {
    /// Wrong usage of the command line.
    Usage "usage" 2 400 Never;
    /// Configuration, permissions or a taken port.
    ConfigInvalid "config_invalid" 2 500 AfterOwner;
    /// A request that could be read in two ways.
    AmbiguousRequest "ambiguous_request" 2 400 Never;
    /// Two bindings at one place.
    AmbiguousSecret "ambiguous_secret" 2 409 Never;
    /// A body, a target or a head over its limit.
    TooLarge "too_large" 2 413 Never;
    /// No such thing, also for what the caller may not know of.
    NotFound "not_found" 3 404 Never;
    /// The secret has no binding at all.
    NoBinding "no_binding" 4 403 AfterOwner;
    /// The grant existed in this session and is gone.
    NoGrant "no_grant" 4 403 AfterOwner;
    /// Bound, but not for this scheme, host, port, method, path or place.
    BindingViolation "binding_violation" 4 403 AfterOwner;
    /// No secret involved, and the host is neither bound for this agent nor allowed.
    HostDenied "host_denied" 4 403 AfterOwner;
    /// The request carries a credential that is not from this vault.
    ForeignCredential "foreign_credential" 4 403 Never;
    /// Clear text to a host that a granted secret is bound to.
    CleartextRefused "cleartext_refused" 4 403 Never;
    /// A placeholder in a credential place of another host.
    Tripwire "tripwire" 4 403 Never;
    /// The owner said no.
    ApprovalDenied "approval_denied" 4 403 Never;
    /// Host, SNI and CONNECT authority differ.
    DestinationMismatch "destination_mismatch" 4 421 Never;
    /// The agent's rate is used up.
    BudgetSpent "budget_spent" 4 429 Later;
    /// Not identified.
    UnknownCaller "unknown_caller" 4 407 AfterOwner;
    /// The session ended.
    SessionExpired "session_expired" 4 407 AfterOwner;
    /// The owner's proof is needed.
    OwnerNeeded "owner_needed" 5 403 AfterOwner;
    /// The passphrase does not open this vault.
    WrongPassphrase "wrong_passphrase" 5 403 Later;
    /// Waits for the owner.
    ApprovalPending "approval_pending" 5 403 AfterOwner;
    /// The approval lapsed.
    ApprovalExpired "approval_expired" 5 403 AfterOwner;
    /// The vault is locked.
    VaultLocked "vault_locked" 5 503 AfterOwner;
    /// No broker answers.
    BrokerDown "broker_down" 6 503 AfterOwner;
    /// The keychain is missing, locked, dismissed or silent.
    KeychainUnavailable "keychain_unavailable" 6 503 Later;
    /// The disk is full or read-only.
    StoreUnavailable "store_unavailable" 6 503 Later;
    /// The team's server does not answer.
    ServerUnreachable "server_unreachable" 6 502 Later;
    /// What the server showed was not verified.
    Unverified "unverified" 6 502 Later;
    /// The upstream cannot be reached.
    UpstreamUnreachable "upstream_unreachable" 6 502 Later;
    /// The upstream's certificate was not accepted.
    UpstreamUntrusted "upstream_untrusted" 6 502 AfterOwner;
    /// An address that may not be dialled.
    UpstreamAddressRefused "upstream_address_refused" 6 502 AfterOwner;
    /// The upstream broke the protocol.
    UpstreamBroken "upstream_broken" 6 502 Later;
    /// The value cannot stand at its place.
    ValueUnusable "value_unusable" 6 502 AfterOwner;
    /// The reply could not be searched, so it is not handed on.
    ReplyUndecodable "reply_undecodable" 6 502 Never;
    /// A derived credential could not be had.
    SourceFailed "source_failed" 6 502 Later;
    /// A value in the reply could not be captured.
    CaptureFailed "capture_failed" 6 502 Never;
    /// The upstream did not answer in time.
    UpstreamTimeout "upstream_timeout" 6 504 Later;
    /// The client did not send in time.
    TooSlow "too_slow" 6 408 Now;
    /// Somebody else changed it.
    Conflict "conflict" 7 409 Now;
    /// The audit chain is broken.
    LogBroken "log_broken" 8 503 AfterOwner;
    /// A file of the vault does not verify.
    StoreCorrupt "store_corrupt" 8 503 AfterOwner;
    /// A signature does not verify.
    SignatureInvalid "signature_invalid" 8 503 AfterOwner;
    /// An older state was put back.
    RollbackDetected "rollback_detected" 8 503 AfterOwner;
    /// Two histories.
    ForkDetected "fork_detected" 8 503 AfterOwner;
    /// No record can be written, so no credential is sent.
    AuditUnavailable "audit_unavailable" 8 503 Later;
    /// A bug in Withheld.
    Internal "internal" 70 500 Later;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl crate::plain::__sealed::Sealed for Code {}
impl crate::plain::Plain for Code {}

crate::plain! {
    /// What a refusal is about, for a program to read. What does not apply is left out.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Facts {
        /// The secret's name.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(required))]
        pub secret: Option<SecretName>,
        /// The host of the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(required))]
        pub host: Option<Host>,
        /// The method of the request.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(required))]
        pub method: Option<MethodName>,
        /// What the secret is bound for: method and path, one line each.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub bound: Vec<Text>,
        /// The id of the binding that was nearest.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(required))]
        pub rule: Option<BindingId>,
    }

    /// Who is to run a command.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Actor {
        /// The agent.
        #[serde(rename = "agent")]
        Agent,
        /// The owner, in a terminal of their own.
        #[serde(rename = "owner")]
        Owner,
    }

    /// A command that would help.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Next {
        /// Who is to run it.
        pub who: Actor,
        /// The command, word by word; runs unchanged.
        pub argv: Vec<Text>,
    }
}

/// A refusal: what happened in one sentence, and what to type next. Built from plain text only, so
/// it cannot quote a value, an input or a library's error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refusal {
    /// Which one.
    pub code: Code,
    /// One sentence, names in backticks.
    pub message: Text,
    /// A verb first, a command if there is one.
    pub hint: Text,
    /// When to try again.
    pub retry: Retry,
    /// What it is about.
    pub facts: Box<Facts>,
    /// Commands that would help, in order.
    pub next: Vec<Next>,
    /// The HTTP status, where it is another than the code's own (405, 414, 431, 401).
    #[serde(skip)]
    status: Option<u16>,
}

impl Refusal {
    /// A refusal with its sentence and its hint; the commands of the hint are what comes next.
    pub fn new(code: Code, message: impl Into<Text>, hint: impl Into<Text>) -> Self {
        let hint = hint.into();
        Self {
            code,
            message: message.into(),
            retry: code.retry(),
            facts: Box::default(),
            next: commands::of(&hint),
            hint,
            status: None,
        }
    }

    /// The same, where the same again would be refused again, whatever its code says.
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.retry = Retry::Never;
        self
    }

    /// The same, answered with this HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same, about these facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Facts) -> Self {
        self.facts = Box::new(facts);
        self
    }

    /// The HTTP status that the broker answers with.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.unwrap_or(self.code.status())
    }
}

impl crate::plain::__sealed::Sealed for Retry {}
impl crate::plain::Plain for Retry {}
impl crate::plain::__sealed::Sealed for Refusal {}
impl crate::plain::Plain for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n  hint: {}", self.message, self.hint)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the interface contract, written here by hand.
    #[test]
    fn codes_have_the_exit_and_status_of_the_contract() {
        let contract: &[(u8, u16, &[&str])] = &[
            (
                4,
                403,
                &[
                    "no_binding",
                    "no_grant",
                    "binding_violation",
                    "host_denied",
                    "foreign_credential",
                    "cleartext_refused",
                    "tripwire",
                    "approval_denied",
                ],
            ),
            (4, 421, &["destination_mismatch"]),
            (4, 429, &["budget_spent"]),
            (4, 407, &["unknown_caller", "session_expired"]),
            (
                5,
                403,
                &[
                    "owner_needed",
                    "wrong_passphrase",
                    "approval_pending",
                    "approval_expired",
                ],
            ),
            (5, 503, &["vault_locked"]),
            (
                6,
                502,
                &[
                    "upstream_unreachable",
                    "upstream_untrusted",
                    "upstream_address_refused",
                    "upstream_broken",
                    "value_unusable",
                    "reply_undecodable",
                    "source_failed",
                    "capture_failed",
                ],
            ),
            (6, 504, &["upstream_timeout"]),
            (6, 408, &["too_slow"]),
            (7, 409, &["conflict"]),
            (8, 503, &["audit_unavailable"]),
            (70, 500, &["internal"]),
        ];
        for (exit, status, names) in contract {
            for name in *names {
                let code = Code::ALL.iter().find(|code| code.as_str() == *name);
                assert_eq!(
                    code.map(|code| (code.exit(), code.status())),
                    Some((*exit, *status)),
                    "{name}"
                );
            }
        }
        for (exit, names) in [
            (
                2,
                &[
                    "usage",
                    "config_invalid",
                    "ambiguous_request",
                    "ambiguous_secret",
                    "too_large",
                ][..],
            ),
            (3, &["not_found"][..]),
            (
                6,
                &[
                    "broker_down",
                    "keychain_unavailable",
                    "store_unavailable",
                    "server_unreachable",
                    "unverified",
                ][..],
            ),
            (
                8,
                &[
                    "log_broken",
                    "store_corrupt",
                    "signature_invalid",
                    "rollback_detected",
                    "fork_detected",
                ][..],
            ),
        ] {
            for name in names {
                assert_eq!(
                    Code::ALL
                        .iter()
                        .find(|code| code.as_str() == *name)
                        .map(|code| code.exit()),
                    Some(exit),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn the_text_form_has_two_lines() {
        let name = crate::name::Environment::dev();
        let refusal = Refusal::new(
            Code::NotFound,
            crate::text!("there is no `{}`", name),
            "list what is here: withheld ls",
        );
        assert_eq!(
            refusal.to_string(),
            "error: there is no `default/dev`\n  hint: list what is here: withheld ls"
        );
    }
}
