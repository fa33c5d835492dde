//! The records: closed types in the order in which they are written. No free text and no field that
//! could hold a value; what cannot be said with these types is not said.

use serde::Deserialize;
use withheld_core::destination::{Host, HostPattern, MethodName, Scheme};
use withheld_core::endpoint_path::EndpointPath;
use withheld_core::name::{AgentId, Environment, Label, RequestId, SecretName, SessionId};
use withheld_core::{Code, Moment, plain};

/// A record is dated when it is written, under the log's lock: so dates rise as the numbers do.
pub(crate) fn undated() -> Moment {
    Moment::from_ms(0)
}

plain! {
    /// What a record is about.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Kind {
        /// A request: its intent, and later its outcome under the same `request`.
        Request,
        /// A placeholder in a credential place of another host.
        Tripwire,
        /// A tunnel that a client asked for.
        Tunnel,
        /// A session began or ended.
        Session,
        /// Something the owner did.
        Owner,
        /// Versions came from the team or went to it.
        Sync,
        /// The log goes on after the process ended without closing it.
        Resumed,
    }

    /// How a request ended, or that it has not ended yet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Outcome {
        /// It is about to be sent. Written before the first credential byte leaves.
        Intended,
        /// The whole reply went to the agent.
        Delivered,
        /// It was not sent, because a rule says so.
        Refused,
        /// It was about to be sent, and was not.
        NotSent,
        /// The agent went away before the end of the reply.
        ClientCancelled,
        /// The upstream did not answer, or not to the end.
        UpstreamFailed,
        /// It was sent, or may have been; its reply did not go to the agent, or not to the end.
        UnknownOutcome,
    }

    /// Who asks: the session that the broker identified, and what the client calls itself.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Who {
        /// The agent of the session.
        pub agent: AgentId,
        /// The session.
        pub session: SessionId,
        /// The session's environment.
        pub environment: Environment,
        /// What the client claims to be. Nothing follows from it.
        pub claimed: Option<Label>,
    }

    /// A request, or refusals of one session and rule within a minute, told by the first of them.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct RequestRecord {
        /// The same in the intent and in the outcome.
        pub request: RequestId,
        /// When this record was written.
        pub at: Moment,
        /// `request`, or `tripwire`.
        pub kind: Kind,
        /// The agent of the session.
        pub agent: AgentId,
        /// The session.
        pub session: SessionId,
        /// The session's environment.
        pub environment: Environment,
        /// The secrets that were placed, or that the refusal is about; sorted.
        pub secrets: Vec<SecretName>,
        /// The method; `null` where the request was refused before it was read.
        pub method: Option<MethodName>,
        /// The scheme, where it was read.
        pub scheme: Option<Scheme>,
        /// The host, where it was read.
        pub host: Option<Host>,
        /// The port, where it was read.
        pub port: Option<u16>,
        /// The path; `*` of a refused request that no binding and no allowed host matched.
        pub path: EndpointPath,
        /// The upstream's status.
        pub status: Option<u16>,
        /// How it ended.
        pub outcome: Outcome,
        /// The rule that refused it, or what went wrong.
        pub refusal: Option<Code>,
        /// From the intent to the end, in milliseconds.
        pub ms: Option<u64>,
        /// Bytes of the request's body.
        pub bytes_up: Option<u64>,
        /// Bytes of the reply's body.
        pub bytes_down: Option<u64>,
        /// Echoes of values that were blotted out of the reply.
        pub redactions: Option<u64>,
        /// The versions of the values, in the order of `secrets`.
        pub versions: Vec<u64>,
        /// What the client claims to be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub claimed: Option<Label>,
        /// Of a refusal: how many there were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub count: Option<u64>,
    }

    /// A tunnel: the requests inside have records of their own.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct TunnelRecord {
        /// When.
        pub at: Moment,
        /// `tunnel`.
        pub kind: Kind,
        /// The agent of the session.
        pub agent: AgentId,
        /// The session.
        pub session: SessionId,
        /// The session's environment.
        pub environment: Environment,
        /// The host of the authority.
        pub host: Host,
        /// The port of the authority.
        pub port: u16,
        /// Why it was refused, where it was.
        pub refusal: Option<Code>,
    }

    /// What became of a session.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum SessionAct {
        /// Made, by the owner or as the standing session of `local`.
        Started,
        /// Its agent was removed, or the owner ended it.
        Ended,
        /// Its time was up.
        Expired,
        /// The third partial hit.
        Blocked,
    }

    /// A session began or ended.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct SessionRecord {
        /// When.
        pub at: Moment,
        /// `session`.
        pub kind: Kind,
        /// The agent of the session.
        pub agent: AgentId,
        /// The session.
        pub session: SessionId,
        /// The session's environment.
        pub environment: Environment,
        /// What became of it.
        pub act: SessionAct,
    }

    /// What the owner did.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Act {
        /// The vault was made.
        Init,
        /// The vault was opened.
        Unlock,
        /// A passphrase did not open the vault.
        WrongPassphrase,
        /// The vault was locked.
        Lock,
        /// The owner passphrase was changed.
        ChangePassphrase,
        /// Values were stored.
        Set,
        /// Secrets were bound.
        Bind,
        /// Bindings were taken away.
        Unbind,
        /// Hosts were allowed.
        Allow,
        /// Hosts are no longer allowed.
        Disallow,
        /// An agent record was signed.
        AgentAdd,
        /// An agent record was taken away.
        AgentRemove,
        /// Secrets were removed.
        Remove,
        /// A setting was changed.
        Config,
        /// A team was founded.
        TeamCreate,
        /// A team was joined.
        TeamJoin,
        /// An environment was shared with the team.
        TeamShare,
        /// Somebody was invited.
        TeamInvite,
        /// A member's role or rights were changed.
        TeamSet,
        /// A member was removed.
        TeamRemove,
        /// Bindings of colleagues were accepted.
        Approve,
        /// Bindings of colleagues were refused.
        Deny,
    }

    /// An act of the owner, as the broker hands it in.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OwnerAct {
        /// What was done.
        pub act: Act,
        /// In which environment, where it is about one.
        pub environment: Option<Environment>,
        /// The secrets it is about.
        pub secrets: Vec<SecretName>,
        /// The agent it is about.
        pub agent: Option<AgentId>,
        /// The hosts it is about.
        pub hosts: Vec<HostPattern>,
    }

    /// An act of the owner, as it is written.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct OwnerRecord {
        /// When.
        pub at: Moment,
        /// `owner`.
        pub kind: Kind,
        /// What was done.
        pub act: Act,
        /// In which environment.
        pub environment: Option<Environment>,
        /// The secrets it is about.
        pub secrets: Vec<SecretName>,
        /// The agent it is about.
        pub agent: Option<AgentId>,
        /// The hosts it is about.
        pub hosts: Vec<HostPattern>,
    }

    /// Which way versions went.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum SyncAct {
        /// From the team into the vault here.
        Pulled,
        /// From the vault here to the team.
        Pushed,
        /// Removed here, because the team removed them.
        Removed,
        /// Removed from the team, because they were removed here.
        Withdrawn,
        /// About to come from the team, or to be removed here: written before it is done.
        Pulling,
        /// About to go to the team, or to be removed from it: written before it is sent.
        Pushing,
    }

    /// Versions came from the team or went to it.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct SyncRecord {
        /// When.
        pub at: Moment,
        /// `sync`.
        pub kind: Kind,
        /// Who asked for it.
        pub agent: AgentId,
        /// In which session.
        pub session: SessionId,
        /// The environment.
        pub environment: Environment,
        /// Which way.
        pub act: SyncAct,
        /// The secrets; sorted.
        pub secrets: Vec<SecretName>,
        /// The team's numbers of their versions, in the order of `secrets`; 0 for one that goes.
        pub versions: Vec<u64>,
    }

    /// The log goes on after the process ended without closing it.
    #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
    pub struct ResumedRecord {
        /// When.
        pub at: Moment,
        /// `resumed`.
        pub kind: Kind,
        /// The last whole record that was found.
        pub after: u64,
        /// Bytes behind it that a crash left of an unfinished record, and that were cut off.
        pub cut_bytes: u64,
    }
}

impl OwnerAct {
    /// An act that is about nothing else; the fields are filled in where it is.
    #[must_use]
    pub fn of(act: Act) -> Self {
        Self {
            act,
            environment: None,
            secrets: Vec::new(),
            agent: None,
            hosts: Vec::new(),
        }
    }

    pub(crate) fn record(self, at: Moment) -> OwnerRecord {
        OwnerRecord {
            at,
            kind: Kind::Owner,
            act: self.act,
            environment: self.environment,
            secrets: self.secrets,
            agent: self.agent,
            hosts: self.hosts,
        }
    }
}

/// How a request ended, as the broker saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// How. Of a request whose receipt was never spent the log says `not_sent` all the same.
    pub outcome: Outcome,
    /// The upstream's status.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub bytes_up: u64,
    /// Bytes of the reply's body.
    pub bytes_down: u64,
    /// Echoes of values that were blotted out of the reply.
    pub redactions: u64,
    /// What went wrong, where something did.
    pub refusal: Option<Code>,
}

impl RequestRecord {
    /// A refusal of a request that was not read: nothing of it is known but where it was going.
    pub(crate) fn unread(who: &Who, request: RequestId, code: Code) -> Self {
        Self {
            request,
            at: undated(),
            kind: Kind::Request,
            agent: who.agent.clone(),
            session: who.session,
            environment: who.environment.clone(),
            secrets: Vec::new(),
            method: None,
            scheme: None,
            host: None,
            port: None,
            path: EndpointPath::hidden(),
            status: None,
            outcome: Outcome::Refused,
            refusal: Some(code),
            ms: None,
            bytes_up: None,
            bytes_down: None,
            redactions: None,
            versions: Vec::new(),
            claimed: who.claimed.clone(),
            count: Some(1),
        }
    }

    /// The outcome of this intent. What was never sent has no status.
    pub(crate) fn closed(mut self, closed: &Closed, sent: bool, at: Moment) -> Self {
        self.ms = u64::try_from(at.as_ms().saturating_sub(self.at.as_ms())).ok();
        self.at = at;
        self.outcome = if sent {
            closed.outcome
        } else {
            Outcome::NotSent
        };
        self.status = closed.status.filter(|_| sent);
        self.refusal = closed.refusal;
        self.bytes_up = Some(closed.bytes_up);
        self.bytes_down = Some(closed.bytes_down);
        self.redactions = Some(closed.redactions);
        self
    }

    /// The outcome of this intent when nobody said one.
    pub(crate) fn abandoned(mut self, outcome: Outcome, at: Moment) -> Self {
        self.at = at;
        self.outcome = outcome;
        self
    }
}
