//! How an installation joins a team: it looks at what the invitation promises, and has the server keep
//! a link that it signs together with the invitation.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use minicbor::bytes::ByteVec;
use withheld_core::name::{PersonName, Workspace};
use withheld_core::team::{Access, Role};
use withheld_core::{Code, Moment, Refusal, plain};
use withheld_secret::SecretValue;
use withheld_team::api::{Blob, Bundle};
use withheld_team::chain::{Chain, Invited};
use withheld_team::id::{InviteId, MemberId, WorkspaceId};
use withheld_team::label::Label;
use withheld_team::links::{Body, Link, Op, Signer};
use withheld_team::{VERSION, Verdict};

use super::card::Names;
use super::create::{moment, random, ts};
use super::draft::{LAG_MS, not_allowed};
use super::files::impossible;
use super::formats::{EnvName, Pending, PendingKind, WorkspaceFile};
use super::links::{Stop, fetch_chain};
use super::state::State;
use super::sync::{TRIES, busy};
use super::talk::{By, Line, Sent, json};
use super::words::{self, ServerAddress};
use super::{Team, lock, there_is_one};
use crate::owner::OwnerProof;
use crate::team::invitation::Invitation;
use crate::team::keys::DeviceSeed;
use crate::team::post::Post;
use crate::vault::Unlocked;

plain! {
    /// What an invitation says, before it is used.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Card {
        /// The team.
        pub workspace: Workspace,
        /// What the guest will be called.
        pub member: PersonName,
        /// Who invites.
        pub inviter: PersonName,
        /// The role that it gives.
        pub role: Role,
        /// The rights that it gives, as far as their names fit.
        pub rights: Vec<Access>,
        /// Until when.
        pub expires: Moment,
    }
}

impl Team {
    /// What an invitation says, and whether it can still be used. The workspace's history is verified
    /// from the invitation on; nothing is kept.
    ///
    /// # Errors
    /// `usage` for a line that is no invitation, `not_found` for one that was used or has ended;
    /// `rollback_detected`, `fork_detected`, `signature_invalid` where the server shows something else
    /// than what the invitation promises; `server_unreachable`.
    pub fn look(
        invitation: &SecretValue,
        post: &mut dyn Post,
        now: Moment,
    ) -> Result<Card, Refusal> {
        let invitation = Invitation::read(invitation)?;
        let met = Met::with(&invitation, None, post, now)?;
        let rights = met.invited.rights.iter().zip(&met.names.rights);
        let rights = rights.map(|((_, right), named)| Access {
            environment: named.environment.clone(),
            right: words::right(*right),
        });
        Ok(Card {
            rights: rights.collect(),
            role: words::role(met.invited.role),
            expires: moment(met.invited.expires),
            workspace: met.names.workspace,
            member: met.names.member,
            inviter: met.names.inviter,
        })
    }

    /// The server of an invitation, so that bytes can be carried there.
    ///
    /// # Errors
    /// `usage` for a line that is no invitation.
    pub fn server_of(invitation: &SecretValue) -> Result<ServerAddress, Refusal> {
        Invitation::read(invitation).map(|read| ServerAddress::of(&read.server))
    }

    /// Joins a team. The keys come when a colleague's device has seen the join. Whoever was removed from the
    /// team that is here joins with another device, and what is here of that team goes.
    ///
    /// # Errors
    /// As [`Team::look`]; `conflict` where there is a team here already.
    pub fn join(
        vault: &Arc<Unlocked>,
        proof: &OwnerProof,
        invitation: &SecretValue,
        post: &mut dyn Post,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let invitation = Invitation::read(invitation)?;
        let seed = vault.device_seed_or_new()?;
        vault.home().create()?;
        let here = State::load(vault, &seed)?;
        if let Some(here) = here.as_ref().filter(|here| !here.is_begun()) {
            if !is_over(here, &invitation, vault, post, now)? {
                return Err(there_is_one());
            }
            here.end(vault, &seed)?;
        }
        if let Some(begun) = here.filter(|here| is_joining(here, &invitation))
            && let Some(team) = Self::joined_before(vault, begun, &invitation, post, now)?
        {
            return Ok(team);
        }
        for _ in 0..TRIES {
            let met = Met::with(&invitation, Some(vault), post, now)?;
            let seed = vault.device_seed_or_new()?;
            let is_known = met
                .chain
                .device(&seed.public(proof.admin_key())?.id())
                .is_some();
            State::clear(vault, &seed)?;
            // A device that was there once is nobody else's, and no other member's.
            let seed = if is_known {
                vault.new_device_seed()?
            } else {
                seed
            };
            let state = met.joining(&seed, proof, &invitation, now)?;
            let state = state.keep(None, vault, &seed)?;
            let team = Self::with(vault, seed, state)?;
            match team.send_join(post, now)? {
                Sent::Stored => return Ok(team),
                Sent::Refused(refusal) => return Err(team.undone(refusal)),
                Sent::Moved => {}
            }
        }
        Err(busy())
    }

    /// The same where there is a team, which must be over: its owner was removed. From then on this copy of
    /// it writes nothing any more, whatever becomes of the join.
    ///
    /// # Errors
    /// As [`Team::join`].
    pub fn join_again(
        &self,
        proof: &OwnerProof,
        invitation: &SecretValue,
        post: &mut dyn Post,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let _talking = self.talk(post)?;
        let read = Invitation::read(invitation)?;
        if !is_over(&self.state(), &read, &self.vault, post, now)? {
            return Err(there_is_one());
        }
        let keeping = lock(&self.keeping);
        self.is_over.store(true, Ordering::SeqCst);
        drop(keeping);
        Self::join(&self.vault, proof, invitation, post, now)
    }

    /// Whether another one takes its place.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// A join that was sent and not answered: the same bytes once more, to where the server is by now;
    /// `None` where they are not stored and never will be, so that it is to be written anew.
    fn joined_before(
        vault: &Arc<Unlocked>,
        mut begun: State,
        invitation: &Invitation,
        post: &mut dyn Post,
        now: Moment,
    ) -> Result<Option<Self>, Refusal> {
        begun.file.server = invitation.server.to_string();
        let team = Self::with(vault, vault.device_seed_or_new()?, begun)?;
        let sent = team.send_join(post, now)?;
        Ok(matches!(sent, Sent::Stored).then_some(team))
    }

    fn send_join(&self, post: &mut dyn Post, now: Moment) -> Result<Sent, Refusal> {
        let before = self.state();
        let pending = before.file.pending.as_ref().ok_or_else(impossible)?;
        let sent = self.resend(post, pending, now)?;
        if matches!(sent, Sent::Stored) {
            self.is_answered()?;
            self.sync(post, now)?;
        }
        Ok(sent)
    }
}

/// What is known of a workspace by an invitation.
struct Met {
    chain: Chain,
    links: Vec<ByteVec>,
    invited: Invited,
    names: Names,
}

impl Met {
    fn with(
        invitation: &Invitation,
        vault: Option<&Unlocked>,
        post: &mut dyn Post,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let by = By::Invite(&invitation.key);
        let mut line = Line::new(post, &invitation.server, by, now, vault);
        let ws = invitation.workspace;
        let (chain, links) = match fetch_chain(&mut line, ws) {
            Ok(fetched) => fetched,
            Err(Stop::Refused(refusal)) => return Err(refusal),
            Err(Stop::Proof(proof)) => return Err(proof.verdict.into()),
        };
        invitation.is_kept_by(&chain)?;
        let id = invitation.key.id();
        let invited = chain.invite(&id).ok_or(Verdict::Rollback)?.clone();
        if invited.used.is_some() {
            return Err(spent("this invitation was used already"));
        }
        if now > moment(invited.expires) {
            return Err(spent("this invitation has ended"));
        }
        let card = card_of(&links, &id).ok_or(Verdict::Rollback)?;
        let names = Names::open(&card, invitation.key.card(), &ws, &id)?;
        says_the_same(&names, &invited)?;
        Ok(Self {
            chain,
            links,
            invited,
            names,
        })
    }

    /// The state of a device that is about to join: the join is pending.
    fn joining(
        self,
        seed: &DeviceSeed,
        proof: &OwnerProof,
        invitation: &Invitation,
        now: Moment,
    ) -> Result<State, Refusal> {
        let device = seed.public(proof.admin_key())?;
        let (author, invite) = (device.id(), invitation.key.id());
        let member = MemberId::of(random()?);
        let head = self.chain.head();
        let body = Body {
            v: VERSION,
            ws: invitation.workspace,
            seq: head.seq + 1,
            prev: head.hash,
            ts: ts(now).max(self.chain.ts().saturating_sub(LAG_MS)),
            author,
            op: Op::Join {
                invite,
                member,
                device,
            },
        }
        .to_bytes();
        let signatures = vec![
            (Signer::Ops(author), seed.sign(Label::SIG_WLINK, &body)?),
            (
                Signer::Admin(author),
                proof.sign_as_admin(Label::SIG_WLINK, &body),
            ),
            (
                Signer::Invite(invite),
                invitation.key.sign(Label::SIG_WLINK, &body),
            ),
        ];
        let link = Link::of(body, signatures);
        self.chain.clone().apply(&link).map_err(not_allowed)?;
        let bundle = Bundle {
            links: vec![Blob(link)],
            ..Bundle::default()
        };
        let pending = Pending {
            kind: PendingKind::Join,
            path: join_path(&invitation.workspace),
            body: json(&bundle)?.into(),
        };
        let names = self.invited.rights.iter().zip(&self.names.rights);
        let names = names.map(|((env, _), named)| EnvName {
            env: *env,
            name: named.environment.clone(),
        });
        let file = WorkspaceFile {
            n: 0,
            server: invitation.server.to_string(),
            ws: invitation.workspace,
            member,
            device: author,
            names: names.collect(),
            links: self.links,
            pending: Some(pending),
            bindings: Vec::new(),
            elsewhere: Vec::new(),
            faults: Vec::new(),
            people: Vec::new(),
            is_over: false,
        };
        Ok(State::with(file, self.chain))
    }
}

/// Whether the owner of this device was removed from a team. The server does not tell that to who is not
/// in it any more: whoever is invited again is shown it, and it counts where it goes on from what is here.
fn is_over(
    here: &State,
    invitation: &Invitation,
    vault: &Unlocked,
    post: &mut dyn Post,
    now: Moment,
) -> Result<bool, Refusal> {
    if here.is_in_it().is_err() {
        return Ok(true);
    }
    if here.file.ws != invitation.workspace {
        return Ok(false);
    }
    let met = match Met::with(invitation, Some(vault), post, now) {
        Ok(met) => met,
        // It brings nobody in.
        Err(refusal) if refusal.code == Code::NotFound => return Ok(false),
        Err(refusal) => return Err(refusal),
    };
    let head = here.chain.head();
    let me = met.chain.member(&here.me());
    Ok(met.chain.hash_at(head.seq) == Some(head.hash) && me.is_some_and(|me| me.removed.is_some()))
}

/// Whether this is a join of the same workspace, not yet answered.
fn is_joining(state: &State, invitation: &Invitation) -> bool {
    let kind = state.file.pending.as_ref().map(|pending| pending.kind);
    kind == Some(PendingKind::Join) && state.file.ws == invitation.workspace
}

/// The card gives the environments their names; what may be done there is for the chain to say, and as
/// many of the rights as the card has room for are the same in both.
fn says_the_same(names: &Names, invited: &Invited) -> Result<(), Verdict> {
    let said = names.rights.iter().map(|named| named.right);
    let given = invited.rights.iter().map(|(_, right)| *right);
    if names.rights.len() <= invited.rights.len() && said.eq(given.take(names.rights.len())) {
        Ok(())
    } else {
        Err(Verdict::Invalid(
            "a card with other rights than those of its invitation",
        ))
    }
}

fn join_path(ws: &WorkspaceId) -> String {
    format!("/v1/ws/{ws}/join")
}

/// The card in the link that invites.
fn card_of(links: &[ByteVec], id: &InviteId) -> Option<Vec<u8>> {
    links.iter().find_map(|link| {
        let link = Link::read(link).ok()?;
        match Body::read(&link.body).ok()?.op {
            Op::Invite { invite, card, .. } if invite == *id => Some(card.to_vec()),
            _ => None,
        }
    })
}

fn spent(what: &'static str) -> Refusal {
    Refusal::new(
        Code::NotFound,
        what,
        "ask whoever invited you for a new one",
    )
}
