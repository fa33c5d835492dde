//! The yardstick of what a team does: the cryptography that its formats ask for, on one thread, and
//! nothing else. No chains, no files, no server.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use hpke::kem::XWing;
use hpke::{Kem, OpModeS};
use sha2::{Digest as _, Sha256};

use crate::Outcome;

/// Bytes of the padded name and value of a record, of a key, of a record as it is signed, of a slot.
const META: usize = 128;
const VALUE: usize = 256;
const KEY: usize = 32;
const RECORD: usize = 300;
const SLOT: usize = 185;
/// Bytes of an envelope as it is signed.
const ENVELOPE: usize = 1246;

type Public = <XWing as Kem>::PublicKey;

/// Keys to work with.
pub(super) struct Crypto {
    signer: SigningKey,
    epoch: XChaCha20Poly1305,
    next: XChaCha20Poly1305,
}

/// A record as it travels.
pub(super) struct Sealed {
    meta: Vec<u8>,
    value: Vec<u8>,
    meta_key: Vec<u8>,
    value_key: Vec<u8>,
    body: Vec<u8>,
    signature: Signature,
}

impl Crypto {
    /// New ones.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub(super) fn new() -> Outcome<Self> {
        Ok(Self {
            signer: SigningKey::from_bytes(&random()?),
            epoch: XChaCha20Poly1305::new(&random::<KEY>()?.into()),
            next: XChaCha20Poly1305::new(&random::<KEY>()?.into()),
        })
    }

    /// Seals names and values under keys of their own, those under the epoch's, hashes all and signs.
    ///
    /// # Errors
    /// When the cipher does not.
    pub(super) fn seal(&self, count: usize) -> Outcome<(Vec<Sealed>, Duration)> {
        let began = Instant::now();
        let records: Outcome<Vec<_>> = (0..count).map(|_| self.record()).collect();
        Ok((records?, began.elapsed()))
    }

    fn record(&self) -> Outcome<Sealed> {
        let (meta_key, value_key) = (random::<KEY>()?, random::<KEY>()?);
        let meta = seal(&XChaCha20Poly1305::new(&meta_key.into()), &[7; META])?;
        let value = seal(&XChaCha20Poly1305::new(&value_key.into()), &[7; VALUE])?;
        let mut body = vec![7; RECORD];
        body[..32].copy_from_slice(&Sha256::digest(&meta));
        body[32..64].copy_from_slice(&Sha256::digest(&value));
        black_box(Sha256::digest(&body));
        black_box(Sha256::digest([7; SLOT]));
        Ok(Sealed {
            meta,
            value,
            meta_key: seal(&self.epoch, &meta_key)?,
            value_key: seal(&self.epoch, &value_key)?,
            signature: self.signer.sign(&body),
            body,
        })
    }

    /// The way back: every signature, every hash, every opening.
    ///
    /// # Errors
    /// When something is not what it was.
    pub(super) fn open(&self, records: &[Sealed]) -> Outcome<Duration> {
        let began = Instant::now();
        for record in records {
            let public = self.signer.verifying_key();
            public.verify_strict(&record.body, &record.signature)?;
            black_box(Sha256::digest(&record.body));
            black_box(Sha256::digest([7; SLOT]));
            black_box(Sha256::digest(&record.meta));
            black_box(Sha256::digest(&record.value));
            for (key, sealed) in [
                (&record.meta_key, &record.meta),
                (&record.value_key, &record.value),
            ] {
                let key = <[u8; KEY]>::try_from(open(&self.epoch, key)?);
                let key = key.map_err(|_| "a key of another length")?;
                black_box(open(&XChaCha20Poly1305::new(&key.into()), sealed)?);
            }
        }
        Ok(began.elapsed())
    }

    /// A new epoch: its key sealed to every device, and every record's keys wrapped anew.
    ///
    /// # Errors
    /// When a cipher does not.
    pub(super) fn rekey(&self, devices: usize, secrets: usize) -> Outcome<Duration> {
        let publics: Vec<Public> = (0..devices).map(|_| XWing::gen_keypair().1).collect();
        let slots: Outcome<Vec<_>> = (0..2 * secrets)
            .map(|_| seal(&self.epoch, &[7; KEY]))
            .collect();
        let slots = slots?;
        let began = Instant::now();
        for public in &publics {
            black_box(hpke::single_shot_seal::<
                hpke::aead::ChaCha20Poly1305,
                hpke::kdf::HkdfSha256,
                XWing,
            >(
                &OpModeS::Base, public, b"info", &[7; KEY], b""
            )?);
            black_box(self.signer.sign(&[7; ENVELOPE]));
        }
        for pair in slots.chunks(2) {
            for slot in pair {
                black_box(seal(&self.next, &open(&self.epoch, slot)?)?);
            }
            black_box(Sha256::digest([7; SLOT]));
        }
        Ok(began.elapsed())
    }
}

fn random<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Nonce and ciphertext.
fn seal(cipher: &XChaCha20Poly1305, plain: &[u8]) -> Outcome<Vec<u8>> {
    let nonce = random::<24>()?;
    let sealed = cipher.encrypt(&XNonce::from(nonce), plain);
    let sealed = sealed.map_err(|_| "the cipher did not seal")?;
    Ok([&nonce[..], &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, sealed: &[u8]) -> Outcome<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<24>().ok_or("no nonce")?;
    let opened = cipher.decrypt(&XNonce::from(*nonce), sealed);
    Ok(opened.map_err(|_| "the cipher did not open")?)
}
