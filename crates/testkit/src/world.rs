//! The world a test lives in: a home with a vault, the built binary as real processes, upstreams with
//! real names, canaries, and at the end the oracle over everything that the agent's side could see.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::agent::Agent;
use crate::canary::{Canaries, Canary};
use crate::home::{self, PASSPHRASE};
use crate::keyring::Keyring;
use crate::namespace::Namespace;
use crate::oracle::{Leak, LeakOracle};
use crate::ran::{Command, Notes, Ran};
use crate::temp::Temp;
use crate::upstream::{Authority, Upstream};

/// The names that upstreams bear; all of them at 127.0.0.1.
const NAMES: &[&str] = &[
    "api.test",
    "x.api.test",
    "a.b.api.test",
    "other.test",
    "evil.test",
    "evilapi.test",
    "x.api.test.evil.test",
    "xn--pi-6kc.test",
    "foo.localhost",
];

/// What every command of a test shares.
pub(crate) struct Inner {
    temp: Temp,
    binary: PathBuf,
    /// What commands see beside what every one needs.
    variables: Vec<(&'static str, String)>,
    pub(crate) namespace: Namespace,
    pub(crate) notes: Arc<Notes>,
}

impl Inner {
    pub(crate) fn home(&self) -> PathBuf {
        self.temp.path().join("home")
    }

    /// Takes this machine's environment away: what a command sees is what the test says.
    pub(crate) fn clear(&self, command: &mut std::process::Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.temp.path().join("user"))
            .env("LANG", "C.UTF-8")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.temp.path().join("user"));
    }

    /// The command line with this world's home, and nobody's credentials.
    pub(crate) fn withheld(&self, arguments: &[&str]) -> Command {
        let mut command = self.namespace.command(&self.binary);
        command.arg("--home").arg(self.home()).args(arguments);
        self.clear(&mut command);
        let shown = format!("withheld {}", arguments.join(" "));
        Command::new(command, shown, Arc::clone(&self.notes))
    }
}

/// One test's world. [`World::finish`] is its last word.
pub struct World {
    inner: Arc<Inner>,
    /// The values of this test.
    pub canaries: Canaries,
    /// What signs the upstreams' certificates.
    pub authority: Authority,
    /// The API that secrets are bound to: `api.test`, its subdomains, and `other.test`.
    pub api: Upstream,
    /// Where nothing may arrive: `evil.test` and its likes.
    pub evil: Upstream,
    more: Vec<Canary>,
    /// Its processes are those of this machine, with the ids that they tell.
    native: bool,
    finished: bool,
}

impl World {
    /// A world with an empty file vault, for the binary at `binary`. Nothing where this machine cannot
    /// hold one: then the test is noted as skipped.
    ///
    /// # Panics
    /// When the world cannot be set up for another reason.
    pub fn new(binary: &str) -> Option<Self> {
        let world = Self::without_vault(binary)?;
        let init = |folder: &Path| {
            let run = |arguments: &[&str]| {
                let mut command = world.inner.namespace.command(&world.inner.binary);
                command.arg("--home").arg(folder).args(arguments);
                world.inner.clear(&mut command);
                let shown = format!("withheld {}", arguments.join(" "));
                Command::new(command, shown, Arc::clone(&world.inner.notes))
                    .env("WITHHELD_PASSPHRASE_FILE", world.passphrase_file())
                    .succeeds()
            };
            run(&["init", "--vault", "file", "--no-input"]);
            run(&["daemon", "stop"]);
        };
        home::copy(&world.inner.binary, init, &world.home());
        Some(world)
    }

    /// A world with an empty vault whose values rest in this keyring.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn in_keyring(binary: &str, keyring: &Keyring) -> Option<Self> {
        let world = Self::bare(binary, keyring.variables())?;
        world
            .owner(&["init", "--vault", "keychain", "--no-input"])
            .succeeds();
        Some(world)
    }

    /// A world whose home does not exist yet.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn without_vault(binary: &str) -> Option<Self> {
        Self::bare(binary, Vec::new())
    }

    fn bare(binary: &str, variables: Vec<(&'static str, String)>) -> Option<Self> {
        let temp = Temp::new();
        let namespace = match Namespace::new(temp.path(), NAMES) {
            Ok(namespace) => namespace,
            Err(why) => {
                crate::skip(&why);
                return None;
            }
        };
        fs::DirBuilder::new()
            .mode(0o700)
            .create(temp.path().join("user"))
            .expect("a user's folder");
        let authority = Authority::new();
        let api = Upstream::start(
            &authority,
            &[
                "api.test",
                "*.api.test",
                "a.b.api.test",
                "other.test",
                "localhost",
            ],
        );
        let evil = Upstream::start(
            &authority,
            &[
                "evil.test",
                "evilapi.test",
                "x.api.test.evil.test",
                "xn--pi-6kc.test",
            ],
        );
        let world = Self {
            inner: Arc::new(Inner {
                temp,
                binary: PathBuf::from(binary),
                variables,
                namespace,
                notes: Arc::default(),
            }),
            canaries: Canaries::fresh(),
            authority,
            api,
            evil,
            more: Vec::new(),
            native: true,
            finished: false,
        };
        fs::write(world.ca_file(), world.authority.pem()).expect("a CA file");
        fs::write(world.passphrase_file(), PASSPHRASE).expect("a passphrase file");
        Some(world)
    }

    /// A world without a vault whose `binary` runs in a world of its own, as under Wine: the ids that its
    /// processes tell are none of this machine's, so none of them is waited for or ended.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn foreign(binary: &str) -> Option<Self> {
        let mut world = Self::without_vault(binary)?;
        world.native = false;
        Some(world)
    }

    /// The folder that all of this world lies in.
    pub fn folder(&self) -> &Path {
        self.inner.temp.path()
    }

    /// Its home.
    pub fn home(&self) -> PathBuf {
        self.inner.home()
    }

    /// The folder that stands for the user's own home; commands run there.
    pub fn user(&self) -> PathBuf {
        self.folder().join("user")
    }

    /// The certificate that a binding to an upstream must trust.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("upstream-ca.pem")
    }

    /// The file with the owner passphrase.
    pub fn passphrase_file(&self) -> PathBuf {
        self.folder().join("passphrase")
    }

    /// The owner passphrase.
    pub fn passphrase(&self) -> &'static str {
        PASSPHRASE
    }

    /// Other names for commands to know, as lines of `/etc/hosts`.
    pub fn names(&self, lines: &str) {
        self.inner.namespace.names(lines);
    }

    /// One more value that must not be seen.
    pub fn also_hide(&mut self, canary: &Canary) {
        self.more.push(canary.clone());
    }

    /// Bytes that the agent's side could see, and that the world did not fetch itself.
    pub fn saw(&self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.inner.notes.saw(place, bytes);
    }

    /// The owner's command line, passphrase at hand.
    pub fn owner(&self, arguments: &[&str]) -> Command {
        self.inner
            .withheld(arguments)
            .env("WITHHELD_PASSPHRASE_FILE", self.passphrase_file())
    }

    /// The command line of a program of this user, outside any session.
    pub fn user_runs(&self, arguments: &[&str]) -> Command {
        self.inner.withheld(arguments)
    }

    /// Any program of this user, outside any session.
    pub fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.inner.namespace.command(program);
        command.args(arguments);
        self.inner.clear(&mut command);
        let shown = format!("{program} {}", arguments.join(" "));
        Command::new(command, shown, Arc::clone(&self.inner.notes))
    }

    /// The broker, started by this program as it starts itself.
    pub(crate) fn broker_under(&self, starter: &[String]) -> std::process::Command {
        let inner = &self.inner;
        let mut command = inner.namespace.command_under(starter, &inner.binary);
        command.args(["daemon", "--detached", "--json", "--home"]);
        command.arg(self.home());
        inner.clear(&mut command);
        command
    }

    /// Stores a value, unbound.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn set(&self, name: &str, value: &Canary) -> Ran {
        self.owner(&["set", name, "--stdin", "--no-input"])
            .typing(value.bytes())
            .succeeds()
    }

    /// Binds a stored value to an upstream. `destination` is `HOST` or `HOST/PATH`; the port is that of the
    /// upstream that bears the name.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn bind(&self, name: &str, destination: &str, more: &[&str]) -> Ran {
        self.binding(name, destination, more).succeeds()
    }

    /// As [`World::bind`], not run yet.
    pub fn binding(&self, name: &str, destination: &str, more: &[&str]) -> Command {
        let (host, path) = destination.split_at(destination.find('/').unwrap_or(destination.len()));
        let port = self.at(host).port();
        let target = format!("{host}:{port}{path}");
        let ca = self.ca_file();
        let ca = ca.to_str().expect("a path of text");
        self.owner(&[
            "bind",
            name,
            "--host",
            &target,
            "--ca",
            ca,
            "--private",
            "--no-input",
        ])
        .args(more)
    }

    /// The upstream that bears a name.
    fn at(&self, host: &str) -> &Upstream {
        if host.contains("evil") || host.starts_with("xn--") {
            &self.evil
        } else {
            &self.api
        }
    }

    /// The URL of a path at the upstream that bears this name.
    pub fn url(&self, destination: &str) -> String {
        let (host, path) = destination.split_at(destination.find('/').unwrap_or(destination.len()));
        format!("https://{host}:{}{path}", self.at(host).port())
    }

    /// `HOST:PORT` of the upstream that bears this name.
    pub fn host_port(&self, host: &str) -> String {
        format!("{host}:{}", self.at(host).port())
    }

    /// The usual case: `KEY` holds the plain canary, bound to `api.test/v1` as a bearer token.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn with_key(self) -> Self {
        self.set("KEY", &self.canaries.plain.clone());
        self.bind("KEY", "api.test/v1", &["--inject", "bearer"]);
        self
    }

    /// A program of this user in a session of `local`.
    ///
    /// # Panics
    /// When it gets none.
    #[track_caller]
    pub fn agent(&self) -> Agent {
        let ran = self.user_runs(&["proxy", "env", "--json"]).succeeds();
        self.agent_of(&ran)
    }

    /// An agent with a record of its own.
    ///
    /// # Panics
    /// When the record is refused.
    #[track_caller]
    pub fn agent_named(&self, name: &str, more: &[&str]) -> Agent {
        self.owner(&[&["agent", "add", name, "--no-input"], more].concat())
            .succeeds();
        let ran = self
            .owner(&["proxy", "env", "--as", name, "--json", "--no-input"])
            .succeeds();
        self.agent_of(&ran)
    }

    /// The agent that a `proxy env --json` describes.
    ///
    /// # Panics
    /// When it describes none.
    #[track_caller]
    pub fn agent_of(&self, ran: &Ran) -> Agent {
        let data = ran.data();
        let variables = variables(&data).unwrap_or_else(|| panic!("no variables in {ran}"));
        let env: BTreeMap<String, String> = variables
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        let proxy = env["HTTPS_PROXY"].clone();
        let (user, broker) = proxy
            .trim_end_matches('/')
            .rsplit_once('@')
            .unwrap_or_else(|| panic!("no session in {ran}"));
        let token = user.rsplit_once(':').expect("a token").1.to_owned();
        Agent::new(Arc::clone(&self.inner), env, token, broker.to_owned())
    }

    /// `status --json`, as this user sees it.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn status(&self) -> serde_json::Value {
        self.user_runs(&["status", "--json"]).succeeds().data()
    }

    /// The records that `audit --json` shows.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn records(&self, filter: &[&str]) -> Vec<serde_json::Value> {
        let ran = self
            .user_runs(&[&["audit", "--json"], filter].concat())
            .succeeds();
        ran.data()["records"]
            .as_array()
            .unwrap_or_else(|| panic!("no records in {ran}"))
            .clone()
    }

    /// The raw lines of the log, whoever asks.
    ///
    /// # Panics
    /// When there is no log.
    pub fn log(&self) -> String {
        let mut segments: Vec<PathBuf> = fs::read_dir(self.home().join("audit"))
            .expect("a log")
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
            .collect();
        segments.sort();
        segments
            .iter()
            .map(|path| fs::read_to_string(path).expect("a segment"))
            .collect()
    }

    /// The process id of the running broker.
    pub fn broker_pid(&self) -> Option<String> {
        let ran = self.user_runs(&["status", "--json"]).run();
        let document: serde_json::Value = serde_json::from_slice(&ran.stdout).ok()?;
        document["data"]["broker"]["pid"]
            .as_u64()
            .map(|pid| pid.to_string())
    }

    /// Ends the broker as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// When none runs.
    #[track_caller]
    pub fn kill_broker(&self) {
        let pid = self.broker_pid().expect("a running broker");
        home::kill(&pid);
        self.wait_for_end(&pid);
    }

    /// The home as it is, of a broker that does not run, to be put back.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn copied(&self) -> Temp {
        let kept = Temp::new();
        home::copy_all(&self.home(), &kept.path().join("home"));
        kept
    }

    /// Puts a home back that was copied, in place of the one that is there.
    ///
    /// # Panics
    /// When it cannot be.
    pub fn put_back(&self, kept: &Temp) {
        fs::remove_dir_all(self.home()).expect("the home goes");
        home::copy_all(&kept.path().join("home"), &self.home());
    }

    /// Returns when the process is no more.
    pub fn wait_for_end(&self, pid: &str) {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) else {
            return;
        };
        let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        let mut fds = [rustix::event::PollFd::new(
            &fd,
            rustix::event::PollFlags::IN,
        )];
        let limit = rustix::event::Timespec {
            tv_sec: 20,
            tv_nsec: 0,
        };
        let ended = rustix::event::poll(&mut fds, Some(&limit)).expect("a poll");
        assert_eq!(ended, 1, "the broker goes on");
    }

    /// The end of the test: the broker stops, the log verifies, and the oracle is silent over every byte
    /// that was printed, received, written or shown in a list of processes.
    ///
    /// # Panics
    /// When one of it does not hold.
    #[track_caller]
    pub fn finish(self) {
        if self.home().join("policy").exists() {
            self.user_runs(&["audit", "verify"]).succeeds();
        }
        self.finish_without_log();
    }

    /// As [`World::finish`], for a test that broke its log or its home on purpose.
    ///
    /// # Panics
    /// When the oracle is not silent.
    #[track_caller]
    pub fn finish_without_log(mut self) {
        self.finished = true;
        self.look_at_processes();
        self.stop();
        self.look_at_files(&self.home());
        self.look_at_files(&self.user());
        let leaks = self.leaks();
        let shown: Vec<String> = leaks.iter().map(ToString::to_string).collect();
        assert!(leaks.is_empty(), "leaks:\n{}", shown.join("\n"));
    }

    /// What the oracle finds in all that was captured so far.
    fn leaks(&self) -> Vec<Leak> {
        let mut canaries = self.canaries.all().to_vec();
        canaries.extend(&self.more);
        let oracle = LeakOracle::new(&canaries);
        self.inner
            .notes
            .take()
            .iter()
            .flat_map(|(place, bytes)| oracle.search(place, bytes))
            .collect()
    }

    fn stop(&self) {
        let pid = self.broker_pid().filter(|_| self.native);
        // A broker that does not stop when asked is ended by its id.
        drop(self.user_runs(&["daemon", "stop"]).run());
        if let Some(pid) = pid {
            if fs::exists(format!("/proc/{pid}")).unwrap_or(false) {
                home::kill(&pid);
            }
            self.wait_for_end(&pid);
        }
    }

    /// Arguments of every process of this machine: whoever runs `ps` sees them.
    fn look_at_processes(&self) {
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            if let Ok(line) = fs::read(entry.path().join("cmdline")) {
                self.saw("ps", line);
            }
        }
    }

    /// Every file below a folder.
    fn look_at_files(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                self.look_at_files(&path);
            } else if kind.is_file() {
                let shown = path.strip_prefix(self.folder()).unwrap_or(&path);
                self.saw(
                    format!("file {}", shown.display()),
                    fs::read(&path).unwrap_or_default(),
                );
                self.saw("file name", shown.to_string_lossy().into_owned());
            }
        }
    }
}

/// The first map in a document that has the proxy's variable.
fn variables(value: &serde_json::Value) -> Option<&serde_json::Map<String, serde_json::Value>> {
    let map = value.as_object()?;
    if map.contains_key("HTTPS_PROXY") {
        return Some(map);
    }
    map.values().find_map(variables)
}

impl Drop for World {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.stop();
        assert!(
            std::thread::panicking(),
            "the test ended without `world.finish()`: nobody looked for leaks"
        );
    }
}
