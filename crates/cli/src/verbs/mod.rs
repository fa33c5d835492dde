//! One file a verb.

mod agent;
mod allow;
mod audit;
mod bind;
mod call;
mod completions;
mod config;
mod daemon;
mod diff;
mod doctor;
mod doubts;
mod exchange;
pub(crate) mod help;
mod init;
mod lock;
mod ls;
mod next;
mod pending;
mod proxy;
mod pull;
mod push;
mod rm;
mod server;
mod set;
mod status;
mod team;
mod unlock;
mod waiting;
mod why;

use crate::cli::Verb;
use crate::context::Context;
use crate::output::Outcome;

/// The documents that are made here, and of which a program may rely on the schema.
#[cfg(test)]
fn documents() -> Vec<withheld_core::schema::Document> {
    let all = [
        agent::documents,
        bind::documents,
        call::documents,
        daemon::documents,
        doctor::documents,
        lock::documents,
        rm::documents,
        set::documents,
        unlock::documents,
    ];
    all.into_iter().flat_map(|of_verb| of_verb()).collect()
}

/// Runs what was asked for; without a verb, says what comes next.
pub(crate) fn run(context: &Context, verb: Option<Verb>) -> Outcome {
    match verb {
        None => next::run(context),
        Some(Verb::Init(arguments)) => init::run(context, &arguments),
        Some(Verb::Set(arguments)) => set::run(context, &arguments),
        Some(Verb::Bind(arguments)) => bind::run(context, &arguments),
        Some(Verb::Rm(arguments)) => rm::run(context, &arguments),
        Some(Verb::Ls(arguments)) => ls::run(context, &arguments),
        Some(Verb::Allow(arguments)) => allow::run(context, &arguments),
        Some(Verb::Agent(arguments)) => agent::run(context, &arguments.act),
        Some(Verb::Unlock(arguments)) => unlock::run(context, &arguments),
        Some(Verb::Lock) => lock::run(context),
        Some(Verb::Config(arguments)) => config::run(context, &arguments),
        Some(Verb::Daemon(arguments)) => daemon::run(context, &arguments),
        Some(Verb::Status(arguments)) => status::run(context, &arguments),
        Some(Verb::Pending) => pending::list_all(context),
        Some(Verb::Approve(arguments)) => pending::approve(context, &arguments),
        Some(Verb::Deny(arguments)) => pending::deny(context, &arguments),
        Some(Verb::Diff(arguments)) => diff::run(context, &arguments),
        Some(Verb::Pull(arguments)) => pull::run(context, &arguments),
        Some(Verb::Push(arguments)) => push::run(context, &arguments),
        Some(Verb::Call(arguments)) => call::run(context, &arguments),
        Some(Verb::Audit(arguments)) => audit::run(context, &arguments),
        Some(Verb::Why(arguments)) => why::run(context, &arguments),
        Some(Verb::Doctor) => doctor::run(context),
        Some(Verb::Proxy(arguments)) => proxy::run(context, &arguments.act),
        Some(Verb::Team(arguments)) => team::run(context, &arguments.verb),
        Some(Verb::Server(arguments)) => server::run(context, &arguments),
        Some(Verb::Demo) => crate::demo::run(context),
        Some(Verb::Completions(arguments)) => completions::run(context, &arguments),
        Some(Verb::Help(arguments)) => help::run(context, &arguments),
    }
}
