//! Why what is known of the team is not verified, and what to type.

use withheld_core::name::Environment;
use withheld_core::refusal::Next;
use withheld_core::{Code, Refusal, Text, plain, text};
use withheld_vault::team::Team;

use crate::clock;

plain! {
    /// What stands between what is here and what the server says now.
    #[derive(Clone, Debug)]
    pub(crate) struct Fault {
        /// As in `withheld.error/1`.
        pub(crate) code: Code,
        /// One sentence.
        message: Text,
        /// What to do, with a command where there is one.
        hint: Text,
        #[serde(skip)]
        pub(crate) next: Vec<Next>,
    }
}

impl Fault {
    /// Of a look that came to `looked`; `None` where it is verified.
    pub(crate) fn of(
        team: &Team,
        environment: &Environment,
        verified: bool,
        looked: Option<&Refusal>,
    ) -> Option<Self> {
        if verified {
            return None;
        }
        Some(match looked {
            Some(refusal) => Self::from(refusal.clone()),
            None => Self::kept(team).unwrap_or_else(|| Self::from(closed(team, environment))),
        })
    }

    /// Of the whole team, whatever the environment.
    pub(crate) fn of_team(team: &Team, looked: Option<&Refusal>) -> Option<Self> {
        match looked {
            Some(refusal) => Some(Self::from(refusal.clone())),
            None => Self::kept(team),
        }
    }

    /// What did not verify before is held against the server until it is taken back.
    fn kept(team: &Team) -> Option<Self> {
        let freshness = team.freshness(clock::now());
        let refusal = match freshness.last_fault {
            Some(code) => Refusal::new(
                code,
                text!("the server showed what does not verify ({})", code),
                "compare with a colleague: withheld team log",
            ),
            None if !freshness.verified => Refusal::new(
                Code::Unverified,
                "the server was not heard for more than three days",
                "ask it again: withheld pull",
            ),
            None => return None,
        };
        Some(Self::from(refusal))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code,
            message: refusal.message,
            hint: refusal.hint,
            next: refusal.next,
        }
    }
}

/// Why nothing of an environment can be opened here.
fn closed(team: &Team, environment: &Environment) -> Refusal {
    match team.is_open(environment) {
        Err(refusal) if refusal.code != Code::Unverified => refusal,
        _ => Refusal::new(
            Code::Unverified,
            text!("the keys of `{}` are not here yet", *environment),
            text!(
                "wait until a colleague's machine hands them over, then: withheld pull -e {}",
                *environment
            ),
        ),
    }
}
