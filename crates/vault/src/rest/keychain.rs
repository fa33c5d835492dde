//! Envelopes as items of the OS keychain, one a version, named by what they are. Who reads them
//! there reads ciphertext.
//!
//! Every call runs on a thread of its own and is given five seconds: a keychain may wait for a
//! person who is not there, or be stopped. The thread is left behind then; it holds ciphertext and
//! ends with the process. There is never a step to another place.

use std::collections::HashMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use keyring_core::Error;
use keyring_core::api::CredentialStoreApi;
use withheld_core::{Code, Refusal, Text, text};

use super::Rest;
use crate::fault;

const PATIENCE: Duration = Duration::from_secs(5);
/// How the items are found: the attribute `service`.
const SERVICE: &str = "withheld";
/// What finds all items of that service.
#[cfg(not(windows))]
const SEARCH: (&str, &str) = ("service", SERVICE);
/// The Credential Manager knows one name an item; the service stands at its end.
#[cfg(windows)]
const SEARCH: (&str, &str) = ("pattern", r"\.withheld$");
/// How items are made.
#[cfg(not(windows))]
const HOW: &[(&str, &str)] = &[];
/// On this machine alone: Windows would take them along in a profile that roams.
#[cfg(windows)]
const HOW: &[(&str, &str)] = &[("persistence", "local")];
/// Bytes of one item. Larger envelopes are split.
#[cfg(not(windows))]
const PIECE: usize = 32 * 1024;
/// The Credential Manager takes 2560 bytes.
#[cfg(windows)]
const PIECE: usize = 2048;
/// Bytes that say, before the first piece, how many there are.
const COUNT_BYTES: usize = 2;

/// What people call the keychain here.
#[cfg(target_os = "macos")]
const KEYCHAIN: &str = "the macOS keychain";
#[cfg(windows)]
const KEYCHAIN: &str = "the Windows Credential Manager";
#[cfg(not(any(target_os = "macos", windows)))]
const KEYCHAIN: &str = "GNOME Keyring";

pub(crate) struct Keychain {
    installation: String,
}

impl Keychain {
    pub(crate) fn new(installation: String) -> Self {
        Self { installation }
    }
}

impl Rest for Keychain {
    fn address(&self, path: &str) -> Result<String, Refusal> {
        Ok(self.fixed(path))
    }

    fn fixed(&self, what: &str) -> String {
        format!("{}/{what}", self.installation)
    }

    fn ready(&self) -> Result<(), Refusal> {
        let address = self.fixed("probe");
        self.put(&address, b"nothing")?;
        self.delete(&address)
    }

    fn put(&self, address: &str, envelope: &[u8]) -> Result<(), Refusal> {
        let address = address.to_owned();
        let pieces = split(envelope).ok_or_else(|| fault::internal("an envelope is too large"))?;
        in_time(move |store| {
            // The first piece last: it says how many there are.
            for (number, piece) in pieces.iter().enumerate().rev() {
                entry(store, &piece_name(&address, number))?.set_secret(piece)?;
            }
            delete_from(store, &address, pieces.len())
        })
    }

    fn get(&self, address: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let address = address.to_owned();
        in_time(move |store| {
            let Some(first) = secret(store, &address)? else {
                return Ok(None);
            };
            let Some((count, envelope)) = first.split_first_chunk::<COUNT_BYTES>() else {
                return Ok(Some(first));
            };
            let mut envelope = envelope.to_vec();
            for number in 1..usize::from(u16::from_be_bytes(*count)) {
                // A piece that is missing leaves an envelope that does not open.
                let Some(piece) = secret(store, &piece_name(&address, number))? else {
                    break;
                };
                envelope.extend_from_slice(&piece);
            }
            Ok(Some(envelope))
        })
    }

    fn delete(&self, address: &str) -> Result<(), Refusal> {
        let address = address.to_owned();
        in_time(move |store| delete_from(store, &address, 0))
    }

    fn list(&self) -> Result<Vec<String>, Refusal> {
        let ours = self.fixed("");
        let kept = self.fixed("vault-key");
        let found = in_time(|store| {
            let spec = [SEARCH].into_iter().collect();
            let entries = store.search(&spec)?;
            Ok(entries
                .iter()
                .filter_map(keyring_core::Entry::get_specifiers)
                .map(|(_, user)| user)
                .collect::<Vec<_>>())
        })?;
        let mut addresses: Vec<String> = found
            .into_iter()
            .map(|user| user.split('#').next().unwrap_or_default().to_owned())
            .filter(|user| user.starts_with(&ours) && *user != kept)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }
}

/// The items of an envelope; `None` where they are too many to count.
fn split(envelope: &[u8]) -> Option<Vec<Vec<u8>>> {
    let rest = envelope.len().saturating_sub(PIECE - COUNT_BYTES);
    let count = u16::try_from(1 + rest.div_ceil(PIECE)).ok()?;
    let (first, rest) = envelope.split_at(envelope.len() - rest);
    let mut pieces = vec![[&count.to_be_bytes(), first].concat()];
    pieces.extend(rest.chunks(PIECE).map(<[u8]>::to_vec));
    Some(pieces)
}

fn piece_name(address: &str, number: usize) -> String {
    match number {
        0 => address.to_owned(),
        _ => format!("{address}#{number}"),
    }
}

fn entry(store: &Store, user: &str) -> keyring_core::Result<keyring_core::Entry> {
    let how: HashMap<&str, &str> = HOW.iter().copied().collect();
    store.build(SERVICE, user, (!how.is_empty()).then_some(&how))
}

fn secret(store: &Store, user: &str) -> keyring_core::Result<Option<Vec<u8>>> {
    match entry(store, user)?.get_secret() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes the pieces from this number on, up to the first that is not there.
fn delete_from(store: &Store, address: &str, from: usize) -> keyring_core::Result<()> {
    for number in from.. {
        match entry(store, &piece_name(address, number))?.delete_credential() {
            Ok(()) => {}
            Err(Error::NoEntry) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
type Store = zbus_secret_service_keyring_store::Store;
#[cfg(target_os = "macos")]
type Store = apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
type Store = windows_native_keyring_store::Store;

fn in_time<T: Send + 'static>(
    work: impl FnOnce(&Store) -> keyring_core::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let (done, answer) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("keychain".to_owned())
        .spawn(move || {
            // Nobody listens any more when the time was up.
            let _ = done.send(Store::new().and_then(|store| work(&store)));
        })
        .map_err(|_| fault::internal("no thread could be started"))?;
    match answer.recv_timeout(PATIENCE) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => Err(unavailable(&error)),
        Err(RecvTimeoutError::Timeout) => {
            Err(refused(text!("{} did not answer within 5 s", KEYCHAIN)))
        }
        Err(RecvTimeoutError::Disconnected) => Err(refused(text!("{} failed", KEYCHAIN))),
    }
}

/// Which of them it is; the library's own words stay here.
fn unavailable(error: &Error) -> Refusal {
    refused(match error {
        Error::NoStorageAccess(_) => {
            text!("{} is locked, and was not unlocked when it asked", KEYCHAIN)
        }
        Error::PlatformFailure(_) => text!("{} cannot be reached", KEYCHAIN),
        Error::Ambiguous(_) => text!("{} has two items of one name", KEYCHAIN),
        _ => text!("{} did not do what it was asked", KEYCHAIN),
    })
}

fn refused(message: Text) -> Refusal {
    Refusal::new(
        Code::KeychainUnavailable,
        message,
        "unlock it in your desktop session; on a machine without one: withheld init --vault file",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn large_envelopes_are_split_and_counted() {
        for (len, count) in [
            (0, 1),
            (PIECE - 2, 1),
            (PIECE - 1, 2),
            (65_600, 3),
            (2 * PIECE - 2, 2),
        ] {
            let envelope: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let pieces = split(&envelope).unwrap();
            assert_eq!(pieces.len(), count, "{len}");
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(pieces[0][..2], u16::try_from(count).unwrap().to_be_bytes());
            assert_eq!(pieces.concat()[2..], envelope);
        }
    }
}
