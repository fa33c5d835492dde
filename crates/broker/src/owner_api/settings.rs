//! The file `config`, and the end.

use std::sync::Arc;

use serde::Serialize;
use withheld_audit::{Act, OwnerAct};
use withheld_core::api::ConfigKey;
use withheld_core::{Code, Refusal, plain};

use super::proof::{Sealed, proven};
use crate::answer::Answer;
use crate::config::FileConfig;
use crate::house::House;

#[derive(Serialize)]
struct Setting {
    key: ConfigKey,
    /// As the owner wrote it; `null`: the default.
    value: Option<String>,
}

plain! {
    struct Stopping {
        stopping: bool,
    }
}

/// Reads a setting, or changes it. `listen` counts from the next start.
pub(super) fn config(
    house: &Arc<House>,
    key: ConfigKey,
    value: Option<&str>,
    proof: Option<Sealed<'_>>,
) -> Result<Answer, Refusal> {
    let file = house.home.read(&house.home.config())?;
    let mut file = file
        .as_deref()
        .map(FileConfig::read)
        .transpose()?
        .unwrap_or_default();
    if let Some(value) = value {
        let value = Some(value.to_owned());
        match key {
            ConfigKey::Listen => file.listen = value,
            ConfigKey::AuditDurability => file.audit_durability = value,
        }
        // What would not be read at the next start is not written.
        let resolved = file.resolve()?;
        proven(house, proof.ok_or_else(no_proof)?)?;
        house.log()?.owner(OwnerAct::of(Act::Config))?;
        house.home.write(&house.home.config(), &file.to_toml()?)?;
        house.log()?.set_durability(resolved.durability);
    }
    let value = match key {
        ConfigKey::Listen => file.listen,
        ConfigKey::AuditDurability => file.audit_durability,
    };
    Answer::private("withheld.config/1", &Setting { key, value })
}

/// Ends the broker when its requests have ended.
pub(super) fn stop(house: &Arc<House>) -> Result<Answer, Refusal> {
    house.stop.notify_one();
    Answer::of("withheld.stop/1", &Stopping { stopping: true })
}

fn no_proof() -> Refusal {
    Refusal::new(
        Code::OwnerNeeded,
        "changing a setting needs the owner passphrase",
        "the owner runs this in a terminal of their own",
    )
}
