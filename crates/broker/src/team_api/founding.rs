//! A team begins, somebody joins it, an environment is shared.

use std::sync::Arc;
use std::time::Duration;

use withheld_audit::Act;
use withheld_core::api::Deposit;
use withheld_core::name::{Environment, Workspace};
use withheld_core::team::{Access, PersonName, Right, Role};
use withheld_core::{Code, Moment, Refusal, Text, plain};
use withheld_vault::team::{Create, ServerAddress, Team};
use withheld_wire::Token;

use super::Owner;
use super::waiting::{WaitingShown, waiting};
use crate::answer::Answer;
use crate::clock;
use crate::courier::Courier;
use crate::house::House;

/// How often a newcomer looks for the keys, and how long between.
const KEY_LOOKS: usize = 6;
const KEY_LOOK: Duration = Duration::from_secs(1);

plain! {
    pub(super) struct Created {
        /// The team's name.
        workspace: Workspace,
        /// Where its server is.
        server: Text,
        /// What the team calls its founder.
        founder: PersonName,
        /// The environments that are shared with it, as PROJECT/ENVIRONMENT.
        environments: Vec<Environment>,
    }

    struct Looked {
        workspace: Workspace,
        member: PersonName,
        inviter: PersonName,
        role: Role,
        to: Vec<Access>,
        expires_at: Moment,
    }

    struct Joined {
        workspace: Option<Workspace>,
        /// What the team calls the newcomer; `null` where the invitation was used by an earlier try.
        member: Option<PersonName>,
        environments: Vec<JoinedEnvironment>,
        waiting: Vec<WaitingShown>,
    }

    struct JoinedEnvironment {
        environment: Environment,
        right: Right,
        /// How many secrets; `null` before its keys are here.
        secrets: Option<usize>,
        keys: bool,
    }

    struct Shared {
        environment: Environment,
    }
}

pub(super) fn create(
    house: &Arc<House>,
    owner: &Owner,
    name: Workspace,
    server: String,
    token: Option<&Deposit>,
    founder: PersonName,
) -> Result<Answer, Refusal> {
    let _founding = house.founding();
    has_none(house)?;
    let address = ServerAddress::parse(&server)?;
    let token = token.map(|token| owner.vault.open(token)).transpose()?;
    let mut courier = Courier::to(house, &address)?.with_token(token.map(Token::of));
    super::log(house, Act::TeamCreate, None)?;
    let create = Create {
        workspace: name.clone(),
        server,
        founder: founder.clone(),
    };
    let now = clock::now();
    let team = Team::create(&owner.vault, &owner.proof, &mut courier, &create, now)?;
    let team = move_in(house, owner, team)?;
    let created = Created {
        workspace: name,
        server: super::shown::address(&address),
        founder,
        environments: shared(&team),
    };
    Answer::of("withheld.team_create/1", &created)
}

pub(super) fn look(house: &Arc<House>, invitation: &Deposit) -> Result<Answer, Refusal> {
    let line = house.unlocked()?.open(invitation)?;
    let mut courier = Courier::to(house, &Team::server_of(&line)?)?;
    let card = Team::look(&line, &mut courier, clock::now())?;
    let looked = Looked {
        workspace: card.workspace,
        member: card.member,
        inviter: card.inviter,
        role: card.role,
        to: card.rights,
        expires_at: card.expires,
    };
    Answer::of("withheld.team_look/1", &looked)
}

pub(super) fn join(
    house: &Arc<House>,
    owner: &Owner,
    invitation: &Deposit,
) -> Result<Answer, Refusal> {
    let founding = house.founding();
    let before = before(house)?;
    let line = owner.vault.open(invitation)?;
    let mut courier = Courier::to(house, &Team::server_of(&line)?)?;
    super::log(house, Act::TeamJoin, None)?;
    let now = clock::now();
    // The directory cannot be read before its key is here; the invitation says who joins what.
    let card = Team::look(&line, &mut courier, now).ok();
    let team = match &before {
        None => Team::join(&owner.vault, &owner.proof, &line, &mut courier, now)?,
        Some(before) => {
            let joined = before.join_again(&owner.proof, &line, &mut courier, now);
            house.take_out(before);
            joined?
        }
    };
    let team = move_in(house, owner, team)?;
    drop(founding);
    wait_for_keys(&team, &mut courier);
    let joined = Joined {
        workspace: team
            .workspace()
            .or_else(|| card.as_ref().map(|card| card.workspace.clone())),
        member: card.map(|card| card.member),
        environments: joined(&team),
        waiting: waiting(house, &team)?,
    };
    Answer::of("withheld.team_join/1", &joined)
}

pub(super) fn share(
    house: &Arc<House>,
    owner: &Owner,
    environment: Environment,
) -> Result<Answer, Refusal> {
    let _founding = house.founding();
    let team = house.team()?;
    let mut courier = Courier::to(house, &team.server())?;
    super::log(house, Act::TeamShare, Some(environment.clone()))?;
    team.add_environment(&owner.proof, &mut courier, &environment, clock::now())?;
    Answer::of("withheld.team_share/1", &Shared { environment })
}

/// A colleague's device that is online seals the keys within a few seconds; who is alone gets them with
/// a later pull.
fn wait_for_keys(team: &Team, courier: &mut Courier) {
    for _ in 0..KEY_LOOKS {
        let mut readable = team
            .environments()
            .into_iter()
            .filter(|(_, right)| *right > Right::None);
        let is_here = team.workspace().is_some();
        if is_here && readable.all(|(environment, _)| team.has_keys(&environment)) {
            return;
        }
        std::thread::sleep(KEY_LOOK);
        // What is wrong is said by the next command.
        if team.sync(courier, clock::now()).is_err() {
            return;
        }
    }
}

/// What was bound before there was a team travels with its secret, too: it is signed now, while the
/// owner is here.
fn sign_what_is_bound(house: &House, owner: &Owner, team: &Team) -> Result<(), Refusal> {
    let policy = house.policy()?;
    let content = policy.content();
    let bound = super::waiting::bound(content);
    team.sign_bindings(&owner.proof, &bound, content.counter)
}

/// Nothing is bound between the two: what is bound later is signed by whoever binds it.
fn move_in(house: &House, owner: &Owner, team: Team) -> Result<Arc<Team>, Refusal> {
    let _turn = house.owner_turn();
    house.still(&owner.vault)?;
    sign_what_is_bound(house, owner, &team)?;
    let team = house.take_in(&owner.vault, team)?;
    house.invited.notify_one();
    Ok(team)
}

/// The team that is here, which may be over.
fn before(house: &House) -> Result<Option<Arc<Team>>, Refusal> {
    match house.team() {
        Err(refusal) if refusal.code == Code::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn has_none(house: &House) -> Result<(), Refusal> {
    match before(house)? {
        None => Ok(()),
        Some(_) => Err(Refusal::new(
            Code::Conflict,
            "this installation belongs to a team already",
            "look at it: withheld team members; another team has another home: withheld --home DIR",
        )),
    }
}

fn shared(team: &Team) -> Vec<Environment> {
    let mut names: Vec<_> = team
        .environments()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

fn joined(team: &Team) -> Vec<JoinedEnvironment> {
    let now = clock::now();
    let mut rows: Vec<_> = team
        .environments()
        .into_iter()
        .filter(|(_, right)| *right > Right::None)
        .map(|(environment, right)| {
            // Without the keys nothing of it can be read.
            let keys = team.has_keys(&environment);
            let rows = team.drift(&environment, now);
            let shared = rows.iter().filter(|row| row.remote_version.is_some());
            JoinedEnvironment {
                secrets: keys.then(|| shared.count()),
                keys,
                environment,
                right,
            }
        })
        .collect();
    rows.sort_by(|one, other| one.environment.cmp(&other.environment));
    rows
}
