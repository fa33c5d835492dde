//! Deterministic CBOR (RFC 8949, section 4.2.1): written in its one way, and read where it is known to be
//! good.

/// A thing of CBOR, as far as the team's formats use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A number from 0.
    Int(u64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// An array of a fixed length.
    Array(Vec<Item>),
    /// True or false.
    Bool(bool),
}

impl Item {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Int(number) => head(0, *number),
            Self::Bytes(bytes) => [head(2, bytes.len() as u64), bytes.clone()].concat(),
            Self::Text(text) => [head(3, text.len() as u64), text.clone().into_bytes()].concat(),
            Self::Array(items) => {
                let mut bytes = head(4, items.len() as u64);
                items
                    .iter()
                    .for_each(|item| bytes.extend_from_slice(&item.encode()));
                bytes
            }
            Self::Bool(is) => vec![if *is { 0xf5 } else { 0xf4 }],
        }
    }

    /// What the bytes are.
    ///
    /// # Panics
    /// When they are nothing of this, or more than it.
    #[track_caller]
    pub fn decode(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let item = read(&mut rest);
        assert!(rest.is_empty(), "bytes after an item");
        item
    }

    /// The items of an array.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Array(items) => items,
            other => panic!("no array: {other:?}"),
        }
    }

    /// One item of an array.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn at(&self, at: usize) -> &Item {
        &self.items()[at]
    }

    /// The same array with another item there; at its end, with one more.
    ///
    /// # Panics
    /// When it is no array, or too short.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, at: usize, item: impl Into<Item>) -> Self {
        let Self::Array(items) = &mut self else {
            panic!("no array: {self:?}")
        };
        items.splice(at..items.len().min(at + 1), [item.into()]);
        self
    }

    /// A number.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn int(&self) -> u64 {
        match self {
            Self::Int(number) => *number,
            other => panic!("no number: {other:?}"),
        }
    }

    /// Bytes of a fixed length.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        self.blob().try_into().expect("bytes of this length")
    }

    /// Bytes.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn blob(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            other => panic!("no bytes: {other:?}"),
        }
    }

    /// Text.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }
}

impl From<u64> for Item {
    fn from(number: u64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Item {
    fn from(is: bool) -> Self {
        Self::Bool(is)
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Item {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Item {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Item {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<Item>> for Item {
    fn from(items: Vec<Item>) -> Self {
        Self::Array(items)
    }
}

impl From<&Item> for Item {
    fn from(item: &Item) -> Self {
        item.clone()
    }
}

/// The shortest form of a kind and a number.
fn head(kind: u8, number: u64) -> Vec<u8> {
    let all = number.to_be_bytes();
    let (more, bytes) = match number {
        0..24 => return vec![kind << 5 | all[7]],
        24..0x100 => (24, &all[7..]),
        0x100..0x1_0000 => (25, &all[6..]),
        0x1_0000..0x1_0000_0000 => (26, &all[4..]),
        _ => (27, &all[..]),
    };
    [&[kind << 5 | more], bytes].concat()
}

fn read(rest: &mut &[u8]) -> Item {
    let first = take(rest, 1)[0];
    if let 0xf4 | 0xf5 = first {
        return Item::Bool(first == 0xf5);
    }
    let number = match first & 0x1f {
        more @ 24..28 => take(rest, 1 << (more - 24))
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        number => u64::from(number),
    };
    let count = usize::try_from(number).expect("a length");
    match first >> 5 {
        0 => Item::Int(number),
        2 => Item::Bytes(take(rest, count).to_vec()),
        3 => Item::Text(String::from_utf8(take(rest, count).to_vec()).expect("text")),
        4 => Item::Array((0..count).map(|_| read(rest)).collect()),
        other => panic!("an item of kind {other}"),
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at_checked(count).expect("an item, not cut");
    *rest = left;
    taken
}
