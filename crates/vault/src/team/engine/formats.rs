//! What is kept on the disk: the structures of the files of `team/`, and of what rests beside the
//! envelopes. No value is in them.

use std::fmt::Display;
use std::str::FromStr;

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Decoder, Encode, Encoder};
use withheld_core::Code;
use withheld_core::name::{AgentId, Environment, PersonName, SecretName};
use withheld_team::commit::Entry;
use withheld_team::id::{DeviceId, EnvId, Hash, MemberId, RecordId, ValueTag, WorkspaceId};
use withheld_team::links::Position;

use crate::team::Broken;

/// `team/workspace`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct WorkspaceFile {
    /// Rises with each change; kept a second time beside the envelopes.
    #[n(0)]
    pub(super) n: u64,
    /// `https://HOST[:PORT]`
    #[n(1)]
    pub(super) server: String,
    #[n(2)]
    pub(super) ws: WorkspaceId,
    /// Who this device's owner is in it.
    #[n(3)]
    pub(super) member: MemberId,
    #[n(4)]
    pub(super) device: DeviceId,
    /// The membership chain, link by link, as it was signed.
    #[n(5)]
    pub(super) links: Vec<ByteVec>,
    /// What was written here and not yet answered. Sent again, byte for byte, before anything else.
    #[n(6)]
    pub(super) pending: Option<Pending>,
    /// The names of environments. The first that was seen stands: a later one would put secrets into
    /// another environment than the one they were meant for.
    #[n(7)]
    pub(super) names: Vec<EnvName>,
    /// What secrets may be used for, signed by the owner and waiting for a push.
    #[n(8)]
    pub(super) bindings: Vec<KeptBindings>,
    /// Where environments were that this device may not read, when somebody was cut off there: verified,
    /// and never taken back.
    #[n(9)]
    pub(super) elsewhere: Vec<(EnvId, Position)>,
    /// What did not verify, until it was shown that it does.
    #[n(10)]
    pub(super) faults: Vec<Fault>,
    /// What members are called. The first name that was seen stands: with a later one somebody else would
    /// be removed than the one who was meant.
    #[n(11)]
    pub(super) people: Vec<MemberName>,
    /// Whether it is being taken away, because its owner was removed and begins another one: there is no
    /// team from then on.
    #[n(12)]
    pub(super) is_over: bool,
}

impl WorkspaceFile {
    /// Whether what founds or joins it was not answered yet.
    pub(super) fn is_begun(&self) -> bool {
        let pending = self.pending.as_ref().map(|pending| pending.kind);
        matches!(pending, Some(PendingKind::Create | PendingKind::Join))
    }
}

/// A request that was written and not yet answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Pending {
    #[n(0)]
    pub(super) kind: PendingKind,
    #[n(1)]
    pub(super) path: String,
    #[n(2)]
    pub(super) body: ByteVec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum PendingKind {
    /// Founds the workspace.
    #[n(0)]
    Create,
    /// Joins it.
    #[n(1)]
    Join,
    /// Changes it.
    #[n(2)]
    Links,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct EnvName {
    #[n(0)]
    pub(super) env: EnvId,
    #[n(1)]
    #[cbor(with = "as_text")]
    pub(super) name: Environment,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct MemberName {
    #[n(0)]
    pub(super) member: MemberId,
    #[n(1)]
    #[cbor(with = "as_text")]
    pub(super) name: PersonName,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct KeptBindings {
    #[n(0)]
    #[cbor(with = "as_text")]
    pub(super) environment: Environment,
    #[n(1)]
    #[cbor(with = "as_text")]
    pub(super) secret: SecretName,
    /// A `SignedBindings`, as its bytes.
    #[n(2)]
    pub(super) signed: ByteVec,
    /// Whether the team has them.
    #[n(3)]
    pub(super) pushed: bool,
}

/// The newest bindings that one device's owner signed for one secret, so that older ones are not put
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct SeenBindings {
    #[n(0)]
    #[cbor(with = "as_text")]
    pub(super) secret: SecretName,
    #[n(1)]
    pub(super) by: DeviceId,
    #[n(2)]
    pub(super) n: u64,
    /// SHA-256 of the `SignedBindings`.
    #[n(3)]
    pub(super) hash: Hash,
}

/// What did not verify, and where; without an environment it is the membership chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Fault {
    #[n(0)]
    pub(super) env: Option<EnvId>,
    #[n(1)]
    code: String,
    /// The version whose value it was, where it was only that.
    #[n(2)]
    pub(super) value: Option<(RecordId, u64)>,
    /// How many commits of the environment were verified by then; of the membership chain, how many links
    /// and commits of all.
    #[n(3)]
    pub(super) after: u64,
}

impl Fault {
    pub(super) fn new(
        env: Option<EnvId>,
        value: Option<(RecordId, u64)>,
        code: Code,
        after: u64,
    ) -> Self {
        Self {
            env,
            value,
            code: code.as_str().to_owned(),
            after,
        }
    }

    /// Whether it is the same once more, whenever that was.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.env, &self.code, self.value) == (other.env, &other.code, other.value)
    }

    pub(super) fn code(&self) -> Code {
        let known = Code::ALL.iter().find(|code| code.as_str() == self.code);
        known.copied().unwrap_or(Code::Unverified)
    }
}

/// `team/env-HEX`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct EnvFile {
    /// Rises with each change; kept a second time beside the envelopes.
    #[n(0)]
    pub(super) n: u64,
    #[n(1)]
    pub(super) env: EnvId,
    /// Where the history begins, when it was skipped.
    #[n(2)]
    pub(super) snapshot: Option<KeptSnapshot>,
    /// The commits after it, as they were signed.
    #[n(3)]
    pub(super) commits: Vec<ByteVec>,
    /// What the state names, one record a secret.
    #[n(4)]
    pub(super) records: Vec<KeptRecord>,
    /// The envelopes to this device.
    #[n(5)]
    pub(super) envelopes: Vec<ByteVec>,
    /// For whom this device sealed the key of an epoch after it began.
    #[n(6)]
    pub(super) wrapped: Vec<(u64, DeviceId)>,
    /// What was last applied here, one row a name.
    #[n(7)]
    pub(super) base: Vec<Row>,
    /// What is being applied: becomes the base when the vault has it.
    #[n(8)]
    pub(super) journal: Vec<Row>,
    /// What was pushed and not yet answered.
    #[n(9)]
    pub(super) outbox: Option<Outbox>,
    /// Records that break a rule that only holders of the key can check.
    #[n(10)]
    pub(super) quarantine: Vec<Quarantined>,
    /// Bindings that the owner of this machine does not want, by their id's text.
    #[n(11)]
    pub(super) denied: Vec<String>,
    /// Bindings that were verified, the newest of each signer.
    #[n(12)]
    pub(super) bindings: Vec<SeenBindings>,
}

impl EnvFile {
    pub(super) fn new(env: EnvId) -> Self {
        Self {
            n: 0,
            env,
            snapshot: None,
            commits: Vec::new(),
            records: Vec::new(),
            envelopes: Vec::new(),
            wrapped: Vec::new(),
            base: Vec::new(),
            journal: Vec::new(),
            outbox: None,
            quarantine: Vec::new(),
            denied: Vec::new(),
            bindings: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct KeptSnapshot {
    #[n(0)]
    pub(super) commit: ByteVec,
    #[n(1)]
    pub(super) entries: Vec<Entry>,
}

/// One record of the state, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct KeptRecord {
    #[n(0)]
    pub(super) rid: RecordId,
    #[n(1)]
    pub(super) ver: u64,
    #[n(2)]
    pub(super) record: ByteVec,
    /// The sealed name; none for a deletion.
    #[n(3)]
    pub(super) meta: Option<ByteVec>,
    /// The wrapped keys; none for a deletion.
    #[n(4)]
    pub(super) slot: Option<ByteVec>,
}

/// One version of a secret, and the version in the vault that it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Row {
    #[n(0)]
    #[cbor(with = "as_text")]
    pub(super) name: SecretName,
    #[n(1)]
    pub(super) rid: RecordId,
    #[n(2)]
    pub(super) ver: u64,
    #[n(3)]
    pub(super) record: Hash,
    #[n(4)]
    pub(super) tag: Option<ValueTag>,
    /// The version in the vault; 0 for a secret that was taken out.
    #[n(5)]
    pub(super) local: u64,
    /// The epoch whose key made the tag.
    #[n(6)]
    pub(super) epoch: u64,
}

/// A commit that was written and not yet answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Outbox {
    /// The body of `POST commits`.
    #[n(0)]
    pub(super) body: ByteVec,
    /// What becomes the base when the server has it.
    #[n(1)]
    pub(super) rows: Vec<Row>,
    /// Who asked for it.
    #[n(2)]
    pub(super) by: Option<KeptAsker>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct KeptAsker {
    #[n(0)]
    #[cbor(with = "as_text")]
    pub(super) agent: AgentId,
    #[n(1)]
    pub(super) session: ByteArray<9>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Quarantined {
    #[n(0)]
    pub(super) rid: RecordId,
    #[n(1)]
    pub(super) ver: u64,
    /// The rule that it breaks.
    #[n(2)]
    pub(super) why: Broken,
}

/// `team/seen`: when the server last spoke. Written at every sync, so it is apart from what is kept a
/// second time; an older one only makes this machine ask again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct SeenFile {
    #[n(0)]
    pub(super) at: Option<i64>,
    #[n(1)]
    pub(super) etag: Option<String>,
    /// How many changes the server had counted. Fewer than that says that it was put back to an earlier
    /// state, and that keys which were sealed since are gone.
    #[n(2)]
    pub(super) rev: u64,
}

/// What rests beside the envelopes, so that files that were put back or taken away are seen.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Heads {
    #[n(0)]
    pub(super) ws: WorkspaceId,
    /// Of `team/workspace`.
    #[n(1)]
    pub(super) n: u64,
    #[n(2)]
    pub(super) w: Position,
    #[n(3)]
    pub(super) envs: Vec<EnvHead>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct EnvHead {
    #[n(0)]
    pub(super) env: EnvId,
    /// Of its file.
    #[n(1)]
    pub(super) n: u64,
    #[n(2)]
    pub(super) head: Position,
}

/// Words of the core, written as their text.
pub(super) mod as_text {
    use super::{Decode as _, Decoder, Display, Encoder, FromStr};

    pub(in crate::team) fn encode<C, T: Display, W: minicbor::encode::Write>(
        word: &T,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&word.to_string())?.ok()
    }

    pub(in crate::team) fn decode<'b, C, T: FromStr>(
        d: &mut Decoder<'b>,
        ctx: &mut C,
    ) -> Result<T, minicbor::decode::Error> {
        let text = <&'b str>::decode(d, ctx)?;
        text.parse()
            .map_err(|_| minicbor::decode::Error::message("no such name"))
    }
}
