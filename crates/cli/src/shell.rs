//! Variables as a shell reads them: nothing in a value is more than text.

use crate::cli::ShellChoice;

/// One assignment that exports.
pub(crate) fn assignment(shell: ShellChoice, name: &str, value: &str) -> String {
    match shell {
        ShellChoice::Sh => format!("export {name}={}", sh(value)),
        ShellChoice::Fish => format!("set -gx {name} {}", fish(value)),
        ShellChoice::Powershell => format!("$env:{name} = {}", powershell(value)),
    }
}

/// Between single quotes everything stands for itself but the quote.
fn sh(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// Between single quotes a backslash keeps a quote and itself.
fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Between single quotes a quote is written twice; the typographic ones count as quotes, too.
fn powershell(value: &str) -> String {
    let mut quoted = String::from("'");
    for character in value.chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        for (value, sh_line, fish_line, powershell_line) in [
            (
                "plain",
                "export K='plain'",
                "set -gx K 'plain'",
                "$env:K = 'plain'",
            ),
            ("", "export K=''", "set -gx K ''", "$env:K = ''"),
            (
                "a'b",
                "export K='a'\\''b'",
                "set -gx K 'a\\'b'",
                "$env:K = 'a''b'",
            ),
            (
                "a\\b",
                "export K='a\\b'",
                "set -gx K 'a\\\\b'",
                "$env:K = 'a\\b'",
            ),
            (
                "$(id)`id`\"",
                "export K='$(id)`id`\"'",
                "set -gx K '$(id)`id`\"'",
                "$env:K = '$(id)`id`\"'",
            ),
            (
                "\u{2019}",
                "export K='\u{2019}'",
                "set -gx K '\u{2019}'",
                "$env:K = '\u{2019}\u{2019}'",
            ),
        ] {
            assert_eq!(assignment(ShellChoice::Sh, "K", value), sh_line);
            assert_eq!(assignment(ShellChoice::Fish, "K", value), fish_line);
            assert_eq!(
                assignment(ShellChoice::Powershell, "K", value),
                powershell_line
            );
        }
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "tests")]
    fn sh_itself_reads_back_what_was_quoted() {
        let value = "a'b\\c $HOME `id` \"x\" $(id) \n* é '' end";
        let script = format!(
            "{}\nprintf %s \"$K\"",
            assignment(ShellChoice::Sh, "K", value)
        );
        let read = std::process::Command::new("sh")
            .arg("-c")
            .arg(script)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(read.stdout).unwrap(), value);
    }
}
