//! One request beside everything that may apply to it. Read [`Case::judge`] downwards: it is the
//! order of the checks.

use std::sync::Arc;

use http::header::UPGRADE;

use super::{Use, View, Without, refuse};
use crate::ask::{Ask, Named, Spot, percent_decoded};
use crate::binding::{Binding, Place};
use crate::credential_fields::{is_authority, is_credential, is_credential_key};
use crate::destination::Scheme;
use crate::name::SecretName;
use crate::policy_doc::Policy;
use crate::record::AllowedHost;
use crate::refusal::Refusal;

/// The most parts of a head that may hold the placeholders' mark.
const MAX_SIGHTINGS: usize = 64;

/// What was found.
pub(super) enum Verdict {
    With(Vec<Use>),
    Without {
        why: Without,
        binding: Option<Arc<Binding>>,
        washed: bool,
    },
}

/// A refusal and the secrets that it is about.
pub(super) struct No {
    pub(super) refusal: Refusal,
    pub(super) secrets: Vec<SecretName>,
}

/// One request beside what may apply to it.
pub(super) struct Case<'a> {
    view: &'a View<'a>,
    policy: &'a Policy,
    ask: &'a Ask,
    /// Bindings of this agent whose host matches, whatever the port and the scheme.
    near: Vec<&'a Arc<Binding>>,
    /// Those of them that reach the destination.
    here: Vec<&'a Arc<Binding>>,
    allowed: Vec<&'a AllowedHost>,
}

impl<'a> Case<'a> {
    pub(super) fn new(view: &'a View<'a>, policy: &'a Policy, ask: &'a Ask) -> Self {
        let near: Vec<_> = policy
            .bindings()
            .iter()
            .filter(|one| one.environment == view.record.environment)
            .filter(|one| view.record.grants(&one.secret) && one.host.matches(ask.host()))
            .collect();
        let here = near
            .iter()
            .copied()
            .filter(|one| one.reaches(ask.scheme(), ask.host(), ask.port()))
            .collect();
        let allowed = policy
            .content()
            .allowed
            .iter()
            .chain(&view.record.hosts)
            .filter(|one| one.reaches(ask.host(), ask.port()))
            .collect();
        Self {
            view,
            policy,
            ask,
            near,
            here,
            allowed,
        }
    }

    /// Whether a binding of this agent or an allowed host matches.
    pub(super) fn is_known_host(&self) -> bool {
        !self.near.is_empty() || !self.allowed.is_empty()
    }

    /// The verdict.
    pub(super) fn judge(&self) -> Result<Verdict, No> {
        let mut uses = self.named()?;
        for found in self.placeholders()? {
            join(&mut uses, found);
        }
        self.automatic(&mut uses)?;
        self.distinct(&uses)?;
        if uses.is_empty() && self.here.is_empty() {
            self.allowed_without()?;
        }
        self.nothing_foreign(&uses)?;
        if !self.here.is_empty() {
            self.nothing_that_overrides(&uses)?;
        }
        if uses.is_empty() {
            return Ok(self.without());
        }
        Ok(Verdict::With(uses))
    }

    /// What the request names.
    fn named(&self) -> Result<Vec<Use>, No> {
        let mut uses = Vec::new();
        for named in self.ask.named() {
            uses.push(self.one_named(named)?);
        }
        Ok(uses)
    }

    fn one_named(&self, named: &Named) -> Result<Use, No> {
        let secret = &named.secret;
        self.has_binding(secret)?;
        let fits: Vec<_> = self
            .covering(secret)
            .filter(|(_, one)| {
                named
                    .place
                    .as_ref()
                    .is_none_or(|place| one.place.is_meant_by(place))
            })
            .collect();
        let Some(depth) = fits.iter().map(|(depth, _)| *depth).max() else {
            return Err(self.not_bound_here(secret));
        };
        let mut deepest = fits.iter().filter(|(own, _)| *own == depth);
        match (deepest.next(), deepest.next()) {
            (Some((_, binding)), None) => Ok(Use {
                binding: Arc::clone(binding),
                found: None,
            }),
            _ => Err(refuse::two_places(self.ask, secret)),
        }
    }

    /// A name outside the record does not exist for this agent, whether it exists or not.
    fn has_binding(&self, secret: &SecretName) -> Result<(), No> {
        let environment = &self.view.record.environment;
        let bound = self
            .policy
            .bindings_of(environment, secret)
            .next()
            .is_some();
        let granted = self.view.record.grants(secret);
        if granted && bound {
            Ok(())
        } else if !granted && self.view.placeholders.of(secret).is_some() {
            Err(refuse::no_grant(secret))
        } else if granted && (self.view.known)(secret) {
            Err(refuse::no_binding(environment, secret))
        } else {
            Err(refuse::not_found(secret))
        }
    }

    /// Bindings of the secret that cover destination, method and path, with the depth of their path.
    fn covering(&self, secret: &'a SecretName) -> impl Iterator<Item = (usize, &'a Arc<Binding>)> {
        self.here
            .iter()
            .filter(move |one| one.secret == *secret)
            .filter_map(|one| {
                Some((
                    one.covers(self.ask.method().as_str(), self.ask.path())?,
                    *one,
                ))
            })
    }

    fn not_bound_here(&self, secret: &SecretName) -> No {
        let at_host = self.near.iter().any(|one| one.secret == *secret);
        if self.ask.scheme() == Scheme::Http && at_host {
            return refuse::cleartext(self.ask, secret);
        }
        let environment = &self.view.record.environment;
        refuse::violation(
            self.ask,
            secret,
            self.policy.bindings_of(environment, secret),
        )
    }

    /// What the head shows: our own placeholders at their places, or a reason to stop.
    fn placeholders(&self) -> Result<Vec<Use>, No> {
        let mut uses = Vec::new();
        let sightings = self.ask.sightings();
        if sightings.len() > MAX_SIGHTINGS {
            return Err(refuse::too_many(self.ask));
        }
        for (spot, mut text) in sightings {
            while let Some((secret, placeholder)) = self.view.placeholders.find_in(&text) {
                uses.push(self.one_placeholder(&spot, secret, placeholder)?);
                text = text.replace(placeholder, "");
            }
            if (self.view.elsewhere)(&text) {
                return Err(refuse::tripwire(self.ask, None));
            }
        }
        Ok(uses)
    }

    fn one_placeholder(
        &self,
        spot: &Spot,
        secret: &'a SecretName,
        placeholder: &str,
    ) -> Result<Use, No> {
        self.has_binding(secret)?;
        if !self.near.iter().any(|one| one.secret == *secret) {
            return Err(refuse::tripwire(self.ask, Some(secret)));
        }
        self.covering(secret)
            .filter(|(_, one)| stands_at(&one.place, spot))
            .max_by_key(|(depth, _)| *depth)
            .map(|(_, binding)| Use {
                binding: Arc::clone(binding),
                found: Some(placeholder.to_owned()),
            })
            .ok_or_else(|| self.not_bound_here(secret))
    }

    /// Bindings that need not be named: the most specific one at each place that is still free.
    fn automatic(&self, uses: &mut Vec<Use>) -> Result<(), No> {
        if self.ask.from_page() {
            return Ok(());
        }
        let mut found: Vec<(usize, &Arc<Binding>)> = self
            .here
            .iter()
            .filter(|one| one.auto)
            .filter_map(|one| {
                Some((
                    one.covers(self.ask.method().as_str(), self.ask.path())?,
                    *one,
                ))
            })
            .collect();
        found.sort_by_key(|(depth, one)| {
            (
                std::cmp::Reverse(one.host.is_exact()),
                std::cmp::Reverse(*depth),
            )
        });
        let taken = uses.len();
        let mut depths = Vec::new();
        for (depth, binding) in found {
            let same = |one: &Use| one.binding.place.collides(&binding.place);
            if uses[..taken].iter().any(same) {
                continue;
            }
            match uses[taken..].iter().position(same) {
                Some(at)
                    if depths[at] == (binding.host.is_exact(), depth)
                        && uses[taken + at].binding.secret != binding.secret =>
                {
                    return Err(refuse::two_secrets(
                        self.ask,
                        &uses[taken + at].binding.secret,
                        &binding.secret,
                    ));
                }
                Some(_) => {}
                None => {
                    depths.push((binding.host.is_exact(), depth));
                    uses.push(Use {
                        binding: Arc::clone(binding),
                        found: None,
                    });
                }
            }
        }
        Ok(())
    }

    /// Two secrets never meet at one place.
    fn distinct(&self, uses: &[Use]) -> Result<(), No> {
        for (index, one) in uses.iter().enumerate() {
            for other in &uses[index + 1..] {
                if one.binding.place.collides(&other.binding.place) {
                    return Err(refuse::two_secrets(
                        self.ask,
                        &one.binding.secret,
                        &other.binding.secret,
                    ));
                }
            }
        }
        Ok(())
    }

    fn allowed_without(&self) -> Result<(), No> {
        if let Some(near) = self.near.first()
            && self.ask.scheme() == Scheme::Http
        {
            return Err(refuse::cleartext(self.ask, &near.secret));
        }
        if self.allowed.is_empty() {
            return Err(refuse::host_denied(self.ask, self.view.record));
        }
        Ok(())
    }

    /// The client brings no credential and no authority of its own, unless the owner said that it may.
    fn nothing_foreign(&self, uses: &[Use]) -> Result<(), No> {
        let allowed =
            self.here.iter().any(|one| one.foreign) || self.allowed.iter().any(|one| one.foreign);
        let placed =
            |name: &http::HeaderName| uses.iter().find(|one| one.binding.place.is_read_from(name));
        for name in self.ask.headers().keys() {
            let several = self.ask.headers().get_all(name).iter().count() > 1;
            let ours = placed(name).is_some_and(|one| {
                one.found.is_some() && one.binding.place.header().as_ref() == Some(name)
            });
            let foreign = placed(name).is_some() || is_credential(name) || is_authority(name);
            if foreign && (!ours || several) && (!allowed || placed(name).is_some()) {
                return Err(refuse::foreign(self.ask, self.suggested()));
            }
        }
        for (key, value) in self.ask.parameters() {
            if self.is_foreign_parameter(uses, key, value, allowed) {
                return Err(refuse::foreign(self.ask, self.suggested()));
            }
        }
        Ok(())
    }

    fn is_foreign_parameter(
        &self,
        uses: &[Use],
        key: &str,
        value: Option<&str>,
        allowed: bool,
    ) -> bool {
        let key = percent_decoded(key);
        let named = |one: &&Use| matches!(&one.binding.place, Place::Query(own) if own.as_str().eq_ignore_ascii_case(&key));
        let placed = uses.iter().find(named);
        let ours = placed.is_some_and(|one| {
            let value = value.map(percent_decoded);
            stands_at(&one.binding.place, &Spot::Query(key.clone()))
                && one.found.is_some()
                && one.found == value
        });
        let foreign = placed.is_some() || is_credential_key(&key);
        let here = foreign && !ours && (!allowed || placed.is_some());
        here || hidden_parameters(value)
            .any(|(key, value)| self.is_foreign_parameter(uses, key, value, allowed))
    }

    /// The secret whose placeholder the client may have meant to send.
    fn suggested(&self) -> Option<&'a Arc<Binding>> {
        self.here.first().copied()
    }

    fn nothing_that_overrides(&self, uses: &[Use]) -> Result<(), No> {
        let binding = uses
            .first()
            .map(|one| &one.binding)
            .or(self.here.first().copied());
        let Some(binding) = binding else {
            return Ok(());
        };
        let upgrade = self.ask.headers().contains_key(UPGRADE);
        let is_method = |key: &str| percent_decoded(key).eq_ignore_ascii_case("_method");
        let method = self.ask.parameters().any(|(key, value)| {
            is_method(key) || hidden_parameters(value).any(|(key, _)| is_method(key))
        });
        if upgrade || method {
            return Err(refuse::overriding(self.ask, &binding.secret, upgrade));
        }
        Ok(())
    }

    fn without(&self) -> Verdict {
        let of_any = |one: &Arc<Binding>| one.host.matches(self.ask.host());
        let washed = self.policy.bindings().iter().any(of_any);
        let why = match (self.here.is_empty(), washed) {
            (false, _) => Without::NamedOnly,
            (true, true) => Without::NotGranted,
            (true, false) => Without::NoBinding,
        };
        let binding = self
            .here
            .iter()
            .max_by_key(|one| one.covers(self.ask.method().as_str(), self.ask.path()))
            .map(|one| Arc::clone(one));
        Verdict::Without {
            why,
            binding,
            washed,
        }
    }
}

/// Whether the binding's place is where the placeholder was seen.
fn stands_at(place: &Place, spot: &Spot) -> bool {
    match spot {
        Spot::Header(name) => place.header().as_ref() == Some(name),
        Spot::Query(key) => matches!(place, Place::Query(own) if own.as_str() == key),
        Spot::Target => false,
    }
}

/// A placeholder at the place of a secret that is named as well says the same thing once.
fn join(uses: &mut Vec<Use>, new: Use) {
    match uses.iter_mut().find(|one| one.binding.id == new.binding.id) {
        Some(one) => one.found = new.found,
        None => uses.push(new),
    }
}

/// Some servers end a parameter at `;` too: what stands behind one is judged as a parameter.
fn hidden_parameters(value: Option<&str>) -> impl Iterator<Item = (&str, Option<&str>)> {
    let parts = value.unwrap_or_default().split(';').skip(1);
    parts.map(|part| match part.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (part, None),
    })
}
