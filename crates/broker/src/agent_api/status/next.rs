//! What to type next: in the order of need, and each as it is.

use withheld_core::name::Environment;
use withheld_core::refusal::{Actor, Retry};
use withheld_core::{Text, plain, text};
use withheld_vault::team::Drift;

use super::shown::Waiting;
use crate::config::{AutoPull, Config};
use crate::house::{House, VaultState};
use crate::team_api::Fault;
use crate::view::SecretShown;

plain! {
    /// A command that helps.
    #[derive(Clone, Debug)]
    pub(super) struct Step {
        /// Who is to run it.
        who: Actor,
        /// The command; runs unchanged.
        argv: Vec<Text>,
        /// What it is for, in one word: of a secret like `secret_behind`, or the code of the fault.
        why: &'static str,
    }
}

/// What the commands come from.
pub(super) struct Seen<'a> {
    pub(super) has_token: bool,
    pub(super) environment: &'a Environment,
    pub(super) secrets: &'a [SecretShown],
    pub(super) waiting: &'a [Waiting],
    /// Why the states are not the team's own.
    pub(super) fault: Option<&'a Fault>,
}

/// The commands; none when all is well.
pub(super) fn steps(house: &House, state: &VaultState, seen: &Seen<'_>) -> Vec<Step> {
    match state {
        VaultState::Absent => return vec![owner(vec!["init".into()], "no_vault")],
        VaultState::Locked(_) | VaultState::Shut => {
            return vec![owner(vec!["unlock".into()], "vault_locked")];
        }
        VaultState::Unlocked(_) => {}
    }
    let of_environment = |verb| of_environment(verb, &[], seen.environment);
    let mut steps = Vec::new();
    if seen.is(Drift::Tampered) {
        steps.push(owner(of_environment("diff"), "secret_tampered"));
    }
    steps.extend(
        seen.fault
            .into_iter()
            .flat_map(|fault| of_fault(fault, seen.environment)),
    );
    if seen.is(Drift::Behind) || seen.is(Drift::RemoteOnly) {
        let why = if seen.is(Drift::Behind) {
            "secret_behind"
        } else {
            "secret_remote_only"
        };
        steps.push(if seen.has_token && may_agents_pull(house) {
            agent(vec!["pull".into()], why)
        } else {
            owner(of_environment("pull"), why)
        });
    }
    steps.extend(seen.approve());
    if seen.is(Drift::Diverged) {
        steps.push(owner(of_environment("diff"), "secret_diverged"));
    }
    if seen.any(|secret| secret.state == Drift::Ahead && !secret.is_removed_here()) {
        steps.push(owner(of_environment("push"), "secret_ahead"));
    }
    steps.extend(seen.by_name("push", SecretShown::is_removed_here, "secret_removed"));
    steps.extend(seen.by_name(
        "set",
        SecretShown::is_refused_by_its_service,
        "secret_refused",
    ));
    steps.extend(seen.by_name("set", SecretShown::must_be_rotated, "secret_exposed"));
    steps.extend(seen.look_at_own());
    steps
}

fn may_agents_pull(house: &House) -> bool {
    Config::of(&house.home).is_ok_and(|config| config.auto_pull == AutoPull::Verified)
}

/// What the fault itself says is to be typed; of one that passes by itself, to ask the server again.
fn of_fault(fault: &Fault, environment: &Environment) -> Vec<Step> {
    let why = fault.code.as_str();
    if fault.next.is_empty() && fault.code.retry() == Retry::Later {
        return vec![owner(of_environment("pull", &[], environment), why)];
    }
    let steps = fault.next.iter().map(|next| Step {
        who: next.who,
        argv: next.argv.clone(),
        why,
    });
    steps.collect()
}

impl Seen<'_> {
    fn any(&self, is_it: impl Fn(&SecretShown) -> bool) -> bool {
        self.secrets.iter().any(is_it)
    }

    fn is(&self, state: Drift) -> bool {
        self.any(|secret| secret.state == state)
    }

    /// One command for all secrets of which something is true.
    fn by_name(
        &self,
        verb: &'static str,
        is_it: fn(&SecretShown) -> bool,
        why: &'static str,
    ) -> Option<Step> {
        let secrets = self.secrets.iter().filter(|secret| is_it(secret));
        let names: Vec<Text> = secrets.map(|secret| text!("{}", secret.name)).collect();
        let argv = || of_environment(verb, &names, self.environment);
        (!names.is_empty()).then(|| owner(argv(), why))
    }

    /// What colleagues offer, by its id: in one command what asks for places to go alone, each other in
    /// one of its own, so that nobody accepts it along with them.
    fn approve(&self) -> Vec<Step> {
        let theirs = self.waiting.iter().filter(|one| !one.own);
        let (plain, others): (Vec<_>, Vec<_>) = theirs.partition(|one| one.plain);
        let commands = [plain]
            .into_iter()
            .chain(others.into_iter().map(|one| vec![one]));
        let commands = commands.filter(|waiting| !waiting.is_empty());
        let step = |waiting: Vec<&Waiting>| {
            let mut argv: Vec<Text> = vec!["approve".into()];
            argv.extend(waiting.iter().map(|one| text!("{}", one.id)));
            owner(argv, "binding_waits")
        };
        commands.map(step).collect()
    }

    /// What the owner signed and does not have here is not offered back.
    fn look_at_own(&self) -> Option<Step> {
        let is_any = self.waiting.iter().any(|one| one.own);
        is_any.then(|| owner(vec!["pending".into()], "binding_waits"))
    }
}

pub(super) fn owner(argv: Vec<Text>, why: &'static str) -> Step {
    step(Actor::Owner, argv, why)
}

fn agent(argv: Vec<Text>, why: &'static str) -> Step {
    step(Actor::Agent, argv, why)
}

fn step(who: Actor, rest: Vec<Text>, why: &'static str) -> Step {
    let mut argv: Vec<Text> = vec!["withheld".into()];
    argv.extend(rest);
    Step { who, argv, why }
}

/// The owner names the environment, so that the command means it wherever it is typed.
fn of_environment(verb: &'static str, names: &[Text], environment: &Environment) -> Vec<Text> {
    let mut argv: Vec<Text> = vec![verb.into()];
    argv.extend_from_slice(names);
    argv.extend(["-e".into(), text!("{}", *environment)]);
    argv
}
