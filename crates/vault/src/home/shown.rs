//! A path as an error may show it: made of labels, so that it is plain, quoted for a shell.

use std::fmt;
use std::path::{Component, Path};

use withheld_core::name::Label;
use withheld_core::{Text, plain, text};

plain! {
    /// A path whose parts are all labels; otherwise its last words are left out.
    pub(crate) struct Shown { parts: Vec<Label>, cut: bool }
}

impl Shown {
    pub(crate) fn of(path: &Path) -> Self {
        let mut parts = Vec::new();
        for component in path.components() {
            let Component::Normal(part) = component else {
                continue;
            };
            match part.to_str().map(Label::parse) {
                Some(Ok(label)) => parts.push(label),
                // Something odd, or something that looks like a key: the rest is not shown.
                _ => return Self { parts, cut: true },
            }
        }
        Self { parts, cut: false }
    }

    pub(crate) fn text(&self) -> Text {
        text!("{}", *self)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = self
            .parts
            .iter()
            .any(|part| part.as_str().contains([' ', '(', ')']));
        let quote = if quoted { "'" } else { "" };
        f.write_str(quote)?;
        for part in &self.parts {
            write!(f, "/{part}")?;
        }
        if self.cut {
            f.write_str("/…")?;
        } else if self.parts.is_empty() {
            f.write_str("/")?;
        }
        f.write_str(quote)
    }
}
