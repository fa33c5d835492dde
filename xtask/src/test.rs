//! Every test. The certificate and proxy variables of this machine are cleared for the tests, not
//! for the build: what a test trusts is what the test says.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::run::{Outcome, cargo, has, root, run};

/// Variables that would change what clients under test trust, or where they connect.
const CLEARED: &[&str] = &[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "NIX_SSL_CERT_FILE",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// Builds with the environment as it is, then runs the tests with it cleared.
///
/// # Errors
/// When a test does not build or does not pass; with `CI=true` also when one could not run.
pub(crate) fn test(filter: &[&str]) -> Outcome {
    let nextest = has("cargo-nextest");
    let verb: &[&str] = if nextest {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    let arguments = [verb, &["--release", "--workspace"]].concat();
    run(cargo(&arguments).arg("--no-run"))?;
    // What the build wrote is still on its way to the disk, and the tests wait for that disk.
    run(&mut Command::new("sync"))?;
    let skips = skips();
    drop(fs::remove_dir_all(&skips));
    fs::create_dir_all(&skips).map_err(|error| format!("target/skips: {error}"))?;
    let mut command = cargo(&arguments);
    if nextest {
        command.args(["--color", "never", "--status-level", "pass"]);
    }
    let ran = logged(
        without_roots(&mut command)
            .env("WITHHELD_SKIPS", &skips)
            .env("WITHHELD_TOOLS", root().join("target/tools"))
            .args(filter),
    );
    let skipped = skipped()?;
    for (test, reason) in &skipped {
        println!("skipped: {test}: {reason}");
    }
    ran?;
    if !skipped.is_empty() && std::env::var_os("CI").is_some_and(|ci| ci == "true") {
        return Err(format!("{} tests could not run here", skipped.len()));
    }
    Ok(())
}

/// Where the tests' own words of the last run are.
pub(crate) fn log() -> PathBuf {
    root().join("target/tests.log")
}

fn skips() -> PathBuf {
    root().join("target/skips")
}

/// The tests of the last run that could not start what they need, and why.
///
/// # Errors
/// When the notes cannot be read.
pub(crate) fn skipped() -> Outcome<BTreeMap<String, String>> {
    fs::read_dir(skips())
        .map_err(|error| format!("target/skips: {error}"))?
        .flatten()
        .map(|entry| {
            let reason = fs::read_to_string(entry.path())
                .map_err(|error| format!("{}: {error}", entry.path().display()))?;
            Ok((entry.file_name().to_string_lossy().into_owned(), reason))
        })
        .collect()
}

/// Runs a command, shows what it says, and keeps it for the report.
fn logged(command: &mut Command) -> Outcome {
    let shown = format!("{:?}", command.get_program()).replace('"', "");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    let file = fs::File::create(log()).map_err(|error| format!("target/tests.log: {error}"))?;
    let file = std::sync::Mutex::new(file);
    let copy = |lines: &mut dyn Iterator<Item = std::io::Result<Vec<u8>>>| {
        for line in lines.map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line);
            eprintln!("{text}");
            if let Ok(mut file) = file.lock() {
                // The report says what is missing from it.
                drop(writeln!(file, "{text}"));
            }
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        if let Some(stdout) = stdout {
            scope.spawn(|| copy(&mut BufReader::new(stdout).split(b'\n')));
        }
        if let Some(stderr) = stderr {
            copy(&mut BufReader::new(stderr).split(b'\n'));
        }
    });
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the tests ended with {status}")),
        Err(error) => Err(format!("the tests: {error}")),
    }
}

/// Takes the variables away that would decide for a test what it trusts.
pub(crate) fn without_roots(command: &mut Command) -> &mut Command {
    for name in CLEARED {
        command.env_remove(name);
    }
    command
}
