//! The head of a gzip member (RFC 1952), byte by byte: it ends at a place that only reading it tells.

use super::decode::Undecodable;

const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xE0;

/// How far a head has been read.
#[derive(Default)]
pub(super) struct Head {
    field: Field,
    flags: u8,
}

enum Field {
    /// Bytes read of the ten fixed ones.
    Fixed(usize),
    ExtraLength(Option<u8>),
    Skip(u16, u8),
    Text(u8),
}

impl Default for Field {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

impl Head {
    /// Takes one byte. Returns whether the head is at its end.
    ///
    /// # Errors
    /// It is not the head of a gzip member.
    pub(super) fn push(&mut self, byte: u8) -> Result<bool, Undecodable> {
        match &mut self.field {
            Field::Fixed(at) => {
                let fits = match at {
                    0 => byte == 0x1F,
                    1 => byte == 0x8B,
                    2 => byte == 8,
                    3 => byte & RESERVED == 0,
                    _ => true,
                };
                if !fits {
                    return Err(Undecodable);
                }
                if *at == 3 {
                    self.flags = byte;
                }
                *at += 1;
                Ok(*at == 10 && self.next())
            }
            Field::ExtraLength(None) => {
                self.field = Field::ExtraLength(Some(byte));
                Ok(false)
            }
            Field::ExtraLength(Some(low)) => {
                let length = u16::from_le_bytes([*low, byte]);
                self.field = Field::Skip(length, EXTRA);
                Ok(length == 0 && self.done(EXTRA))
            }
            Field::Skip(left, flag) => {
                *left -= 1;
                let (left, flag) = (*left, *flag);
                Ok(left == 0 && self.done(flag))
            }
            Field::Text(flag) => {
                let flag = *flag;
                Ok(byte == 0 && self.done(flag))
            }
        }
    }

    fn done(&mut self, flag: u8) -> bool {
        self.flags &= !flag;
        self.next()
    }

    /// Goes to the next field that the flags announce. Returns whether there is none.
    fn next(&mut self) -> bool {
        let flags = self.flags;
        let has = |flag| flags & flag != 0;
        self.field = if has(EXTRA) {
            Field::ExtraLength(None)
        } else if has(NAME) {
            Field::Text(NAME)
        } else if has(COMMENT) {
            Field::Text(COMMENT)
        } else if has(HEADER_CRC) {
            Field::Skip(2, HEADER_CRC)
        } else {
            return true;
        };
        false
    }
}
