//! `withheld init`.

use serde_json::json;
use withheld_core::Code;
use withheld_core::api::{Deposit, OwnerRequest, VaultKind};
use withheld_vault::intake::{self, Passphrase};

use crate::cli::{Init, VaultChoice};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::owner::Owner;
use crate::terminal::stopped;
use crate::verbs::next;

/// What is true as long as programs of this user are not isolated from the broker.
pub(super) const NOT_ISOLATED: &str = "Programs of this user are not isolated (mode M0): this protects against accidents. See: withheld doctor";

pub(super) fn run(context: &Context, arguments: &Init) -> Outcome {
    let owner = Owner::open_new(context)?;
    if owner.hello.vault.is_some() {
        return Err(Failure::refuse(
            Code::Conflict,
            "there is a vault here already",
            "look at it: withheld status; another one: withheld init --home DIR",
        ));
    }
    let passphrase = passphrase(context, &owner)?;
    let wanted = match arguments.vault {
        Some(VaultChoice::File) => VaultKind::File,
        Some(VaultChoice::Keychain) | None => VaultKind::Keychain,
    };
    let kind = make(context, &owner, arguments, wanted, &passphrase)?;
    if context.output.is_json() {
        let data = json!({
            "vault": kind,
            "auto_unlock": arguments.auto_unlock,
            "mode": "M0",
        });
        return context.output.document("withheld.init/1", data);
    }
    context.output.line(&format!(
        "Vault ready in {}. What rests there is sealed; only your passphrase opens it, once per login.",
        place(kind)
    ))?;
    context.output.line(NOT_ISOLATED)?;
    context
        .output
        .line(&format!("\n{}", next::lines(&next::OWNER)))
}

fn place(kind: VaultKind) -> &'static str {
    match kind {
        VaultKind::Keychain if cfg!(target_os = "macos") => "the macOS Keychain",
        VaultKind::Keychain if cfg!(windows) => "Windows Credential Manager",
        VaultKind::Keychain => "GNOME Keyring",
        VaultKind::File => "sealed files, in the folder `vault` of the home",
    }
}

fn passphrase(context: &Context, owner: &Owner<'_>) -> Outcome<Passphrase> {
    match &context.variables.passphrase_file {
        Some(file) => Ok(intake::passphrase_file(file)?),
        None => owner.new_passphrase("Choose an owner passphrase (Enter makes one for you):"),
    }
}

/// Makes the vault. A keychain that is missing is asked about once, and only where nobody said
/// which vault it must be; nothing weaker is taken without an answer.
fn make(
    context: &Context,
    owner: &Owner<'_>,
    arguments: &Init,
    wanted: VaultKind,
    passphrase: &Passphrase,
) -> Outcome<VaultKind> {
    let ask = |vault| {
        let request = OwnerRequest::Init {
            vault,
            auto_unlock: arguments.auto_unlock,
            passphrase: Deposit::to_come(),
        };
        owner.ask_with(request, passphrase)
    };
    match ask(wanted) {
        Ok(_) => Ok(wanted),
        Err(failure)
            if failure.code() == Some(Code::KeychainUnavailable)
                && arguments.vault.is_none()
                && !arguments.auto_unlock =>
        {
            let Some(mut terminal) = context.questions() else {
                return Err(failure);
            };
            terminal.say("There is no keychain that answers on this machine.")?;
            let answer = terminal.ask("Keep values in sealed files instead? y or q:")?;
            if answer != "y" {
                return Err(stopped());
            }
            ask(VaultKind::File)?;
            Ok(VaultKind::File)
        }
        Err(failure) => Err(failure),
    }
}
