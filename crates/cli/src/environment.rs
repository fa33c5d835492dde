//! The environment: every variable the command line reads, and the only file that reads them.
//!
//! Nothing here leads to a home for the owner's verbs: a file of a project could have planted a
//! variable. Values of secrets are not read here but in the vault's intake.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use withheld_system::private;

/// Another home, for the verbs of agents only.
pub(crate) const HOME: &str = "WITHHELD_HOME";
/// A file with the owner passphrase, for unattended set-up and tests.
pub(crate) const PASSPHRASE_FILE: &str = "WITHHELD_PASSPHRASE_FILE";
/// The token of an agent's session.
pub(crate) const SESSION: &str = "WITHHELD_SESSION";
/// Any value: no colour.
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// Any value but `0`: colour even where stdout is no terminal.
pub(crate) const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// `true`: nothing is asked.
pub(crate) const CI: &str = "CI";
/// Hosts that the user's own programs reach without a proxy.
pub(crate) const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Where programs are found; the demo looks for curl there.
pub(crate) const PATH: &str = "PATH";
/// The folder for temporary files; the demo plays in one.
pub(crate) const TEMPORARY: &str = "TMPDIR";
/// The address of the session bus, on which a keychain answers; handed to the broker, which starts
/// without the rest.
pub(crate) const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// The folder in which the session bus is looked for where no address is given; handed on likewise.
pub(crate) const RUNTIME: &str = "XDG_RUNTIME_DIR";

/// What the environment says, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    /// [`HOME`].
    pub(crate) home: Option<PathBuf>,
    /// [`PASSPHRASE_FILE`].
    pub(crate) passphrase_file: Option<PathBuf>,
    /// [`SESSION`].
    pub(crate) session: Option<Token>,
    /// [`CI`] is `true`.
    pub(crate) unattended: bool,
    /// Whether stdout may be coloured.
    pub(crate) colour: bool,
    /// [`NO_PROXY`], as it stands.
    pub(crate) no_proxy: String,
    /// [`PATH`], as it stands.
    pub(crate) path: OsString,
    /// Where temporary files go.
    pub(crate) temporary: PathBuf,
    /// [`BUS`] and [`RUNTIME`], where they are fit to be handed to the broker.
    pub(crate) bus: Vec<(&'static str, OsString)>,
}

/// The token of a session. It lets its holder use secrets, so it has no `Debug` that shows it.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// The token of a session that has just begun.
    pub(crate) fn of_session(token: &str) -> Self {
        Self(token.to_owned())
    }

    /// The text of the token, for the one field that carries it to the broker.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Variables {
    /// Reads the process's environment.
    pub(crate) fn read() -> Self {
        Self::from(&read_one, std::io::stdout().is_terminal())
    }

    /// Reads by `get`. An empty variable counts as not set.
    pub(crate) fn from(get: &dyn Fn(&str) -> Option<OsString>, terminal: bool) -> Self {
        let text = |name: &str| get(name).and_then(|value| value.into_string().ok());
        let forced = text(CLICOLOR_FORCE).is_some_and(|value| value != "0");
        Self {
            home: get(HOME).map(PathBuf::from),
            passphrase_file: get(PASSPHRASE_FILE).map(PathBuf::from),
            // A token that is no text is still a token: whoever has one is an agent.
            session: get(SESSION).map(|value| Token(value.to_string_lossy().into_owned())),
            unattended: text(CI).is_some_and(|value| value == "true"),
            colour: get(NO_COLOR).is_none() && (terminal || forced),
            no_proxy: NO_PROXY
                .iter()
                .find_map(|name| text(name))
                .unwrap_or_default(),
            path: get(PATH).unwrap_or_default(),
            temporary: get(TEMPORARY).map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            bus: [
                (
                    BUS,
                    text(BUS).filter(|value| is_socket(value)).map(Into::into),
                ),
                (
                    RUNTIME,
                    get(RUNTIME).filter(|value| is_own_folder(Path::new(value))),
                ),
            ]
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name, value)))
            .collect(),
        }
    }
}

/// Whether an address of D-Bus is one socket of this machine and nothing else. There are addresses
/// that name a program to run: a planted one would be a child of the broker.
fn is_socket(address: &str) -> bool {
    let Some(pairs) = address.strip_prefix("unix:") else {
        return false;
    };
    let (mut places, mut guids) = (0, 0);
    for pair in pairs.split(',') {
        match pair.split_once('=') {
            Some(("path", value)) if value.starts_with('/') && is_value(value) => places += 1,
            Some(("abstract", value)) if is_value(value) => places += 1,
            Some(("guid", value)) if value.bytes().all(|b| b.is_ascii_hexdigit()) => guids += 1,
            _ => return false,
        }
    }
    places == 1 && guids <= 1
}

/// Whether this can be a value of an address: what stands for itself there, and what is escaped.
fn is_value(value: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_/.\\*%".contains(&b);
    !value.is_empty() && value.bytes().all(fits)
}

/// Whether this is a folder of this user, and closed to others.
fn is_own_folder(folder: &Path) -> bool {
    folder.is_absolute() && private::is_private_folder(folder)
}

fn read_one(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)], terminal: bool) -> Variables {
        Variables::from(
            &|name| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| OsString::from(value))
            },
            terminal,
        )
    }

    #[test]
    fn colour_needs_a_terminal_or_force() {
        for (pairs, terminal, colour) in [
            (&[][..], true, true),
            (&[], false, false),
            (&[("CLICOLOR_FORCE", "1")], false, true),
            (&[("CLICOLOR_FORCE", "0")], false, false),
            (&[("NO_COLOR", "1")], true, false),
            (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
        ] {
            assert_eq!(with(pairs, terminal).colour, colour, "{pairs:?} {terminal}");
        }
    }

    #[test]
    fn only_ci_true_means_unattended() {
        assert!(with(&[("CI", "true")], true).unattended);
        assert!(!with(&[("CI", "1")], true).unattended);
        assert!(!with(&[], true).unattended);
    }

    #[test]
    fn only_the_address_of_a_socket_reaches_the_broker() {
        let handed = |address: &str| with(&[(BUS, address)], false).bus;
        for address in [
            "unix:path=/run/user/1000/bus",
            "unix:path=/tmp/dbus-aB3,guid=0123456789abcdef0123456789abcdef",
            "unix:abstract=/tmp/dbus-aB3%2d",
        ] {
            assert_eq!(handed(address), [(BUS, OsString::from(address))]);
        }
        for address in [
            "unixexec:path=/tmp/x",
            "unixexec:path=/bin/sh,argv1=-c,argv2=id",
            "unix:path=/run/user/1000/bus;unixexec:path=/tmp/x",
            "unix:path=/a,path=/b",
            "unix:path=/a,abstract=/b",
            "unix:path=relative",
            "unix:path=",
            "unix:abstract=",
            "unix:guid=00",
            "unix:path=/a,guid=x",
            "unix:path=/a,guid=00,guid=00",
            "unix:path=/a,more=1",
            "unix:path=/a,",
            "unix:path=/a b",
            "unix:tmpdir=/tmp",
            "unix:runtime=yes",
            "unix:",
            "autolaunch:",
            "launchd:env=X",
            "tcp:host=127.0.0.1,port=1",
            " unix:path=/a",
        ] {
            assert_eq!(handed(address), [], "{address}");
        }
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "tests")]
    fn only_a_closed_folder_of_ones_own_reaches_the_broker() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = crate::folder_for_tests::Folder::new();
        let own = folder.path().join("own");
        std::fs::create_dir(&own).unwrap();
        let handed = |path: &Path| {
            !with(&[(RUNTIME, path.to_str().unwrap())], false)
                .bus
                .is_empty()
        };
        for (mode, is_fit) in [
            (0o700, true),
            (0o750, false),
            (0o707, false),
            (0o500, false),
        ] {
            std::fs::set_permissions(&own, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(handed(&own), is_fit, "{mode:o}");
        }
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&own, folder.path().join("link")).unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        for other in ["link", "file", "none"] {
            assert!(!handed(&folder.path().join(other)), "{other}");
        }
        assert!(!handed(Path::new("own")));
    }

    #[test]
    fn a_token_is_not_shown() {
        let read = with(&[("WITHHELD_SESSION", "whs_canary")], false);
        assert!(!format!("{read:?}").contains("canary"));
        assert_eq!(
            read.session.map(|token| token.0).as_deref(),
            Some("whs_canary")
        );
    }
}
