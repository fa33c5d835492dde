//! Starting programs: one way to do it, so that each failure names the command.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong, for a person.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The project's root: the folder above xtask's own.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo, in the project's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command to its end.
///
/// # Errors
/// The command and its status where it did not exit with 0, or why it did not start.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = format!("{command:?}").replace('"', "");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("`{shown}` did not start: {error}")),
    }
}

/// Standard output of a command that exits with 0.
///
/// # Errors
/// As [`run`].
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let shown = format!("{command:?}").replace('"', "");
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(format!("`{shown}` ended with {}", output.status)),
        Err(error) => Err(format!("`{shown}` did not start: {error}")),
    }
}

/// Standard output of a command that exits with 0, shown as it comes.
///
/// # Errors
/// As [`run`].
pub(crate) fn shown_output(command: &mut Command) -> Outcome<String> {
    let shown = format!("{command:?}").replace('"', "");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    let mut said = String::new();
    for line in child
        .stdout
        .take()
        .into_iter()
        .flat_map(|pipe| BufReader::new(pipe).split(b'\n'))
    {
        let line = line.map_err(|error| format!("`{shown}`: {error}"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        said.push_str(&line);
        said.push('\n');
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(said),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("`{shown}`: {error}")),
    }
}

/// Files that git tracks, and the new ones it does not ignore.
///
/// # Errors
/// As [`run`].
pub(crate) fn files() -> Outcome<Vec<PathBuf>> {
    let listed = output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(root()),
    )?;
    let paths = listed.lines().map(PathBuf::from);
    Ok(paths.filter(|path| root().join(path).exists()).collect())
}

/// Everything that a command which exits with 0 printed, on both streams.
///
/// # Errors
/// As [`run`]; what it printed is shown.
pub(crate) fn all_output(command: &mut Command) -> Outcome<String> {
    let shown = format!("{command:?}").replace('"', "");
    let ran = command
        .output()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    let text = [ran.stdout, ran.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if ran.status.success() {
        Ok(text)
    } else {
        Err(format!("`{shown}` ended with {}:\n{text}", ran.status))
    }
}

/// Whether a program of this name is on the path.
pub(crate) fn has(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}
