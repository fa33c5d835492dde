//! `withheld init`.

use serde_json::json;
use withheld_core::api::{Deposit, OwnerRequest, VaultKind};
use withheld_core::{Code, Refusal};
use withheld_vault::intake::{self, Passphrase};

use crate::cli::{Init, VaultChoice};
use crate::context::Context;
use crate::output::Outcome;
use crate::owner::{Owner, has_vault, new_passphrase};
use crate::terminal::stopped;
use crate::verbs::next;

/// What is true as long as programs of this user are not isolated from the broker.
pub(super) const NOT_ISOLATED: &str = "Programs of this user are not isolated (mode M0): this protects against accidents. See: withheld doctor";

pub(super) fn run(context: &Context, arguments: &Init) -> Outcome {
    let home = context.owner_home()?;
    home.check()?;
    if has_vault(&home)? {
        let refusal = Refusal::new(
            Code::Conflict,
            "there is a vault here already",
            "look at it: withheld status; another one: withheld init --home DIR",
        );
        return Err(refusal.for_good().into());
    }
    let wanted = Wanted {
        vault: arguments.vault,
        auto_unlock: arguments.auto_unlock,
    };
    let label = "Choose an owner passphrase (Enter makes one for you):";
    let passphrase = chosen(context, label)?;
    let owner = Owner::open_new(context)?;
    let kind = new_vault(context, &owner, &wanted, &passphrase)?;
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

/// What is said about a vault before it is made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// Where values rest.
    pub(super) vault: Option<VaultChoice>,
    /// Whether a login opens it.
    pub(super) auto_unlock: bool,
}

/// The passphrase of a vault that is to be made. Chosen before anything is begun: a command that is
/// refused for want of one leaves nothing behind.
///
/// # Errors
/// `owner_needed` where nobody can be asked.
pub(super) fn chosen(context: &Context, label: &str) -> Outcome<Passphrase> {
    match &context.variables.passphrase_file {
        Some(file) => Ok(intake::passphrase_file(file)?),
        None => new_passphrase(context, label),
    }
}

/// Makes the vault. A keychain that is missing is asked about once, and only where nobody said
/// which vault it must be; nothing weaker is taken without an answer.
///
/// # Errors
/// What the broker refuses.
pub(super) fn new_vault(
    context: &Context,
    owner: &Owner<'_>,
    wanted: &Wanted,
    passphrase: &Passphrase,
) -> Outcome<VaultKind> {
    let ask = |vault| {
        let request = OwnerRequest::Init {
            vault,
            auto_unlock: wanted.auto_unlock,
            passphrase: Deposit::to_come(),
        };
        owner.ask_with(request, passphrase)
    };
    let first = match wanted.vault {
        Some(VaultChoice::File) => VaultKind::File,
        Some(VaultChoice::Keychain) | None => VaultKind::Keychain,
    };
    match ask(first) {
        Ok(_) => Ok(first),
        Err(failure)
            if failure.code() == Some(Code::KeychainUnavailable)
                && wanted.vault.is_none()
                && !wanted.auto_unlock =>
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
