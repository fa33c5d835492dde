//! What `diff`, `pull` and `push` answer. What is said of a field here is its description in the schema of the
//! document.

use withheld_core::name::{Environment, SecretName};
use withheld_core::team::PersonName;
use withheld_core::{Moment, plain};
use withheld_vault::team::{Drift, DriftRow, Flag, NamedVersion};

use super::Fault;

plain! {
    pub(in crate::team_api) struct Diff {
        /// PROJECT/ENVIRONMENT.
        pub(super) environment: Environment,
        /// Whether the states are what the server says now.
        pub(super) verified: bool,
        /// How old what is known of the team is.
        pub(super) as_of: AsOf,
        /// Why the states are not verified; null where they are.
        pub(super) fault: Option<Fault>,
        /// Sorted by name.
        pub(super) secrets: Vec<Row>,
    }

    /// The heads that were verified last, how long ago the server named them, and when the newest of
    /// what it showed was signed.
    #[derive(Clone, Copy)]
    pub(crate) struct AsOf {
        /// The last link of the membership that was verified.
        pub(super) w: u64,
        /// The last commit of the environment that was verified.
        pub(super) e: u64,
        /// Seconds since the server last answered; null: never. It can say for ever that nothing is new.
        pub(super) age_s: Option<u64>,
        /// When the newest change that was verified here was signed, by the clock of who signed it; null
        /// where the environment is not shared.
        pub(super) signed_at: Option<Moment>,
    }

    pub(super) struct Row {
        /// The secret's name.
        name: SecretName,
        /// How what is here stands to what the team has.
        state: Drift,
        /// The team's version that was last applied here; null where it is not here, or not any more.
        version: Option<u64>,
        /// The team's newest; null where it has none.
        remote_version: Option<u64>,
        /// The member who made that; null where the directory does not say.
        changed_by: Option<PersonName>,
        /// When, by that device's clock; null where its commit is not here.
        changed_at: Option<Moment>,
        /// `duplicate-name`: two secrets of the environment have this name.
        /// `needs-upstream-rotation:member-removed`, `needs-upstream-rotation:right-lowered`: somebody
        /// could read this version who may not any more.
        flags: Vec<Flag>,
    }

    pub(in crate::team_api) struct PullShown {
        /// PROJECT/ENVIRONMENT.
        pub(super) environment: Environment,
        /// The secrets that came, each with the team's version that is here now.
        pub(super) pulled: Vec<NamedVersion>,
        /// Names of secrets that the team removed, and that are not here any more.
        pub(super) removed: Vec<SecretName>,
        /// Names of secrets that were changed on both sides, and left as they are. With one of them the
        /// command fails, and all of this is the `facts` of the error.
        pub(super) diverged: Vec<SecretName>,
        /// Names of secrets whose record does not verify: set aside, the last good version stays in use.
        /// With one of them the command fails, and all of this is the `facts` of the error.
        pub(super) tampered: Vec<SecretName>,
        /// How many secrets the team has in this environment.
        pub(super) total: u64,
        /// The environment's last commit.
        pub(super) at: u64,
        /// Seconds since the server last answered; null: never.
        pub(super) age_s: Option<u64>,
    }

    pub(in crate::team_api) struct PushShown {
        /// PROJECT/ENVIRONMENT.
        pub(super) environment: Environment,
        /// The secrets that the team has as they are here, each with the team's version.
        pub(super) pushed: Vec<NamedVersion>,
        /// Names of secrets that were removed here, and now for the team.
        pub(super) removed: Vec<SecretName>,
        /// Names of secrets that were removed here, and are still the team's: a push that names them
        /// removes them for the team.
        pub(super) removed_here: Vec<SecretName>,
        /// As in `withheld.pull/1`.
        pub(super) diverged: Vec<SecretName>,
        /// As in `withheld.pull/1`.
        pub(super) tampered: Vec<SecretName>,
        /// How many secrets the team has in this environment.
        pub(super) total: u64,
        /// The environment's last commit.
        pub(super) at: u64,
        /// Seconds since the server last answered; null: never.
        pub(super) age_s: Option<u64>,
    }
}

impl Row {
    pub(super) fn of(row: DriftRow) -> Self {
        Self {
            name: row.name,
            state: row.state,
            version: row.version,
            remote_version: row.remote_version,
            changed_by: row.changed_by,
            changed_at: row.changed_at,
            flags: row.flags,
        }
    }
}
