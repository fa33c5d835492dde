//! What must not compile, what must not be depended on, and every look at a plaintext there is.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::artifacts::Artifacts;
use crate::json::Json;
use crate::run::{Outcome, root};
use crate::{doors, looks};

/// Fewer than so many attempts are not all there were.
const ATTEMPTS: usize = 19;

/// Tries every attempt and every door, and prints the list of looks.
///
/// # Errors
/// The first attempt that compiles, fails otherwise than it says, or has a twin that does not compile; the
/// first door that stands open; a look without a reason.
pub(crate) fn walls() -> Outcome {
    let refused = attempts()?;
    let shut = doors::shut()?;
    let looks = looks::print()?;
    println!("walls: {refused} attempts refused, {shut} doors shut, {looks} looks listed");
    Ok(())
}

/// Compiles each attempt and its twin.
///
/// # Errors
/// As [`walls`].
pub(crate) fn attempts() -> Outcome<usize> {
    let artifacts = Artifacts::build()?;
    let folder = root().join("testdata/walls");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|error| format!("testdata/walls cannot be read: {error}"))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect();
    files.sort();
    for file in &files {
        let attempt = Attempt::read(file)?;
        attempt.is_refused(&artifacts)?;
        println!(
            "{:<44} {:<10} {}",
            attempt.name, attempt.house, attempt.error
        );
    }
    if files.len() < ATTEMPTS {
        return Err(format!("{} attempts, of {ATTEMPTS} at least", files.len()));
    }
    Ok(files.len())
}

/// One file of `testdata/walls`: a head of `// key: value` lines, then code in which one line ends with
/// `//~`. The line after it, behind `//= `, is what the twin has in its place.
struct Attempt {
    name: String,
    /// The crate in whose place the attempt stands: it has that crate's dependencies.
    house: String,
    /// An error code, or the first words of an error that has none.
    error: String,
    lines: Vec<String>,
    marked: usize,
}

impl Attempt {
    fn read(file: &Path) -> Outcome<Self> {
        let name = file
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(&name, &text)
    }

    fn parse(name: &str, text: &str) -> Outcome<Self> {
        let (mut house, mut error, mut why) = (None, None, false);
        for line in text.lines().map_while(|line| line.strip_prefix("// ")) {
            match line.split_once(": ") {
                Some(("crate", value)) => house = Some(value.to_owned()),
                Some(("error", value)) => error = Some(value.to_owned()),
                Some(("why", _)) => why = true,
                _ if why => {}
                _ => return Err(format!("{name}: its head has an unknown line: {line}")),
            }
        }
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let marks: Vec<usize> = (0..lines.len())
            .filter(|at| lines[*at].ends_with("//~"))
            .collect();
        let [marked] = marks[..] else {
            return Err(format!("{name}: exactly one line ends with //~"));
        };
        if !lines
            .get(marked + 1)
            .is_some_and(|line| line.trim_start().starts_with("//="))
        {
            return Err(format!(
                "{name}: the line after //~ is the twin's, behind //="
            ));
        }
        match (house, error, why) {
            (Some(house), Some(error), true) => Ok(Self {
                name: name.to_owned(),
                house,
                error,
                lines,
                marked,
            }),
            _ => Err(format!("{name}: its head names crate, error and why")),
        }
    }

    /// The code with the twin's line instead of the marked one.
    fn twin(&self) -> String {
        let mut lines = self.lines.clone();
        let twin = lines.remove(self.marked + 1);
        lines[self.marked] = twin.trim_start().trim_start_matches("//=").to_owned();
        lines.join("\n")
    }

    fn is_refused(&self, artifacts: &Artifacts) -> Outcome {
        let errors = compile(artifacts, &self.house, &self.name, &self.lines.join("\n"))?;
        if errors.is_empty() {
            return Err(format!("{}: it compiles", self.name));
        }
        for error in &errors {
            let said = error.code == self.error
                || (error.code.is_empty() && error.message.starts_with(&self.error));
            if !said || error.line != self.marked + 1 {
                return Err(format!(
                    "{}: expected {} at line {}, got {} at line {}: {}",
                    self.name,
                    self.error,
                    self.marked + 1,
                    error.code,
                    error.line,
                    error.message
                ));
            }
        }
        let twin = compile(
            artifacts,
            &self.house,
            &format!("{}_twin", self.name),
            &self.twin(),
        )?;
        match twin.first() {
            None => Ok(()),
            Some(error) => Err(format!(
                "{}: its twin does not compile: {}",
                self.name, error.message
            )),
        }
    }
}

/// What rustc said.
struct Said {
    code: String,
    line: usize,
    message: String,
}

/// Compiles code as if it stood in `house`, and returns the errors.
fn compile(artifacts: &Artifacts, house: &str, name: &str, code: &str) -> Outcome<Vec<Said>> {
    let folder = artifacts.folder().join("walls");
    std::fs::create_dir_all(&folder).map_err(|error| format!("no folder for walls: {error}"))?;
    let name = name.replace('-', "_");
    let file = folder.join(format!("{name}.rs"));
    std::fs::write(&file, code).map_err(|error| format!("{name}: {error}"))?;
    let mut command = Command::new("rustc");
    command
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata"])
        .args(["-F", "unsafe_code", "-A", "warnings", "--error-format=json"])
        .args(["--crate-name", &name, "--out-dir"])
        .arg(&folder)
        .arg("-L")
        .arg(format!("dependency={}", artifacts.dependencies().display()));
    for (name, path) in artifacts.externs(house)? {
        command
            .arg("--extern")
            .arg(format!("{name}={}", path.display()));
    }
    let output = command
        .arg(&file)
        .current_dir(root())
        .output()
        .map_err(|error| format!("rustc does not start: {error}"))?;
    let said: Vec<Said> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter_map(Json::parse)
        .filter(|message| message.at(&["level"]).text() == Some("error"))
        .filter_map(|message| said(&message, &file))
        .collect();
    if said.is_empty() && !output.status.success() {
        return Err(format!(
            "{name}: rustc ended with {} and no error",
            output.status
        ));
    }
    Ok(said)
}

/// One error; nothing where it only counts others.
fn said(message: &Json, file: &Path) -> Option<Said> {
    let primary = message
        .at(&["spans"])
        .list()
        .iter()
        .find(|span| span.at(&["is_primary"]) == &Json::Bool(true));
    let text = message.at(&["message"]).text().unwrap_or_default();
    if primary.is_none() && text.starts_with("aborting due to") {
        return None;
    }
    Some(Said {
        code: message
            .at(&["code", "code"])
            .text()
            .unwrap_or_default()
            .to_owned(),
        line: primary.map_or(0, |span| line(span, file)),
        message: text.to_owned(),
    })
}

/// The line in the attempt itself: where a macro of ours broke, the line that called it.
fn line(span: &Json, file: &Path) -> usize {
    let caller = span.at(&["expansion", "span"]);
    let here = span.at(&["file_name"]).text().map(Path::new) == Some(file);
    match span.at(&["line_start"]) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a line number"
        )]
        Json::Number(line) if here || caller == &Json::Null => *line as usize,
        _ if caller == &Json::Null => 0,
        _ => line(caller, file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_says_what_it_expects() {
        let text = "// crate: broker\n// error: E0432\n// why: a\n// second line\n\nuse a; //~\n//= use b;\n";
        let attempt = Attempt::parse("x", text).unwrap();
        assert_eq!(
            (attempt.house.as_str(), attempt.error.as_str()),
            ("broker", "E0432")
        );
        assert_eq!(attempt.marked, 5);
        assert!(attempt.twin().ends_with("\n\n use b;"));
        for broken in [
            "// crate: a\n// error: b\n\nx //~\n//= y",
            "// crate: a\n// error: b\n// why: c\n\nx",
            "// crate: a\n// error: b\n// why: c\n\nx //~\ny",
            "// crate: a\n// errors: b\n// why: c\n\nx //~\n//= y",
        ] {
            assert!(Attempt::parse("x", broken).is_err(), "{broken}");
        }
    }
}
