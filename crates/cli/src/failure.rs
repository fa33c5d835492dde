//! How a command ends when it does not end well: a refusal of our own, one that the broker wrote,
//! an answer that is no, or a reader that left.

use serde::Deserialize as _;
use serde_json::{Value, json};
use withheld_core::api::ErrorDocument;
use withheld_core::binding::PlaceFault;
use withheld_core::destination::HostFault;
use withheld_core::name::NameFault;
use withheld_core::path::PathFault;
use withheld_core::record::RecordFault;
use withheld_core::team::TeamFault;
use withheld_core::{Code, Refusal};

use crate::exit;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused: to be said.
    Refused(Box<Refused>),
    /// What was to be said is said; this is the status.
    Answered(u8),
    /// The reader of stdout has what it wanted (`| head`).
    ReaderLeft,
}

/// A refusal, from here or from the broker.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    said: ErrorDocument,
    /// `withheld_refusal` where a request of an agent was refused.
    kind: Option<String>,
}

/// Why a word does not fit its grammar, in a text of its own: none of these quotes what it judges.
pub(crate) trait Fault: std::fmt::Display {}

impl Fault for NameFault {}
impl Fault for HostFault {}
impl Fault for PlaceFault {}
impl Fault for RecordFault {}
impl Fault for PathFault {}
impl Fault for TeamFault {}

impl Refused {
    /// Which one.
    pub(crate) fn code(&self) -> Code {
        self.said.code
    }

    /// One sentence, without the full stop that it has in a document.
    pub(crate) fn message(&self) -> &str {
        self.said
            .message
            .strip_suffix('.')
            .unwrap_or(&self.said.message)
    }

    /// What to type next.
    pub(crate) fn hint(&self) -> &str {
        &self.said.hint
    }

    /// The `error` of `withheld.error/1`.
    pub(crate) fn error(&self) -> Value {
        let mut error = json!(self.said);
        if let (Some(kind), Some(error)) = (&self.kind, error.as_object_mut()) {
            error.insert("type".to_owned(), json!(kind));
        }
        error
    }

    /// Reads what the broker wrote; `None` where it is no refusal of ours.
    pub(crate) fn read(document: &Value) -> Option<Self> {
        let error = document.get("error")?;
        let kind = error.get("type").and_then(Value::as_str);
        Some(Self {
            said: ErrorDocument::deserialize(error).ok()?,
            kind: kind.map(ToOwned::to_owned),
        })
    }
}

impl Failure {
    /// A refusal with fixed texts.
    pub(crate) fn refuse(code: Code, message: &'static str, hint: &'static str) -> Self {
        Refusal::new(code, message, hint).into()
    }

    /// `usage`: an argument that its grammar does not accept, and why not.
    pub(crate) fn wrong(what: &'static str, fault: &dyn Fault, hint: &'static str) -> Self {
        let mut refused = Refused::from(Refusal::new(Code::Usage, what, hint));
        refused.said.message = format!("{what}: {fault}");
        refused.into()
    }

    /// A refusal whose message ends with a place in our own source.
    pub(crate) fn at_place(refusal: Refusal, place: &str) -> Self {
        let mut refused = Refused::from(refusal);
        refused.said.message = format!("{} {place}", refused.said.message);
        refused.into()
    }

    /// A refusal about these facts, which a program reads.
    pub(crate) fn with_facts(refusal: Refusal, facts: Value) -> Self {
        let mut refused = Refused::from(refusal);
        refused.said.facts = facts;
        refused.into()
    }

    /// The code, where it is a refusal.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refused) => Some(refused.code()),
            Self::Answered(_) | Self::ReaderLeft => None,
        }
    }

    /// The status that the process ends with.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Refused(refused) => refused.code().exit(),
            Self::Answered(status) => *status,
            Self::ReaderLeft => exit::DONE,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal.into()))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            said: ErrorDocument {
                code: refusal.code,
                message: refusal.message.as_str().to_owned(),
                hint: refusal.hint.as_str().to_owned(),
                retry: refusal.retry,
                facts: json!(refusal.facts),
                next: json!(refusal.next),
            },
            kind: None,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_wrote_comes_out_as_it_was() {
        let document = json!({"schema":"withheld.error/1","error":{
            "type":"withheld_refusal","code":"binding_violation",
            "message":"m","hint":"h","retry":"after_owner",
            "facts":{"secret":"STRIPE_KEY"},"next":[{"who":"owner","argv":["withheld","unlock"]}]}});
        let read = Refused::read(&document);
        assert_eq!(
            read.as_ref().map(Refused::error),
            Some(document["error"].clone())
        );
        assert_eq!(read.map(|read| Failure::from(read).status()), Some(4));
    }

    #[test]
    fn the_upstreams_own_errors_are_not_ours() {
        for document in [
            json!({"error":"nope"}),
            json!({"error":{"code":"card_declined"}}),
            json!([]),
        ] {
            assert!(Refused::read(&document).is_none(), "{document}");
        }
    }
}
