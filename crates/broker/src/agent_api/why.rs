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
use crate::last::{explained, onward};
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
    pub(super) struct Why {
        /// How it would end.
        outcome: Outcome,
        /// As in `withheld.error/1`; null where it would not be refused.
        code: Option<Code>,
        /// One sentence; null where it would go with a credential.
        message: Option<Text>,
        /// What to do, with a command where there is one; null where it would go with a credential.
        hint: Option<Text>,
        /// The way of a request, stage by stage.
        stages: Vec<Stage>,
        /// The credentials that would go with it.
        uses: Vec<Rule>,
        /// What a refusal would be about.
        facts: Facts,
        /// Commands that would help, in order.
        next: Vec<Next>,
    }

    #[serde(rename_all = "snake_case")]
    enum Outcome {
        /// It would go with the credentials of `uses`.
        WithCredential,
        /// It would go without one.
        WithoutCredential,
        /// It would not go.
        Refused,
    }

    #[derive(Clone, Copy)]
    #[serde(rename_all = "snake_case")]
    enum Went {
        /// It passes.
        Pass,
        /// It ends here.
        Stop,
        /// It does not come so far, or a dry run does not try it.
        NotTried,
    }

    struct Stage {
        /// Its name.
        stage: &'static str,
        /// How it went there.
        result: Went,
        /// What it found, or why it was not tried.
        note: Text,
    }

    struct Rule {
        /// The secret's name.
        secret: SecretName,
        /// The id of its binding.
        rule: BindingId,
        /// The place in the request, as in `--inject`.
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
                ..Why::passing(Outcome::WithoutCredential)
            };
            if let Some(fetch) = why.stages.get_mut(FETCH) {
                fetch.result = Went::NotTried;
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
        ..Why::passing(Outcome::WithCredential)
    }
}

impl Why {
    fn passing(outcome: Outcome) -> Self {
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
    let (hint, next) = onward(&refusal);
    let why = Why {
        code: Some(refusal.code),
        stages: stages(Some((at, &refusal))),
        message: Some(refusal.message),
        hint: Some(hint),
        facts: *refusal.facts,
        next,
        ..Why::passing(Outcome::Refused)
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
                Some((stopped, refusal)) if stopped == at => (Went::Stop, refusal.message.clone()),
                _ if at > FETCH => (Went::NotTried, (*note).into()),
                _ if at > last => (Went::NotTried, "not reached".into()),
                _ => (Went::Pass, (*note).into()),
            };
            Stage {
                stage,
                result,
                note,
            }
        })
        .collect()
}
