//! The first pull into a real keychain, beside the same pull into files, and beside a client of the
//! keychain that does nothing else.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use keyring_core::api::CredentialStoreApi as _;
use zbus_secret_service_keyring_store::Store;

use super::exchange::has_all;
use super::figures::{Figures, Measure, ms};
use super::keyring::Keyring;
use super::people::{Member, Vault};
use super::typed;
use crate::Outcome;
use crate::home::Home;

/// The environment with as many secrets as are pulled.
const FEW: &str = "few/dev";
/// The attribute by which the yardstick's items are found.
const SERVICE: &str = "withheld-bench";

/// Puts the secrets there that are pulled into keychains.
///
/// # Errors
/// What the program said.
pub(super) fn share(founder: &Member, figures: &Figures) -> Outcome {
    let count = figures.plan.few;
    let names: Vec<String> = (0..count).map(|at| format!("BENCH_FEW_{at:05}")).collect();
    typed::set(&founder.home, FEW, &names)?;
    let pushed = founder.does(&["push", "-e", FEW])?;
    has_all(&pushed["pushed"], count)
}

/// Two new members: one with a keychain under a bus of its own, one with files.
///
/// # Errors
/// What the program said, or what this machine lacks.
pub(super) fn pull(
    number: usize,
    founder: &Member,
    program: &Path,
    folder: &Path,
    figures: &mut Figures,
) -> Outcome<[Member; 2]> {
    let name = format!("files{number}");
    let mut files = Member::with_files(program, folder, &name)?;
    pull_into(founder, &files, Measure::IntoFiles, figures)?;
    files.stop()?;
    let item = size_of_an_envelope(&files.home)?;
    let keyring = Keyring::start(&folder.join(format!("bus{number}")))?;
    let name = format!("keychain{number}");
    let home = Home::new(program, &folder.join(&name))?.seeing(keyring.variables());
    let mut keychain = Member::new(home, &name, Vault::Keychain)?;
    pull_into(founder, &keychain, Measure::IntoKeychain, figures)?;
    let bare = Command::new(std::env::current_exe()?)
        .args(["keychain", &figures.plan.few.to_string(), &item.to_string()])
        .envs(keyring.variables())
        .output()?;
    if !bare.status.success() {
        return Err(String::from_utf8_lossy(&bare.stderr).into_owned().into());
    }
    let took = String::from_utf8(bare.stdout)?.trim().parse()?;
    figures.take(Measure::BareKeychain, took);
    keychain.stop()?;
    Ok([files, keychain])
}

/// Joins without a right to those secrets, gets it, and pulls them: so that nothing but that is measured.
fn pull_into(
    founder: &Member,
    member: &Member,
    measure: Measure,
    figures: &mut Figures,
) -> Outcome {
    founder.lets_in(member)?;
    let to = format!("{FEW}:read");
    founder.does(&["team", "set", &member.name, "--to", &to])?;
    // The keys are sealed to whoever gained a right by the next look of who has them.
    founder.does(&["pull"])?;
    member.does(&["status"])?;
    let pulled = member.home.asks(&["pull", "-e", FEW])?;
    has_all(&pulled.data["pulled"], figures.plan.few)?;
    figures.take(measure, ms(pulled.took));
    Ok(())
}

/// Bytes that rest for one value, by what lies in a vault of files. All that are there but a few of the
/// house's own are alike.
fn size_of_an_envelope(home: &Home) -> Outcome<u64> {
    let mut sizes = Vec::new();
    for entry in std::fs::read_dir(home.path().join("vault/items"))? {
        sizes.push(entry?.metadata()?.len());
    }
    sizes.sort_unstable();
    let middle = sizes.get(sizes.len() / 2).copied();
    middle.ok_or_else(|| "no value rests in the vault of files".into())
}

/// The yardstick, in a process of its own, so that it finds its own bus: writes the items over one
/// connection and prints how many milliseconds that took.
///
/// # Errors
/// When there is no keychain, or it does not take them.
pub(super) fn bare(items: &str, bytes: &str) -> Outcome {
    let (items, bytes): (usize, usize) = (items.parse()?, bytes.parse()?);
    let began = Instant::now();
    let store = Store::new()?;
    for number in 0..items {
        let entry = store.build(SERVICE, &number.to_string(), None)?;
        entry.set_secret(&vec![7; bytes])?;
    }
    println!("{}", ms(began.elapsed()));
    Ok(())
}
