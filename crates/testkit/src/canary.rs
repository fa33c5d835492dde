//! Values that must never be seen, made afresh for each test.

use std::io::Read as _;

/// What a canary begins with. It says nothing about the rest, so that finding it alone is no leak.
const PUBLIC: &str = "whCANARY";

/// A value that a test stores, and that nobody but the bound upstream may see.
#[derive(Clone)]
pub struct Canary {
    bytes: Vec<u8>,
    public: usize,
}

impl Canary {
    /// A canary with these bytes, of which the first `public` may be seen.
    pub fn new(bytes: impl Into<Vec<u8>>, public: usize) -> Self {
        Self {
            bytes: bytes.into(),
            public,
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its text.
    ///
    /// # Panics
    /// When the bytes are not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("a canary of text")
    }

    /// How many of its first bytes may be seen.
    pub fn public(&self) -> usize {
        self.public
    }
}

/// The three canaries of a test.
#[derive(Clone)]
pub struct Canaries {
    /// Letters and digits.
    pub plain: Canary,
    /// Every character that an encoder changes; without line breaks, so that each text place can carry it.
    pub nasty: Canary,
    /// `user:` and [`Canaries::plain`].
    pub basic: Canary,
}

impl Canaries {
    /// Three new ones.
    pub fn fresh() -> Self {
        let plain = format!("{PUBLIC}{}", letters(40));
        let nasty = format!(
            "{PUBLIC}{}+/\"\\'{}&<>%{} ;=,{}",
            letters(7),
            letters(7),
            letters(7),
            letters(16)
        );
        let basic = format!("user:{plain}");
        Self {
            plain: Canary::new(plain, PUBLIC.len()),
            nasty: Canary::new(nasty, PUBLIC.len()),
            basic: Canary::new(basic, "user:".len() + PUBLIC.len()),
        }
    }

    /// All of them.
    pub fn all(&self) -> [&Canary; 3] {
        [&self.plain, &self.nasty, &self.basic]
    }
}

/// `count` random letters and digits.
pub(crate) fn letters(count: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut bytes = vec![0; count];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("random bytes");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}
