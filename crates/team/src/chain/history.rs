//! What held from which link on.

/// Values, each from a position until the next.
#[derive(Clone, Debug)]
pub(super) struct History<T>(Vec<(u64, T)>);

impl<T: Copy> History<T> {
    /// Nothing held.
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// This holds from here on. Positions come in their order.
    pub(super) fn set(&mut self, from: u64, value: T) {
        self.0.push((from, value));
    }

    /// Where something else began to hold.
    pub(super) fn positions(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|(from, _)| *from)
    }

    /// What held at a position.
    pub(super) fn at(&self, seq: u64) -> Option<T> {
        self.0
            .iter()
            .rfind(|(from, _)| *from <= seq)
            .map(|(_, value)| *value)
    }
}
