//! One binding that waits, in words.

use serde::Deserialize;

use crate::drafts::HTTPS_PORT;
use crate::output::clean;

/// Methods by how much they can do, most first.
const STRONGEST: &[&str] = &["DELETE", "POST", "PUT", "PATCH"];

/// One binding.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Use {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) methods: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) inject: String,
    pub(super) format: Option<String>,
    pub(super) vars: Vec<String>,
    pub(super) prefix: Option<String>,
    pub(super) auto: bool,
    pub(super) private: bool,
    pub(super) foreign: bool,
    /// The SHA-256 of each certificate.
    pub(super) ca: Option<Vec<String>>,
    /// Fields in which it differs from the one whose place it would take.
    pub(super) differs: Option<Vec<String>>,
}

impl Use {
    /// Everything that is signed, a line each. `is_bound`: the secret has a binding here already.
    pub(super) fn lines(&self, is_bound: bool) -> Vec<String> {
        let mut lines = vec![
            format!("at    https://{}{}", self.place(), self.paths()),
            format!("as    {}", self.form()),
            format!("may   {}", self.methods()),
        ];
        if !self.vars.is_empty() {
            lines.push(format!("vars  {}", clean(&self.vars.join(","))));
        }
        if let Some(prefix) = &self.prefix {
            lines.push(format!("like  {}…", clean(prefix)));
        }
        for hash in self.ca.iter().flatten() {
            lines.push(format!(
                "trusts certificates of its own instead of the system's: sha256 {}",
                clean(hash)
            ));
        }
        let words = [
            (self.private, "may reach private addresses"),
            (self.foreign, "the client may bring credentials of its own"),
            (self.auto, "added without being asked for"),
        ];
        let words = words.into_iter().filter(|(is_so, _)| *is_so);
        lines.extend(words.map(|(_, word)| word.to_owned()));
        match self.differs.as_deref() {
            None if is_bound => {
                lines.push("new: nothing is accepted here for this place".to_owned())
            }
            None => {}
            Some([]) => lines.push("the same is accepted here already".to_owned()),
            Some(fields) => lines.push(format!(
                "takes the place of what is accepted here, and differs in: {}",
                clean(&fields.join(", "))
            )),
        }
        lines
    }

    /// What asks for more than a place to go, in few words.
    pub(super) fn marks(&self) -> Vec<&'static str> {
        let is_differing = |field: &str| {
            let mut fields = self.differs.iter().flatten();
            fields.any(|one| one == field)
        };
        let marks = [
            (self.ca.is_some(), "certificates of its own"),
            // What the owner trusted until now would not count any more.
            (
                self.ca.is_none() && is_differing("ca"),
                "other certificates than accepted here",
            ),
            (self.private, "private addresses"),
            (self.foreign, "credentials of the client"),
            (self.auto, "without being asked for"),
        ];
        let marks = marks.into_iter().filter(|(is_so, _)| *is_so);
        marks.map(|(_, mark)| mark).collect()
    }

    /// Where the value stands, and what stands round it.
    fn form(&self) -> String {
        match &self.format {
            Some(format) => format!("{} ({})", clean(&self.inject), clean(format)),
            None => clean(&self.inject).into_owned(),
        }
    }

    fn any_method(&self) -> bool {
        self.methods.iter().any(|method| method == "*")
    }

    pub(super) fn methods(&self) -> String {
        if self.any_method() {
            return "any method".to_owned();
        }
        clean(&self.methods.join(",")).into_owned()
    }

    pub(super) fn place(&self) -> String {
        match self.port {
            HTTPS_PORT => clean(&self.host).into_owned(),
            port => format!("{}:{port}", clean(&self.host)),
        }
    }

    /// Nothing where the whole host is meant.
    pub(super) fn paths(&self) -> String {
        match self.paths.as_slice() {
            [] => String::new(),
            [all] if all == "/*" => String::new(),
            paths => clean(&paths.join(",")).into_owned(),
        }
    }

    /// The most that it may do, as a word before `on`.
    pub(super) fn strongest(&self) -> String {
        if self.any_method() {
            return "do anything".to_owned();
        }
        let strong = STRONGEST
            .iter()
            .find(|method| self.methods.iter().any(|own| own == *method));
        match (strong, self.methods.first()) {
            (Some(method), _) => (*method).to_owned(),
            (None, Some(method)) => clean(method).into_owned(),
            (None, None) => "do nothing".to_owned(),
        }
    }

    /// To compare by: more hosts, then more to do, then more paths.
    pub(super) fn width(&self) -> (usize, usize, bool) {
        let hosts = self.host.chars().take_while(|one| *one == '*').count();
        let deeds = if self.any_method() {
            STRONGEST.len() + 1
        } else {
            let strong = STRONGEST
                .iter()
                .position(|method| self.methods.iter().any(|own| own == method));
            strong.map_or(0, |at| STRONGEST.len() - at)
        };
        (hosts, deeds, self.paths().is_empty())
    }
}
