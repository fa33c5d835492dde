//! The files of the local copy: each is `[version, content, MAC]`. The MAC is by this device, and covers
//! the file's name, so that no file stands for another.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use withheld_core::name::Environment;
use withheld_core::{Code, Refusal, Text, text};
use withheld_team::cbor;
use withheld_team::id::{EnvId, Hash};

use crate::home::Home;
use crate::team::keys::DeviceSeed;
use crate::{fault, home};

const FORMAT: u8 = 0;
/// How many pieces of evidence are kept.
const EVIDENCE: usize = 10;
/// How much of a piece of evidence is kept.
const PIECE_BYTES: usize = 1 << 20;
/// How the files are called.
const WORKSPACE: &str = "workspace";
const SEEN: &str = "seen";
const ENV: &str = "env-";
const PIECE: &str = "evidence-";

/// Whether a home has the copy of a team, told without a key: nobody says yet what is in it.
///
/// # Errors
/// What the home refuses.
pub fn is_in_team(home: &Home) -> Result<bool, Refusal> {
    Ok(home.read(&home.team_file(WORKSPACE))?.is_some())
}

/// The files of one home.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) home: &'a Home,
    pub(super) seed: &'a DeviceSeed,
}

impl Files<'_> {
    /// What is in a file; `None` where it is not there.
    ///
    /// # Errors
    /// `store_corrupt`, naming the file, where it is not as this device wrote it.
    pub(super) fn read<T>(self, file: &FileOf) -> Result<Option<T>, Refusal>
    where
        T: for<'b> Decode<'b, ()> + Encode<()>,
    {
        let Some(bytes) = self.home.read(&self.home.team_file(&file.name))? else {
            return Ok(None);
        };
        let corrupt = || corrupt(self.home, file);
        let (format, content, mac): (u8, ByteVec, ByteVec) =
            cbor::decode(&bytes).map_err(|_| corrupt())?;
        if format != FORMAT || !self.seed.wrote_state(&named(&file.name, &content), &mac)? {
            return Err(corrupt());
        }
        cbor::decode(&content).map(Some).map_err(|_| corrupt())
    }

    /// Replaces a file.
    ///
    /// # Errors
    /// `store_unavailable`.
    pub(super) fn write<T: Encode<()>>(self, file: &FileOf, content: &T) -> Result<(), Refusal> {
        let content = cbor::encode(content);
        let mac = self.seed.state_mac(&named(&file.name, &content))?;
        let bytes = (FORMAT, ByteVec::from(content), ByteVec::from(mac.to_vec()));
        let path = self.home.team_file(&file.name);
        self.home.write(&path, &cbor::encode(&bytes))
    }

    /// Takes every file of a team away; last the one that says that it was only begun.
    ///
    /// # Errors
    /// `store_unavailable`.
    pub(super) fn remove_all(self) -> Result<(), Refusal> {
        let names = self.home.names(&self.home.team())?;
        let envs = names.iter().filter(|name| name.starts_with(ENV));
        for name in envs.map(String::as_str).chain([SEEN, WORKSPACE]) {
            self.home.remove(&self.home.team_file(name))?;
        }
        Ok(())
    }

    /// Keeps bytes that did not verify, for whoever looks into it, each piece once; no more than ten, and
    /// of a long one its beginning.
    pub(super) fn keep_evidence(self, bytes: &[u8]) {
        let there = self.home.names(&self.home.team()).unwrap_or_default();
        let digest = Hash::of(Sha256::digest(bytes).into()).to_string();
        let name = format!("{PIECE}{}", digest.get(..16).unwrap_or(&digest));
        let pieces = there.iter().filter(|name| name.starts_with(PIECE));
        if pieces.count() < EVIDENCE && !there.contains(&name) {
            let kept = &bytes[..bytes.len().min(PIECE_BYTES)];
            // Best effort: the verdict stands without it.
            let _ = self.home.write(&self.home.team_file(&name), kept);
        }
    }
}

/// A file of the local copy.
pub(super) struct FileOf {
    name: String,
    /// What it is called in an error. An environment's file is named by an id, which would be taken for
    /// a key and is not shown.
    of: Text,
}

impl FileOf {
    pub(super) fn workspace() -> Self {
        Self {
            name: WORKSPACE.to_owned(),
            of: "the workspace".into(),
        }
    }

    pub(super) fn seen() -> Self {
        Self {
            name: SEEN.to_owned(),
            of: "the time of the last sync".into(),
        }
    }

    /// Of an environment, whose name may be known.
    pub(super) fn env(env: &EnvId, name: Option<&Environment>) -> Self {
        let of = match name {
            Some(name) => text!("`{}`", *name),
            None if *env == EnvId::DIRECTORY => "the directory".into(),
            None => "an environment".into(),
        };
        Self {
            name: format!("{ENV}{env}"),
            of,
        }
    }
}

/// The content with its file's name before it.
fn named(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = cbor::encode(&name);
    bytes.extend_from_slice(content);
    bytes
}

/// A file is not as this device wrote it.
pub(super) fn corrupt(home: &Home, file: &FileOf) -> Refusal {
    corrupt_file(home, file.of.clone())
}

/// What rests beside the envelopes is not.
pub(super) fn corrupt_heads(home: &Home) -> Refusal {
    corrupt_file(home, "the heads, which rests with the values,".into())
}

fn corrupt_file(home: &Home, of: Text) -> Refusal {
    Refusal::new(
        Code::StoreCorrupt,
        text!(
            "in `{}` the file of {} is not what Withheld wrote",
            home::shown(&home.team()),
            of
        ),
        "put back the latest copy of the folder; do not start anew before you looked",
    )
}

/// A file is older than what was last written, or gone.
pub(super) fn older(home: &Home, file: &FileOf) -> Refusal {
    Refusal::new(
        Code::RollbackDetected,
        text!(
            "in `{}` the file of {} is gone, or is an older one than the last that Withheld wrote",
            home::shown(&home.team()),
            file.of
        ),
        "put back the latest copy of the folder; see what was done since: withheld audit",
    )
}

/// The state cannot be what it is.
pub(super) fn impossible() -> Refusal {
    fault::internal("the local copy of the team does not fit together")
}
