//! Envelopes as files of the home, under names that say nothing.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use withheld_core::Refusal;

use super::Rest;
use crate::fault;
use crate::home::Home;

/// Hexadecimal digits of a name.
const NAME_CHARS: usize = 32;

pub(crate) struct Files {
    home: Home,
}

impl Files {
    pub(crate) fn new(home: Home) -> Self {
        Self { home }
    }

    fn path(&self, address: &str) -> Result<PathBuf, Refusal> {
        if !is_name(address) {
            return Err(fault::corrupt("vault/index"));
        }
        Ok(self.home.items().join(address))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name that `address` makes: nothing that could lead out of the folder.
fn is_name(address: &str) -> bool {
    address.len() == NAME_CHARS
        && address
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Rest for Files {
    fn address(&self, _path: &str) -> Result<String, Refusal> {
        let mut random = [0; NAME_CHARS / 2];
        getrandom::fill(&mut random).map_err(|_| fault::no_randomness())?;
        Ok(hex(&random))
    }

    fn fixed(&self, what: &str) -> String {
        hex(&Sha256::digest(what)[..NAME_CHARS / 2])
    }

    fn ready(&self) -> Result<(), Refusal> {
        Ok(())
    }

    fn put(&self, address: &str, envelope: &[u8]) -> Result<(), Refusal> {
        self.home.write(&self.path(address)?, envelope)
    }

    fn put_all(&self, envelopes: &[(String, Vec<u8>)]) -> Result<(), Refusal> {
        if !envelopes.iter().all(|(address, _)| is_name(address)) {
            return Err(fault::corrupt("vault/index"));
        }
        self.home.make_all(&self.home.items(), envelopes)
    }

    fn get(&self, address: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.home.read(&self.path(address)?)
    }

    fn delete(&self, address: &str) -> Result<(), Refusal> {
        self.home.remove(&self.path(address)?)
    }

    fn list(&self) -> Result<Vec<String>, Refusal> {
        let mut names = self.home.names(&self.home.items())?;
        names.retain(|name| is_name(name));
        Ok(names)
    }
}
