//! How a passphrase becomes a key: Argon2id, with one figure.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use withheld_core::{Code, Refusal};
use withheld_secret::{Expose as _, SecretValue};
use zeroize::Zeroize as _;

use super::FILE;
use crate::fault;
use crate::key::Key;

/// The one figure: 64 MiB, three passes. Also the floor; what asks for less is not ours.
const M_KIB: u32 = 64 * 1024;
const T: u32 = 3;
const P: u32 = 1;
/// What a changed file may make this process do before it is refused.
const MOST_M_KIB: u32 = 1024 * 1024;
const MOST_T: u32 = 16;
const SALT_BYTES: usize = 16;

/// The parameters, as the file has them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kdf {
    alg: String,
    m_kib: u32,
    t: u32,
    p: u32,
    pub(super) salt: String,
}

impl Kdf {
    pub(super) fn fresh() -> Result<Self, Refusal> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| fault::no_randomness())?;
        Ok(Self {
            alg: "argon2id".to_owned(),
            m_kib: M_KIB,
            t: T,
            p: P,
            salt: STANDARD.encode(salt),
        })
    }

    pub(super) fn within_limits(&self) -> Result<(), Refusal> {
        let known = self.alg == "argon2id" && self.p == P;
        let strong = self.m_kib >= M_KIB && self.t >= T;
        let sane = self.m_kib <= MOST_M_KIB && self.t <= MOST_T;
        if known && strong && sane {
            return Ok(());
        }
        Err(Refusal::new(
            Code::StoreCorrupt,
            "the file `vault/key` asks for a weaker or stranger key derivation than Withheld writes",
            "somebody changed it: put back a copy that you trust",
        ))
    }

    pub(super) fn stretch(&self, passphrase: &SecretValue) -> Result<Key, Refusal> {
        let salt = STANDARD
            .decode(&self.salt)
            .ok()
            .filter(|salt| salt.len() == SALT_BYTES)
            .ok_or_else(|| fault::corrupt(FILE))?;
        let fault = || fault::internal("the passphrase could not be stretched");
        let params = Params::new(self.m_kib, self.t, self.p, Some(32)).map_err(|_| fault())?;
        let blocks = params.block_count();
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(blocks)
            .map_err(|_| crate::fault::no_memory())?;
        memory.resize(blocks, Block::new());
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let key = Key::fill(|room| {
            look(passphrase, |bytes| {
                argon.hash_password_into_with_memory(bytes, &salt, room, &mut memory[..])
            })
            .map_err(|_| fault())
        });
        memory.iter_mut().for_each(Block::zeroize);
        key
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "Argon2 reads the passphrase where it lies; the key goes straight into the arena"
)]
fn look<R>(passphrase: &SecretValue, look: impl FnOnce(&[u8]) -> R) -> R {
    passphrase.expose(look)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::test_values::value;

    /// The figure of the contract, computed once more by the reference implementation:
    /// `echo -n 'correct horse battery' | argon2 saltsaltsaltsalt -id -t 3 -k 65536 -p 1 -l 32 -r`.
    #[test]
    fn stretching_is_argon2id_with_the_figure_of_the_contract() {
        let kdf = Kdf {
            salt: STANDARD.encode(b"saltsaltsaltsalt"),
            ..Kdf::fresh().unwrap()
        };
        let stretched = kdf.stretch(&value(b"correct horse battery")).unwrap();
        let hex = stretched.look(|key| {
            key.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        });
        assert_eq!(
            hex,
            "c207f4b273a40c6daff4e4e09549029df281e1acf9e5817a89284d6a7a345309"
        );
    }
}
