//! How a team is founded: the whole of it is written on the disk as one request, and sent until it is
//! answered.

use std::sync::Arc;

use minicbor::bytes::{ByteArray, ByteVec};
use withheld_core::name::{Environment, PersonName, Workspace};
use withheld_core::{Code, Moment, Refusal};
use withheld_team::VERSION;
use withheld_team::api::Blob;
use withheld_team::chain::Chain;
use withheld_team::id::{EnvId, Hash, MemberId, WorkspaceId};
use withheld_team::label::Label;
use withheld_team::links::{Body, Link, Op, SUITE, Signer};

use super::directory::{self, Name};
use super::draft::Draft;
use super::files::impossible;
use super::formats::{Pending, PendingKind, WorkspaceFile};
use super::state::State;
use super::talk::Sent;
use super::{Team, there_is_one};
use crate::fault;
use crate::owner::OwnerProof;
use crate::team::invitation::Server;
use crate::team::keys::DeviceSeed;
use crate::team::post::Post;
use crate::vault::Unlocked;

/// A team that is to be.
pub struct Create {
    /// Its name.
    pub workspace: Workspace,
    /// Where its server is: `https://HOST[:PORT]`, or `http://127.0.0.1:PORT`.
    pub server: String,
    /// What the founder is called in it.
    pub founder: PersonName,
}

impl Team {
    /// Founds a team with this installation's owner in it. One environment for each that holds a
    /// secret here, and `default/dev`; what is here stays here until it is pushed. Interrupted, the same
    /// command goes on with the same bytes; another one forgets them and begins anew. The token that a
    /// server may ask for is the carrier's to add.
    ///
    /// # Errors
    /// `usage` for an address that is none, `conflict` where there is a team already; what the server
    /// refuses; `server_unreachable`: run the command again.
    pub fn create(
        vault: &Arc<Unlocked>,
        proof: &OwnerProof,
        post: &mut dyn Post,
        create: &Create,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let server = server(&create.server)?;
        let seed = vault.device_seed_or_new()?;
        vault.home().create()?;
        let begun = begun_before(vault, &seed)?;
        let again = begun.filter(|begun| is_same(begun, create, &server));
        let is_again = again.is_some();
        let state = match again {
            Some(begun) => begun,
            None => {
                State::clear(vault, &seed)?;
                found(vault, proof, &seed, create, &server, now)?.keep(None, vault, &seed)?
            }
        };
        let team = Self::with(vault, seed, state)?;
        let before = team.state();
        let pending = before.file.pending.as_ref().ok_or_else(impossible)?;
        match team.resend(post, pending, now)? {
            Sent::Stored => team.is_answered()?,
            // Whether the first try was stored is not said to who shows no token.
            Sent::Refused(refusal) if is_again && refusal.code == Code::UnknownCaller => {
                return Err(refusal);
            }
            Sent::Refused(refusal) => return Err(team.undone(refusal)),
            Sent::Moved => return Err(team.undone(there_is_one())),
        }
        Ok(team)
    }

    /// A team that did not come to be leaves nothing behind but its device.
    pub(super) fn undone(&self, refusal: Refusal) -> Refusal {
        match State::clear(&self.vault, &self.seed) {
            Ok(()) => refusal,
            Err(fault) => fault,
        }
    }
}

/// The state of a workspace that is about to be: all of it is written, and pending.
fn found(
    vault: &Unlocked,
    proof: &OwnerProof,
    seed: &DeviceSeed,
    create: &Create,
    server: &Server,
    now: Moment,
) -> Result<State, Refusal> {
    let member = MemberId::of(random()?);
    let begun = genesis(proof, seed, server, member, now)?;
    let first = begun.file.links.clone();
    let mut draft = Draft::on(&begun, seed, Some(proof), now);
    draft.bundle.links = first.iter().map(|link| Blob(link.to_vec())).collect();
    draft.rotate(&EnvId::DIRECTORY)?;
    let mut environments = vault.environments();
    if !environments.contains(&Environment::dev()) {
        environments.push(Environment::dev());
    }
    let mut names = vec![
        Name::Workspace(&create.workspace),
        Name::Founder(member, &create.founder),
    ];
    for environment in &environments {
        let env = EnvId::of(random()?);
        draft.link(Op::EnvCreate { env })?;
        draft.rotate(&env)?;
        names.push(Name::Environment(env, environment));
    }
    directory::write(&mut draft, seed, &names)?;
    let pending = Pending {
        kind: PendingKind::Create,
        path: "/v1/ws".to_owned(),
        body: draft.body()?.into(),
    };
    let mut state = draft.next;
    state.learn_names();
    state.file.pending = Some(pending);
    Ok(state)
}

/// A workspace of one link.
fn genesis(
    proof: &OwnerProof,
    seed: &DeviceSeed,
    server: &Server,
    member: MemberId,
    now: Moment,
) -> Result<State, Refusal> {
    let device = seed.public(proof.admin_key())?;
    let author = device.id();
    let body = Body {
        v: VERSION,
        ws: WorkspaceId::from(Hash::ZERO),
        seq: 1,
        prev: Hash::ZERO,
        ts: ts(now),
        author,
        op: Op::Genesis {
            suite: SUITE,
            member,
            device,
            salt: ByteArray::from(random()?),
        },
    }
    .to_bytes();
    let ws = WorkspaceId::from(Label::WLINK.hash(&body));
    let signature = proof.sign_as_admin(Label::SIG_WLINK, &body);
    let link = Link::of(body, vec![(Signer::Admin(author), signature)]);
    let chain = Chain::begin(ws, &link)?;
    let file = WorkspaceFile {
        n: 0,
        server: server.to_string(),
        ws,
        member,
        device: author,
        links: vec![ByteVec::from(link)],
        pending: None,
        names: Vec::new(),
        bindings: Vec::new(),
        elsewhere: Vec::new(),
        faults: Vec::new(),
        people: Vec::new(),
        is_over: false,
    };
    Ok(State::with(file, chain))
}

/// What was begun here and not answered yet. A team that the owner of this device was removed from is over.
///
/// # Errors
/// `conflict` where there is a team.
fn begun_before(vault: &Unlocked, seed: &DeviceSeed) -> Result<Option<State>, Refusal> {
    match State::load(vault, seed)? {
        Some(state) if state.is_begun() => Ok(Some(state)),
        Some(state) if state.is_in_it().is_ok() => Err(there_is_one()),
        Some(state) => state.end(vault, seed).map(|()| None),
        None => Ok(None),
    }
}

/// Whether this is the team that is to be founded.
fn is_same(begun: &State, create: &Create, server: &Server) -> bool {
    let kind = begun.file.pending.as_ref().map(|pending| pending.kind);
    kind == Some(PendingKind::Create)
        && begun.file.server == server.to_string()
        && begun.workspace().as_ref() == Some(&create.workspace)
        && begun.person(&begun.me()).as_ref() == Some(&create.founder)
}

/// The address of a server, as people write it.
pub(super) fn server(written: &str) -> Result<Server, Refusal> {
    let short = match written.strip_prefix("http://") {
        Some(rest) => format!("http+{rest}"),
        None => written
            .strip_prefix("https://")
            .unwrap_or_default()
            .to_owned(),
    };
    Server::parse(short.strip_suffix('/').unwrap_or(&short)).ok_or_else(|| {
        Refusal::new(
            Code::Usage,
            "this is no address of a team's server",
            "write it whole: withheld team create NAME --server https://HOST",
        )
    })
}

pub(super) fn random() -> Result<[u8; 16], Refusal> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| fault::no_randomness())?;
    Ok(bytes)
}

pub(super) fn ts(now: Moment) -> u64 {
    u64::try_from(now.as_ms()).unwrap_or(0)
}

pub(super) fn moment(ms: u64) -> Moment {
    Moment::from_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}
