//! The token of a session: what a program shows to be taken for its agent. Not plain, so no record
//! can hold it; a session rests as the SHA-256 of its token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const PREFIX: &str = "whs_";

/// `whs_` and 43 base64url characters: 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// From bytes that the caller drew at random.
    #[must_use]
    pub fn from_bytes(random: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// Reads the written form; `None` where it is not one.
    #[must_use]
    pub fn parse(written: &str) -> Option<Self> {
        let body = written.strip_prefix(PREFIX)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
        (bytes.len() == 32).then(|| Self(written.to_owned()))
    }

    /// The written form: for the one who gets the session, and for nobody else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_they_are_written_and_nothing_else_is() {
        let token = SessionToken::from_bytes(&[7; 32]);
        assert_eq!(token.as_str().len(), 4 + 43);
        assert!(SessionToken::parse(token.as_str()).unwrap() == token);
        for written in [
            "",
            "whs_",
            "whs_short",
            &token.as_str()[1..],
            &format!("{}A", token.as_str()),
        ] {
            assert!(SessionToken::parse(written).is_none(), "{written}");
        }
    }
}
