//! `withheld.toml`: what a folder asks for. Anybody who can write to a repository writes it, so it is
//! a [`Wish`]: names to compare with what is here. Nothing is bound, granted, allowed or chosen by it.

mod file;

use std::collections::BTreeSet;

use withheld_core::name::{Environment, Label, NameFault, SecretName, Workspace};
use withheld_core::{Code, Refusal, Text, text};

use crate::output::Outcome;

/// What is done about a file that cannot be taken.
const KEYS: &str = "it takes `workspace`, `project`, `environment` and `secrets`, with names in them and nothing else";

/// What a folder asks for; empty where no file says anything. It gives names away and takes nothing
/// in: who reads it can compare, and refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// How the file is reached from here; for messages.
    place: Option<Text>,
    workspace: Option<Workspace>,
    /// Both parts of an environment have the grammar of a workspace's name.
    project: Option<Workspace>,
    environment: Option<Workspace>,
    secrets: BTreeSet<SecretName>,
}

impl Wish {
    /// Of the nearest file, from the current folder upwards: as far as the root of the repository, the
    /// account's own folder, or the root of everything.
    ///
    /// # Errors
    /// `config_invalid`, naming the file and the key.
    pub(crate) fn find() -> Outcome<Self> {
        Ok(match file::nearest()? {
            None => Self::default(),
            Some(found) => Self::read(found.place, &found.text)?,
        })
    }

    fn read(place: Text, text: &str) -> Result<Self, Refusal> {
        let table: toml::Table = text.parse().map_err(|_| {
            let message = text!("`{}` cannot be read as TOML", place);
            Refusal::new(Code::ConfigInvalid, message, KEYS)
        })?;
        let mut wish = Self::default();
        for (key, value) in &table {
            let name = |value| name(&place, key, value);
            match key.as_str() {
                "workspace" => wish.workspace = Some(name(value)?),
                "project" => wish.project = Some(name(value)?),
                "environment" => wish.environment = Some(name(value)?),
                "secrets" => wish.secrets = secrets(&place, value)?,
                _ => return Err(unknown(&place, key)),
            }
        }
        wish.place = Some(place);
        Ok(wish)
    }

    /// An environment as it is typed: `dev` is of this folder's project, `shop/dev` is what it says.
    ///
    /// # Errors
    /// Where it is no such name.
    pub(crate) fn environment(&self, written: &str) -> Result<Environment, NameFault> {
        if written.contains('/') {
            return Environment::parse(written);
        }
        let project = self.project.as_ref().map_or("default", Workspace::as_str);
        Environment::parse(&format!("{project}/{written}"))
    }

    /// The file, where an environment that is typed like this has its project from it.
    pub(crate) fn chooses(&self, written: &str) -> Option<Text> {
        let is_short = !written.contains('/');
        let project = self.project.as_ref().filter(|_| is_short)?;
        (project.as_str() != Environment::dev().project()).then(|| self.place())
    }

    /// The environment that the folder is for; `None` where the file names no part of one.
    pub(crate) fn own(&self) -> Option<Environment> {
        self.instead_of(&Environment::dev())
    }

    /// The environment that the folder is for, where it is another than this one: what the file leaves
    /// open may be anything.
    pub(crate) fn other_than(&self, environment: &Environment) -> Option<Environment> {
        self.instead_of(environment)
            .filter(|own| own != environment)
    }

    fn instead_of(&self, environment: &Environment) -> Option<Environment> {
        if self.project.is_none() && self.environment.is_none() {
            return None;
        }
        let part = |named: &Option<Workspace>, else_of: &str| {
            named.as_ref().map_or(else_of, Workspace::as_str).to_owned()
        };
        let project = part(&self.project, environment.project());
        let short = part(&self.environment, environment.short());
        Environment::parse(&format!("{project}/{short}")).ok()
    }

    /// The workspace that the folder is for, where it is another than this one.
    pub(crate) fn other_workspace(&self, workspace: &str) -> Option<&Workspace> {
        let own = self.workspace.as_ref();
        own.filter(|own| own.as_str() != workspace)
    }

    /// The names that the folder needs, in their order.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.secrets.iter()
    }

    /// How the file is reached from here.
    pub(crate) fn place(&self) -> Text {
        self.place.clone().unwrap_or_else(|| file::NAME.into())
    }
}

fn name(place: &Text, key: &str, value: &toml::Value) -> Result<Workspace, Refusal> {
    value
        .as_str()
        .and_then(|written| Workspace::parse(written).ok())
        .ok_or_else(|| {
            Refusal::new(
                Code::ConfigInvalid,
                text!("`{}` in `{}` is not a name", shown(key), *place),
                "write one of a to z, 0 to 9 and -, like: environment = \"dev\"",
            )
        })
}

fn secrets(place: &Text, value: &toml::Value) -> Result<BTreeSet<SecretName>, Refusal> {
    let read = |value: &toml::Value| SecretName::parse(value.as_str()?).ok();
    value
        .as_array()
        .and_then(|all| all.iter().map(read).collect())
        .ok_or_else(|| {
            Refusal::new(
                Code::ConfigInvalid,
                text!("`secrets` in `{}` is not a list of names of keys", *place),
                "write names, never values, like: secrets = [\"STRIPE_KEY\"]",
            )
        })
}

fn unknown(place: &Text, key: &str) -> Refusal {
    let message = text!("`{}` in `{}` is not a key of this file", shown(key), *place);
    Refusal::new(Code::ConfigInvalid, message, KEYS)
}

/// A key as it may be shown: somebody may have pasted a value there.
fn shown(key: &str) -> Text {
    match Label::parse(key) {
        Ok(key) => text!("{}", key),
        Err(_) => "…".into(),
    }
}

#[cfg(test)]
mod tests;
