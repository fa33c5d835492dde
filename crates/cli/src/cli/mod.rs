//! What can be typed. Arguments are kept here as they were written; each verb makes finished things
//! of them, so that a wrong one is answered in our words and never repeated: it could be a value.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the doc comments here are the help that users read"
)]

mod read;
mod team;
#[cfg(test)]
mod tests;
pub(crate) mod usage;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use read::{Read, is_broker, parse, wants_json};
pub(crate) use team::{Team, TeamCreate, TeamInvite, TeamJoin, TeamSet, TeamVerb};

/// Agents use your credentials. They never hold them.
#[derive(Debug, Parser)]
#[command(
    name = "withheld",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = false
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// What every verb takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Global {
    /// One JSON document on stdout, also on failure
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Never ask
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
    /// The environment: dev (default), staging, prod, or PROJECT/NAME
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// The folder that holds everything
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the vault, the owner key and the policy
    #[command(after_help = "Example:\n  withheld init --vault file")]
    Init(Init),
    /// Store a key and bind it to its API
    #[command(after_help = "Example:\n  withheld set STRIPE_KEY --host api.stripe.com")]
    Set(Set),
    /// Say where a stored key may be used, or no longer
    #[command(
        after_help = "Example:\n  withheld bind GITHUB_TOKEN --host github.com --inject basic:x-access-token"
    )]
    Bind(Bind),
    /// Remove a key and its bindings
    #[command(after_help = "Example:\n  withheld rm STRIPE_KEY")]
    Rm(Rm),
    /// Names, bindings, versions and age; never a value
    #[command(after_help = "Example:\n  withheld ls --long")]
    Ls(Ls),
    /// Hosts that agents may reach without a key
    #[command(after_help = "Example:\n  withheld allow example.com --agent claude")]
    Allow(Allow),
    /// What one agent may do
    #[command(after_help = "Example:\n  withheld agent add claude --grant 'STRIPE_*' --ttl 8h")]
    Agent(Agent),
    /// Open the vault until it is locked or the broker ends
    #[command(after_help = "Example:\n  withheld unlock")]
    Unlock(Unlock),
    /// Close the vault
    #[command(after_help = "Example:\n  withheld lock")]
    Lock,
    /// Read or change a setting
    #[command(after_help = "Example:\n  withheld config audit-durability power")]
    Config(Config),
    /// Run, start or stop the broker
    #[command(after_help = "Example:\n  withheld daemon start")]
    Daemon(Daemon),
    /// One look: vault, broker, keys, and the next command
    #[command(after_help = "Example:\n  withheld status --json")]
    Status(Status),
    /// What waits for the owner; on a terminal it asks
    #[command(after_help = "Example:\n  withheld pending")]
    Pending,
    /// Accept what waits, after showing it
    #[command(after_help = "Example:\n  withheld approve b_1f3a9c025b7d8e46")]
    Approve(Answers),
    /// Refuse what waits
    #[command(after_help = "Example:\n  withheld deny b_1f3a9c025b7d8e46")]
    Deny(Answers),
    /// How what is here stands to what the team has
    #[command(after_help = "Example:\n  withheld diff -e billing/dev --exit-code")]
    Diff(Diff),
    /// Bring the team's versions here
    #[command(after_help = "Example:\n  withheld pull STRIPE_KEY --take remote")]
    Pull(Pull),
    /// Give the team what changed here
    #[command(after_help = "Example:\n  withheld push -e billing/dev")]
    Push(Push),
    /// Call an API with a key by its name
    #[command(
        after_help = "Example:\n  withheld call https://api.stripe.com/v1/balance --bearer STRIPE_KEY"
    )]
    Call(Call),
    /// What was done, and whether the log is whole
    #[command(after_help = "Example:\n  withheld audit --last 20 --denied")]
    Audit(Audit),
    /// Whether a request would pass, and which rule says so
    #[command(after_help = "Example:\n  withheld why POST https://api.stripe.com/v1/refunds")]
    Why(Why),
    /// Which promise holds on this machine
    #[command(after_help = "Example:\n  withheld doctor")]
    Doctor,
    /// Point a program at the broker
    #[command(after_help = "Example:\n  withheld proxy env --shell fish")]
    Proxy(Proxy),
    /// Who shares which environments
    #[command(after_help = "Example:\n  withheld team invite newdev --to billing/dev:read")]
    Team(Team),
    /// Run the server of a team: it stores and orders what it cannot read
    #[command(
        after_help = "Example:\n  withheld server --tls-cert tls.pem --tls-key tls.key --database sqlite:withheld.db"
    )]
    Server(Server),
    /// Show the whole way with an API of its own
    #[command(after_help = "Example:\n  withheld demo")]
    Demo,
    /// Completions for a shell
    #[command(after_help = "Example:\n  withheld completions bash")]
    Completions(Completions),
    /// How a verb is used
    #[command(after_help = "Example:\n  withheld help set")]
    Help(Help),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where values rest: the OS keychain (default), or a file where there is none
    #[arg(long, value_enum)]
    pub(crate) vault: Option<VaultChoice>,
    /// Keep the vault key in the keychain, so that a login opens the vault
    #[arg(long)]
    pub(crate) auto_unlock: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VaultChoice {
    Keychain,
    File,
}

/// Where a key may be used.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Destination {
    /// A service of the catalogue
    #[arg(long, value_name = "S", conflicts_with = "host")]
    pub(crate) service: Option<String>,
    /// HOST[:PORT][/PATH]; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
    /// Where the key stands: bearer, basic[:USER], header:H, query:K
    #[arg(long, value_name = "PLACE")]
    pub(crate) inject: Option<String>,
    /// A method that may be used; may be repeated
    #[arg(long = "method", value_name = "M")]
    pub(crate) methods: Vec<String>,
    /// A variable that holds the placeholder; may be repeated
    #[arg(long = "var", value_name = "V")]
    pub(crate) vars: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The name, like STRIPE_KEY; the value is asked for
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) destination: Destination,
    /// Read the value from stdin
    #[arg(long, group = "source")]
    pub(crate) stdin: bool,
    /// Read the value from a file
    #[arg(long, value_name = "F", group = "source")]
    pub(crate) from_file: Option<PathBuf>,
    /// Read the value from a variable
    #[arg(long, value_name = "V", group = "source")]
    pub(crate) from_env: Option<String>,
    /// Keep a final newline
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// The name of a stored key
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) destination: Destination,
    /// What stands round the key in its header, like 'Bot {}'
    #[arg(long, value_name = "F")]
    pub(crate) format: Option<String>,
    /// Add the key without being asked to by name or placeholder
    #[arg(long)]
    pub(crate) auto: bool,
    /// Certificates (PEM) to trust for this host instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// May reach loopback and private addresses
    #[arg(long)]
    pub(crate) private: bool,
    /// The client may bring credentials of its own
    #[arg(long)]
    pub(crate) foreign: bool,
    /// Take the bindings to this host away, or those at one port or for one path of it
    #[arg(long, value_name = "HOST[:PORT][/PATH]", conflicts_with_all = ["service", "host", "inject", "format", "methods", "vars", "auto", "ca", "private", "foreign"])]
    pub(crate) remove: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// The name of the key
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// One name: its versions and bindings
    pub(crate) name: Option<String>,
    /// Every binding on a line of its own
    #[arg(long)]
    pub(crate) long: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Allow {
    /// HOST[:PORT], or a group: npm, pypi, cargo, go, debian, github; none: the list
    #[arg(value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// For this agent only
    #[arg(long, value_name = "A")]
    pub(crate) agent: Option<String>,
    /// With credentials of the client's own
    #[arg(long, requires = "hosts")]
    pub(crate) foreign: bool,
    /// No longer
    #[arg(long, requires = "hosts")]
    pub(crate) remove: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Agent {
    #[command(subcommand)]
    pub(crate) act: AgentAct,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentAct {
    /// Sign a record and print the token of a first session
    #[command(after_help = "Example:\n  withheld agent add claude --grant STRIPE_KEY --out token")]
    Add(AgentAdd),
    /// The records
    #[command(after_help = "Example:\n  withheld agent ls")]
    Ls,
    /// End a record and all its sessions
    #[command(after_help = "Example:\n  withheld agent rm claude")]
    Rm {
        /// The agent's name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AgentAdd {
    /// The agent's name, like claude
    pub(crate) name: String,
    /// A key's name, * for any characters; may be repeated
    #[arg(long = "grant", value_name = "GLOB")]
    pub(crate) grants: Vec<String>,
    /// HOST[:PORT] it may reach without a key; may be repeated
    #[arg(long = "host", value_name = "H")]
    pub(crate) hosts: Vec<String>,
    /// The life of each of its sessions, like 30m, 8h, 7d
    #[arg(long, value_name = "8h")]
    pub(crate) ttl: Option<String>,
    /// Requests it may make, like 60/m
    #[arg(long, value_name = "60/m")]
    pub(crate) rate: Option<String>,
    /// Write the token to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Unlock {
    /// Choose a new owner passphrase
    #[arg(long)]
    pub(crate) change_passphrase: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    /// listen, audit-durability, extra-ca or auto-pull; none: all
    pub(crate) key: Option<String>,
    /// The new value, of extra-ca a PEM file; empty: the default again
    pub(crate) value: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// Without one the broker runs in the foreground
    #[arg(value_enum)]
    pub(crate) act: Option<DaemonAct>,
    /// Leave the terminal's session: what `daemon start` and the owner's verbs start it with
    #[arg(long, hide = true, conflicts_with = "act")]
    pub(crate) detached: bool,
    /// Any free port, whatever `listen` says: for the owner who changes a `listen` that is taken
    #[arg(long, hide = true, requires = "detached")]
    pub(crate) any_port: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DaemonAct {
    /// Start it in the background
    Start,
    /// Let running requests end, then stop
    Stop,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A few words, for a prompt
    #[arg(long, conflicts_with = "json")]
    pub(crate) short: bool,
    /// Go on whenever it changes; with --json one document a line
    #[arg(long, conflicts_with = "short")]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Answers {
    /// What waits, by its name in `withheld pending`
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// Exit 1 where anything differs, 6 where it is not verified, 8 where it cannot be true
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Open the values and compare them anew
    #[arg(long)]
    pub(crate) deep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// These keys; all that changed where none is named
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Where both sides changed a key, take the team's
    #[arg(long, value_parser = ["remote"])]
    pub(crate) take: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// These keys; all that changed where none is named
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Where both sides changed a key, take the one here
    #[arg(long, value_parser = ["local"])]
    pub(crate) take: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// [METHOD] URL; without a method GET, or POST with data
    #[arg(value_name = "URL", num_args = 1..=2, required = true)]
    pub(crate) target: Vec<String>,
    /// The key to add, at its bound place
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Option<String>,
    /// The key to add, and its place; may be repeated
    #[arg(long, value_name = "PLACE=NAME")]
    pub(crate) inject: Vec<String>,
    /// The key to add as bearer token
    #[arg(long, value_name = "NAME")]
    pub(crate) bearer: Option<String>,
    /// The key to add as password of Basic
    #[arg(long, value_name = "[USER:]NAME", conflicts_with = "bearer")]
    pub(crate) basic: Option<String>,
    /// A header; may be repeated
    #[arg(short = 'H', long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<String>,
    /// Data to send, @FILE or @- for stdin; several are joined with &
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: Vec<String>,
    /// Write the body to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show the status and the headers, too
    #[arg(short, long)]
    pub(crate) include: bool,
    /// Exit 22 and no body when the API answers 400 or above
    #[arg(short, long)]
    pub(crate) fail: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) act: Option<AuditAct>,
    #[command(flatten)]
    pub(crate) filter: AuditFilter,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AuditFilter {
    /// Of this agent
    #[arg(long, value_name = "A")]
    pub(crate) agent: Option<String>,
    /// With this key
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Option<String>,
    /// To this host
    #[arg(long, value_name = "H")]
    pub(crate) host: Option<String>,
    /// Only what was refused
    #[arg(long)]
    pub(crate) denied: bool,
    /// Not older, like 10m, 1h, 2d
    #[arg(long, value_name = "1h")]
    pub(crate) since: Option<String>,
    /// Only the last N
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<String>,
    /// Go on as records come; with --json one a line
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum AuditAct {
    /// Check the chain and its seals; needs no passphrase
    #[command(after_help = "Example:\n  withheld audit verify")]
    Verify,
    /// The raw lines, seals included
    #[command(after_help = "Example:\n  withheld audit export")]
    Export,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The method, like GET
    #[arg(
        value_name = "METHOD",
        requires = "url",
        required_unless_present = "last"
    )]
    pub(crate) method: Option<String>,
    /// The URL
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// With this key
    #[arg(long, value_name = "NAME", requires = "url")]
    pub(crate) secret: Option<String>,
    /// The last refusal
    #[arg(long, conflicts_with_all = ["method", "url", "secret"])]
    pub(crate) last: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Proxy {
    #[command(subcommand)]
    pub(crate) act: ProxyAct,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProxyAct {
    /// A session, and the variables that point a program at the broker
    #[command(after_help = "Example:\n  eval \"$(withheld proxy env)\"")]
    Env(ProxyEnv),
}

#[derive(Debug, Args)]
pub(crate) struct ProxyEnv {
    /// A further session of this agent; needs the owner
    #[arg(long = "as", value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// How variables are written
    #[arg(long, value_enum, default_value = "sh")]
    pub(crate) shell: ShellChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellChoice {
    Sh,
    Fish,
    Powershell,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Server {
    #[command(subcommand)]
    pub(crate) act: Option<ServerAct>,
    /// ADDRESS:PORT; 127.0.0.1:8443 without TLS, 0.0.0.0:8443 with it
    #[arg(long, value_name = "A")]
    pub(crate) listen: Option<String>,
    /// The certificate and its chain, in PEM
    #[arg(long, value_name = "F")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "F")]
    pub(crate) tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) database: Database,
    /// Answer /healthz and /readyz here, like 127.0.0.1:9464; without it nowhere
    #[arg(long, value_name = "A")]
    pub(crate) health: Option<String>,
}

/// Where a server stores everything.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Database {
    /// sqlite:PATH; withheld.db in this folder when not given
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// A file that holds the URL
    #[arg(long, value_name = "F")]
    pub(crate) database_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerAct {
    /// Judge every chain again and compare what is stored beside it
    #[command(after_help = "Example:\n  withheld server verify --database sqlite:withheld.db")]
    Verify(Database),
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Help {
    /// Every verb
    #[arg(long)]
    pub(crate) all: bool,
    /// The verb; man [VERB]: its manual page; schema [CMD]: the schema of its document
    #[arg(value_name = "VERB")]
    pub(crate) verb: Vec<String>,
}
