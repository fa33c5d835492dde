//! `withheld why METHOD URL`: the same decision as for a real request, and nothing is sent.

use http::Request;
use withheld_core::ask::{Ask, Named, Terms, Way};
use withheld_core::binding::Place;
use withheld_core::destination::MethodName;
use withheld_core::name::{BindingId, RequestId, SecretName};
use withheld_core::policy::{Decision, Permit};
use withheld_core::refusal::{Facts, Next};
use withheld_core::{Code, Refusal, Text, plain};

use crate::answer::Answer;
use crate::house::{House, bug};
use crate::last::explained;
use crate::session::{Caller, random};
use crate::stages::record_of;

/// The stages of the walk, in its order.
const STAGES: [(&str, &str); 10] = [
    ("accept", "the door takes it"),
    ("identify", "the session counts"),
    ("unwrap", "the connection is for this host"),
    ("read", "it can be read in one way"),
    ("decide", "the policy lets it pass"),
    ("note", "the log takes its record"),
    ("fetch", "the vault has the value"),
    ("send", "not tried: a dry run sends nothing"),
    ("wash", "not tried: there is no reply"),
    ("close", "not tried: there is no reply"),
];
const READ: usize = 3;
const DECIDE: usize = 4;
const FETCH: usize = 6;

plain! {
    struct Why {
        /// `with_credential`, `without_credential` or `refused`.
        outcome: &'static str,
        code: Option<Code>,
        message: Option<Text>,
        hint: Option<Text>,
        stages: Vec<Stage>,
        /// The credentials that would go with it.
        uses: Vec<Rule>,
        facts: Facts,
        next: Vec<Next>,
    }

    struct Stage {
        stage: &'static str,
        /// `pass`, `stop`, or `not_tried`.
        result: &'static str,
        note: Text,
    }

    struct Rule {
        secret: SecretName,
        rule: BindingId,
        inject: Place,
    }
}

/// Decides a request that is not there.
///
/// # Errors
/// `vault_locked`: without the vault nobody knows which names there are.
pub(super) fn dry_run(
    house: &House,
    caller: &Caller,
    method: &MethodName,
    url: String,
    secret: Option<SecretName>,
) -> Result<Answer, Refusal> {
    let vault = house.unlocked()?;
    let policy = house.policy()?;
    let record = record_of(&policy, &caller.session)?;
    let named = secret.map(|secret| Named {
        secret,
        place: None,
    });
    let terms = Terms {
        way: Way::Call,
        tunnel: None,
        target: Some(url),
        named: named.into_iter().collect(),
    };
    let head = Request::builder().method(method.as_str()).body(());
    let (parts, ()) = head.map_err(|_| bug())?.into_parts();
    let ask = match Ask::read(parts, terms) {
        Ok(ask) => ask,
        Err(refusal) => return refused(READ, refusal),
    };
    let id = RequestId::from_bytes(random()?);
    let why = match house.judge(&caller.session, record, &policy, &vault, ask, id) {
        Decision::Refuse(no) => return refused(DECIDE, no.refusal),
        Decision::Permit(permit) => match vault.versions(&permit) {
            Ok(_) => with_credential(&permit),
            Err(refusal) => return refused(FETCH, refusal),
        },
        Decision::Pass(pass) => {
            let (message, hint) = explained(&pass);
            let mut why = Why {
                message: Some(message),
                hint: Some(hint),
                ..Why::passing("without_credential")
            };
            if let Some(fetch) = why.stages.get_mut(FETCH) {
                fetch.result = "not_tried";
                fetch.note = "nothing to fetch: no key goes with it".into();
            }
            why
        }
    };
    Answer::of("withheld.why/1", &why)
}

fn with_credential(permit: &Permit) -> Why {
    let rule = |binding: &withheld_core::Binding| Rule {
        secret: binding.secret.clone(),
        rule: binding.id,
        inject: binding.place.clone(),
    };
    let uses = permit.uses().iter().map(|used| rule(&used.binding));
    Why {
        uses: uses.collect(),
        ..Why::passing("with_credential")
    }
}

impl Why {
    fn passing(outcome: &'static str) -> Self {
        Self {
            outcome,
            code: None,
            message: None,
            hint: None,
            stages: stages(None),
            uses: Vec::new(),
            facts: Facts::default(),
            next: Vec::new(),
        }
    }
}

fn refused(at: usize, refusal: Refusal) -> Result<Answer, Refusal> {
    let why = Why {
        code: Some(refusal.code),
        stages: stages(Some((at, &refusal))),
        message: Some(refusal.message),
        hint: Some(refusal.hint),
        facts: *refusal.facts,
        next: refusal.next,
        ..Why::passing("refused")
    };
    Answer::of("withheld.why/1", &why)
}

/// The list, up to where it stops.
fn stages(stop: Option<(usize, &Refusal)>) -> Vec<Stage> {
    let last = stop.map_or(FETCH, |(at, _)| at);
    STAGES
        .iter()
        .enumerate()
        .map(|(at, (stage, note))| {
            let (result, note) = match stop {
                Some((stopped, refusal)) if stopped == at => ("stop", refusal.message.clone()),
                _ if at > FETCH => ("not_tried", (*note).into()),
                _ if at > last => ("not_tried", "not reached".into()),
                _ => ("pass", (*note).into()),
            };
            Stage {
                stage,
                result,
                note,
            }
        })
        .collect()
}
