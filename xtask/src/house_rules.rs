//! Rules that no lint knows: each is a sentence, a search, and the file that broke it.

use std::path::Path;

use crate::run::{Outcome, files, root};

/// Crates whose roots may hold `unsafe`: the memory a value lives in, the functions of Windows, and the cell.
const MAY_BE_UNSAFE: &[&str] = &["secret", "system", "sandbox"];

/// What each crate may depend on, of ours. A crate that is not here depends on none.
const ARROWS: &[(&str, &[&str])] = &[
    ("audit", &["core", "system", "testkit"]),
    ("team", &["core"]),
    ("server", &["core", "system", "team", "testkit"]),
    (
        "vault",
        &["core", "secret", "system", "team", "audit", "testkit"],
    ),
    ("wire", &["core", "secret", "audit", "testkit"]),
    (
        "broker",
        &[
            "core", "system", "team", "vault", "wire", "audit", "testkit",
        ],
    ),
    (
        "cli",
        &[
            "core", "system", "vault", "audit", "broker", "server", "testkit",
        ],
    ),
];

/// Whether every rule holds.
///
/// # Errors
/// The rule and the file.
pub(crate) fn hold() -> Outcome {
    let root = root();
    for file in &files()? {
        let Ok(text) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        for (rule, broken) in RULES {
            if broken(file, &text) {
                return Err(format!("{}: {rule}", file.display()));
            }
        }
    }
    Ok(())
}

type Rule = (&'static str, fn(&Path, &str) -> bool);

const RULES: &[Rule] = &[
    ("a crate root forbids unsafe code", |file, text| {
        let mut parts = file.iter().filter_map(|part| part.to_str());
        let (Some("crates"), Some(name), Some("src"), Some("lib.rs" | "main.rs")) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        !MAY_BE_UNSAFE.contains(&name) && !text.contains("#![forbid(unsafe_code)]")
    }),
    (
        "`Plain` and its text are made by the macros of withheld-core only",
        |file, text| {
            let made_by_hand = [
                concat!("__sealed", "::Sealed for"),
                concat!("Text::", "__new"),
            ];
            is_rust(file)
                && !file.starts_with("crates/core")
                && made_by_hand.iter().any(|made| text.contains(made))
        },
    ),
    (
        "a crate depends only on those of ours that its row in `ARROWS` names",
        |file, text| {
            let mut parts = file.iter().filter_map(|part| part.to_str());
            let (Some("crates"), Some(name), Some("Cargo.toml")) =
                (parts.next(), parts.next(), parts.next())
            else {
                return false;
            };
            let allowed = ARROWS
                .iter()
                .find(|(crate_, _)| *crate_ == name)
                .map_or(&[][..], |(_, allowed)| allowed);
            ours(text).any(|dependency| !allowed.contains(&dependency))
        },
    ),
    (
        "work that is left is an issue, not a mark in the code",
        |file, text| {
            is_rust(file)
                && [concat!("TO", "DO"), concat!("FIX", "ME")]
                    .iter()
                    .any(|mark| text.contains(mark))
        },
    ),
    ("a test that is ignored proves nothing", |file, text| {
        is_rust(file) && text.contains(concat!("#[ign", "ore"))
    }),
    ("no path of one machine", |_, text| {
        let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
        paths.iter().any(|path| text.contains(path))
    }),
    (
        "the map names files and folders that exist",
        |file, text| file == Path::new("ARCHITECTURE.md") && named(text).any(|name| !stands(name)),
    ),
    ("a relative link leads to a file", |file, text| {
        file.extension().is_some_and(|kind| kind == "md")
            && links(text).any(|link| !root().join(file).with_file_name("").join(link).exists())
    }),
];

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|kind| kind == "rs")
}

/// The files and folders that a page puts between backticks.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| name.ends_with(".rs") || name.ends_with('/'))
        .filter(|name| !name.contains([' ', '*', '{']))
}

/// Whether the project has a file or a folder whose path ends like this.
fn stands(name: &str) -> bool {
    let files = files().unwrap_or_default();
    files
        .iter()
        .any(|file| file.ancestors().any(|part| part.ends_with(name)))
}

/// The crates of ours that a manifest names as dependencies, without their common prefix.
fn ours(manifest: &str) -> impl Iterator<Item = &str> {
    manifest
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("withheld-"))
        .filter_map(|rest| rest.split(['.', ' ', '=']).next())
}

/// The targets of a page's links that are neither absolute nor anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(file: &str, text: &str) -> Vec<&'static str> {
        RULES
            .iter()
            .filter(|(_, broken)| broken(Path::new(file), text))
            .map(|(rule, _)| *rule)
            .collect()
    }

    #[test]
    fn each_rule_can_say_no() {
        assert_eq!(broken("crates/core/src/lib.rs", "pub mod a;").len(), 1);
        assert_eq!(broken("crates/secret/src/lib.rs", "pub mod a;").len(), 0);
        assert_eq!(
            broken(
                "crates/audit/src/record.rs",
                concat!("impl plain::__sealed", "::Sealed for X {}")
            )
            .len(),
            1
        );
        assert_eq!(
            broken("crates/audit/src/x.rs", concat!("Text::", "__new(value)")).len(),
            1
        );
        assert_eq!(
            broken("crates/audit/src/x.rs", concat!("// TO", "DO")).len(),
            1
        );
        assert_eq!(
            broken("crates/audit/src/x.rs", concat!("#[ign", "ore]")).len(),
            1
        );
        assert_eq!(
            broken(
                "crates/broker/Cargo.toml",
                "withheld-secret.workspace = true"
            )
            .len(),
            1
        );
        assert_eq!(
            broken(
                "crates/core/Cargo.toml",
                "withheld-audit = { path = \"../audit\" }"
            )
            .len(),
            1
        );
        assert_eq!(
            broken("crates/wire/Cargo.toml", "withheld-secret.workspace = true").len(),
            0
        );
        assert_eq!(broken("docs/x.md", concat!("see /wo", "rk/x")).len(), 1);
        assert_eq!(broken("ARCHITECTURE.md", "- `nowhere.rs` what").len(), 1);
        assert_eq!(
            broken("ARCHITECTURE.md", "- `plain.rs`, `crates/` and `text!`").len(),
            0
        );
        assert_eq!(broken("docs/x.md", "[a](missing.md)").len(), 1);
        assert_eq!(
            broken("README.md", "[a](https://example.com) [b](#c)").len(),
            0
        );
    }
}
