//! What is said on the two sockets of the broker. Agent requests and owner requests are two enums:
//! no variant of the first reveals, binds, approves or grants, so no route of it can.
//!
//! Requests are read here; replies are plain types of the broker, written as
//! `{"schema":…,"data":…}`, and read by the command line as JSON.

mod call;
mod team;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::binding::BindingDraft;
use crate::destination::{Host, HostPattern, MethodName};
use crate::name::{AgentId, Environment, SecretName};
use crate::path::PathPattern;
use crate::plain::word;
use crate::record::{AgentRecord, AllowedHost};
use crate::refusal::{Code, Retry};
use crate::team::Take;

pub use call::{NONCE_BYTES, Nonce, OwnerCall};
pub use team::{Shown, TeamAct};

/// The field by which a program shows its session.
pub const SESSION_HEADER: &str = "withheld-session";
/// The field by which a refusal is known; upstream cannot set it.
pub const ERROR_HEADER: &str = "withheld-error";
/// The path of the JSON interface on both sockets.
pub const API_PATH: &str = "/api";
/// The largest request on a socket, in bytes.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Why a word of the interface was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiFault(&'static str);

impl fmt::Display for ApiFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ApiFault {}

word! {
    /// The public half of an intake key, in base64.
    IntakePublic, ApiFault, base64_text
}

word! {
    /// A value or a passphrase on its way in: ciphertext under an intake key, in base64.
    Deposit, ApiFault, base64_text
}

fn base64_text(written: &str) -> Result<String, ApiFault> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    if written.is_empty() || written.len() > 256 * 1024 || !written.bytes().all(fits) {
        return Err(ApiFault("this is not base64"));
    }
    Ok(written.to_owned())
}

/// Where values rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// The OS keychain.
    Keychain,
    /// A folder of sealed files.
    File,
}

impl crate::plain::__sealed::Sealed for VaultKind {}
impl crate::plain::Plain for VaultKind {}

impl VaultKind {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
        }
    }
}

/// A setting that the owner may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConfigKey {
    /// The address of the token port.
    Listen,
    /// Whether the log waits for the disk: `process` or `power`.
    AuditDurability,
    /// Certificates (PEM) that the team's server is verified by, besides the system's.
    ExtraCa,
    /// Whether an agent's `pull` needs the owner: `verified`, `ask` or `never`.
    AutoPull,
}

impl crate::plain::__sealed::Sealed for ConfigKey {}
impl crate::plain::Plain for ConfigKey {}

/// One secret of a `set`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreItem {
    /// Its name.
    pub name: SecretName,
    /// Its value, sealed to the vault's intake key.
    pub value: Deposit,
    /// What to bind it to; none leaves its bindings as they are.
    pub bindings: Vec<BindingDraft>,
}

/// What the owner asks. A `proof` is the passphrase, sealed to the broker's own intake key and to
/// this very request: see [`OwnerRequest::proof_context`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum OwnerRequest {
    /// The state of the vault, and the intake keys.
    Hello,
    /// Make the vault; ends unlocked.
    Init {
        /// Where values rest.
        vault: VaultKind,
        /// Keep the vault key in the keychain.
        auto_unlock: bool,
        /// The new passphrase.
        passphrase: Deposit,
    },
    /// Unlock.
    Unlock {
        /// The passphrase.
        proof: Deposit,
    },
    /// Change the passphrase.
    ChangePassphrase {
        /// The passphrase.
        proof: Deposit,
        /// The new one.
        new: Deposit,
    },
    /// Lock; no proof.
    Lock,
    /// Store values, and bind them.
    Store {
        /// The environment.
        environment: Environment,
        /// The secrets.
        items: Vec<StoreItem>,
        /// The passphrase.
        proof: Deposit,
    },
    /// Bind secrets that are stored.
    Bind {
        /// The environment.
        environment: Environment,
        /// The secrets.
        names: Vec<SecretName>,
        /// The bindings, added to each.
        bindings: Vec<BindingDraft>,
        /// The passphrase.
        proof: Deposit,
    },
    /// Take bindings away.
    Unbind {
        /// The environment.
        environment: Environment,
        /// The secrets.
        names: Vec<SecretName>,
        /// The host.
        host: HostPattern,
        /// Those at this port; at any where it is not given.
        port: Option<u16>,
        /// Those for exactly this path; for any where it is not given.
        path: Option<PathPattern>,
        /// The passphrase.
        proof: Deposit,
    },
    /// Allow hosts without a secret, or no longer.
    Allow {
        /// The hosts.
        hosts: Vec<AllowedHost>,
        /// For one agent; for all where it is not given.
        agent: Option<AgentId>,
        /// Take them away.
        remove: bool,
        /// The passphrase.
        proof: Deposit,
    },
    /// Add or replace an agent record; gives the token of a first session.
    AgentAdd {
        /// The record.
        record: AgentRecord,
        /// The passphrase.
        proof: Deposit,
    },
    /// Take a record away and end its sessions.
    AgentRm {
        /// The agent.
        agent: AgentId,
        /// The passphrase.
        proof: Deposit,
    },
    /// A further session of a record: its token and its environment.
    SessionNew {
        /// The agent.
        agent: AgentId,
        /// The passphrase.
        proof: Deposit,
    },
    /// Remove secrets with all their versions and bindings.
    Remove {
        /// The environment.
        environment: Environment,
        /// The secrets.
        names: Vec<SecretName>,
        /// The passphrase.
        proof: Deposit,
    },
    /// Read a setting (no proof), or change it.
    Config {
        /// Which one.
        key: ConfigKey,
        /// The new value.
        value: Option<String>,
        /// The passphrase, where a value is given.
        proof: Option<Deposit>,
    },
    /// Every secret, binding, allowed host and record; no proof.
    List {
        /// One environment; all where it is not given.
        environment: Option<Environment>,
    },
    /// What `status` and `doctor` show.
    Status,
    /// Finish what runs, then end.
    Stop,
    /// About the team.
    Team {
        /// What.
        ask: TeamAct,
        /// The passphrase, where it needs one.
        proof: Option<Deposit>,
    },
}

/// What an agent asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum AgentRequest {
    /// One look: vault, broker, own secrets.
    Status,
    /// The same, with the secrets of this environment: for programs without a session, which are the
    /// user's own. An agent has the environment of its record and no other.
    StatusOf {
        /// The environment.
        environment: Environment,
    },
    /// Own secrets with their bindings.
    List {
        /// One of them.
        name: Option<SecretName>,
    },
    /// Would this request pass, and which rule says so.
    Why {
        /// The method.
        method: MethodName,
        /// The URL.
        url: String,
        /// The secret it would name.
        secret: Option<SecretName>,
    },
    /// The last refusal of this session.
    WhyLast,
    /// Own records.
    Audit {
        /// Of this secret.
        secret: Option<SecretName>,
        /// To this host.
        host: Option<Host>,
        /// Refused ones only.
        denied: bool,
        /// Not older than this, in milliseconds.
        since_ms: Option<u64>,
        /// At most this many, the newest.
        last: Option<usize>,
    },
    /// A session of the built-in agent: its token and its environment.
    ProxyEnv,
    /// How what is here stands to what the team has.
    Diff {
        /// The environment; an agent has its own only.
        environment: Option<Environment>,
        /// Open the values and compare them anew.
        deep: bool,
    },
    /// Bring the team's versions here.
    Pull {
        /// The environment; an agent has its own only.
        environment: Option<Environment>,
        /// These; all that changed where none is named.
        names: Vec<SecretName>,
        /// `remote`, where both sides changed.
        take: Option<Take>,
    },
    /// Give the team what changed here.
    Push {
        /// The environment; an agent has its own only.
        environment: Option<Environment>,
        /// These; all that changed where none is named.
        names: Vec<SecretName>,
        /// `local`, where both sides changed.
        take: Option<Take>,
    },
}

/// A refusal, as the command line reads it from a socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorDocument {
    /// Which one.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What to type next.
    pub hint: String,
    /// When to try again.
    pub retry: Retry,
    /// What it is about.
    #[serde(default)]
    pub facts: serde_json::Value,
    /// Commands that would help.
    #[serde(default)]
    pub next: serde_json::Value,
}
