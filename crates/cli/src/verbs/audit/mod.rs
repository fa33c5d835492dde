//! `withheld audit`: what was done. Inside a session the broker answers, and shows the agent's own
//! records; outside, the files are read, for they are this user's.

mod render;
mod verify;

pub(in crate::verbs) use verify::checked as verified;

use std::time::Duration;

use serde_json::{Value, json};
use withheld_audit::read::{Filter, Follow, records};
use withheld_core::api::AgentRequest;
use withheld_core::destination::Host;
use withheld_core::{Code, Moment};

use crate::cli::{Audit, AuditAct, AuditFilter};
use crate::clock;
use crate::context::Context;
use crate::drafts;
use crate::duration;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket::{ANSWER, Socket};

/// Between two looks at a log that is followed.
const LOOK: Duration = Duration::from_millis(200);
/// How many of its records a session asks for at each look.
const AT_ONCE: usize = 500;

pub(super) fn run(context: &Context, arguments: &Audit) -> Outcome {
    match arguments.act {
        Some(AuditAct::Verify) => verify::run(context),
        Some(AuditAct::Export) => export(context),
        None if arguments.filter.follow => follow(context, &arguments.filter),
        None => show(context, &arguments.filter),
    }
}

fn show(context: &Context, written: &AuditFilter) -> Outcome {
    let filter = filter(written)?;
    let found = if context.variables.session.is_some() {
        of_session(context, &filter)?
    } else {
        let home = context.agent_home()?;
        home.check()?;
        values(records(&home.audit(), &filter)?)
    };
    if context.output.is_json() {
        return context
            .output
            .document("withheld.audit/1", json!({ "records": found }));
    }
    if found.is_empty() {
        return context.output.line("No record.");
    }
    context.output.line(&render::table(context.output, &found))
}

/// Reads the filters.
fn filter(written: &AuditFilter) -> Outcome<Filter> {
    let last = written
        .last
        .as_deref()
        .map(|last| {
            last.parse::<usize>().map_err(|_| {
                Failure::refuse(
                    Code::Usage,
                    "how many records is a number",
                    "write it, like: withheld audit --last 20",
                )
            })
        })
        .transpose()?;
    let since = written
        .since
        .as_deref()
        .map(duration::seconds)
        .transpose()?;
    Ok(Filter {
        agent: written
            .agent
            .as_deref()
            .map(super::agent::name)
            .transpose()?,
        session: None,
        without_owner: false,
        secret: written.secret.as_deref().map(drafts::secret).transpose()?,
        host: written.host.as_deref().map(host).transpose()?,
        denied: written.denied,
        since: since.map(before_now),
        last,
    })
}

fn before_now(seconds: u64) -> Moment {
    let ms = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
    Moment::from_ms(clock::now().as_ms().saturating_sub(ms))
}

fn host(written: &str) -> Outcome<Host> {
    Host::parse(written).map_err(|fault| {
        Failure::wrong(
            "the host cannot be read",
            &fault,
            "write it without a port, like: --host api.example.com",
        )
    })
}

fn values(found: Vec<withheld_audit::read::Shown>) -> Vec<Value> {
    found
        .iter()
        .filter_map(|shown| serde_json::to_value(shown).ok())
        .collect()
}

/// The agent's own records, from the broker.
fn of_session(context: &Context, filter: &Filter) -> Outcome<Vec<Value>> {
    if filter.agent.is_some() {
        return Err(Failure::refuse(
            Code::OwnerNeeded,
            "an agent sees its own records only",
            "leave --agent out",
        ));
    }
    let home = context.agent_home()?;
    let socket = Socket::agent(&home, context.variables.session.as_ref())?;
    let since = filter
        .since
        .map(|since| clock::now().as_ms().saturating_sub(since.as_ms()));
    let said = socket.ask(
        &AgentRequest::Audit {
            secret: filter.secret.clone(),
            host: filter.host.clone(),
            denied: filter.denied,
            since_ms: since.and_then(|since| u64::try_from(since).ok()),
            last: filter.last,
        },
        ANSWER,
    )?;
    let records = said.get("records").and_then(Value::as_array);
    Ok(records.cloned().unwrap_or_default())
}

/// Records as they come, until the reader leaves or the command is stopped.
fn follow(context: &Context, written: &AuditFilter) -> Outcome {
    let filter = filter(written)?;
    if context.variables.session.is_some() {
        return follow_session(context, &filter);
    }
    let home = context.agent_home()?;
    home.check()?;
    let start = Filter {
        last: Some(filter.last.unwrap_or(0)),
        ..filter.clone()
    };
    // From the end on first, so that nothing falls between what is there and what comes.
    let mut follow = Follow::from_end(&home.audit(), filter)?;
    tell(context, &values(records(&home.audit(), &start)?))?;
    loop {
        tell(context, &values(follow.poll()?))?;
        std::thread::sleep(LOOK);
    }
}

fn follow_session(context: &Context, filter: &Filter) -> Outcome {
    let recent = Filter {
        last: Some(AT_ONCE),
        ..filter.clone()
    };
    let seq = |record: &Value| record["seq"].as_u64().unwrap_or(0);
    let mut seen = of_session(context, &recent)?
        .iter()
        .map(seq)
        .max()
        .unwrap_or(0);
    loop {
        let news: Vec<Value> = of_session(context, &recent)?
            .into_iter()
            .filter(|record| seq(record) > seen && record["outcome"] != "intended")
            .collect();
        seen = news.iter().map(seq).max().unwrap_or(seen);
        tell(context, &news)?;
        std::thread::sleep(LOOK);
    }
}

/// One line a record; with `--json` one document a line.
fn tell(context: &Context, records: &[Value]) -> Outcome {
    for record in records {
        if context.output.is_json() {
            context.output.record(record)?;
        } else {
            context.output.line(&render::one(context.output, record))?;
        }
    }
    Ok(())
}

/// The raw lines, seals included.
fn export(context: &Context) -> Outcome {
    if context.variables.session.is_some() {
        return Err(Failure::refuse(
            Code::OwnerNeeded,
            "an agent sees its own records only",
            "see them: withheld audit",
        ));
    }
    let home = context.agent_home()?;
    home.check()?;
    context
        .output
        .stream(|stdout| withheld_audit::export(&home.audit(), stdout))
}
