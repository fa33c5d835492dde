//! Secrets that their own services refused: 401 or 403 with the value placed by us. The value may be
//! revoked, or replaced by a newer version that is not here yet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use withheld_core::name::{Environment, SecretName};

/// What services refused since this broker started, by secret: the version, and the status.
#[derive(Default)]
pub(crate) struct Suspects(Mutex<HashMap<(Environment, SecretName), Suspect>>);

/// One refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspect {
    /// Which version of the vault was sent.
    pub(crate) version: u64,
    /// What the service said.
    pub(crate) status: u16,
}

impl Suspects {
    /// Notes how a service answered a request with this version.
    pub(crate) fn note(
        &self,
        environment: &Environment,
        secret: &SecretName,
        version: u64,
        status: u16,
    ) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (environment.clone(), secret.clone());
        match status {
            401 | 403 => drop(known.insert(key, Suspect { version, status })),
            200..300 => drop(known.remove(&key)),
            _ => {}
        }
    }

    /// The last refusal of this version; an older one says nothing about it.
    pub(crate) fn of(
        &self,
        environment: &Environment,
        secret: &SecretName,
        version: u64,
    ) -> Option<Suspect> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let suspect = known.get(&(environment.clone(), secret.clone()))?;
        (suspect.version == version).then_some(*suspect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_version_is_suspect_until_it_is_accepted_or_replaced() {
        let suspects = Suspects::default();
        let (dev, key) = (Environment::dev(), SecretName::parse("STRIPE_KEY"));
        let Ok(key) = key else {
            panic!("a name");
        };
        let of = |version| suspects.of(&dev, &key, version).map(|one| one.status);
        suspects.note(&dev, &key, 3, 500);
        assert_eq!(of(3), None);
        suspects.note(&dev, &key, 3, 401);
        assert_eq!((of(3), of(4)), (Some(401), None));
        suspects.note(&dev, &key, 3, 429);
        assert_eq!(of(3), Some(401));
        suspects.note(&dev, &key, 3, 200);
        assert_eq!(of(3), None);
    }
}
