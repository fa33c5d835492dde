//! The line of an invitation, `wh0.SERVER.CODE`, and the key in it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;

use super::crypto::{derive, half, hash};
use super::{Hand, Hash, Id};

/// Whoever holds it may join, once.
#[derive(Clone)]
pub struct Invite {
    secret: [u8; 16],
    /// Its public key.
    pub key: [u8; 32],
    /// The beginning of the hash of that.
    pub id: Id,
}

impl Invite {
    /// The invitation of this secret.
    pub fn of(secret: [u8; 16]) -> Self {
        let key = signing(&secret).verifying_key().to_bytes();
        let id = half(hash("invite-id", &key));
        Self { secret, key, id }
    }

    /// The key that signs a join.
    pub fn hand(&self) -> Hand {
        Hand::new(2, self.id, signing(&self.secret))
    }
}

fn signing(secret: &[u8; 16]) -> SigningKey {
    SigningKey::from_bytes(&derive(secret, "invite", b""))
}

/// What a line says.
#[derive(Clone)]
pub struct Line {
    /// As it is written: `http+127.0.0.1:PORT`.
    pub server: String,
    /// The workspace.
    pub ws: Hash,
    /// How many links must be shown at least.
    pub seq: u32,
    /// How the hash of the last of them begins.
    pub prefix: [u8; 16],
    /// The secret.
    pub secret: [u8; 16],
}

impl Line {
    /// Reads one.
    ///
    /// # Panics
    /// When it is none, or its check is wrong.
    #[track_caller]
    pub fn read(line: &str) -> Self {
        let rest = line.strip_prefix("wh0.").expect("an invitation");
        let (server, code) = rest.rsplit_once('.').expect("a code");
        let code = URL_SAFE_NO_PAD.decode(code).expect("base64url");
        let at = |from: usize, to: usize| code[from..to].to_vec();
        let read = Self {
            server: server.to_owned(),
            ws: at(0, 32).try_into().expect("32 bytes"),
            seq: u32::from_be_bytes(at(32, 36).try_into().expect("4 bytes")),
            prefix: at(36, 52).try_into().expect("16 bytes"),
            secret: at(52, 68).try_into().expect("16 bytes"),
        };
        assert_eq!(read.written(), line, "its check");
        read
    }

    /// As it is handed over.
    pub fn written(&self) -> String {
        let mut code = self.ws.to_vec();
        code.extend_from_slice(&self.seq.to_be_bytes());
        code.extend_from_slice(&self.prefix);
        code.extend_from_slice(&self.secret);
        let checked = [self.server.as_bytes(), &[0], &code].concat();
        code.extend_from_slice(&hash("invite-check", &checked)[..4]);
        format!("wh0.{}.{}", self.server, URL_SAFE_NO_PAD.encode(code))
    }
}
