//! Does a word look like a key? Used where something a person or an agent wrote is about to be
//! written to a log: a name, a note, a path segment. Wrong guesses cost a star in a log line.

/// Prefixes that well-known keys begin with; whatever follows them is treated as a key.
const KEY_PREFIXES: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "sk-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "SG.",
    "npm_",
    "pypi-",
    "dop_v1_",
    "hf_",
    "whs_",
    "eyJ",
];

/// Whether a word is long and irregular enough to be a key, or begins as known keys do.
#[must_use]
pub fn looks_like_key(word: &str) -> bool {
    if KEY_PREFIXES
        .iter()
        .any(|prefix| word.len() >= prefix.len() + 12 && word.starts_with(prefix))
    {
        return true;
    }
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    match bytes.len() {
        0..16 => false,
        16..24 => digits >= 2 && letters >= 4 && bits_per_byte(bytes) >= 3.4,
        24..40 => digits >= 2 && letters >= 2 && bits_per_byte(bytes) >= 3.2,
        _ => digits >= 2 && bits_per_byte(bytes) >= 3.0,
    }
}

/// Shannon entropy of the byte histogram, in bits per byte.
#[must_use]
pub fn bits_per_byte(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_words() {
        for key in [
            "sk_live_51HxYzAbCdEfGh",
            "7f3a9c1e5b7d2f4a6c8e0b1d3f5a7c9e",
            "wJalrXUtnFEMI7MDENGbPxRfi2",
            "d9f1c2e4-7a6b-4c3d-8e9f-0a1b2c3d4e5f",
        ] {
            assert!(looks_like_key(key), "{key}");
        }
        for word in [
            "customers",
            "v1",
            "payment_intents",
            "2026-11-25",
            "internationalization",
            "chat",
            "completions",
            "sk-learn",
        ] {
            assert!(!looks_like_key(word), "{word}");
        }
    }
}
