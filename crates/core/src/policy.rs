//! The decision: a request, the agent's record and the owner's policy in; a permit, a pass or a
//! refusal out. Pure: it can be tried without doing anything.

use std::sync::Arc;

use http::header::UPGRADE;

use crate::ask::{Ask, Named, Spot};
use crate::binding::{Binding, Place};
use crate::credential_fields::{is_authority, is_credential, is_credential_key};
use crate::destination::Scheme;
use crate::name::{Environment, RequestId, SecretName};
use crate::placeholder::Placeholders;
use crate::policy_doc::Policy;
use crate::record::{AgentRecord, AllowedHost};
use crate::refusal::Refusal;

mod refuse;
#[cfg(test)]
mod tests;

/// What is decided by, beside the policy: one session.
pub struct View<'a> {
    /// The agent's record.
    pub record: &'a AgentRecord,
    /// The session's placeholders.
    pub placeholders: &'a Placeholders,
    /// Whether a text holds a placeholder of another session.
    pub elsewhere: &'a dyn Fn(&str) -> bool,
    /// Whether the vault holds a secret of this name in the record's environment.
    pub known: &'a dyn Fn(&SecretName) -> bool,
}

/// What was decided.
pub enum Decision {
    /// Goes out with credentials.
    Permit(Permit),
    /// Goes out without one.
    Pass(Pass),
    /// Does not go out.
    Refuse(Box<Refused>),
}

/// Leave to send one request with these credentials. Made by [`decide`] only; spent by sending.
pub struct Permit {
    id: RequestId,
    environment: Environment,
    ask: Ask,
    uses: Vec<Use>,
}

/// One credential of a permit.
#[derive(Clone, Debug)]
pub struct Use {
    /// The binding that allows it.
    pub binding: Arc<Binding>,
    /// The placeholder that stands at the place, where the client sent one.
    pub found: Option<String>,
}

/// Leave to send one request without a credential. Made by [`decide`] only; spent by sending.
pub struct Pass {
    id: RequestId,
    ask: Ask,
    why: Without,
    binding: Option<Arc<Binding>>,
    washed: bool,
}

/// Why a request goes out without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// No secret is bound to the host.
    NoBinding,
    /// One is, and this agent does not have it.
    NotGranted,
    /// One is, and the request did not name it.
    NamedOnly,
}

impl Without {
    /// As it stands in `Withheld-Injected`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoBinding => "no_binding",
            Self::NotGranted => "not_granted",
            Self::NamedOnly => "named_only",
        }
    }
}

/// A request that does not go out, and what the log needs of it.
pub struct Refused {
    /// Why, and what to type next.
    pub refusal: Refusal,
    /// The request.
    pub ask: Ask,
    /// Its id.
    pub id: RequestId,
    /// Whether a binding or an allowed host matched, so that its path may be recorded.
    pub matched: bool,
    /// The secrets it meant.
    pub secrets: Vec<SecretName>,
}

impl Permit {
    /// The request's id; the other papers carry the same.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The request.
    #[must_use]
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The credentials; at least one, each at a place of its own.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The environment of the secrets.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Spends the permit.
    #[must_use]
    pub fn into_parts(self) -> (Ask, Vec<Use>) {
        (self.ask, self.uses)
    }
}

impl Pass {
    /// The request's id; the receipt carries the same.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The request.
    #[must_use]
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Why it goes without.
    #[must_use]
    pub fn why(&self) -> Without {
        self.why
    }

    /// The binding of this agent to the host, where there is one: how to reach it.
    #[must_use]
    pub fn binding(&self) -> Option<&Arc<Binding>> {
        self.binding.as_ref()
    }

    /// Whether its reply is washed: some secret of the vault is bound to the host.
    #[must_use]
    pub fn washed(&self) -> bool {
        self.washed
    }

    /// Spends the pass.
    #[must_use]
    pub fn into_ask(self) -> Ask {
        self.ask
    }
}

/// Decides one request.
#[must_use]
pub fn decide(view: &View<'_>, policy: &Policy, ask: Ask, id: RequestId) -> Decision {
    let case = Case::new(view, policy, &ask);
    let matched = case.is_known_host();
    match case.judge() {
        Ok(Verdict::With(uses)) => Decision::Permit(Permit {
            id,
            environment: view.record.environment.clone(),
            ask,
            uses,
        }),
        Ok(Verdict::Without {
            why,
            binding,
            washed,
        }) => Decision::Pass(Pass {
            id,
            ask,
            why,
            binding,
            washed,
        }),
        Err(no) => Decision::Refuse(Box::new(Refused {
            refusal: no.refusal,
            ask,
            id,
            matched,
            secrets: no.secrets,
        })),
    }
}

enum Verdict {
    With(Vec<Use>),
    Without {
        why: Without,
        binding: Option<Arc<Binding>>,
        washed: bool,
    },
}

/// A refusal and the secrets that it is about.
struct No {
    refusal: Refusal,
    secrets: Vec<SecretName>,
}

/// One request beside what may apply to it.
struct Case<'a> {
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
    fn new(view: &'a View<'a>, policy: &'a Policy, ask: &'a Ask) -> Self {
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

    fn is_known_host(&self) -> bool {
        !self.near.is_empty() || !self.allowed.is_empty()
    }

    fn judge(&self) -> Result<Verdict, No> {
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
            Err(refuse::no_binding(secret))
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
        for (spot, text) in self.ask.sightings() {
            match self.view.placeholders.find_in(&text) {
                Some((secret, placeholder)) => {
                    uses.push(self.one_placeholder(&spot, secret, placeholder)?);
                }
                None if (self.view.elsewhere)(&text) => {
                    return Err(refuse::tripwire(self.ask, None));
                }
                None => {}
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
        let ours = |name: &http::HeaderName| {
            uses.iter()
                .any(|one| one.found.is_some() && one.binding.place.header().as_ref() == Some(name))
        };
        let collides = |name: &http::HeaderName| {
            uses.iter()
                .any(|one| one.binding.place.header().as_ref() == Some(name))
        };
        for name in self.ask.headers().keys() {
            let several = self.ask.headers().get_all(name).iter().count() > 1;
            let foreign = collides(name) || is_credential(name) || is_authority(name);
            if foreign && (!ours(name) || several) && (!allowed || collides(name)) {
                return Err(refuse::foreign(self.ask, self.suggested()));
            }
        }
        for (key, value) in self.ask.parameters() {
            let key = crate::ask::percent_decoded(key);
            let at_place =
                |one: &&Use| matches!(&one.binding.place, Place::Query(own) if own.as_str() == key);
            let placed = uses.iter().find(at_place);
            let ours = placed.is_some_and(|one| {
                one.found.as_deref().is_some_and(|text| {
                    value.is_some_and(|value| crate::ask::percent_decoded(value) == text)
                })
            });
            let foreign = placed.is_some() || is_credential_key(&key);
            if foreign && !ours && (!allowed || placed.is_some()) {
                return Err(refuse::foreign(self.ask, self.suggested()));
            }
        }
        Ok(())
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
        let method = self
            .ask
            .parameters()
            .any(|(key, _)| crate::ask::percent_decoded(key).eq_ignore_ascii_case("_method"));
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
