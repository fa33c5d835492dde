//! The list of looks at a plaintext: every place that is excused from a ban, and what it says for itself.

use std::path::Path;

use crate::run::{Outcome, files, root};

/// Prints every excuse from `clippy::disallowed_methods` in shipped code, with its place and its reason.
///
/// # Errors
/// When one gives no reason.
pub(crate) fn print() -> Outcome<usize> {
    let mut count = 0;
    for file in files()?.into_iter().filter(|file| ships(file)) {
        let text = std::fs::read_to_string(root().join(&file))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        for (line, reason) in looks(&text) {
            let reason = reason.ok_or_else(|| {
                format!(
                    "{}:{line} looks at a banned thing and says no reason",
                    file.display()
                )
            })?;
            println!("look: {}:{line}  {reason}", file.display());
            count += 1;
        }
    }
    Ok(count)
}

/// Line and reason of each excuse.
fn looks(text: &str) -> Vec<(usize, Option<String>)> {
    text.match_indices("[expect(")
        .filter_map(|(at, _)| {
            let excuse = text[at..].split(")]").next()?;
            if !excuse.contains("disallowed_methods") {
                return None;
            }
            let line = text[..at].matches('\n').count() + 1;
            let reason = excuse
                .split_once("reason = \"")
                .and_then(|(_, rest)| rest.split_once('"'))
                .map(|(reason, _)| reason.split_whitespace().collect::<Vec<_>>().join(" "));
            Some((line, reason))
        })
        .collect()
}

/// Whether a file is code that ships: not a test, not the harness.
fn ships(file: &Path) -> bool {
    let text = file.to_string_lossy();
    text.starts_with("crates/")
        && text.contains("/src/")
        && !text.starts_with("crates/testkit/")
        && !text.ends_with("tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excuse_is_found_with_its_reason() {
        let text = "a\n#[expect(\n    clippy::disallowed_methods,\n    reason = \"sealing \\\n     it\"\n)]\n#[expect(dead_code)]\n#[expect(clippy::disallowed_methods)]";
        let looks = looks(text);
        assert_eq!(looks.len(), 2);
        assert_eq!(looks[0].0, 2);
        assert!(
            looks[0]
                .1
                .as_deref()
                .is_some_and(|reason| reason.starts_with("sealing"))
        );
        assert_eq!(looks[1], (8, None));
    }
}
