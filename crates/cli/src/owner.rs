//! The owner's side: a broker that runs (started where none does), and the proof of presence, asked
//! last and under a line that says what it signs.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use withheld_core::Code;
use withheld_core::api::{Deposit, IntakePublic, Nonce, OwnerCall, OwnerRequest, VaultKind};
use withheld_vault::home::Home;
use withheld_vault::intake::{self, Passphrase, PublicKey};
use withheld_vault::vault::Vault;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Outcome;
use crate::socket::{ACT, ANSWER, Socket};
use crate::start::{self, Port};

/// Between two tries to meet a broker that is coming or going.
const RETRY: Duration = Duration::from_millis(50);

/// What the broker says of itself and its vault before anything is asked of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hello {
    /// Where values rest; `None` before `init`.
    pub(crate) vault: Option<VaultKind>,
    /// Whether that vault is open.
    #[serde(default)]
    pub(crate) unlocked: bool,
    /// The key that passphrases are sealed to: the broker's own.
    proof_key: IntakePublic,
    /// What passphrases are sealed with, for one call.
    nonce: Nonce,
    /// The key that values are sealed to: the vault's.
    pub(crate) intake_key: Option<IntakePublic>,
    /// The version of the broker that runs.
    pub(crate) version: String,
    /// Sessions that would be cut by a restart.
    #[serde(default)]
    pub(crate) sessions: u64,
}

/// A conversation with the broker as its owner.
pub(crate) struct Owner<'a> {
    context: &'a Context,
    home: Home,
    socket: Socket,
    /// What the broker said first.
    pub(crate) hello: Hello,
}

impl<'a> Owner<'a> {
    /// Speaks to the broker of a home that has a vault; starts one where none runs.
    ///
    /// # Errors
    /// `owner_needed` in a session, `not_found` before `init`, and what the home, the start and the
    /// broker refuse.
    pub(crate) fn open(context: &'a Context) -> Outcome<Self> {
        Self::open_at(context, Port::AsSet)
    }

    /// As [`Owner::open`]; a broker that is started for this listens where there is room.
    ///
    /// # Errors
    /// As [`Owner::open`].
    pub(crate) fn open_at_any_port(context: &'a Context) -> Outcome<Self> {
        Self::open_at(context, Port::Any)
    }

    fn open_at(context: &'a Context, port: Port) -> Outcome<Self> {
        let home = context.owner_home()?;
        home.check()?;
        if !has_vault(&home)? {
            return Err(no_vault());
        }
        Self::meet(context, home, port)
    }

    /// Speaks to the broker of a home that may have no vault yet.
    ///
    /// # Errors
    /// As [`Owner::open`], `not_found` aside.
    pub(crate) fn open_new(context: &'a Context) -> Outcome<Self> {
        let home = context.owner_home()?;
        home.create()?;
        Self::meet(context, home, Port::AsSet)
    }

    fn meet(context: &'a Context, home: Home, port: Port) -> Outcome<Self> {
        let socket = Socket::owner(&home)?;
        let met = socket.is_there().then(|| hello(&home, &socket));
        let hello = match met {
            Some(Ok(hello)) => hello,
            // It ended while it was met.
            Some(Err(_)) if !socket.is_there() => started(context, &home, &socket, port)?,
            Some(Err(failure)) => return Err(failure),
            None => started(context, &home, &socket, port)?,
        };
        let owner = Self {
            context,
            home,
            socket,
            hello,
        };
        owner.say_if_older();
        Ok(owner)
    }

    fn say_if_older(&self) {
        let own = env!("CARGO_PKG_VERSION");
        let running = &self.hello.version;
        if running != own {
            let uses = match self.hello.sessions {
                1 => "1 session uses it. Restart when it ends".to_owned(),
                many => format!("{many} sessions use it. Restart when they end"),
            };
            self.context.output.note(&format!(
                "note: the running broker is {}, this is {own}; {uses}: withheld daemon stop",
                crate::output::clean(running)
            ));
        }
    }

    /// Asks the broker anew what it says of itself: a vault was made since.
    ///
    /// # Errors
    /// What the broker refuses.
    pub(crate) fn greet(&mut self) -> Outcome {
        self.hello = hello(&self.home, &self.socket)?;
        Ok(())
    }

    /// Asks the broker what needs no proof.
    ///
    /// # Errors
    /// What it refuses.
    pub(crate) fn ask(&self, request: OwnerRequest) -> Outcome<Value> {
        self.socket.ask(&OwnerCall::plain(request), ACT)
    }

    /// Asks the broker what needs the owner's proof, which is asked for now: last, and for what the
    /// purpose says, like `to bind A to api.test`.
    ///
    /// # Errors
    /// `owner_needed` where nobody can be asked, and what the broker refuses.
    pub(crate) fn ask_proven(&self, request: OwnerRequest, purpose: &str) -> Outcome<Value> {
        let passphrase = self.passphrase(purpose)?;
        self.ask_with(request, &passphrase)
    }

    /// Asks the broker with a passphrase that was read before.
    ///
    /// # Errors
    /// What it refuses.
    pub(crate) fn ask_with(
        &self,
        request: OwnerRequest,
        passphrase: &Passphrase,
    ) -> Outcome<Value> {
        let letter = self.letter(&request)?;
        let proof = letter.sealed(passphrase)?;
        self.send(letter, request.with_proof(proof))
    }

    /// Asks the broker for another passphrase in the place of the one that proves.
    ///
    /// # Errors
    /// What it refuses.
    pub(crate) fn change_passphrase(&self, passphrase: &Passphrase, new: &Passphrase) -> Outcome {
        let change = |proof, new| OwnerRequest::ChangePassphrase { proof, new };
        let letter = self.letter(&change(Deposit::to_come(), Deposit::to_come()))?;
        let request = change(letter.sealed(passphrase)?, letter.sealed(new)?);
        self.send(letter, request).map(drop)
    }

    /// What passphrases have to be sealed with to go out with this request.
    fn letter(&self, request: &OwnerRequest) -> Outcome<Letter> {
        // Asked anew: while somebody typed, the broker may have been started anew, or have given
        // out so many others that the first one is forgotten.
        let hello = hello(&self.home, &self.socket)?;
        let context = request.proof_context(&hello.nonce).map_err(|_| {
            Failure::refuse(
                Code::Internal,
                "the request cannot be written",
                "report this, with: withheld doctor --json",
            )
        })?;
        Ok(Letter {
            key: PublicKey::read(&hello.proof_key)?,
            nonce: hello.nonce,
            context,
        })
    }

    fn send(&self, letter: Letter, request: OwnerRequest) -> Outcome<Value> {
        let call = OwnerCall {
            nonce: Some(letter.nonce),
            request,
        };
        self.socket.ask(&call, ACT)
    }

    /// The key for values.
    ///
    /// # Errors
    /// `not_found` before `init`.
    pub(crate) fn intake_key(&self) -> Outcome<PublicKey> {
        let key = self.hello.intake_key.as_ref().ok_or_else(no_vault)?;
        Ok(PublicKey::read(key)?)
    }

    /// The owner's passphrase, for what the purpose says.
    ///
    /// # Errors
    /// `owner_needed` where nobody can be asked.
    pub(crate) fn passphrase(&self, purpose: &str) -> Outcome<Passphrase> {
        if let Some(file) = &self.context.variables.passphrase_file {
            return Ok(intake::passphrase_file(file)?);
        }
        must_be_askable(self.context)?;
        let label = format!("Owner passphrase, {purpose}:");
        Ok(intake::prompt_passphrase(&label)?)
    }
}

/// A new owner passphrase, from somebody who is there.
///
/// # Errors
/// `owner_needed` where nobody can be asked.
pub(crate) fn new_passphrase(context: &Context, label: &str) -> Outcome<Passphrase> {
    must_be_askable(context)?;
    Ok(intake::prompt_new_passphrase(label)?)
}

/// Whether a proof can be had at all. To be asked before anything is begun that needs one later.
///
/// # Errors
/// `owner_needed` where no file has the passphrase and nobody can be asked.
pub(crate) fn can_be_proven(context: &Context) -> Outcome {
    match context.variables.passphrase_file {
        Some(_) => Ok(()),
        None => must_be_askable(context),
    }
}

fn must_be_askable(context: &Context) -> Outcome {
    if context.terminal().is_none() {
        return Err(Failure::refuse(
            Code::OwnerNeeded,
            "the owner passphrase is needed, and nobody can be asked here",
            "run it in a terminal, or name a file that holds the passphrase: WITHHELD_PASSPHRASE_FILE=FILE",
        ));
    }
    Ok(())
}

/// What the passphrases of one call are sealed with.
struct Letter {
    key: PublicKey,
    nonce: Nonce,
    context: Vec<u8>,
}

impl Letter {
    fn sealed(&self, passphrase: &Passphrase) -> Outcome<Deposit> {
        Ok(passphrase.seal(&self.key, &self.context)?)
    }
}

/// Whether a vault was made in this home.
///
/// # Errors
/// What the home refuses.
pub(crate) fn has_vault(home: &Home) -> Outcome<bool> {
    Ok(home.read(&home.vault_key())?.is_some())
}

/// `not_found`: nothing can be done before `init`.
pub(crate) fn no_vault() -> Failure {
    Failure::refuse(
        Code::NotFound,
        "there is no vault here yet",
        "make one: withheld init",
    )
}

/// Meets the broker. What it says is its vault's key has to be the one of the vault in this home:
/// whatever else answers on the socket gets no value to open.
fn hello(home: &Home, socket: &Socket) -> Outcome<Hello> {
    let said = socket.ask(&OwnerCall::plain(OwnerRequest::Hello), ANSWER)?;
    let hello: Hello = serde_json::from_value(said).map_err(|_| {
        Failure::refuse(
            Code::Internal,
            "the running broker speaks another version of this interface",
            "restart it: withheld daemon stop",
        )
    })?;
    if let Some(locked) = Vault::open(home)? {
        let own = locked.facts().intake_public.written();
        is_own_key(own, hello.intake_key.as_ref())?;
    }
    Ok(hello)
}

fn is_own_key(own: &IntakePublic, said: Option<&IntakePublic>) -> Outcome {
    match said {
        Some(said) if said != own => Err(Failure::refuse(
            Code::ConfigInvalid,
            "what answers as the broker does not serve the vault of this home",
            "end it and start anew, nothing was sent: withheld daemon stop",
        )),
        _ => Ok(()),
    }
}

/// Starts a broker, unless another command was faster: then that one serves us, too. One that is
/// just ending still holds the lock of the home, so a lost race is tried again.
fn started(context: &Context, home: &Home, socket: &Socket, port: Port) -> Outcome<Hello> {
    let deadline = Instant::now() + ANSWER;
    loop {
        match start::broker(home, &context.variables, port) {
            Ok(_) => return hello(home, socket),
            Err(failure) if failure.code() == Some(Code::Conflict) => match hello(home, socket) {
                Ok(met) => return Ok(met),
                Err(_) if Instant::now() < deadline => std::thread::sleep(RETRY),
                Err(failure) => return Err(failure),
            },
            Err(failure) => return Err(failure),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_broker_of_another_vault_is_not_trusted_with_values() {
        let key = |written: &str| IntakePublic::parse(written).unwrap();
        let code = |said: Option<&IntakePublic>| {
            let outcome = is_own_key(&key("AAAA"), said);
            outcome.err().and_then(|failure| failure.code())
        };
        assert_eq!(code(Some(&key("AAAA"))), None);
        assert_eq!(code(Some(&key("BBBB"))), Some(Code::ConfigInvalid));
        // Then there is no key to seal a value to.
        assert_eq!(code(None), None);
    }
}
