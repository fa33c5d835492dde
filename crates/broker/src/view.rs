//! Secrets and bindings as they are shown: names and rules, never a value.

mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use withheld_audit::read::{Entry, Filter, records};
use withheld_core::binding::Binding;
use withheld_core::name::{Environment, SecretName, VarName};
use withheld_core::path::PathPattern;
use withheld_core::policy_doc::Policy;
use withheld_core::{Moment, Text, text};
use withheld_vault::team::{Drift, DriftRow};
use withheld_vault::{Held, Unlocked};

use crate::house::House;

pub(crate) use shown::{BindingShown, SecretLong, SecretShown, Usable};

/// How the flag of a secret begins that somebody could read who may not any more.
const ROTATE: &str = "needs-upstream-rotation";
/// How far back `last_used` looks, in records.
const LOOKED_AT: usize = 10_000;

impl BindingShown {
    pub(crate) fn of(binding: &Binding) -> Self {
        Self {
            id: binding.id,
            environment: binding.environment.clone(),
            secret: binding.secret.clone(),
            host: binding.host.clone(),
            port: binding.port,
            methods: methods(binding),
            paths: paths(binding),
            inject: binding.place.clone(),
            format: binding.format.clone(),
            vars: binding.vars.clone(),
            auto: binding.auto,
            private: binding.private,
            foreign: binding.foreign,
            ca: binding.ca.is_some(),
        }
    }
}

/// As lists have them: by secret, then by host, port and paths.
pub(crate) fn in_order<'a>(
    bindings: impl Iterator<Item = &'a Arc<Binding>>,
) -> Vec<&'a Arc<Binding>> {
    let key = |one: &Binding| {
        (
            one.environment.clone(),
            one.secret.clone(),
            one.host.clone(),
            one.port,
            one.paths.patterns().to_vec(),
        )
    };
    let mut bindings: Vec<_> = bindings.collect();
    bindings.sort_by_cached_key(|one| key(one));
    bindings
}

fn methods(binding: &Binding) -> Vec<Text> {
    match binding.methods.method_names() {
        [] => vec!["*".into()],
        names => names.iter().map(|name| text!("{}", *name)).collect(),
    }
}

fn paths(binding: &Binding) -> Vec<Text> {
    match binding.paths.patterns() {
        [] => vec!["/*".into()],
        patterns => patterns.iter().map(PathPattern::shown).collect(),
    }
}

/// The secrets of an environment for which `shown` says yes: those that are stored, and those that
/// are bound and not here.
pub(crate) fn names(
    policy: &Policy,
    vault: Option<&Unlocked>,
    environment: &Environment,
    shown: impl Fn(&SecretName) -> bool,
) -> BTreeMap<SecretName, Option<Held>> {
    let mut names = BTreeMap::new();
    for binding in policy.bindings() {
        if binding.environment == *environment && shown(&binding.secret) {
            names.insert(binding.secret.clone(), None);
        }
    }
    for held in vault
        .map(|vault| vault.names(environment))
        .unwrap_or_default()
    {
        if shown(&held.name) {
            names.insert(held.name.clone(), Some(held));
        }
    }
    names
}

/// A secret as `status` shows it. With a locked vault nobody knows whether its value is here.
pub(crate) fn in_status(
    policy: &Policy,
    environment: &Environment,
    name: &SecretName,
    held: Option<&Held>,
    is_open: bool,
) -> SecretShown {
    let bindings = in_order(policy.bindings_of(environment, name));
    let mut vars: Vec<VarName> = bindings.iter().flat_map(|one| one.vars.clone()).collect();
    if vars.is_empty() {
        vars.extend(VarName::parse(name.as_str()));
    }
    vars.sort();
    vars.dedup();
    let flag = |name: &'static str, is_set: fn(&Binding) -> bool| {
        bindings
            .iter()
            .any(|one| is_set(one))
            .then(|| Text::from(name))
    };
    SecretShown {
        name: name.clone(),
        state: if held.is_some() || !is_open {
            Drift::LocalOnly
        } else {
            Drift::Missing
        },
        version: held.map(|held| held.version),
        remote_version: None,
        usable: held.is_some() && !bindings.is_empty(),
        uses: bindings
            .iter()
            .map(|one| Usable {
                host: one.host.clone(),
                port: one.port,
                methods: methods(one),
                paths: paths(one),
                inject: one.place.clone(),
            })
            .collect(),
        vars,
        flags: [
            flag("auto", |one| one.auto),
            flag("foreign", |one| one.foreign),
            flag("private", |one| one.private),
        ]
        .into_iter()
        .flatten()
        .collect(),
        refused: false,
    }
}

impl SecretShown {
    /// The same, as it stands to what the team has.
    pub(crate) fn in_team(mut self, row: &DriftRow) -> Self {
        self.state = row.state;
        self.version = row.version.or(self.version);
        self.remote_version = row.remote_version;
        if row.provisional != row.state {
            self.flags.push(text!("was:{}", row.provisional.as_str()));
        }
        let flags = row.flags.iter().map(|flag| Text::from(flag.as_str()));
        self.flags.extend(flags);
        self
    }

    /// The same, where nobody knows what the team has.
    pub(crate) fn unverified(mut self) -> Self {
        self.state = Drift::Unverified;
        self
    }

    /// The same, when its own service refused this version of it.
    pub(crate) fn refused_with(mut self, status: u16) -> Self {
        self.flags.push(text!("suspect:{}", status));
        self.refused = true;
        self
    }

    /// Whether its service refused it and only its owner can help: there is no newer version to pull.
    pub(crate) fn is_refused_by_its_service(&self) -> bool {
        self.refused && self.state != Drift::Behind
    }

    /// Whether it was removed here and is still the team's.
    pub(crate) fn is_removed_here(&self) -> bool {
        self.state == Drift::Ahead && self.version.is_none()
    }

    /// Whether somebody could read it who may not any more.
    pub(crate) fn must_be_rotated(&self) -> bool {
        let mut flags = self.flags.iter();
        flags.any(|flag| flag.as_str().starts_with(ROTATE)) && !self.is_removed_here()
    }
}

/// The bound secrets of an environment as `status` shows them where no broker runs, from the signed
/// document alone. Whether their values are here, and what a team has, only a broker knows.
pub(crate) fn at_rest(
    policy: &Policy,
    environment: &Environment,
    in_team: bool,
) -> Vec<SecretShown> {
    let names = names(policy, None, environment, |_| true).into_keys();
    let shown = names.map(|name| {
        let shown = in_status(policy, environment, &name, None, false);
        if in_team { shown.unverified() } else { shown }
    });
    shown.collect()
}

/// A secret as `ls` shows it.
pub(crate) fn in_list(
    policy: &Policy,
    environment: &Environment,
    name: SecretName,
    held: Option<Held>,
    used: &BTreeMap<SecretName, Moment>,
) -> SecretLong {
    SecretLong {
        environment: environment.clone(),
        version: held.as_ref().map(|held| held.version),
        origin: held.as_ref().map(|held| held.origin),
        created_at: held.as_ref().map(|held| held.created_at),
        versions: held.map(|held| held.versions).unwrap_or_default(),
        bindings: in_order(policy.bindings_of(environment, &name))
            .into_iter()
            .map(|one| BindingShown::of(one))
            .collect(),
        last_used: used.get(&name).copied(),
        name,
    }
}

impl House {
    /// When the secrets of an environment were last sent, by the newest records of the log.
    pub(crate) fn last_used(&self, environment: &Environment) -> BTreeMap<SecretName, Moment> {
        let filter = Filter {
            last: Some(LOOKED_AT),
            ..Filter::default()
        };
        // What cannot be read is not known; `audit verify` says why.
        let newest = records(&self.home.audit(), &filter).unwrap_or_default();
        let mut used = BTreeMap::new();
        for shown in newest {
            if let Entry::Request(record) = shown.entry
                && record.environment == *environment
                && record.status.is_some()
            {
                let at = record.at;
                used.extend(record.secrets.into_iter().map(|name| (name, at)));
            }
        }
        used
    }
}
