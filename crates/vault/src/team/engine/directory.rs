//! The directory: the environment in which names rest. A record's id is that of what it names, and its
//! name part says `KIND:NAME`; its value is empty. Every member reads it, admins write it.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use withheld_core::name::{Environment, PersonName, Workspace};
use withheld_core::{Code, Refusal, text};
use withheld_secret::SecretValue;
use withheld_team::VERSION;
use withheld_team::chain::Member;
use withheld_team::id::{EnvId, Hash, InviteId, MemberId, RecordId};
use withheld_team::record::{Header, Kind};

use super::draft::{Draft, New, locked};
use super::env_state::Opened;
use super::formats::{EnvName, MemberName};
use super::state::State;
use crate::fault;
use crate::team::keys::DeviceSeed;
use crate::team::meta::Meta;
use crate::team::sealed;

/// A name that is to be written.
pub(super) enum Name<'a> {
    Workspace(&'a Workspace),
    Environment(EnvId, &'a Environment),
    /// Of the founder, who had no invitation.
    Founder(MemberId, &'a PersonName),
    /// Of whoever joins with an invitation.
    Invited(InviteId, &'a PersonName),
}

const WORKSPACE: &str = "workspace:";
const ENVIRONMENT: &str = "environment:";
const MEMBER: &str = "member:";
/// The record of the workspace's own name.
const OF_WORKSPACE: RecordId = RecordId::of([0; 16]);

impl Name<'_> {
    fn rid(&self) -> RecordId {
        match self {
            Self::Workspace(_) => OF_WORKSPACE,
            Self::Environment(env, _) => RecordId::of(*env.as_bytes()),
            Self::Founder(member, _) => RecordId::of(*member.as_bytes()),
            Self::Invited(invite, _) => RecordId::of(*invite.as_bytes()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Workspace(name) => format!("{WORKSPACE}{name}"),
            Self::Environment(_, name) => format!("{ENVIRONMENT}{name}"),
            Self::Founder(_, name) | Self::Invited(_, name) => format!("{MEMBER}{name}"),
        }
    }
}

/// Writes names into the directory, whose key must be good.
///
/// # Errors
/// As [`Draft::link`].
pub(super) fn write(
    draft: &mut Draft<'_>,
    seed: &DeviceSeed,
    names: &[Name<'_>],
) -> Result<(), Refusal> {
    let nothing = SecretValue::with_len::<Refusal>(0, |_| Ok(0)).map_err(fault::unfilled)?;
    let (ws, author) = (draft.next.file.ws, draft.next.file.device);
    let state = draft.next.envs.get(&EnvId::DIRECTORY).ok_or_else(locked)?;
    let key = state.newest_key(&draft.next.chain).ok_or_else(locked)?;
    let mut records = Vec::new();
    for name in names {
        let rid = name.rid();
        let before = state.chain.entry(&rid);
        let header = Header {
            v: VERSION,
            ws,
            env: EnvId::DIRECTORY,
            rid,
            ver: before.map_or(0, |before| before.ver) + 1,
            prev: before.map_or(Hash::ZERO, |before| before.record),
            author,
            kind: Kind::Value,
        };
        let ver = header.ver;
        let meta = Meta::new(&name.text(), &rid, &nothing, None, key)?;
        let new = sealed::seal_record(header, &meta, &nothing, key, seed)?;
        let new = New::Value(Box::new(new));
        records.push((new.entry(rid, ver), new));
    }
    draft.records(&EnvId::DIRECTORY, records)
}

impl State {
    /// Takes over the names of environments and of people that are new. The first that was seen stands,
    /// and no name is two environments'.
    pub(super) fn learn_names(&mut self) {
        for env in self.chain.envs().collect::<Vec<_>>() {
            if self.name_of(&env).is_some() {
                continue;
            }
            let rid = RecordId::of(*env.as_bytes());
            let shown: Option<Environment> = self.named(&rid, ENVIRONMENT);
            if let Some(name) = shown.filter(|name| self.env_named(name).is_none()) {
                self.file.names.push(EnvName { env, name });
            }
        }
        let unknown = self.chain.members();
        let unknown = unknown.filter(|member| self.first_name(&member.id).is_none());
        let learnt = unknown.filter_map(|member| {
            Some(MemberName {
                member: member.id,
                name: self.shown_name(member)?,
            })
        });
        let learnt: Vec<MemberName> = learnt.collect();
        self.file.people.extend(learnt);
    }

    /// The workspace's name, once the directory was read.
    pub(super) fn workspace(&self) -> Option<Workspace> {
        self.named(&OF_WORKSPACE, WORKSPACE)
    }

    /// Somebody's name. Whoever joins under the name of somebody who is or was there gets a number behind
    /// it: both must be told apart, one of them to be removed, and nobody's name may become another's by
    /// that. Whom the directory gives no name goes by the id.
    pub(super) fn person(&self, id: &MemberId) -> Option<PersonName> {
        let member = self.chain.member(id)?;
        let Some(name) = self.given_name(member) else {
            return by_id(id);
        };
        let earlier = self.chain.members().filter(|other| {
            other.joined < member.joined && self.given_name(other).as_ref() == Some(&name)
        });
        match earlier.count() {
            0 => Some(name),
            before => format!("{name}.{}", before + 1).parse().ok(),
        }
    }

    /// What the directory calls somebody now, where that is another name than at first.
    pub(super) fn renamed(&self, id: &MemberId) -> Option<PersonName> {
        let shown = self.shown_name(self.chain.member(id)?)?;
        (self.first_name(id)? != &shown).then_some(shown)
    }

    /// The same, for whoever asks again and again.
    pub(super) fn people(&self) -> People<'_> {
        People {
            state: self,
            known: BTreeMap::new(),
        }
    }

    fn given_name(&self, member: &Member) -> Option<PersonName> {
        let first = self.first_name(&member.id).cloned();
        first.or_else(|| self.shown_name(member))
    }

    fn first_name(&self, id: &MemberId) -> Option<&PersonName> {
        let mut people = self.file.people.iter();
        people.find(|row| row.member == *id).map(|row| &row.name)
    }

    fn shown_name(&self, member: &Member) -> Option<PersonName> {
        let rid = match member.invite {
            Some(invite) => RecordId::of(*invite.as_bytes()),
            None => RecordId::of(*member.id.as_bytes()),
        };
        self.named(&rid, MEMBER)
    }

    /// The name of whoever is invited.
    pub(super) fn invited(&self, invite: &InviteId) -> Option<PersonName> {
        self.named(&RecordId::of(*invite.as_bytes()), MEMBER)
    }

    /// The member of this name who is in the team. Everybody goes by the beginning of the id, too:
    /// whatever the directory says, anybody can be removed.
    ///
    /// # Errors
    /// `not_found`; `conflict` where the directory gives the name to two.
    pub(super) fn find(&self, name: &PersonName) -> Result<&Member, Refusal> {
        let found = |is_meant: &dyn Fn(&Member) -> bool| {
            let live = self
                .chain
                .members()
                .filter(|member| member.removed.is_none());
            let mut found = live.filter(|member| is_meant(member));
            (found.next(), found.next())
        };
        let of_id = found(&|member| by_id(&member.id).as_ref() == Some(name));
        let meant = match of_id {
            (None, _) => found(&|member| self.person(&member.id).as_ref() == Some(name)),
            meant => meant,
        };
        match meant {
            (Some(member), None) => Ok(member),
            (None, _) => Err(nobody(name)),
            (Some(_), Some(_)) => Err(Refusal::new(
                Code::Conflict,
                text!("two members of the team are `{}`", *name),
                "see who they are: withheld team members",
            )),
        }
    }

    fn named<T: std::str::FromStr>(&self, rid: &RecordId, kind: &str) -> Option<T> {
        let directory = self.envs.get(&EnvId::DIRECTORY)?;
        match &directory.records.get(rid)?.opened {
            Opened::Names(meta) => meta.name.strip_prefix(kind)?.parse().ok(),
            Opened::Deleted | Opened::Locked | Opened::Broken(_) => None,
        }
    }
}

/// `member-1a2b3c4d`, by the beginning of the id.
fn by_id(id: &MemberId) -> Option<PersonName> {
    let id = id.to_string();
    format!("member-{}", id.get(..8)?).parse().ok()
}

/// Whom a name means. It is told once: whatever the names of the team become while a change is written
/// again and again, nobody else is meant.
pub(super) struct Meant<'a> {
    name: &'a PersonName,
    id: OnceCell<MemberId>,
}

impl<'a> Meant<'a> {
    pub(super) fn by(name: &'a PersonName) -> Self {
        Self {
            name,
            id: OnceCell::new(),
        }
    }

    /// Who it is, and is in the team.
    ///
    /// # Errors
    /// As [`State::find`].
    pub(super) fn in_team(&self, state: &State) -> Result<MemberId, Refusal> {
        let known = self.id.get().copied();
        let found = known.map_or_else(|| state.find(self.name).map(|found| found.id), Ok)?;
        let id = *self.id.get_or_init(|| found);
        let member = state.chain.member(&id);
        if member.is_some_and(|member| member.removed.is_none()) {
            Ok(id)
        } else {
            Err(nobody(self.name))
        }
    }
}

/// Names of members, each looked up once however many secrets are theirs.
pub(super) struct People<'a> {
    state: &'a State,
    known: BTreeMap<MemberId, Option<PersonName>>,
}

impl People<'_> {
    /// As [`State::person`].
    pub(super) fn name(&mut self, id: &MemberId) -> Option<PersonName> {
        let known = self.known.entry(*id);
        known.or_insert_with(|| self.state.person(id)).clone()
    }
}

fn nobody(name: &PersonName) -> Refusal {
    Refusal::new(
        Code::NotFound,
        text!("nobody in the team is `{}`", *name),
        "see who is: withheld team members",
    )
}
