//! What is known of API services, so that `set` can propose a binding. Facts are data, read where
//! they are needed; a wrong guess costs a question, for the owner accepts or edits what is proposed.

#[cfg(test)]
mod tests;

use serde::Deserialize;
use withheld_core::binding::{BindingDraft, Format};
use withheld_core::destination::{Host, HostPattern};
use withheld_core::name::{SecretName, VarName};
use withheld_core::{Code, Place};

use crate::drafts::draft;
use crate::failure::Failure;
use crate::output::Outcome;

const FACTS: &str = include_str!("catalogue.toml");

/// Everything that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    service: Vec<Service>,
    group: Vec<Group>,
    caution: Vec<Caution>,
}

/// One service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    id: String,
    name: String,
    at: Vec<At>,
    vars: Vec<VarName>,
    #[serde(default)]
    keys: Vec<Key>,
    /// Where a client could bring a credential of its own.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a fact that the tests check and no verb shows")
    )]
    foreign: Vec<String>,
    /// Fields that change the tenant, the account or the acting user.
    #[serde(default)]
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a fact that the tests check and no verb shows")
    )]
    authority: Vec<String>,
    /// Endpoints that carry many operations: rules by path do not hold there.
    #[serde(default)]
    multiplex: Vec<String>,
}

/// Where a service takes its key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    hosts: Vec<HostPattern>,
    /// Where the key stands.
    pub(crate) place: Place,
    /// What stands round it.
    pub(crate) format: Option<Format>,
}

/// What a key looks like: a public prefix, and what may stand behind it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    /// In words, with the service's name.
    pub(crate) kind: String,
    /// The public prefix.
    pub(crate) prefix: String,
    /// The characters behind it, ranges like `a-z` among them; a hyphen stands last.
    pub(crate) alphabet: String,
    /// The least number of characters behind it.
    pub(crate) min: usize,
    /// The greatest.
    pub(crate) max: usize,
}

/// Hosts that a key is sent to by mistake, or by somebody's design, more often than for its use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Caution {
    /// What they do, behind the host's name.
    why: String,
    /// Names; without `by_path` all names below them, too.
    hosts: Vec<Host>,
    /// Who is meant is said by the path alone: a binding that names one is in no doubt.
    #[serde(default)]
    by_path: bool,
}

/// Hosts that go together under one word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    name: String,
    /// Where its client goes when nothing else is configured.
    pub(crate) hosts: Vec<HostPattern>,
    /// The command that asks the user's own client where it goes.
    #[serde(default)]
    pub(crate) ask: Vec<String>,
}

impl Catalogue {
    /// Reads what is known.
    ///
    /// # Errors
    /// `internal`: the text is part of the program, and a test reads all of it.
    pub(crate) fn read() -> Outcome<Self> {
        toml::from_str(FACTS).map_err(|_| {
            Failure::refuse(
                Code::Internal,
                "the catalogue cannot be read",
                "name the host yourself: --host api.example.com",
            )
        })
    }

    /// The service of this id.
    ///
    /// # Errors
    /// `usage` where there is none.
    pub(crate) fn service(&self, id: &str) -> Outcome<&Service> {
        self.service
            .iter()
            .find(|service| service.id == id)
            .ok_or_else(|| {
                Failure::refuse(
                    Code::Usage,
                    "the catalogue has no such service",
                    "name the host instead: --host api.example.com",
                )
            })
    }

    /// The group of this name.
    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.group.iter().find(|group| group.name == name)
    }

    /// The service that is at exactly this host, and how it takes its key there.
    pub(crate) fn at(&self, host: &HostPattern) -> Option<(&Service, &At)> {
        self.service.iter().find_map(|service| {
            let at = service.at.iter().find(|at| at.hosts.contains(host))?;
            Some((service, at))
        })
    }

    /// What the owner should know of bindings that are narrowed by path or method: endpoints where
    /// such a rule tells nothing apart.
    pub(crate) fn notes(&self, bindings: &[BindingDraft]) -> Vec<String> {
        let is_narrowed = |binding: &BindingDraft| {
            !binding.paths.patterns().is_empty() || !binding.methods.method_names().is_empty()
        };
        let mut notes = Vec::new();
        for binding in bindings.iter().filter(|binding| is_narrowed(binding)) {
            let Some((service, _)) = self.at(&binding.host) else {
                continue;
            };
            let host = &binding.host;
            for endpoint in &service.multiplex {
                notes.push(format!(
                    "note: {endpoint} on {host} carries many operations, which no rule by path or method tells apart"
                ));
            }
        }
        notes
    }

    /// Why the owner should look twice at the host of a binding, whatever the key is for.
    pub(crate) fn caution(&self, binding: &BindingDraft) -> Option<String> {
        let caution = self.caution.iter().find(|one| one.is_about(binding))?;
        Some(format!("{} {}.", binding.host, caution.why))
    }

    /// Every key shape with its service, in one fixed order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Service, &Key)> {
        self.service
            .iter()
            .flat_map(|service| service.keys.iter().map(move |key| (service, key)))
    }

    /// The shape that says most among those at these positions of [`Catalogue::keys`]: the one with
    /// the longest prefix.
    pub(crate) fn most_specific(&self, matched: &[usize]) -> Option<(&Service, &Key)> {
        self.keys()
            .enumerate()
            .filter(|(index, _)| matched.contains(index))
            .map(|(_, known)| known)
            .max_by_key(|(_, key)| key.prefix.len())
    }

    /// The service that a name speaks of: by one of its variables, else by its own name in front.
    pub(crate) fn by_name(&self, name: &SecretName) -> Option<&Service> {
        let by_var =
            |service: &&Service| service.vars.iter().any(|var| var.as_str() == name.as_str());
        self.service.iter().find(by_var).or_else(|| {
            let spoken_of = |service: &&Service| {
                let id = service.id.to_ascii_uppercase();
                name.as_str()
                    .strip_prefix(&*id)
                    .is_some_and(|rest| rest.starts_with('_'))
            };
            self.service
                .iter()
                .filter(spoken_of)
                .max_by_key(|service| service.id.len())
        })
    }
}

impl Caution {
    fn is_about(&self, binding: &BindingDraft) -> bool {
        let mut hosts = self.hosts.iter();
        if self.by_path {
            let is_whole = binding.paths.patterns().is_empty();
            return is_whole && hosts.any(|one| binding.host.matches(one));
        }
        let pattern = binding.host.to_string();
        let name = pattern.trim_start_matches(['*', '.']);
        let is_below = |host: &str| {
            let rest = name.strip_suffix(host);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        hosts.any(|one| is_below(&one.to_string()) || binding.host.matches(one))
    }
}

impl Service {
    /// Its name for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is at this host.
    pub(crate) fn is_at(&self, host: &HostPattern) -> bool {
        let exact = Host::parse(&host.to_string()).ok();
        self.at
            .iter()
            .flat_map(|at| &at.hosts)
            .any(|known| known == host || exact.as_ref().is_some_and(|exact| known.matches(exact)))
    }

    /// The bindings that it proposes for a secret of this name: the name first among the
    /// variables, then those its clients read.
    pub(crate) fn drafts(&self, name: &SecretName) -> Vec<BindingDraft> {
        let mut drafts = Vec::new();
        for at in &self.at {
            for host in &at.hosts {
                let mut made = draft(host.clone(), name);
                made.place = at.place.clone();
                made.format.clone_from(&at.format);
                for var in &self.vars {
                    if !made.vars.contains(var) {
                        made.vars.push(var.clone());
                    }
                }
                drafts.push(made);
            }
        }
        drafts
    }
}
