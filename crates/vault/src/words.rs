//! A passphrase of six made-up words, for whoever presses Enter.
//!
//! Each word is 16 random bits: consonant, vowel, consonant, vowel, consonant. Six of them are 96
//! bits, more than six words of any dictionary for dice, and they can be said and typed in any
//! keyboard layout. There is no list to look up, so nothing depends on the bits but the letters.

use withheld_core::Refusal;
use withheld_secret::SecretValue;
use zeroize::Zeroizing;

use crate::fault;

/// Words of a passphrase.
const WORDS: usize = 6;
/// Letters of a word.
const LETTERS: usize = 5;
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";

/// Six words with a dash between them, in locked memory.
pub(crate) fn passphrase() -> Result<SecretValue, Refusal> {
    let mut random = Zeroizing::new([0; WORDS * 2]);
    getrandom::fill(&mut *random).map_err(|_| fault::no_randomness())?;
    let (pairs, _) = random.as_chunks::<2>();
    SecretValue::with_len(WORDS * (LETTERS + 1) - 1, |room| {
        for (slot, pair) in room.chunks_mut(LETTERS + 1).zip(pairs) {
            if let Some(letters) = slot.first_chunk_mut() {
                *letters = word(u16::from_be_bytes(*pair));
            }
            if let Some(dash) = slot.get_mut(LETTERS) {
                *dash = b'-';
            }
        }
        Ok(room.len())
    })
    .map_err(fault::unfilled)
}

fn word(bits: u16) -> [u8; LETTERS] {
    let consonant = |shift: u32| CONSONANTS[usize::from(bits >> shift & 0xF)];
    let vowel = |shift: u32| VOWELS[usize::from(bits >> shift & 0x3)];
    [
        consonant(12),
        vowel(10),
        consonant(6),
        vowel(4),
        consonant(0),
    ]
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests look at what they made"
)]
mod tests {
    use std::collections::BTreeSet;

    use withheld_secret::Expose as _;

    use super::*;

    #[test]
    fn every_number_has_a_word_of_its_own() {
        let words: BTreeSet<[u8; 5]> = (0..=u16::MAX).map(word).collect();
        assert_eq!(words.len(), 65_536);
        // As the scheme's description spells 127.0.0.1 and 63.84.220.193.
        for (bits, spelled) in [
            (0x7F00, "lusab"),
            (0x0001, "babad"),
            (0x3F54, "gutih"),
            (0xDCC1, "tugad"),
        ] {
            assert_eq!(word(bits), *spelled.as_bytes());
        }
    }

    #[test]
    fn six_words_and_five_dashes() {
        passphrase().unwrap().expose(|made| {
            assert_eq!(made.len(), 35);
            let words: Vec<&[u8]> = made.split(|byte| *byte == b'-').collect();
            assert_eq!(words.len(), 6);
            assert!(words.iter().all(|word| word.len() == 5));
            assert!(
                made.iter()
                    .all(|byte| byte.is_ascii_lowercase() || *byte == b'-')
            );
        });
    }
}
