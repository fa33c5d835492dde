//! The types of what is shown of a secret. What is said of a field here is its description in the schemas of
//! the documents.

use withheld_core::binding::{Format, Place};
use withheld_core::destination::HostPattern;
use withheld_core::name::{BindingId, Environment, SecretName, VarName};
use withheld_core::{Moment, Text, plain};
use withheld_vault::origin::Origin;
use withheld_vault::team::Drift;
use withheld_vault::vault::HeldVersion;

plain! {
    /// A binding.
    #[derive(Clone, Debug)]
    pub(crate) struct BindingShown {
        /// By which a refusal names it as its `rule`.
        pub(crate) id: BindingId,
        /// PROJECT/ENVIRONMENT.
        pub(crate) environment: Environment,
        /// The secret's name.
        pub(crate) secret: SecretName,
        /// A host name, or `*.` (one label) or `**.` (any number) before one.
        pub(crate) host: HostPattern,
        /// The port.
        pub(crate) port: u16,
        /// `*` alone: any method.
        pub(crate) methods: Vec<Text>,
        /// Prefixes by whole segments; `/*` alone: the whole host.
        pub(crate) paths: Vec<Text>,
        /// The place in the request, as in `--inject`.
        pub(crate) inject: Place,
        /// What stands round the value in its header, `{}` in its place; null: nothing.
        pub(crate) format: Option<Format>,
        /// Variables that hold the placeholder; none: the one of the secret's own name.
        pub(crate) vars: Vec<VarName>,
        /// Added to requests that do not ask for it.
        pub(crate) auto: bool,
        /// May reach private and loopback addresses.
        pub(crate) private: bool,
        /// The client may send credentials of its own there.
        pub(crate) foreign: bool,
        /// Trusts certificates of its own instead of the system's.
        pub(crate) ca: bool,
    }

    /// What a secret may be used for.
    #[derive(Clone, Debug)]
    pub(crate) struct Usable {
        /// A host name, or `*.` (one label) or `**.` (any number) before one.
        pub(crate) host: HostPattern,
        /// The port.
        pub(crate) port: u16,
        /// `*` alone: any method.
        pub(crate) methods: Vec<Text>,
        /// Prefixes by whole segments; `/*` alone: the whole host.
        pub(crate) paths: Vec<Text>,
        /// The place in the request, as in `--inject`.
        pub(crate) inject: Place,
    }

    /// A secret in `status`.
    #[derive(Clone, Debug)]
    pub(crate) struct SecretShown {
        /// The secret's name.
        pub(crate) name: SecretName,
        /// How what is here stands to what the team has; without a team `local-only`, or `missing`.
        pub(crate) state: Drift,
        /// What is here: the team's number for it, or the vault's own where it was never shared; null
        /// where none is here, or none is known of.
        pub(crate) version: Option<u64>,
        /// The team's newest; null where it has none, or nobody can say.
        pub(crate) remote_version: Option<u64>,
        /// Its value is here, and it is bound: a request can be sent with it.
        pub(crate) usable: bool,
        /// Where it may go, one row a binding.
        #[serde(rename = "use")]
        pub(crate) uses: Vec<Usable>,
        /// Variables that hold its placeholder in the environment of a session.
        pub(crate) vars: Vec<VarName>,
        /// `auto`, `foreign`, `private`: of its bindings. `was:STATE`: how it stood when that was
        /// verified. `suspect:401`, `suspect:403`: its service refused this version. `duplicate-name`,
        /// `needs-upstream-rotation:member-removed`, `needs-upstream-rotation:right-lowered`.
        pub(crate) flags: Vec<Text>,
        /// Whether its service refused this version.
        #[serde(skip)]
        pub(super) refused: bool,
    }

    /// A secret in `ls`.
    #[derive(Clone, Debug)]
    pub(crate) struct SecretLong {
        /// The secret's name.
        pub(crate) name: SecretName,
        /// PROJECT/ENVIRONMENT.
        pub(crate) environment: Environment,
        /// The vault's number for the newest version here; null where none is here, or the vault is
        /// locked. So are `origin` and `created_at`.
        pub(crate) version: Option<u64>,
        /// Where that version came from.
        pub(crate) origin: Option<Origin>,
        /// When it was put in.
        pub(crate) created_at: Option<Moment>,
        /// All that are kept, oldest first.
        pub(crate) versions: Vec<HeldVersion>,
        /// Where it may go, and how.
        pub(crate) bindings: Vec<BindingShown>,
        /// When it was last sent, by the newest records of the log; null where none of them is about it.
        pub(crate) last_used: Option<Moment>,
    }
}
