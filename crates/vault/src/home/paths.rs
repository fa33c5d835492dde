//! What lies where in a home.

use std::path::{Path, PathBuf};

use super::Home;

impl Home {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The signed policy document.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.path.join("policy")
    }

    /// The sealed vault key and owner key.
    #[must_use]
    pub fn vault_key(&self) -> PathBuf {
        self.path.join("vault/key")
    }

    /// The sealed index of the vault.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.path.join("vault/index")
    }

    /// The folder of a file vault's envelopes.
    #[must_use]
    pub fn items(&self) -> PathBuf {
        self.path.join("vault/items")
    }

    /// The sessions: digests of their tokens, and their placeholders.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.path.join("sessions")
    }

    /// The folder of the audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.path.join("audit")
    }

    /// Our certificate authority, for clients that add to their roots.
    #[must_use]
    pub fn ca_pem(&self) -> PathBuf {
        self.path.join("ca/ca.pem")
    }

    /// The system's roots and ours, for clients whose roots are replaced.
    #[must_use]
    pub fn bundle_pem(&self) -> PathBuf {
        self.path.join("ca/bundle.pem")
    }

    /// The folder of the team's local copy.
    #[must_use]
    pub fn team(&self) -> PathBuf {
        self.path.join("team")
    }

    /// A file of it.
    pub(crate) fn team_file(&self, name: &str) -> PathBuf {
        self.team().join(name)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path.join("config")
    }

    /// The owner's socket.
    #[must_use]
    pub fn owner_sock(&self) -> PathBuf {
        self.path.join("run/owner.sock")
    }

    /// The agents' socket.
    #[must_use]
    pub fn agent_sock(&self) -> PathBuf {
        self.path.join("run/agent.sock")
    }

    /// The lock of the one broker.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.path.join("run/lock")
    }
}
