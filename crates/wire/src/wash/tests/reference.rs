//! A redactor that is too simple to be wrong, and far too slow: it compares every window of a text
//! with every window of the spellings that it is given.

/// Characters in a row that may not pass.
const WIDTH: usize = 15;

/// Takes out every byte that stands in a window of [`WIDTH`] bytes that some spelling has as
/// well, letter case aside.
pub(super) fn redact(text: &[u8], spellings: &[Vec<u8>], place: &str) -> Vec<u8> {
    let mut taken = vec![false; text.len()];
    for spelling in spellings {
        for window in spelling.windows(WIDTH) {
            for at in 0..(text.len() + 1).saturating_sub(WIDTH) {
                if text[at..at + WIDTH].eq_ignore_ascii_case(window) {
                    taken[at..at + WIDTH].fill(true);
                }
            }
        }
    }
    let mut clean = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match (taken[at], at > 0 && taken[at - 1]) {
            (false, _) => clean.push(*byte),
            (true, false) => clean.extend_from_slice(place.as_bytes()),
            (true, true) => {}
        }
    }
    clean
}
