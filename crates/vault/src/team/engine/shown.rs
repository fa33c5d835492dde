//! What is told of the team: who is in it, what was done, what must be changed where it is used, how
//! fresh all of that is. Everything here is told from the local copy.

use std::collections::BTreeMap;

use withheld_core::name::{Environment, PersonName, SecretName, Workspace};
use withheld_core::team::{Access, Right, Role};
use withheld_core::{Code, Moment, plain};
use withheld_team::exposure;
use withheld_team::id::{EnvId, MemberId};
use withheld_team::links::{self, Body, Link, Op};

use super::Team;
use super::create::moment;
use super::env_state::Opened;
use super::state::State;
use super::words::{self, Exposed};

/// After this long without a word from the server, what is here is not called verified any more.
const FRESH_MS: i64 = 72 * 60 * 60 * 1000;

plain! {
    /// Somebody who is or was in the team.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MemberRow {
        /// The name that was seen first; the beginning of the id where there is none.
        pub name: Option<PersonName>,
        /// What the directory says now, where that is another one.
        pub renamed: Option<PersonName>,
        /// The role, or the last one.
        pub role: Role,
        /// Rights that are more than nothing.
        pub rights: Vec<Access>,
        /// Devices, live ones.
        pub devices: u64,
        /// When the member joined, by that device's clock.
        pub joined: Moment,
        /// When the member was removed.
        pub removed: Option<Moment>,
        /// Whether it is the owner of this device.
        pub you: bool,
    }

    /// Somebody who may still join.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Guest {
        /// The name that was given; none before the directory could be read.
        pub name: Option<PersonName>,
        /// The role that it gives.
        pub role: Role,
        /// The rights that it gives, more than nothing.
        pub rights: Vec<Access>,
        /// Until when.
        pub expires: Moment,
    }

    /// One change of the team.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LogRow {
        /// Its position, from 1.
        pub seq: u64,
        /// When, by the clock of who did it.
        pub at: Moment,
        /// Who did it.
        pub who: Option<PersonName>,
        /// What.
        pub what: What,
        /// To whom.
        pub whom: Option<PersonName>,
        /// Where.
        pub environment: Option<Environment>,
    }

    /// What was done.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[serde(rename_all = "kebab-case")]
    pub enum What {
        /// The team was founded.
        Founded,
        /// An environment was made.
        EnvironmentMade,
        /// A right was set to this.
        RightSet(Right),
        /// Somebody was invited.
        Invited(Role),
        /// Somebody joined.
        Joined,
        /// A device was added.
        DeviceAdded,
        /// Somebody was removed.
        Removed,
        /// An environment got a new key, of this number.
        NewKey(u64),
        /// A role was set to this.
        RoleSet(Role),
    }

    /// How far what is here can be relied on.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Freshness {
        /// When the server last spoke, and all of it verified.
        pub seen_at: Option<Moment>,
        /// Whether that is recent, and nothing was shown since that does not verify.
        pub verified: bool,
        /// What did not verify.
        pub last_fault: Option<Code>,
    }
}

impl Team {
    /// The team's name; none before the directory could be read.
    #[must_use]
    pub fn workspace(&self) -> Option<Workspace> {
        self.state().workspace()
    }

    /// The environments whose names are known here, and what the owner of this device may do there.
    #[must_use]
    pub fn environments(&self) -> Vec<(Environment, Right)> {
        let state = self.state();
        let rows = state.file.names.iter();
        rows.map(|row| (row.name.clone(), words::right(state.my_right(&row.env))))
            .collect()
    }

    /// Everybody who is or was in the team, in the order of joining.
    #[must_use]
    pub fn members(&self) -> Vec<MemberRow> {
        let state = self.state();
        let mut members: Vec<_> = state.chain.members().collect();
        members.sort_by_key(|member| member.joined);
        let rows = members.into_iter().map(|member| MemberRow {
            name: state.person(&member.id),
            renamed: state.renamed(&member.id),
            role: words::role(member.role),
            rights: state.rights(&member.id),
            devices: state.live_devices(&member.id),
            joined: state.time_of(member.joined),
            removed: member.removed.map(|seq| state.time_of(seq)),
            you: member.id == state.me(),
        });
        rows.collect()
    }

    /// Every change of the team, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<LogRow> {
        let state = self.state();
        let bodies = state.file.links.iter().filter_map(|link| body(link));
        bodies.map(|body| row(&state, &body)).collect()
    }

    /// Who is invited and may still join. While somebody may, this device is there to seal the keys.
    #[must_use]
    pub fn guests(&self, now: Moment) -> Vec<Guest> {
        let state = self.state();
        let now = u64::try_from(now.as_ms()).unwrap_or(0);
        let open = state
            .chain
            .invitations()
            .filter(|(_, invited)| invited.used.is_none() && invited.expires >= now);
        let named = |(env, right): &(EnvId, links::Right)| {
            Some(Access {
                environment: state.name_of(env)?.clone(),
                right: words::right(*right),
            })
        };
        open.map(|(id, invited)| Guest {
            name: state.invited(id),
            role: words::role(invited.role),
            rights: invited.rights.iter().filter_map(named).collect(),
            expires: moment(invited.expires),
        })
        .collect()
    }

    /// Secrets that somebody could read who may not any more, or might have where the history is not here.
    #[must_use]
    pub fn exposed(&self) -> Vec<Exposed> {
        self.state().exposed_to(|_| true)
    }

    /// How far what is here can be relied on.
    #[must_use]
    pub fn freshness(&self, now: Moment) -> Freshness {
        let state = self.state();
        let last_fault = state.file.faults.last().map(super::formats::Fault::code);
        let is_recent = |at: i64| (0..=FRESH_MS).contains(&now.as_ms().saturating_sub(at));
        Freshness {
            seen_at: state.seen.at.map(Moment::from_ms),
            verified: last_fault.is_none() && state.seen.at.is_some_and(is_recent),
            last_fault,
        }
    }
}

impl State {
    /// Every secret of every environment that is here and is exposed to one of these.
    pub(super) fn exposed_to(&self, whom: impl Fn(&MemberId) -> bool) -> Vec<Exposed> {
        let mut rows = Vec::new();
        for env in self.envs.keys() {
            self.exposed_in(env, &whom, &mut rows);
        }
        rows
    }

    /// How many devices of somebody are live.
    pub(super) fn live_devices(&self, member: &MemberId) -> u64 {
        let theirs = self
            .chain
            .devices()
            .filter(|device| device.member == *member);
        theirs.filter(|device| device.until.is_none()).count() as u64
    }

    /// The secrets of an environment whose names could be read.
    pub(super) fn secrets_of(
        &self,
        env: &EnvId,
    ) -> impl Iterator<Item = (SecretName, Environment)> {
        let environment = self.name_of(env);
        let records = self
            .envs
            .get(env)
            .into_iter()
            .flat_map(|here| here.records.values());
        records.filter_map(move |shown| match &shown.opened {
            Opened::Names(meta) => Some((meta.name.parse().ok()?, environment?.clone())),
            Opened::Deleted | Opened::Locked | Opened::Broken(_) => None,
        })
    }

    fn exposed_in(&self, env: &EnvId, whom: impl Fn(&MemberId) -> bool, rows: &mut Vec<Exposed>) {
        let (Some(environment), Some(here)) = (self.name_of(env), self.envs.get(env)) else {
            return;
        };
        // Who may not read it any more are few; what they could read may be thousands.
        let mut known: BTreeMap<MemberId, Option<(PersonName, Moment)>> = BTreeMap::new();
        let mut left = |member: &MemberId| {
            let found = || Some((self.person(member)?, self.lost_at(member, env)));
            known.entry(*member).or_insert_with(found).clone()
        };
        for (rid, exposed) in exposure::exposed(&self.chain, &here.chain) {
            let Some(Opened::Names(meta)) = here.records.get(&rid).map(|shown| &shown.opened)
            else {
                continue;
            };
            let Ok(name) = meta.name.parse::<SecretName>() else {
                continue;
            };
            for member in exposed.to.keys().filter(|member| whom(member)) {
                rows.extend(left(member).map(|(who, since)| Exposed {
                    name: name.clone(),
                    environment: environment.clone(),
                    who,
                    since,
                }));
            }
        }
    }

    /// When somebody lost the right to read an environment.
    fn lost_at(&self, member: &MemberId, env: &EnvId) -> Moment {
        let could = |seq: &u64| self.chain.right_at(member, env, *seq) >= links::Right::Read;
        let last = (1..=self.chain.head().seq).rev().find(could);
        self.time_of(last.unwrap_or(0) + 1)
    }

    /// When a link was written, by its author's clock.
    fn time_of(&self, seq: u64) -> Moment {
        let at = usize::try_from(seq.saturating_sub(1)).unwrap_or(usize::MAX);
        let body = self.file.links.get(at).and_then(|link| body(link));
        moment(body.map_or(0, |body| body.ts))
    }

    fn rights(&self, member: &MemberId) -> Vec<Access> {
        let rows = self.file.names.iter().map(|row| Access {
            environment: row.name.clone(),
            right: words::right(self.chain.right(member, &row.env)),
        });
        rows.filter(|row| row.right > Right::None).collect()
    }
}

fn body(link: &[u8]) -> Option<Body> {
    Body::read(&Link::read(link).ok()?.body).ok()
}

fn row(state: &State, body: &Body) -> LogRow {
    let author = state.chain.device(&body.author).map(|device| device.member);
    let mut row = LogRow {
        seq: body.seq,
        at: moment(body.ts),
        who: author.and_then(|author| state.person(&author)),
        what: What::Founded,
        whom: None,
        environment: None,
    };
    let name = |env: &EnvId| state.name_of(env).cloned();
    match &body.op {
        Op::Genesis { .. } => {}
        Op::EnvCreate { env } => {
            row.what = What::EnvironmentMade;
            row.environment = name(env);
        }
        Op::Grant {
            member, env, right, ..
        } => {
            row.what = What::RightSet(words::right(*right));
            row.whom = state.person(member);
            row.environment = name(env);
        }
        Op::Invite { invite, role, .. } => {
            row.what = What::Invited(words::role(*role));
            row.whom = state.invited(invite);
        }
        Op::Join { member, .. } => {
            row.what = What::Joined;
            row.whom = state.person(member);
        }
        Op::DeviceAdd { member, .. } => {
            row.what = What::DeviceAdded;
            row.whom = state.person(member);
        }
        Op::MemberRemove { member, .. } => {
            row.what = What::Removed;
            row.whom = state.person(member);
        }
        Op::Epoch { env, n, .. } => {
            row.what = What::NewKey(*n);
            row.environment = name(env);
        }
        Op::RoleSet { member, role, .. } => {
            row.what = What::RoleSet(words::role(*role));
            row.whom = state.person(member);
        }
    }
    row
}
