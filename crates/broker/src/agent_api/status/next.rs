//! What to type next: in the order of need, and each as it is.

use withheld_core::name::Environment;
use withheld_core::refusal::Actor;
use withheld_core::{Text, plain, text};

use super::Waiting;
use crate::config::{AutoPull, Config};
use crate::house::{House, VaultState};
use crate::view::SecretShown;

plain! {
    /// A command that helps.
    #[derive(Clone, Debug)]
    pub(super) struct Step {
        who: Actor,
        argv: Vec<Text>,
        why: &'static str,
    }
}

/// The commands; none when all is well.
pub(super) fn steps(
    house: &House,
    state: &VaultState,
    has_token: bool,
    environment: &Environment,
    secrets: &[SecretShown],
    waiting: &[Waiting],
) -> Vec<Step> {
    match state {
        VaultState::Absent => return vec![owner(vec!["init".into()], "no_vault")],
        VaultState::Locked(_) | VaultState::Shut => {
            return vec![owner(vec!["unlock".into()], "vault_locked")];
        }
        VaultState::Unlocked(_) => {}
    }
    let is = |state: &str| secrets.iter().any(|secret| secret.state == state);
    let mut steps = Vec::new();
    if is("tampered") {
        steps.push(owner(
            of_environment("diff", environment),
            "secret_tampered",
        ));
    }
    if is("behind") || is("remote-only") {
        let may_agents =
            Config::of(&house.home).is_ok_and(|config| config.auto_pull == AutoPull::Verified);
        let why = if is("behind") {
            "secret_behind"
        } else {
            "secret_remote_only"
        };
        steps.push(if has_token && may_agents {
            agent(vec!["pull".into()], why)
        } else {
            owner(of_environment("pull", environment), why)
        });
    }
    if !waiting.is_empty() {
        let mut argv: Vec<Text> = vec!["approve".into()];
        argv.extend(waiting.iter().map(|one| text!("{}", one.id)));
        steps.push(owner(argv, "binding_waits"));
    }
    if is("diverged") {
        steps.push(owner(
            of_environment("diff", environment),
            "secret_diverged",
        ));
    }
    if is("ahead") {
        steps.push(owner(of_environment("push", environment), "secret_ahead"));
    }
    steps
}

fn owner(argv: Vec<Text>, why: &'static str) -> Step {
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
fn of_environment(verb: &'static str, environment: &Environment) -> Vec<Text> {
    vec![verb.into(), "-e".into(), text!("{}", *environment)]
}
