//! What the owner may ask. Everything that changes something needs the passphrase, proved afresh for
//! this one command.

mod acts;
mod agents;
pub(crate) mod bindings;
pub(crate) mod proof;
mod settings;
mod show;
mod values;

use std::sync::Arc;

use withheld_core::Refusal;
use withheld_core::api::{OwnerCall, OwnerRequest};

use crate::answer::Answer;
use crate::house::House;
use crate::team_api;
use proof::Seal;

/// Answers one call. Blocks: for a slow hash, for the disk, for a keychain.
///
/// # Errors
/// What the request refuses.
pub(crate) fn answer(house: &Arc<House>, call: OwnerCall) -> Result<Answer, Refusal> {
    use OwnerRequest as Ask;
    let seal = Seal::of(house, &call)?;
    let request = call.request;
    match request {
        Ask::Hello => return show::hello(house),
        Ask::Status => return show::status(house),
        Ask::List { environment } => return show::list(house, environment.as_ref()),
        Ask::Stop => return settings::stop(house),
        // Waits for nobody who has the owner's turn: keys go first.
        Ask::Lock => return acts::lock(house),
        // Waits for the network, and takes the owner's turn where it needs it.
        Ask::Team { ask, proof } => {
            return team_api::owner(house, ask, proof.as_ref().map(|proof| seal.on(proof)));
        }
        _ => {}
    }
    let _turn = house.owner_turn();
    match request {
        Ask::Init {
            vault,
            auto_unlock,
            passphrase,
        } => acts::init(house, vault, auto_unlock, seal.on(&passphrase)),
        Ask::Unlock { proof } => acts::unlock(house, seal.on(&proof)),
        Ask::ChangePassphrase { proof, new } => {
            acts::change_passphrase(house, seal.on(&proof), seal.on(&new))
        }
        Ask::Store {
            environment,
            items,
            proof,
        } => values::store(house, &environment, &items, seal.on(&proof)),
        Ask::Remove {
            environment,
            names,
            proof,
        } => values::remove(house, &environment, &names, seal.on(&proof)),
        Ask::Bind {
            environment,
            names,
            bindings,
            proof,
        } => bindings::bind(house, &environment, &names, &bindings, seal.on(&proof)),
        Ask::Unbind {
            environment,
            names,
            host,
            port,
            path,
            proof,
        } => {
            let at = bindings::At { host, port, path };
            bindings::unbind(house, &environment, &names, &at, seal.on(&proof))
        }
        Ask::Allow {
            hosts,
            agent,
            remove,
            proof,
        } => bindings::allow(house, &hosts, agent.as_ref(), remove, seal.on(&proof)),
        Ask::AgentAdd { record, proof } => agents::add(house, record, seal.on(&proof)),
        Ask::AgentRm { agent, proof } => agents::remove(house, &agent, seal.on(&proof)),
        Ask::SessionNew { agent, proof } => agents::session(house, &agent, seal.on(&proof)),
        Ask::Config { key, value, proof } => settings::config(
            house,
            key,
            value.as_deref(),
            proof.as_ref().map(|proof| seal.on(proof)),
        ),
        Ask::Hello | Ask::Status | Ask::List { .. } | Ask::Stop | Ask::Lock | Ask::Team { .. } => {
            Err(crate::house::bug())
        }
    }
}
