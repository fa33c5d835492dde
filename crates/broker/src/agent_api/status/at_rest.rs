//! `withheld.status/1` where no broker runs: what the files of a home say, without what only a broker knows.

use withheld_core::name::{Environment, Workspace};
use withheld_core::policy_doc::Policy;
use withheld_core::refusal::Actor;
use withheld_core::{Code, Refusal};
use withheld_vault::home::Home;
use withheld_vault::team::is_in_team;
use withheld_vault::{Locked, Vault};

use super::next;
use super::shown::{Broker, BrokerState, MODE, Project, Status, VaultShown, You};
use crate::house::bug;
use crate::team_api::Fault;
use crate::view::{self, SecretShown};

/// The `data` of the document. An agent is told no names: whether it is one only a broker can say.
///
/// # Errors
/// Where the home's files cannot be read, or are not the owner's.
pub fn status_at_rest(
    home: &Home,
    environment: &Environment,
    is_agent: bool,
) -> Result<serde_json::Value, Refusal> {
    let vault = Vault::open(home)?;
    let in_team = is_in_team(home)?;
    let (word, argv, why) = match &vault {
        None => (VaultShown::None, "init", "no_vault"),
        Some(_) => (VaultShown::Locked, "unlock", "vault_locked"),
    };
    let secrets = match &vault {
        Some(locked) if !is_agent => bound(home, locked, environment, in_team)?,
        _ => Vec::new(),
    };
    let status = Status {
        you: You {
            kind: if is_agent { Actor::Agent } else { Actor::Owner },
            agent: None,
            session: None,
            expires_at: None,
            mode: MODE,
        },
        vault: word,
        vault_kind: vault.map(|locked| locked.facts().kind),
        broker: Broker {
            state: BrokerState::Stopped,
            listen: None,
            pid: None,
            version: None,
            started_by: None,
        },
        project: Project::of((!in_team).then(Workspace::local), environment),
        secrets,
        waiting: Vec::new(),
        next: vec![next::owner(vec![argv.into()], why)],
        verified: in_team.then_some(false),
        as_of: None,
        fault: in_team.then(|| Fault::from(no_broker())),
    };
    serde_json::to_value(status).map_err(|_| bug())
}

/// The bound secrets, from the signed document.
fn bound(
    home: &Home,
    locked: &Locked,
    environment: &Environment,
    in_team: bool,
) -> Result<Vec<SecretShown>, Refusal> {
    let Some(file) = home.read(&home.policy())? else {
        return Ok(Vec::new());
    };
    let policy = Policy::verify(&file, &locked.facts().owner_public, 0)?;
    Ok(view::at_rest(&policy, environment, in_team))
}

fn no_broker() -> Refusal {
    Refusal::new(
        Code::BrokerDown,
        "no broker runs for this home",
        "start it: withheld unlock",
    )
}
