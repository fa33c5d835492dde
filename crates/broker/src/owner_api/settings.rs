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
    /// As the owner wrote it, of certificates how many there are; `null`: the default.
    value: Option<String>,
}

plain! {
    struct Stopping {
        stopping: bool,
    }
}

/// Reads a setting, or changes it; an empty value takes it back to its default. `listen` counts from the next start.
pub(super) fn config(
    house: &Arc<House>,
    key: ConfigKey,
    value: Option<&str>,
    proof: Option<Sealed<'_>>,
) -> Result<Answer, Refusal> {
    let mut file = FileConfig::of(&house.home)?;
    if let Some(value) = value {
        *field(&mut file, key) = Some(value.to_owned()).filter(|value| !value.is_empty());
        // What would not be read at the next start is not written.
        let resolved = file.resolve()?;
        proven(house, proof.ok_or_else(no_proof)?)?;
        house.log()?.owner(OwnerAct::of(Act::Config))?;
        house.home.write(&house.home.config(), &file.to_toml()?)?;
        house.log()?.set_durability(resolved.durability);
    }
    let value = field(&mut file, key).take();
    let value = match key {
        ConfigKey::ExtraCa => value.as_deref().map(counted),
        _ => value,
    };
    Answer::private("withheld.config/1", &Setting { key, value })
}

fn field(file: &mut FileConfig, key: ConfigKey) -> &mut Option<String> {
    match key {
        ConfigKey::Listen => &mut file.listen,
        ConfigKey::AuditDurability => &mut file.audit_durability,
        ConfigKey::ExtraCa => &mut file.extra_ca,
        ConfigKey::AutoPull => &mut file.auto_pull,
    }
}

fn counted(pem: &str) -> String {
    match withheld_wire::certificates_in(pem) {
        None => "no certificates that can be read".to_owned(),
        Some(1) => "1 certificate".to_owned(),
        Some(many) => format!("{many} certificates"),
    }
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
