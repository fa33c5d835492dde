//! The house: everything that a request meets, built once, in the order of need. It is handed down
//! and never global.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::{Notify, watch};
use withheld_audit::{Anchor, Log, Sealer};
use withheld_core::endpoint_path::EndpointPath;
use withheld_core::policy_doc::Policy;
use withheld_core::{Code, Refusal};
use withheld_vault::intake::IntakeKey;
use withheld_vault::{Facts, Home, Locked, Unlocked, Vault, VaultSealer};
use withheld_wire::{Wire, WireConfig};

use crate::anchor::VaultAnchor;
use crate::clock;
use crate::config::Config;
use crate::door::gate::GateKey;
use crate::leaves::Leaves;
use crate::nonces::Nonces;
use crate::process;
use crate::session::{Rest, Sessions, random};
use crate::suspects::Suspects;
use crate::team_room::{Glances, TeamState};
use crate::throttle::{Passphrases, Tokens};

mod switch;
#[cfg(test)]
mod tests;

pub(crate) use switch::VaultState;

/// What the vault vouches for when it vouches for the sessions.
const SESSIONS: &str = "sessions";

/// Everything that a request meets.
pub(crate) struct House {
    pub(crate) home: Home,
    pub(crate) config: Config,
    pub(crate) gate_key: GateKey,
    /// Opens passphrases and proofs; made anew at each start.
    pub(crate) intake: IntakeKey,
    pub(crate) sessions: Sessions,
    pub(crate) wire: Wire,
    pub(crate) leaves: Leaves,
    pub(crate) tokens: Tokens,
    pub(crate) passphrases: Passphrases,
    /// What proofs are made with.
    pub(crate) nonces: Nonces,
    /// The program that started this one.
    pub(crate) started_by: Option<EndpointPath>,
    /// Woken to end the broker.
    pub(crate) stop: Notify,
    /// The sessions as they were read, until the vault is open and can say whether they are its own.
    rested: Mutex<Option<Rest>>,
    /// The team, while the vault is open.
    pub(crate) team: ArcSwap<TeamState>,
    /// The look at the team's server that is under way.
    pub(crate) glances: Glances,
    /// How often the vault was locked: who waits for the network with its keys ends when this rises.
    pub(crate) locks: watch::Sender<u64>,
    /// Woken where somebody was invited, or a team begins.
    pub(crate) invited: Notify,
    /// Secrets that their services refused.
    pub(crate) suspects: Suspects,
    vault: ArcSwap<VaultState>,
    sealer: Arc<VaultSealer>,
    anchor: Arc<VaultAnchor>,
    log: OnceLock<Log>,
    policy: ArcSwapOption<Policy>,
    listen: Arc<OnceLock<SocketAddr>>,
    /// One owner command at a time, and one start of a session.
    owner: Mutex<()>,
    /// One writer of the file `sessions` at a time.
    saving: Mutex<()>,
    /// One command at a time that founds a team, joins it or gives it an environment. Taken before the
    /// owner's turn.
    founding: Mutex<()>,
    /// Held while the vault and what belongs to it change together; never while anybody is waited for
    /// but a disk or a keychain. Taken after the owner's turn, and by `lock` without it.
    switching: Mutex<()>,
}

impl House {
    /// Builds the house of a home. Nothing listens yet, and the vault is locked unless its key rests
    /// in the keychain.
    ///
    /// # Errors
    /// `config_invalid`, `store_corrupt`, and, with exit 8, a policy document or a log that cannot be
    /// trusted.
    pub(crate) fn build(home: Home) -> Result<Arc<Self>, Refusal> {
        let config = Config::of(&home)?;
        let rested = home.read(&home.sessions())?;
        let rested = rested.as_deref().map(Rest::read).transpose()?;
        let sessions = rested.as_ref().map(|rest| rest.json.as_slice());
        let listen = Arc::new(OnceLock::new());
        let house = Arc::new(Self {
            config,
            gate_key: GateKey::new().map_err(|_| bug())?,
            intake: IntakeKey::generate()?,
            sessions: Sessions::load(sessions, clock::now())?,
            rested: Mutex::new(rested),
            wire: wire(&listen)?,
            leaves: Leaves::new()?,
            tokens: Tokens::default(),
            passphrases: Passphrases::default(),
            nonces: Nonces::default(),
            started_by: process::started_by(),
            stop: Notify::new(),
            team: ArcSwap::from_pointee(TeamState::None),
            glances: Glances::default(),
            locks: watch::Sender::new(0),
            invited: Notify::new(),
            suspects: Suspects::default(),
            vault: ArcSwap::from_pointee(VaultState::Absent),
            sealer: Arc::new(VaultSealer::locked()),
            anchor: Arc::default(),
            log: OnceLock::new(),
            policy: ArcSwapOption::empty(),
            listen,
            owner: Mutex::default(),
            saving: Mutex::default(),
            founding: Mutex::default(),
            switching: Mutex::default(),
            home,
        });
        if let Some(locked) = Vault::open(&house.home)? {
            house.move_in(locked)?;
        }
        Ok(house)
    }

    /// Takes over a vault that was made: its log, its policy, and, where the keychain keeps its key,
    /// its values.
    fn move_in(self: &Arc<Self>, locked: Locked) -> Result<(), Refusal> {
        let locked = Arc::new(locked);
        self.open_log(locked.facts())?;
        self.load_policy(locked.facts(), self.log()?.policy_counter())?;
        self.vault
            .store(Arc::new(VaultState::Locked(Arc::clone(&locked))));
        if locked.facts().auto_unlock {
            // A keychain that does not answer leaves the vault locked, and `unlock` says why.
            if let Ok(Some(unlocked)) = locked.unlock_by_keychain() {
                self.open_up(unlocked)?;
            }
        }
        Ok(())
    }

    /// Opens the log, once.
    ///
    /// # Errors
    /// What the log refuses: then nothing is served.
    pub(crate) fn open_log(&self, facts: &Facts) -> Result<(), Refusal> {
        if self.log.get().is_none() {
            let sealer: Arc<dyn Sealer> = Arc::clone(&self.sealer) as _;
            let copy: Arc<dyn Anchor> = Arc::clone(&self.anchor) as _;
            let log = Log::open(
                &self.home.audit(),
                sealer,
                self.config.durability,
                Arc::new(clock::now),
                Some(&facts.audit_public),
                Some(copy),
            )?;
            // Only an owner command gets here twice at once, and those wait for each other.
            let _ = self.log.set(log);
        }
        Ok(())
    }

    /// Reads the policy document and lets it decide from now on. The one before stays where the new
    /// one is refused.
    ///
    /// # Errors
    /// `signature_invalid`, `rollback_detected`, `store_corrupt`: they name the file.
    pub(crate) fn load_policy(&self, facts: &Facts, floor: u64) -> Result<(), Refusal> {
        let Some(file) = self.home.read(&self.home.policy())? else {
            // Killed in the middle of `init`: the next proof signs the first document.
            if floor == 0 {
                return Ok(());
            }
            return Err(Refusal::new(
                Code::StoreCorrupt,
                "the file `policy` is gone",
                "stop and look at who removed it; put back the newest `policy` from a backup",
            ));
        };
        let policy = Policy::verify(&file, &facts.owner_public, floor)?;
        self.set_policy(policy);
        Ok(())
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        self.policy.store(Some(Arc::new(policy)));
    }

    /// The policy that decides.
    ///
    /// # Errors
    /// `not_found` before `init`.
    pub(crate) fn policy(&self) -> Result<Arc<Policy>, Refusal> {
        self.policy.load_full().ok_or_else(no_vault)
    }

    /// The log.
    ///
    /// # Errors
    /// `not_found` before `init`.
    pub(crate) fn log(&self) -> Result<&Log, Refusal> {
        self.log.get().ok_or_else(no_vault)
    }

    /// Where the token port is.
    pub(crate) fn listen(&self) -> Option<SocketAddr> {
        self.listen.get().copied()
    }

    pub(crate) fn set_listen(&self, address: SocketAddr) {
        // It is bound once a process.
        let _ = self.listen.set(address);
    }

    /// Held while an owner command runs.
    pub(crate) fn owner_turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.owner)
    }

    /// Held by whoever founds a team, joins it or gives it an environment, from before it looks at what
    /// there is.
    pub(crate) fn founding(&self) -> MutexGuard<'_, ()> {
        lock(&self.founding)
    }

    /// Held while the vault and what belongs to it change together.
    pub(crate) fn switching(&self) -> MutexGuard<'_, ()> {
        lock(&self.switching)
    }

    /// Writes the sessions to their file.
    ///
    /// # Errors
    /// `store_unavailable`, `config_invalid`.
    pub(crate) fn save_sessions(&self) -> Result<(), Refusal> {
        let _writing = lock(&self.saving);
        let active: Vec<_> = self
            .sessions
            .active(clock::now())
            .iter()
            .map(|one| one.id)
            .collect();
        // What has ended keeps nothing that was made of values.
        self.wire.retain(|id| active.contains(id));
        let json = self.sessions.to_json(clock::now())?;
        let vouched = self.unlocked()?.vouch(SESSIONS, &json)?;
        self.home
            .write(&self.home.sessions(), &Rest { json, vouched }.to_bytes())
    }

    /// Sessions that were read from a file which is not this vault's own end here, before the first
    /// of them can be used: nothing is served while the vault is locked.
    fn vouch_for_sessions(&self, unlocked: &Unlocked) -> Result<(), Refusal> {
        let rested = lock(&self.rested).take();
        if let Some(rest) = rested
            && !unlocked.vouches(SESSIONS, &rest.json, &rest.vouched)?
        {
            self.sessions.end_all();
        }
        Ok(())
    }
}

fn wire(listen: &Arc<OnceLock<SocketAddr>>) -> Result<Wire, Refusal> {
    let listen = Arc::clone(listen);
    let own = move |address: SocketAddr| {
        listen.get().is_some_and(|own| {
            let ip = address.ip().to_canonical();
            own.port() == address.port() && (ip.is_loopback() || ip.is_unspecified())
        })
    };
    Wire::new(WireConfig {
        own: Arc::new(own),
        via: format!("withheld-{}", URL_SAFE_NO_PAD.encode(random::<9>()?)),
    })
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command began with keys that are gone.
pub(crate) fn locked_meanwhile() -> Refusal {
    Refusal::new(
        Code::VaultLocked,
        "the vault was locked meanwhile",
        "the owner runs: withheld unlock; then run the command again",
    )
}

/// Nothing can be done before `init`.
pub(crate) fn no_vault() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "there is no vault here yet",
        "the owner makes one: withheld init",
    )
}

/// What the types rule out.
pub(crate) fn bug() -> Refusal {
    Refusal::new(
        Code::Internal,
        "the broker met something that cannot be",
        "report this, with: withheld doctor --json",
    )
}
