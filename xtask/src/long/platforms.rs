//! macOS and Windows, from Linux: what compiles there, and what Wine runs. The standard library is compiled
//! from its source, so nobody's binary of it is needed. Wine is not Windows, and nothing runs on macOS.

mod compilers;
mod rust_src;
mod wine;

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Outcome, cargo, root, run};

/// The rooms, and their packages.
const ROOMS: &[(&str, &str)] = &[
    ("core", "withheld-core"),
    ("secret", "withheld-secret"),
    ("vault", "withheld-vault"),
    ("cli", "withheld"),
];
const MACOS: &str = "aarch64-apple-darwin";
const WINDOWS: &str = "x86_64-pc-windows-gnu";
/// Wine hands out the items of the Credential Manager at odd addresses, and where a build checks for those, the
/// library that reads them ends the process. Windows aligns them. Optimised, so that it shares no function with
/// a crate that was built with the check.
const UNALIGNED: &[&str] = &[
    "profile.dev.package.windows-native-keyring-store.debug-assertions=false",
    "profile.dev.package.windows-native-keyring-store.opt-level=3",
];

/// Checks what can be checked, part by part: one that fails does not keep the others from running.
///
/// # Errors
/// The parts that did not compile or did not do what they should. A part whose packages are gone is skipped,
/// and says so.
pub(super) fn platforms() -> Outcome<String> {
    let folder = folder()?;
    let mut report = Report::default();
    let library = rust_src::library(&folder);
    let macos = library.clone().and_then(|library| {
        Ok(Target::new(
            MACOS,
            &folder,
            library,
            compilers::zig(&folder)?,
        ))
    });
    report.checks("macos", &macos);
    let windows = library.and_then(|library| {
        compilers::mingw()?;
        Ok(Target::new(WINDOWS, &folder, library, Vec::new()).with(UNALIGNED))
    });
    report.checks("windows", &windows);
    let under_wine = windows.and_then(|target| wine::install().map(|()| target));
    report.part("wine", &under_wine, "wine: set, call, rm", |target| {
        wine::prove(target, &folder)
    });
    report.end()
}

/// What the stage keeps, so that a run that was cut short goes on where it ended.
fn folder() -> Outcome<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder));
    let folder = target.join("platforms");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// A platform that cargo compiles for.
struct Target {
    triple: &'static str,
    folder: PathBuf,
    library: PathBuf,
    variables: Vec<(String, String)>,
    settings: &'static [&'static str],
}

impl Target {
    fn new(
        triple: &'static str,
        folder: &Path,
        library: PathBuf,
        variables: Vec<(String, String)>,
    ) -> Self {
        Self {
            triple,
            folder: folder.join("build"),
            library,
            variables,
            settings: &[],
        }
    }

    /// With these settings of cargo's.
    fn with(self, settings: &'static [&'static str]) -> Self {
        Self { settings, ..self }
    }

    /// Runs a command of cargo for one package.
    fn cargo(&self, verb: &str, package: &str) -> Outcome {
        let mut command = cargo(&[verb, "--locked", "--quiet", "-p", package]);
        for setting in self.settings {
            command.args(["--config", setting]);
        }
        run(command
            // Building the standard library is what the stable compiler does not offer yet.
            .args(["-Zbuild-std=std,panic_unwind", "--target", self.triple])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", &self.library)
            .env("CARGO_TARGET_DIR", &self.folder)
            .env("CARGO_INCREMENTAL", "0")
            .env("RUSTFLAGS", "-Dwarnings")
            .envs(self.variables.iter().map(|(name, value)| (name, value))))
    }

    /// What a build left behind.
    fn executable(&self, name: &str) -> PathBuf {
        self.folder.join(self.triple).join("debug").join(name)
    }
}

/// What came of the parts, for the evidence.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: Vec<String>,
}

impl Report {
    /// Type-checks each room.
    fn checks(&mut self, platform: &str, target: &Outcome<Target>) {
        for (room, package) in ROOMS {
            let part = format!("{platform} {room}");
            self.part(&part, target, &format!("{part} checked"), |target| {
                target.cargo("check", package)
            });
        }
    }

    fn part<T>(
        &mut self,
        part: &str,
        tools: &Outcome<T>,
        passed: &str,
        work: impl FnOnce(&T) -> Outcome,
    ) {
        match tools {
            Err(why) => {
                println!("{part}: SKIPPED: {why}");
                self.lines.push(format!("{part}: SKIPPED"));
            }
            Ok(tools) => match work(tools) {
                Ok(()) => {
                    println!("{passed}");
                    self.lines.push(passed.to_owned());
                }
                Err(why) => {
                    println!("{part}: FAILED: {why}");
                    self.failed.push(part.to_owned());
                }
            },
        }
    }

    fn end(self) -> Outcome<String> {
        if !self.failed.is_empty() {
            return Err(format!("failed: {}", self.failed.join(", ")));
        }
        Ok(self.lines.join("; "))
    }
}
