//! `withheld agent add|ls|rm`: what one agent may do.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};
use withheld_core::api::{Deposit, OwnerRequest};
use withheld_core::name::{AgentId, Environment, Workspace};
use withheld_core::record::{AgentRecord, NameGlob, Rate};
#[cfg(test)]
use withheld_core::schema::{Document, JsonSchema};
use withheld_core::{Code, Refusal, plain};
use withheld_system::private;

use crate::cli::{AgentAct, AgentAdd};
use crate::context::Context;
use crate::drafts::Spot;
use crate::duration;
use crate::failure::Failure;
use crate::output::{Outcome, table};
use crate::owner::Owner;
use crate::said::list;

/// The life of a session where nothing else is said, in seconds.
const DEFAULT_TTL_S: u64 = 8 * 3600;

// Shown to whoever adds the agent, and kept nowhere.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(JsonSchema),
    schemars(crate = "withheld_core::schema::schemars")
)]
struct Added {
    /// The agent's name.
    agent: AgentId,
    /// The environment of its sessions, as PROJECT/ENVIRONMENT.
    environment: Environment,
    /// The secrets that it may use: names, where `*` stands for any characters.
    grants: Vec<NameGlob>,
    /// How long each of its sessions lasts, in seconds.
    ttl_s: u64,
    /// It had a record before, and has this one instead.
    replaced: bool,
    /// The first session.
    session: Option<String>,
    /// When that ends.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    expires_at: Option<String>,
    /// The token of the first session, by which a program is this agent; shown this once. Not there with
    /// `--out`: then it is in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(required))]
    token: Option<String>,
}

plain! {
    struct Removed {
        /// The name of the agent whose record is gone; its sessions have ended.
        agent: AgentId,
    }
}

/// The documents of which a program may rely on the schema.
#[cfg(test)]
pub(super) fn documents() -> Vec<Document> {
    vec![
        Document::of::<Added>(
            "agent_add",
            "`withheld agent add --json`: what an agent may use, and its first session",
        ),
        Document::of::<Removed>("agent_rm", "`withheld agent rm --json`: an agent ended"),
    ]
}

pub(super) fn run(context: &Context, act: &AgentAct) -> Outcome {
    match act {
        AgentAct::Add(arguments) => add(context, arguments),
        AgentAct::Ls => ls(context),
        AgentAct::Rm { name } => rm(context, name),
    }
}

/// Reads the name of an agent.
///
/// # Errors
/// `usage`.
pub(super) fn name(written: &str) -> Outcome<AgentId> {
    AgentId::parse(written).map_err(|fault| {
        Failure::wrong(
            "the name of the agent cannot be read",
            &fault,
            "see the agents that are here: withheld agent ls",
        )
    })
}

fn add(context: &Context, arguments: &AgentAdd) -> Outcome {
    let target = context.target()?;
    let record = record(&target.environment, arguments)?;
    let owner = Owner::open(context)?;
    let mut out = arguments
        .out
        .as_deref()
        .map(TokenFile::create)
        .transpose()?;
    let agent = &record.agent;
    let mut purpose = match (record.grants.len(), record.hosts.len()) {
        (0, hosts) => format!("to let {agent} reach {hosts} hosts and use no key"),
        (_, 0) => format!("to let {agent} use {}", globs(&record)),
        (_, hosts) => format!(
            "to let {agent} use {} and reach {hosts} hosts",
            globs(&record)
        ),
    };
    let replaced = is_there(&owner, agent)?;
    if replaced {
        context.output.note(&format!(
            "note: {agent} has a record already; this one takes its place, and the sessions it has go by it"
        ));
        purpose.push_str(" instead of what its record says");
    }
    purpose.push_str(target.signed().as_str());
    let request = OwnerRequest::AgentAdd {
        record: record.clone(),
        proof: Deposit::to_come(),
    };
    let added = owner.ask_proven(request, &purpose)?;
    let text = |field: &str| added[field].as_str().map(ToOwned::to_owned);
    let token = added["token"].as_str().ok_or_else(no_token)?;
    let sentence = format!(
        "{agent} may use {} in {}. Each of its sessions lasts {}.",
        globs(&record),
        record.environment,
        duration::shown(record.ttl_s)
    );
    if let Some(file) = &mut out {
        file.write(token)?;
    }
    context.output.note(&sentence);
    if context.output.is_json() {
        let added = Added {
            agent: agent.clone(),
            environment: record.environment.clone(),
            grants: record.grants.clone(),
            ttl_s: record.ttl_s,
            replaced,
            session: text("session"),
            expires_at: text("expires_at"),
            token: out.is_none().then(|| token.to_owned()),
        };
        return context
            .output
            .document("withheld.agent_add/1", json!(added));
    }
    match out {
        Some(_) => Ok(()),
        None => context.output.line(token),
    }
}

/// Whether there is a record of this name already.
fn is_there(owner: &Owner<'_>, agent: &AgentId) -> Outcome<bool> {
    let listed = owner.ask(OwnerRequest::List { environment: None })?;
    Ok(list(&listed["agents"]).any(|one| one["agent"] == agent.as_str()))
}

fn record(environment: &Environment, arguments: &AgentAdd) -> Outcome<AgentRecord> {
    Ok(AgentRecord {
        agent: name(&arguments.name)?,
        workspace: Workspace::local(),
        environment: environment.clone(),
        grants: arguments
            .grants
            .iter()
            .map(|glob| {
                NameGlob::parse(glob).map_err(|fault| {
                    Failure::wrong(
                        "the grant cannot be read",
                        &fault,
                        "write a key's name or several, like: --grant 'STRIPE_*'",
                    )
                })
            })
            .collect::<Outcome<_>>()?,
        hosts: arguments
            .hosts
            .iter()
            .map(|host| Spot::allowed(host, false))
            .collect::<Outcome<_>>()?,
        ttl_s: arguments
            .ttl
            .as_deref()
            .map_or(Ok(DEFAULT_TTL_S), duration::seconds)?,
        rate: arguments.rate.as_deref().map_or_else(
            || Ok(Rate::default()),
            |rate| {
                rate.parse().map_err(|fault| {
                    Failure::wrong(
                        "the rate cannot be read",
                        &fault,
                        "write one, like: --rate 60/m",
                    )
                })
            },
        )?,
    })
}

fn globs(record: &AgentRecord) -> String {
    let globs: Vec<&str> = record.grants.iter().map(NameGlob::as_str).collect();
    if globs.is_empty() {
        "no key".to_owned()
    } else {
        globs.join(", ")
    }
}

/// A new file for a token: made before the owner is asked, gone again when nothing came of it.
struct TokenFile<'a> {
    file: File,
    path: &'a Path,
    is_written: bool,
}

impl<'a> TokenFile<'a> {
    fn create(path: &'a Path) -> Outcome<Self> {
        match private::create_new(path) {
            Ok(file) => Ok(Self {
                file,
                path,
                is_written: false,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Refusal::new(
                Code::Conflict,
                "the file for the token is there already",
                "name another one, or remove it first: --out FILE",
            )
            .for_good()
            .into()),
            Err(_) => Err(unwritten()),
        }
    }

    fn write(&mut self, token: &str) -> Outcome {
        writeln!(self.file, "{token}")
            .and_then(|()| self.file.sync_all())
            .map_err(|_| unwritten())?;
        self.is_written = true;
        Ok(())
    }
}

impl Drop for TokenFile<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            // Made by us a moment ago, and empty.
            let _ = std::fs::remove_file(self.path);
        }
    }
}

fn unwritten() -> Failure {
    Refusal::new(
        Code::StoreUnavailable,
        "the file for the token cannot be written",
        "see whether its folder is there and has room: --out FILE",
    )
    .into()
}

fn no_token() -> Failure {
    Failure::refuse(
        Code::Internal,
        "the broker signed the record and gave no token",
        "start a session of it: withheld proxy env --as NAME",
    )
}

fn ls(context: &Context) -> Outcome {
    let owner = Owner::open(context)?;
    let listed = owner.ask(OwnerRequest::List { environment: None })?;
    let agents = listed.get("agents").cloned().unwrap_or_else(|| json!([]));
    let mut rows = vec![
        ["AGENT", "ENVIRONMENT", "KEYS", "HOSTS", "TTL", "RATE"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for record in agents.as_array().into_iter().flatten() {
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        let grants: Vec<&str> = record["grants"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let hosts = record["hosts"].as_array().map_or(0, Vec::len);
        let ttl = duration::shown(record["ttl_s"].as_u64().unwrap_or_default());
        let grants = if grants.is_empty() {
            "none".to_owned()
        } else {
            grants.join(" ")
        };
        rows.push(vec![
            text("agent"),
            text("environment"),
            grants,
            hosts.to_string(),
            ttl,
            text("rate"),
        ]);
    }
    context.output.result(
        "withheld.agent_ls/1",
        json!({ "agents": agents }),
        &table(&rows),
    )
}

fn rm(context: &Context, written: &str) -> Outcome {
    let agent = name(written)?;
    let owner = Owner::open(context)?;
    let request = OwnerRequest::AgentRm {
        agent: agent.clone(),
        proof: Deposit::to_come(),
    };
    owner.ask_proven(request, &format!("to end {agent} and all its sessions"))?;
    context.output.result(
        "withheld.agent_rm/1",
        json!(Removed {
            agent: agent.clone()
        }),
        &format!("{agent} has ended, and all its sessions with it."),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::folder_for_tests::Folder;

    #[test]
    fn a_token_goes_into_a_new_file_of_its_own() {
        let folder = Folder::new();
        let path = folder.path().join("token");
        let mut file = TokenFile::create(&path).unwrap();
        file.write("whs_x").unwrap();
        drop(file);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whs_x\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = TokenFile::create(&path)
            .err()
            .and_then(|failure| failure.code());
        assert_eq!(again, Some(Code::Conflict));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whs_x\n");
    }

    #[test]
    fn a_file_for_which_there_was_no_token_goes() {
        let folder = Folder::new();
        let path = folder.path().join("token");
        drop(TokenFile::create(&path).unwrap());
        assert!(!path.exists());
    }
}
