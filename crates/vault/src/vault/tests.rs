#![allow(clippy::unwrap_used, reason = "tests")]

mod many;

use std::fs;
use std::path::PathBuf;

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::json;
use withheld_audit::Sealer as _;
use withheld_audit::chain::certificate_message;
use withheld_core::api::Deposit;
use withheld_core::ask::{Terms, Way};
use withheld_core::name::{Environment, RequestId, SecretName};
use withheld_core::policy::View;
use withheld_core::{
    AgentRecord, Ask, Binding, Decision, Permit, Placeholders, Policy, PolicyContent,
};
use withheld_secret::Spend as _;

use super::*;
use crate::intake::Purpose;
use crate::origin::Origin;
use crate::sealer::VaultSealer;
use crate::test_values::{Folder, bytes, value};

const PASSPHRASE: &[u8] = b"correct horse battery";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn day(number: i64) -> Moment {
    Moment::from_ms(1_795_539_600_000 + number * DAY_MS)
}

fn name(written: &str) -> SecretName {
    SecretName::parse(written).unwrap()
}

fn dev() -> Environment {
    Environment::dev()
}

fn code<T>(result: Result<T, Refusal>) -> Option<Code> {
    result.err().map(|refusal| refusal.code)
}

struct Case {
    folder: Folder,
    home: Home,
    vault: Unlocked,
    proof: OwnerProof,
}

impl Case {
    fn new() -> Self {
        let folder = Folder::new();
        let home = Home::at(&folder.path().join("home")).unwrap();
        let (vault, proof) =
            Vault::create(&home, VaultKind::File, false, &value(PASSPHRASE), day(0)).unwrap();
        Self {
            folder,
            home,
            vault,
            proof,
        }
    }

    fn locked(&self) -> Locked {
        Vault::open(&self.home).unwrap().unwrap()
    }

    fn reopened(&self) -> Unlocked {
        self.locked().unlock(&value(PASSPHRASE)).unwrap()
    }

    fn store(&self, named: &str, plain: &[u8], at: Moment) -> u64 {
        let items = [(name(named), value(plain))];
        self.vault.store(&dev(), &items, Origin::Owner, at).unwrap()[0]
    }

    fn items(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home.items()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The files of the vault that are sealed.
    fn sealed_files(&self) -> Vec<PathBuf> {
        let mut files = self.items();
        files.push(self.home.index());
        files
    }
}

fn held(vault: &Unlocked, named: &str) -> Vec<u8> {
    bytes(&vault.value(&dev(), &name(named)).unwrap())
}

/// What replies are searched for because of one name.
fn every(vault: &Unlocked, named: &str) -> Vec<Vec<u8>> {
    let values = vault.every_value(&dev(), &name(named)).unwrap().values;
    values.iter().map(bytes).collect()
}

/// Opens without the quarter of a second that a passphrase takes.
struct Opener {
    locked: Locked,
    key: Key,
}

impl Opener {
    fn new(case: &Case) -> Self {
        let locked = case.locked();
        let (key, _) = locked.file.open(&value(PASSPHRASE)).unwrap();
        Self { locked, key }
    }

    fn open(&self) -> Result<Unlocked, Refusal> {
        let key = Key::fill(|room| {
            self.key.look(|key| room.copy_from_slice(key));
            Ok(())
        });
        self.locked.opened(key.unwrap())
    }
}

#[test]
fn values_come_back_after_a_restart_and_nothing_lies_in_the_open() {
    let case = Case::new();
    assert_eq!(case.store("STRIPE_KEY", b"whCANARYstripe", day(0)), 1);
    assert_eq!(case.store("STRIPE_KEY", b"whCANARYstripe2", day(1)), 2);
    assert_eq!(case.store("OTHER_KEY", b"whCANARYother", day(1)), 1);
    let again = case.reopened();
    assert_eq!(held(&again, "STRIPE_KEY"), b"whCANARYstripe2");
    assert_eq!(held(&again, "OTHER_KEY"), b"whCANARYother");
    let names = again.names(&dev());
    let listed: Vec<_> = names
        .iter()
        .map(|held| (held.name.as_str(), held.version))
        .collect();
    assert_eq!(listed, [("OTHER_KEY", 1), ("STRIPE_KEY", 2)]);
    let versions: Vec<_> = names[1]
        .versions
        .iter()
        .map(|one| (one.version, one.created_at))
        .collect();
    assert_eq!(versions, [(1, day(0)), (2, day(1))]);
    assert!(again.holds(&dev(), &name("STRIPE_KEY")));
    assert!(!again.holds(&Environment::parse("prod").unwrap(), &name("STRIPE_KEY")));
    assert_eq!(
        code(again.value(&dev(), &name("NO_KEY"))),
        Some(Code::NotFound)
    );
    for file in case.sealed_files() {
        let sealed = fs::read(&file).unwrap();
        for needle in [&b"whCANARY"[..], b"STRIPE", b"default"] {
            assert!(!sealed.windows(needle.len()).any(|window| window == needle));
            assert!(!file.to_string_lossy().contains("STRIPE"));
        }
    }
}

#[test]
fn an_open_vault_may_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Unlocked>();
    shared::<Locked>();
    shared::<OwnerProof>();
    shared::<Authority>();
    shared::<IntakeKey>();
}

#[test]
fn there_is_one_vault_in_a_home() {
    let case = Case::new();
    let again = Vault::create(
        &case.home,
        VaultKind::File,
        false,
        &value(PASSPHRASE),
        day(0),
    );
    assert_eq!(code(again), Some(Code::Conflict));
    let empty = Home::at(&case.folder.path().join("other")).unwrap();
    assert!(Vault::open(&empty).unwrap().is_none());
    let short = Vault::create(&empty, VaultKind::File, false, &value(b"short"), day(0));
    assert_eq!(code(short), Some(Code::Usage));
    assert!(!empty.path().exists());
}

#[test]
fn a_deposit_may_be_made_while_the_vault_is_locked() {
    let case = Case::new();
    let deposit = case
        .locked()
        .facts()
        .intake_public
        .seal(&value(b"whCANARYlate"), Purpose::Value);
    let deposit = deposit.unwrap();
    let vault = case.reopened();
    let version = vault.deposit(&dev(), &name("LATE_KEY"), &deposit, Origin::Owner, day(0));
    assert_eq!(version, Ok(1));
    assert_eq!(held(&vault, "LATE_KEY"), b"whCANARYlate");
    let short = vault
        .facts()
        .intake_public
        .seal(&value(b"7 bytes"), Purpose::Value)
        .unwrap();
    assert_eq!(code(vault.open(&short)), Some(Code::Usage));
    let foreign = IntakeKey::generate().unwrap();
    let foreign: Deposit = foreign
        .public()
        .seal(&value(b"whCANARYelse"), Purpose::Value)
        .unwrap();
    assert_eq!(code(vault.open(&foreign)), Some(Code::Conflict));
}

/// A permit for these secrets, each at a header of its own, decided by what the owner signed.
fn permit(case: &Case, secrets: &[&str], id: RequestId) -> Permit {
    let mut content = PolicyContent::first();
    content.bindings = secrets
        .iter()
        .enumerate()
        .map(|(number, secret)| {
            serde_json::from_value::<Binding>(json!({
                "id": withheld_core::name::BindingId::from_bytes([u8::try_from(number).unwrap(); 6]),
                "environment": "default/dev", "secret": secret, "host": "api.stripe.com",
                "port": 443, "place": format!("header:X-Key-{number}"), "auto": true,
            }))
            .unwrap()
        })
        .collect();
    let file = case.proof.sign_policy(&content).unwrap();
    let policy = Policy::verify(&file, &case.vault.facts().owner_public, 1).unwrap();
    let (parts, ()) = http::Request::get("https://api.stripe.com/v1/charges")
        .header("host", "api.stripe.com")
        .body(())
        .unwrap()
        .into_parts();
    let terms = Terms {
        way: Way::Proxy,
        tunnel: None,
        target: None,
        named: Vec::new(),
    };
    let view = View {
        record: &AgentRecord::local(),
        placeholders: &Placeholders::default(),
        elsewhere: &|_| false,
        known: &|_| true,
    };
    match withheld_core::policy::decide(&view, &policy, Ask::read(parts, terms).unwrap(), id) {
        Decision::Permit(permit) => permit,
        Decision::Pass(_) => panic!("no credential"),
        Decision::Refuse(refused) => panic!("{}", refused.refusal),
    }
}

#[test]
fn a_permit_gets_its_values_and_they_carry_its_request() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    case.store("STRIPE_KEY", b"whCANARYtwo", day(0));
    case.store("OTHER_KEY", b"whCANARYother", day(0));
    let permit = permit(
        &case,
        &["STRIPE_KEY", "OTHER_KEY"],
        RequestId::from_bytes([7; 16]),
    );
    let order: Vec<_> = permit
        .uses()
        .iter()
        .map(|used| used.binding.secret.clone())
        .collect();
    let (values, versions) = case.vault.fetch(&permit).unwrap();
    assert_eq!(values.request(), &[7; 16]);
    assert_eq!(versions, case.vault.versions(&permit).unwrap());
    for (secret, (value, version)) in order.iter().zip(values.spend().iter().zip(versions)) {
        let expected = match secret.as_str() {
            "STRIPE_KEY" => (b"whCANARYtwo".to_vec(), 2),
            _ => (b"whCANARYother".to_vec(), 1),
        };
        assert_eq!((bytes(value), version), expected);
    }
    case.vault.remove(&dev(), &[name("OTHER_KEY")]).unwrap();
    assert_eq!(code(case.vault.fetch(&permit)), Some(Code::NotFound));
    assert_eq!(code(case.vault.versions(&permit)), Some(Code::NotFound));
}

#[test]
fn the_owner_signs_what_core_verifies_and_nobody_else_does() {
    let case = Case::new();
    let content = PolicyContent::first();
    let file = case.proof.sign_policy(&content).unwrap();
    let owner = case.vault.facts().owner_public;
    assert_eq!(
        Policy::verify(&file, &owner, 1).unwrap().content(),
        &content
    );
    let audit = case.vault.facts().audit_public;
    assert_eq!(
        code(Policy::verify(&file, &audit, 1)),
        Some(Code::SignatureInvalid)
    );
    assert_eq!(
        code(case.vault.prove(&value(b"correct horse"))),
        Some(Code::WrongPassphrase)
    );
    let proof = case.vault.prove(&value(PASSPHRASE)).unwrap();
    assert_eq!(proof.sign_policy(&content).unwrap(), file);
}

#[test]
fn a_changed_passphrase_opens_the_same_vault() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYstripe", day(0));
    case.proof
        .change_passphrase(&case.vault, &value(b"another one of mine"))
        .unwrap();
    assert_eq!(
        code(case.locked().unlock(&value(PASSPHRASE))),
        Some(Code::WrongPassphrase)
    );
    assert_eq!(
        code(case.vault.prove(&value(PASSPHRASE))),
        Some(Code::WrongPassphrase)
    );
    let (vault, proof) = case
        .locked()
        .unlock_with_proof(&value(b"another one of mine"))
        .unwrap();
    assert_eq!(held(&vault, "STRIPE_KEY"), b"whCANARYstripe");
    let file = proof.sign_policy(&PolicyContent::first()).unwrap();
    assert!(Policy::verify(&file, &case.vault.facts().owner_public, 1).is_ok());
    let short = case.proof.change_passphrase(&case.vault, &value(b"short"));
    assert_eq!(code(short), Some(Code::Usage));
}

#[test]
fn what_is_removed_is_gone_with_all_versions_and_no_number_comes_twice() {
    let case = Case::new();
    let before = case.items().len();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    case.store("STRIPE_KEY", b"whCANARYtwo", day(0));
    assert_eq!(case.items().len(), before + 2);
    let both = [name("STRIPE_KEY"), name("NO_KEY")];
    assert_eq!(code(case.vault.remove(&dev(), &both)), Some(Code::NotFound));
    assert_eq!(held(&case.vault, "STRIPE_KEY"), b"whCANARYtwo");
    case.vault.remove(&dev(), &[name("STRIPE_KEY")]).unwrap();
    assert_eq!(case.items().len(), before);
    assert!(!case.vault.holds(&dev(), &name("STRIPE_KEY")));
    assert!(case.vault.names(&dev()).is_empty());
    assert_eq!(case.store("STRIPE_KEY", b"whCANARYthree", day(0)), 3);
    assert_eq!(held(&case.reopened(), "STRIPE_KEY"), b"whCANARYthree");
}

#[test]
fn replaced_versions_stay_for_thirty_days() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    case.store("STRIPE_KEY", b"whCANARYtwo", day(10));
    let kept = |case: &Case| -> Vec<u64> {
        let names = case.vault.names(&dev());
        let held = names
            .into_iter()
            .find(|held| held.name.as_str() == "STRIPE_KEY")
            .unwrap();
        held.versions.iter().map(|one| one.version).collect()
    };
    case.store("OTHER_KEY", b"whCANARYother", day(39));
    assert_eq!(kept(&case), [1, 2]);
    let items = case.items().len();
    case.store("OTHER_KEY", b"whCANARYother", day(41));
    assert_eq!(kept(&case), [2]);
    assert_eq!(case.items().len(), items);
    assert_eq!(held(&case.vault, "STRIPE_KEY"), b"whCANARYtwo");
}

#[test]
fn replies_are_searched_for_what_was_replaced_or_removed() {
    let case = Case::new();
    assert!(every(&case.vault, "STRIPE_KEY").is_empty());
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    case.store("OTHER_KEY", b"whCANARYother", day(0));
    case.store("STRIPE_KEY", b"whCANARYtwo", day(0));
    let both: [&[u8]; 2] = [b"whCANARYtwo", b"whCANARYone"];
    assert_eq!(every(&case.vault, "STRIPE_KEY"), both);
    // Also where nothing was read since the start.
    let vault = case.reopened();
    assert_eq!(every(&case.reopened(), "STRIPE_KEY"), both);
    vault.remove(&dev(), &[name("STRIPE_KEY")]).unwrap();
    assert_eq!(every(&vault, "STRIPE_KEY"), both);
    assert_eq!(
        code(vault.value(&dev(), &name("STRIPE_KEY"))),
        Some(Code::NotFound)
    );
    let items = [(name("STRIPE_KEY"), value(b"whCANARYthree"))];
    vault.store(&dev(), &items, Origin::Owner, day(0)).unwrap();
    let all: [&[u8]; 3] = [b"whCANARYthree", both[0], both[1]];
    assert_eq!(every(&vault, "STRIPE_KEY"), all);
    assert_eq!(every(&vault, "OTHER_KEY"), [b"whCANARYother"]);
    // Nothing of what was removed is on the disk.
    assert_eq!(every(&case.reopened(), "STRIPE_KEY"), [b"whCANARYthree"]);
}

#[test]
fn earlier_values_are_the_newest_of_a_bounded_number_and_length() {
    let case = Case::new();
    for number in 0..20 {
        case.store("STRIPE_KEY", format!("whCANARY{number}").as_bytes(), day(0));
    }
    let newest: Vec<Vec<u8>> = (3..20)
        .rev()
        .map(|number| format!("whCANARY{number}").into_bytes())
        .collect();
    assert_eq!(every(&case.vault, "STRIPE_KEY"), newest);
    let long = |byte: u8| vec![byte; 40 * 1024];
    for byte in *b"abc" {
        case.store("LONG_KEY", &long(byte), day(0));
    }
    assert_eq!(every(&case.vault, "LONG_KEY"), [long(b'c'), long(b'b')]);
}

#[test]
fn a_torn_version_is_left_out_and_can_be_removed() {
    let case = Case::new();
    let before = case.items();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    let first = case.items().into_iter().find(|item| !before.contains(item));
    case.store("STRIPE_KEY", b"whCANARYtwo", day(0));
    fs::write(first.unwrap(), b"torn").unwrap();
    let vault = case.reopened();
    assert_eq!(every(&vault, "STRIPE_KEY"), [b"whCANARYtwo"]);
    vault.remove(&dev(), &[name("STRIPE_KEY")]).unwrap();
    assert_eq!(every(&vault, "STRIPE_KEY"), [b"whCANARYtwo"]);
}

#[test]
fn an_agent_adds_and_never_replaces_and_a_batch_is_all_or_nothing() {
    let case = Case::new();
    let agent = |items: &[(SecretName, SecretValue)]| {
        code(case.vault.store(&dev(), items, Origin::Agent, day(0)))
    };
    assert_eq!(agent(&[(name("NEW_KEY"), value(b"whCANARYnew"))]), None);
    assert_eq!(
        agent(&[(name("NEW_KEY"), value(b"whCANARYforged"))]),
        Some(Code::Conflict)
    );
    assert_eq!(case.vault.names(&dev())[0].origin, Origin::Agent);
    let items = case.items().len();
    let twice = [
        (name("A_KEY"), value(b"whCANARYa")),
        (name("A_KEY"), value(b"whCANARYb")),
    ];
    assert_eq!(
        code(case.vault.store(&dev(), &twice, Origin::Owner, day(0))),
        Some(Code::Usage)
    );
    let mixed = [
        (name("A_KEY"), value(b"whCANARYa")),
        (name("B_KEY"), value(b"short")),
    ];
    assert_eq!(
        code(case.vault.store(&dev(), &mixed, Origin::Owner, day(0))),
        Some(Code::Usage)
    );
    assert!(!case.vault.holds(&dev(), &name("A_KEY")));
    assert_eq!(case.items().len(), items);
}

#[test]
fn k02_every_flipped_bit_and_every_cut_of_the_store_is_seen() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYstripe", day(0));
    case.vault.keep_anchor(b"anchor").unwrap();
    let opener = Opener::new(&case);
    // What a reader of everything sees: nothing but the truth, or a refusal.
    let all = || -> Result<(), Refusal> {
        let vault = opener.open()?;
        assert_eq!(
            bytes(&vault.value(&dev(), &name("STRIPE_KEY"))?),
            b"whCANARYstripe"
        );
        assert_eq!(vault.anchor()?.unwrap(), b"anchor");
        let ends = vault.authority(day(0))?.certificate().len();
        assert!(ends > 300);
        Ok(())
    };
    all().unwrap();
    for file in case.sealed_files() {
        let good = fs::read(&file).unwrap();
        // Every bit of the short ones, one bit in four bytes of the long ones.
        let step = if good.len() < 60 { 1 } else { 31 };
        for bit in (0..good.len() * 8).step_by(step) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&file, bad).unwrap();
            assert_eq!(
                code(all()),
                Some(Code::StoreCorrupt),
                "{} bit {bit}",
                file.display()
            );
        }
        for len in (0..good.len()).step_by(step) {
            fs::write(&file, &good[..len]).unwrap();
            assert_eq!(
                code(all()),
                Some(Code::StoreCorrupt),
                "{} cut {len}",
                file.display()
            );
        }
        fs::write(&file, &good).unwrap();
    }
    all().unwrap();
}

#[test]
fn envelopes_that_change_places_do_not_open() {
    let case = Case::new();
    let before = case.items();
    case.store("ONE_KEY", b"whCANARYone", day(0));
    let one: Vec<_> = case
        .items()
        .into_iter()
        .filter(|item| !before.contains(item))
        .collect();
    case.store("TWO_KEY", b"whCANARYtwo", day(0));
    let old: Vec<_> = before.iter().chain(&one).cloned().collect();
    let two: Vec<_> = case
        .items()
        .into_iter()
        .filter(|item| !old.contains(item))
        .collect();
    fs::copy(&one[0], &two[0]).unwrap();
    let vault = case.reopened();
    assert_eq!(held(&vault, "ONE_KEY"), b"whCANARYone");
    assert_eq!(
        code(vault.value(&dev(), &name("TWO_KEY"))),
        Some(Code::StoreCorrupt)
    );
}

#[test]
fn an_index_that_was_put_back_is_seen() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    let old = fs::read(case.home.index()).unwrap();
    case.store("STRIPE_KEY", b"whCANARYtwo", day(0));
    let new = fs::read(case.home.index()).unwrap();
    let opener = Opener::new(&case);
    fs::write(case.home.index(), &old).unwrap();
    assert_eq!(code(opener.open()), Some(Code::RollbackDetected));
    fs::remove_file(case.home.index()).unwrap();
    assert_eq!(code(opener.open()), Some(Code::StoreCorrupt));
    case.home.write(&case.home.index(), &new).unwrap();
    assert_eq!(held(&opener.open().unwrap(), "STRIPE_KEY"), b"whCANARYtwo");
}

#[test]
fn a_kill_between_two_writes_leaves_the_old_state_or_the_new_one() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    let opener = Opener::new(&case);
    let before: Vec<_> = case
        .sealed_files()
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    case.store("STRIPE_KEY", b"whCANARYtwo", day(0));
    let after: Vec<_> = case
        .sealed_files()
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    let put = |files: &[(PathBuf, Vec<u8>)]| {
        for (file, bytes) in files {
            case.home.write(file, bytes).unwrap();
        }
    };
    // Killed before the counter: the index is ahead of it.
    put(&before
        .iter()
        .filter(|(file, _)| *file != case.home.index())
        .cloned()
        .collect::<Vec<_>>());
    assert_eq!(held(&opener.open().unwrap(), "STRIPE_KEY"), b"whCANARYtwo");
    // Killed before the index: only the envelope is new, and it goes.
    put(&after);
    put(&before);
    assert_eq!(case.items().len(), before.len());
    assert_eq!(held(&opener.open().unwrap(), "STRIPE_KEY"), b"whCANARYone");
    assert_eq!(case.items().len(), before.len() - 1);
}

#[test]
fn an_index_that_is_older_than_one_before_a_kill_is_seen() {
    let case = Case::new();
    case.store("STRIPE_KEY", b"whCANARYone", day(0));
    let opener = Opener::new(&case);
    let counted = || -> Vec<_> {
        let files = case.items().into_iter();
        files
            .map(|file| (file.clone(), fs::read(file).unwrap()))
            .collect()
    };
    // By the counter of what was stored, and by the floor of the policy.
    for change in [
        (|case| _ = case.store("STRIPE_KEY", b"whCANARYtwo", day(0))) as fn(&Case),
        |case| case.vault.raise_policy_floor(7).unwrap(),
    ] {
        let (items, older) = (counted(), fs::read(case.home.index()).unwrap());
        change(&case);
        // Killed when the index was written and the counter beside the envelopes was not.
        for (file, bytes) in &items {
            case.home.write(file, bytes).unwrap();
        }
        let newer = fs::read(case.home.index()).unwrap();
        assert_eq!(held(&opener.open().unwrap(), "STRIPE_KEY"), b"whCANARYtwo");
        case.home.write(&case.home.index(), &older).unwrap();
        assert_eq!(code(opener.open()), Some(Code::RollbackDetected));
        case.home.write(&case.home.index(), &newer).unwrap();
        opener.open().unwrap();
    }
}

#[test]
fn the_policy_floor_rises_and_stays() {
    let case = Case::new();
    assert_eq!(case.vault.policy_floor(), 0);
    case.vault.raise_policy_floor(3).unwrap();
    case.vault.raise_policy_floor(2).unwrap();
    assert_eq!(case.vault.policy_floor(), 3);
    assert_eq!(case.reopened().policy_floor(), 3);
}

#[test]
fn the_copy_of_the_anchor_is_kept_and_replaced() {
    let case = Case::new();
    assert_eq!(case.vault.anchor().unwrap(), None);
    case.vault.keep_anchor(b"one").unwrap();
    case.vault.keep_anchor(b"two").unwrap();
    assert_eq!(
        case.reopened().anchor().unwrap().as_deref(),
        Some(&b"two"[..])
    );
}

#[test]
fn segments_are_certified_while_the_vault_is_open() {
    let case = Case::new();
    let sealer = VaultSealer::locked();
    let segment = sealer.segment_key().unwrap().public();
    assert!(sealer.certify(1, &segment).is_none());
    sealer.attach(&case.vault);
    let certificate = sealer.certify(1, &segment).unwrap();
    let audit = VerifyingKey::from_bytes(&case.vault.facts().audit_public).unwrap();
    audit
        .verify_strict(
            &certificate_message(1, &segment),
            &Signature::from_bytes(&certificate),
        )
        .unwrap();
    let other = case.vault.sealer();
    drop(case.vault);
    assert!(sealer.certify(1, &segment).is_none());
    assert!(other.certify(1, &segment).is_none());
}

#[test]
fn the_authority_is_published_comes_back_and_is_renewed_in_time() {
    let case = Case::new();
    let pem = fs::read(case.home.ca_pem()).unwrap();
    let bundle = fs::read(case.home.bundle_pem()).unwrap();
    assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----\n"));
    assert!(bundle.ends_with(&pem));
    fs::remove_file(case.home.ca_pem()).unwrap();
    let vault = case.reopened();
    let first = vault.authority(day(600)).unwrap();
    assert_eq!(fs::read(case.home.ca_pem()).unwrap(), pem);
    let items = case.items().len();
    let second = vault.authority(day(705)).unwrap();
    assert_ne!(first.certificate(), second.certificate());
    assert_ne!(fs::read(case.home.ca_pem()).unwrap(), pem);
    assert_eq!(case.items().len(), items);
    let again = case.reopened().authority(day(705)).unwrap();
    assert_eq!(again.certificate(), second.certificate());
}

#[test]
fn writers_lose_nothing_of_each_other() {
    let case = Case::new();
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let vault = &case.vault;
            scope.spawn(move || {
                for round in 0..5 {
                    let plain = format!("whCANARY{writer}{round}");
                    let items = [
                        (name(&format!("KEY_{writer}")), value(plain.as_bytes())),
                        (name("SHARED"), value(plain.as_bytes())),
                    ];
                    vault.store(&dev(), &items, Origin::Owner, day(0)).unwrap();
                }
            });
        }
    });
    let vault = case.reopened();
    for writer in 0..6 {
        assert_eq!(
            held(&vault, &format!("KEY_{writer}")),
            format!("whCANARY{writer}4").as_bytes()
        );
    }
    let names = vault.names(&dev());
    let shared = names
        .iter()
        .find(|held| held.name.as_str() == "SHARED")
        .unwrap();
    let versions: Vec<u64> = shared.versions.iter().map(|one| one.version).collect();
    assert_eq!(versions, (1..=30).collect::<Vec<u64>>());
}

#[test]
fn a_closed_vault_writes_nothing_over_what_another_one_wrote() {
    let case = Case::new();
    case.store("KEY", b"the first value", day(0));
    let old = &case.vault;
    let stood = old.standing(&dev(), &name("KEY"));
    old.keep_anchor(b"the first anchor").unwrap();
    old.keep_team_heads(Some(b"the first heads")).unwrap();
    let opened = case.reopened();
    old.close();
    assert!(old.is_closed() && !opened.is_closed());
    let items = |plain: &[u8]| [(name("KEY"), value(plain))];
    let second = items(b"the second value");
    opened
        .store(&dev(), &second, Origin::Owner, day(1))
        .unwrap();
    opened.keep_anchor(b"the second anchor").unwrap();
    opened.keep_team_heads(Some(b"the second heads")).unwrap();
    let index = || fs::read(case.home.index()).unwrap();
    let before = (case.items(), index());

    let late = items(b"a value that comes late");
    let planned = [(name("KEY"), stood)];
    let tried = [
        old.store(&dev(), &late, Origin::Owner, day(2)).map(drop),
        old.replace(&dev(), &late, &[], &planned, day(2)).map(drop),
        old.replace(&dev(), &[], &[name("KEY")], &planned, day(2))
            .map(drop),
        old.remove(&dev(), &[name("KEY")]),
        old.raise_policy_floor(7),
        old.keep_anchor(b"a late anchor"),
        old.keep_team_heads(Some(b"late heads")),
        old.keep_team_heads(None),
        old.device_seed_or_new().map(drop),
        old.authority(day(10_000)).map(drop),
        old.seal_under(&case.proof, &value(b"another passphrase")),
    ];
    for (at, tried) in tried.into_iter().enumerate() {
        assert_eq!(code(tried), Some(Code::VaultLocked), "{at}");
    }
    assert_eq!((case.items(), index()), before);
    let last = case.reopened();
    assert_eq!(held(&last, "KEY"), b"the second value");
    assert_eq!(last.anchor().unwrap().unwrap(), b"the second anchor");
    assert_eq!(last.team_heads().unwrap().unwrap(), b"the second heads");
    assert_eq!(last.policy_floor(), 0);
}
