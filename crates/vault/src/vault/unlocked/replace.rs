//! What a team does to an environment: values come and go in one step, so that no request ever meets
//! half of it.

use withheld_core::name::{Environment, SecretName};
use withheld_core::{Moment, Refusal};
use withheld_secret::SecretValue;

use super::Unlocked;
use super::store::{KEPT_MS, admit};
use crate::index::Index;
use crate::origin::Origin;

/// How a name stood when a change was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The current version; `None` where the name holds nothing.
    pub(crate) current: Option<u64>,
    /// The number that the next version gets.
    pub(crate) next: u64,
}

impl Standing {
    fn of(index: &Index, environment: &Environment, name: &SecretName) -> Self {
        Self {
            current: index
                .current(environment, name)
                .map(|stored| stored.version),
            next: index.next_version(environment, name),
        }
    }
}

impl Unlocked {
    /// How a name stands now.
    pub(crate) fn standing(&self, environment: &Environment, name: &SecretName) -> Standing {
        Standing::of(&self.index(), environment, name)
    }

    /// Stores values of the team as the next versions of their names and removes others, all of it or
    /// nothing; `false`, and nothing done, where one of `planned` does not stand as it did.
    ///
    /// # Errors
    /// As [`Unlocked::store`].
    pub(crate) fn replace(
        &self,
        environment: &Environment,
        items: &[(SecretName, SecretValue)],
        gone: &[SecretName],
        planned: &[(SecretName, Standing)],
        now: Moment,
    ) -> Result<bool, Refusal> {
        let _writing = self.writing()?;
        let index = self.index();
        let as_planned = |(name, stood): &(SecretName, Standing)| {
            Standing::of(&index, environment, name) == *stood
        };
        if !planned.iter().all(as_planned) {
            return Ok(false);
        }
        admit(&index, environment, items, Origin::Member)?;
        let fresh = self.put_all(environment, items, &index, Origin::Member, now)?;
        let kept = self.held_back(environment, gone);
        let before = Moment::from_ms(now.as_ms().saturating_sub(KEPT_MS));
        let (removed, replaced) = self.change(|index| {
            for (name, stored) in fresh {
                index.add(environment, &name, stored);
            }
            let removed = gone.iter().flat_map(|name| index.remove(environment, name));
            (removed.collect::<Vec<_>>(), index.forget_replaced(before))
        })?;
        self.keep_removed(environment, kept);
        // Their envelopes stay at hand in memory, so only the files go; what does not go now goes at
        // the next unlock.
        for address in &removed {
            let _ = self.rest.delete(address);
        }
        self.forget(replaced.iter().map(String::as_str));
        Ok(true)
    }
}
