//! The environment that a command of the owner is for, as it stands in what is signed, said and typed.

use withheld_core::name::Environment;
use withheld_core::{Text, text};

/// An environment, and what chose it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) environment: Environment,
    /// The file of the folder that named its project.
    pub(crate) by_file: Option<Text>,
}

impl Target {
    /// What a purpose ends with, for the line above a passphrase: ` in billing/dev, as withheld.toml
    /// here says`. Anybody who can write to a repository writes that file, so the owner reads what it
    /// did before signing.
    pub(crate) fn signed(&self) -> Text {
        text!("{}{}", self.said(), self.because())
    }

    /// `, as withheld.toml here says`; nothing where the owner chose it.
    pub(crate) fn because(&self) -> Text {
        match &self.by_file {
            Some(file) => text!(", as {} here says", *file),
            None => Text::from(""),
        }
    }

    /// ` in billing/dev`; nothing where it goes without saying.
    pub(crate) fn said(&self) -> Text {
        said(&self.environment)
    }

    /// ` -e billing/dev`; nothing where it goes without saying.
    pub(crate) fn option(&self) -> Text {
        self.environment.option()
    }
}

/// ` in billing/dev`; nothing where it goes without saying.
pub(crate) fn said(environment: &Environment) -> Text {
    if environment.goes_without_saying() {
        return Text::from("");
    }
    text!(" in {}", *environment)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_environment_but_the_default_is_named() {
        for (written, file, signed, said, option) in [
            ("default/dev", None, "", "", ""),
            (
                "default/prod",
                None,
                " in default/prod",
                " in default/prod",
                " -e default/prod",
            ),
            (
                "billing/dev",
                Some("withheld.toml"),
                " in billing/dev, as withheld.toml here says",
                " in billing/dev",
                " -e billing/dev",
            ),
        ] {
            let target = Target {
                environment: Environment::parse(written).unwrap(),
                by_file: file.map(Text::from),
            };
            assert_eq!(target.signed().as_str(), signed);
            assert_eq!(target.said().as_str(), said);
            assert_eq!(target.option().as_str(), option);
        }
    }
}
