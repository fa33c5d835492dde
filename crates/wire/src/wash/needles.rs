//! The needles of a session: every armed value, in every form it is looked for.
//!
//! They are copies of the values in ordinary memory, wiped when dropped.

use std::sync::Arc;

use bytes::Bytes;
use withheld_secret::{Expose, SecretValue};
use zeroize::Zeroizing;

use super::forms::{self, Form, IN_A_ROW, SHORTEST};
use super::index::{Grams, Index};
use super::parts;

/// Grams of ordinary forms, and how far apart a text is probed for them: of 15 bytes in a row, one
/// such group lies wholly inside.
pub(super) const STEP: usize = 8;
/// The same for forms of 8 to 14 bytes.
pub(super) const SHORT_STEP: usize = 4;
/// Of long values, every group of 8 in 64 offsets is indexed.
const SPARSE: usize = 64;

/// A value to look for.
pub(crate) struct Secret<'a> {
    /// What stands in the place of the value, or of a part of it.
    pub(crate) replacement: &'a str,
    /// The value.
    pub(crate) value: &'a SecretValue,
    /// The public beginning of keys of its kind, such as `sk_live_`; of no effect on a value that
    /// does not begin with it.
    pub(crate) prefix: &'a str,
}

/// What a session's replies are searched for. Never changed: more values make another set, which shares
/// what the one before is made of.
pub(crate) struct Needles {
    pub(super) forms: Vec<Arc<Form>>,
    pub(super) grams: Index<STEP>,
    /// The ends of forms of 8 to 14 bytes, for the bytes as they come.
    pub(super) short_grams: Index<SHORT_STEP>,
    /// The ends of readings of fewer bytes, for the views.
    pub(super) short_readings: Index<SHORT_STEP>,
    /// Whether each gram of each form is known, so that a run of eight characters or more is met
    /// wherever it is looked at.
    pub(super) all_grams: bool,
    pub(super) replacements: Vec<Bytes>,
}

impl Needles {
    /// The needles of these values. Values under 8 bytes cannot be told from ordinary text and
    /// give none; the vault takes none.
    pub(crate) fn new(secrets: &[Secret<'_>]) -> Self {
        let none = Self {
            forms: Vec::new(),
            grams: Index::default(),
            short_grams: Index::default(),
            short_readings: Index::default(),
            all_grams: true,
            replacements: Vec::new(),
        };
        none.with(secrets)
    }

    /// These needles, and those of more values.
    pub(crate) fn with(&self, secrets: &[Secret<'_>]) -> Self {
        let known = self.replacements.len();
        let mut new = Vec::new();
        for (number, secret) in secrets.iter().enumerate() {
            for part in look(secret) {
                new.extend(forms::of(known + number, &part));
            }
        }
        let numbered = || (self.forms.len()..).zip(&new);
        let short_readings = self.short_readings.with(short_readings(numbered()));
        let replacements = secrets
            .iter()
            .map(|secret| Bytes::copy_from_slice(secret.replacement.as_bytes()));
        Self {
            grams: self.grams.with(grams(numbered())),
            short_grams: self.short_grams.with(short_grams(numbered())),
            all_grams: self.all_grams
                && short_readings.is_empty()
                && !new.iter().any(|form| form.long),
            short_readings,
            forms: longer(&self.forms, new.into_iter().map(Arc::new)),
            replacements: longer(&self.replacements, replacements),
        }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }
}

fn longer<T: Clone>(known: &[T], new: impl Iterator<Item = T>) -> Vec<T> {
    known.iter().cloned().chain(new).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reply can only be searched for a value that is known; the copies are wiped"
)]
fn look(secret: &Secret<'_>) -> Vec<forms::Part> {
    let value = secret.value.expose(|bytes| Zeroizing::new(bytes.to_vec()));
    let prefixed = value.starts_with(secret.prefix.as_bytes());
    parts::of(&value, if prefixed { secret.prefix.len() } else { 0 })
}

/// Every gram that is not of a public prefix alone.
fn grams<'a>(forms: impl Iterator<Item = (usize, &'a Form)>) -> Grams<STEP> {
    let mut grams = Grams::new();
    for (number, form) in forms {
        let from = form.in_bytes.from.min(form.in_view.from);
        for offset in from.saturating_sub(STEP - 1)..form.bytes.len() {
            if !form.long || offset >= from && (offset - from) % SPARSE < STEP {
                grams.add(number, &form.bytes, offset);
            }
        }
    }
    grams
}

fn short_grams<'a>(forms: impl Iterator<Item = (usize, &'a Form)>) -> Grams<SHORT_STEP> {
    let mut grams = Grams::new();
    for (number, form) in forms {
        let whole = form.in_bytes.met_whole();
        if whole.is_some_and(|whole| (SHORTEST..IN_A_ROW).contains(&whole)) {
            for back in SHORT_STEP..2 * SHORT_STEP {
                grams.add(number, &form.bytes, form.in_bytes.whole_to - back);
            }
        }
    }
    grams
}

/// A view is probed at every byte, so the last gram is enough.
fn short_readings<'a>(forms: impl Iterator<Item = (usize, &'a Form)>) -> Grams<SHORT_STEP> {
    let mut grams = Grams::new();
    for (number, form) in forms {
        if form.in_view.whole_to < STEP {
            grams.add(number, &form.bytes, form.in_view.whole_to - SHORT_STEP);
        }
    }
    grams
}
