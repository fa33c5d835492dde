//! Placeholders: what stands for a value in an agent's environment. A placeholder says what it is to
//! whoever reads it, and is worth nothing outside its session.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::SecretName;

/// Every placeholder holds this word: it is what the head of a request is searched for.
pub const MARK: &str = "withheld";

/// Characters of the random part: 24 base62 characters, more than 128 bits.
const RANDOM_CHARS: usize = 24;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Words that make programs take a key for a dummy and refuse it.
const REFUSED_BY_PROGRAMS: &[&str] = &[
    "placeholder",
    "dummy",
    "example",
    "redacted",
    "changeme",
    "none",
];

/// The placeholders of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Placeholders(BTreeMap<SecretName, String>);

impl Placeholders {
    /// A placeholder's text: the key's public prefix, the mark, the name in camel case, and random
    /// characters. `None` where the random part happens to spell a word that programs refuse: draw again.
    ///
    /// Each of the random bytes gives one character (with a bias of under 1/4 of a bit), so 24 of them
    /// carry more than 128 bits.
    #[must_use]
    pub fn make(prefix: &str, name: &SecretName, random: &[u8; RANDOM_CHARS]) -> Option<String> {
        let tail = random
            .iter()
            .map(|byte| char::from(BASE62[usize::from(*byte) % 62]));
        let label = Some(camel(name))
            .filter(|label| !is_refused(label))
            .unwrap_or_default();
        let text = format!("{prefix}{MARK}{label}{}", tail.collect::<String>());
        (!is_refused(&text)).then_some(text)
    }

    /// The placeholder of a secret.
    #[must_use]
    pub fn of(&self, secret: &SecretName) -> Option<&str> {
        self.0.get(secret).map(String::as_str)
    }

    /// Adds or replaces a placeholder.
    pub fn insert(&mut self, secret: SecretName, text: String) {
        self.0.insert(secret, text);
    }

    /// Forgets the secrets for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(&SecretName) -> bool) {
        self.0.retain(|secret, _| keep(secret));
    }

    /// Every secret with its placeholder, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&SecretName, &str)> {
        self.0.iter().map(|(secret, text)| (secret, text.as_str()))
    }

    /// The first placeholder that stands in the text.
    #[must_use]
    pub fn find_in(&self, text: &str) -> Option<(&SecretName, &str)> {
        if !text.contains(MARK) {
            return None;
        }
        self.iter()
            .find(|(_, placeholder)| text.contains(placeholder))
    }
}

fn is_refused(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    REFUSED_BY_PROGRAMS.iter().any(|word| lower.contains(word))
}

/// `STRIPE_KEY` as `StripeKey`.
fn camel(name: &SecretName) -> String {
    name.as_str()
        .split('_')
        .flat_map(|word| {
            word.chars().enumerate().map(|(index, c)| {
                if index == 0 {
                    c
                } else {
                    c.to_ascii_lowercase()
                }
            })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_says_what_it_is() {
        let name = SecretName::parse("STRIPE_KEY").unwrap();
        let random: [u8; 24] = std::array::from_fn(|i| u8::try_from(i * 7).unwrap());
        let text = Placeholders::make("sk_live_", &name, &random).unwrap();
        assert!(text.starts_with("sk_live_withheldStripeKey"), "{text}");
        assert_eq!(text.len(), "sk_live_withheldStripeKey".len() + 24);
        let mut all = Placeholders::default();
        all.insert(name.clone(), text.clone());
        assert_eq!(
            all.find_in(&format!("Bearer {text}")),
            Some((&name, text.as_str()))
        );
        assert_eq!(all.find_in("Bearer sk_live_withheldStripeKeyX"), None);
    }

    #[test]
    fn words_that_programs_refuse_do_not_stand_in_it() {
        // 49 = 'n', 50 = 'o', 40 = 'e' of the alphabet above.
        let spells: [u8; 24] = {
            let mut random = [0; 24];
            random[..4].copy_from_slice(&[49, 50, 49, 40]);
            random
        };
        let name = SecretName::parse("STRIPE_KEY").unwrap();
        assert_eq!(Placeholders::make("", &name, &spells), None);
        let name = SecretName::parse("EXAMPLE_KEY").unwrap();
        let text = Placeholders::make("", &name, &[0; 24]).unwrap();
        assert!(!text.to_ascii_lowercase().contains("example"), "{text}");
    }
}
