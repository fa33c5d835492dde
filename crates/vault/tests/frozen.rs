//! Bytes that must open for ever. They were written by the first version of these formats: key file,
//! index, envelopes, counter, anchor copy, authority, deposit. Where this
//! fails, whoever has a vault from that version loses what is in it: do not write the bytes anew,
//! write a migration.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use withheld_core::api::{Deposit, VaultKind};
use withheld_core::name::{Environment, SecretName};
use withheld_core::{Moment, Policy, PolicyContent};
use withheld_secret::{Expose as _, SecretValue};
use withheld_vault::{Home, Origin, Unlocked, Vault};

const PASSPHRASE: &[u8] = b"frozen passphrase 1";
const MADE_MS: i64 = 1_795_539_600_000;

fn frozen(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/frozen/v1")
        .join(file)
}

/// A home of its own with the frozen files in it.
struct Thawed {
    home: Home,
}

impl Thawed {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("wh-frozen-{}", std::process::id()));
        let home = Home::at(&path).unwrap();
        home.create().unwrap();
        let put = |from: &str, to: &Path| home.write(to, &std::fs::read(frozen(from)).unwrap());
        put("vault/key", &home.vault_key()).unwrap();
        put("vault/index", &home.index()).unwrap();
        for item in std::fs::read_dir(frozen("vault/items")).unwrap() {
            let name = item.unwrap().file_name().into_string().unwrap();
            put(&format!("vault/items/{name}"), &home.items().join(&name)).unwrap();
        }
        Self { home }
    }
}

impl Drop for Thawed {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.home.path());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests look at their own canaries"
)]
fn bytes(value: &SecretValue) -> Vec<u8> {
    value.expose(<[u8]>::to_vec)
}

fn held(vault: &Unlocked, environment: &str, name: &str) -> Vec<u8> {
    let environment = Environment::parse(environment).unwrap();
    let name = SecretName::parse(name).unwrap();
    bytes(&vault.value(&environment, &name).unwrap())
}

#[test]
fn what_the_first_version_wrote_opens() {
    let thawed = Thawed::new();
    let locked = Vault::open(&thawed.home).unwrap().unwrap();
    assert_eq!(locked.facts().kind, VaultKind::File);
    let passphrase = SecretValue::with_len::<()>(PASSPHRASE.len(), |room| {
        room.copy_from_slice(PASSPHRASE);
        Ok(PASSPHRASE.len())
    });
    let (vault, proof) = locked.unlock_with_proof(&passphrase.ok().unwrap()).unwrap();

    assert_eq!(held(&vault, "dev", "FROZEN_KEY"), b"whCANARYfrozen2");
    let every_byte: Vec<u8> = (0..=255).collect();
    assert_eq!(held(&vault, "shop/prod", "FROZEN_BYTES"), every_byte);
    let names = vault.names(&Environment::dev());
    let versions: Vec<(u64, i64)> = names[0]
        .versions
        .iter()
        .map(|one| (one.version, one.created_at.as_ms()))
        .collect();
    assert_eq!(versions, [(1, MADE_MS), (2, MADE_MS + 100_000)]);
    let of_agent = vault.names(&Environment::parse("shop/prod").unwrap());
    assert_eq!(of_agent[0].origin, Origin::Agent);

    assert_eq!(vault.policy_floor(), 5);
    assert_eq!(
        vault.anchor().unwrap().as_deref(),
        Some(&b"frozen anchor"[..])
    );
    assert!(vault.authority(Moment::from_ms(MADE_MS)).is_ok());
    let deposit = std::fs::read_to_string(frozen("deposit")).unwrap();
    let deposit = vault.open(&Deposit::parse(&deposit).unwrap()).unwrap();
    assert_eq!(bytes(&deposit), b"whCANARYdeposit");

    let policy = proof.sign_policy(&PolicyContent::first()).unwrap();
    Policy::verify(&policy, &vault.facts().owner_public, 1).unwrap();
}
