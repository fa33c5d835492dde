//! The Windows build as a program: its executable beside a library that Wine 8 lacks, in a prefix of its own,
//! driven by the black-box test that is named after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Target;
use super::compilers::program;
use crate::run::{Outcome, all_output, cargo, has, root, run};
use crate::setup::apt;
use crate::test::without_roots;

const PACKAGES: &[&str] = &["wine", "wine64"];
/// What the test says at its end.
const SAID: &str = "wine: set, call, rm";

/// Wine, installed where it is missing.
///
/// # Errors
/// When it cannot be installed.
pub(super) fn install() -> Outcome {
    if has("wine") && has("wineserver") {
        return Ok(());
    }
    apt(PACKAGES)
}

/// Builds the executable and runs the test.
///
/// # Errors
/// When it does not build, or one of the verbs does not do what it should.
pub(super) fn prove(target: &Target, folder: &Path) -> Outcome {
    target.cargo("build", "withheld")?;
    let stage = Stage::set(&target.executable("withheld.exe"), folder)?;
    let said = stage.test();
    let struck = stage.strike();
    let said = said?;
    struck?;
    if super::super::said(&said, SAID).is_none() {
        return Err(format!("the test did not say `{SAID}`:\n{said}"));
    }
    Ok(())
}

/// A folder with all that the test needs.
struct Stage {
    folder: PathBuf,
}

impl Stage {
    fn set(executable: &Path, folder: &Path) -> Outcome<Self> {
        let stage = Self {
            folder: folder.join("wine"),
        };
        stage.clear()?;
        // The home of the vault will lie in here: no folder above it may be open to others.
        let temporary = stage.temporary();
        fs::create_dir_all(&temporary)
            .map_err(|error| format!("{}: {error}", temporary.display()))?;
        run(Command::new("cp")
            .arg(executable)
            .arg(stage.folder.join("withheld.exe")))?;
        run(Command::new("x86_64-w64-mingw32-gcc")
            .args(["-shared", "-Os", "-Wall", "-Werror", "-o"])
            .arg(stage.folder.join("bcryptprimitives.dll"))
            .arg(root().join("testdata/wine/bcryptprimitives.c"))
            .arg("-ladvapi32"))?;
        let folder = stage.folder.display().to_string();
        let wine = program(&stage.folder, "wine", &WINE.replace("FOLDER", &folder))?;
        program(
            &stage.folder,
            "withheld",
            &WITHHELD.replace("FOLDER", &folder),
        )?;
        run(Command::new(wine).args(["wineboot", "--init"]))?;
        Ok(stage)
    }

    fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    fn test(&self) -> Outcome<String> {
        let mut command = cargo(&["test", "--release", "--workspace", "--test", "it", "--"]);
        command.args(["wine::", "--nocapture"]);
        all_output(
            without_roots(&mut command)
                .env("WITHHELD_WINE", &self.folder)
                .env("TMPDIR", self.temporary()),
        )
    }

    /// Ends what runs in the prefix, and takes it away.
    fn strike(&self) -> Outcome {
        // It has ended by itself where nothing ran in it any more.
        let _ = Command::new("wineserver")
            .args(["--kill", "--wait"])
            .env("WINEPREFIX", self.folder.join("prefix"))
            .status();
        self.clear()
    }

    fn clear(&self) -> Outcome {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .map_err(|error| format!("{}: {error}", self.folder.display()))?;
        }
        Ok(())
    }
}

/// Wine shows a file's mode as its access list, so what a program makes is closed by the mask.
const WINE: &str = r#"#!/bin/sh
umask 077
export WINEPREFIX="FOLDER/prefix" WINEARCH=win64 WINEDEBUG=-all
exec wine "$@"
"#;

/// Wine's own processes outlive a command and keep its streams: whoever reads a pipe would wait for them.
const WITHHELD: &str = r#"#!/bin/sh
said=$(mktemp -d "FOLDER/said.XXXXXX")
"FOLDER/wine" "FOLDER/withheld.exe" "$@" >"$said/1" 2>"$said/2"
status=$?
cat "$said/1"
cat "$said/2" >&2
rm -r "$said"
exit $status
"#;
