//! The needles of a session: every armed value, in every form it is looked for.
//!
//! They are copies of the values in ordinary memory, wiped when dropped.

use bytes::Bytes;
use withheld_secret::{Expose, SecretValue};
use zeroize::Zeroizing;

use super::forms::{self, Form, Ground, IN_A_ROW};
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

/// What a session's replies are searched for. Build it when a session begins and when a value
/// changes; share it.
pub(crate) struct Needles {
    pub(super) forms: Vec<Form>,
    pub(super) view_forms: Vec<Form>,
    pub(super) grams: Index,
    pub(super) short_grams: Index,
    pub(super) view_grams: Index,
    pub(super) short_view_grams: Index,
    pub(super) replacements: Vec<Bytes>,
}

impl Needles {
    /// The needles of these values. Values under 8 bytes cannot be told from ordinary text and
    /// give none; the vault takes none.
    pub(crate) fn new(secrets: &[Secret<'_>]) -> Self {
        let mut forms = Vec::new();
        let mut view_forms = Vec::new();
        for (number, secret) in secrets.iter().enumerate() {
            for part in look(secret) {
                forms.extend(forms::of(number, &part, Ground::Bytes));
                view_forms.extend(forms::of(number, &part, Ground::View));
            }
        }
        let (grams, short_grams) = index_bytes(&forms);
        let (view_grams, short_view_grams) = index_view(&view_forms);
        Self {
            grams,
            short_grams,
            view_grams,
            short_view_grams,
            forms,
            view_forms,
            replacements: secrets
                .iter()
                .map(|secret| Bytes::copy_from_slice(secret.replacement.as_bytes()))
                .collect(),
        }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }
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

fn index_bytes(forms: &[Form]) -> (Index, Index) {
    let mut grams = Grams::new(STEP);
    let mut short_grams = Grams::new(SHORT_STEP);
    for (number, form) in forms.iter().enumerate() {
        if form.least.is_some() {
            for offset in form.from..form.bytes.len() {
                if !form.long || (offset - form.from) % SPARSE < STEP {
                    grams.add(number, &form.bytes, offset);
                }
            }
        } else if form.whole_to - form.whole_from >= IN_A_ROW {
            for back in STEP..2 * STEP {
                grams.add(number, &form.bytes, form.whole_to - back);
            }
        } else {
            for back in SHORT_STEP..2 * SHORT_STEP {
                short_grams.add(number, &form.bytes, form.whole_to - back);
            }
        }
    }
    (grams.build(), short_grams.build())
}

/// A view is probed at every byte, so fewer offsets need to be known.
fn index_view(forms: &[Form]) -> (Index, Index) {
    let mut grams = Grams::new(STEP);
    let mut short_grams = Grams::new(SHORT_STEP);
    for (number, form) in forms.iter().enumerate() {
        let Some(least) = form.least else {
            let (grams, size) = if form.whole_to < STEP {
                (&mut short_grams, SHORT_STEP)
            } else {
                (&mut grams, STEP)
            };
            grams.add(number, &form.bytes, form.whole_to - size);
            continue;
        };
        let apart = if form.long { SPARSE } else { least + 1 - STEP };
        for offset in (form.from..form.bytes.len()).step_by(apart) {
            grams.add(number, &form.bytes, offset);
        }
    }
    (grams.build(), short_grams.build())
}
