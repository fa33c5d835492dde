#![allow(clippy::unwrap_used, reason = "tests")]

use withheld_team::commit::Entry;

use super::*;
use crate::team::test_team::{ENV, Person, Team};
use crate::test_values::{bytes, value};

const RID: RecordId = RecordId::of([0x51; 16]);
const OTHER: RecordId = RecordId::of([0x52; 16]);
const CANARY: &[u8] = b"whCANARYsealed";

/// Alice's workspace with one epoch.
struct Case {
    alice: Person,
    team: Team,
    epoch: EpochKey,
}

impl Case {
    fn new() -> Self {
        let alice = Person::new(1);
        let mut team = Team::found(&alice);
        let epoch = EpochKey::random(team.epoch_id(1)).unwrap();
        team.begin_epoch(&alice, &epoch, None);
        Self { alice, team, epoch }
    }

    fn header(&self, rid: RecordId, ver: u64) -> Header {
        self.team.header(&self.alice, rid, ver)
    }

    fn sealed(&self, rid: RecordId, ver: u64, plain: &[u8]) -> Shown {
        let value = value(plain);
        let meta = Meta::new("STRIPE_KEY", &rid, &value, None, &self.epoch).unwrap();
        let header = self.header(rid, ver);
        Shown::of(seal_record(header, &meta, &value, &self.epoch, &self.alice.seed).unwrap())
    }

    /// A record of parts and keys that no honest client would put together.
    fn crafted(&self, craft: Craft) -> Shown {
        let header = craft.header.unwrap_or_else(|| self.header(RID, 1));
        let (dek_meta, dek_value) = (Dek::random().unwrap(), Dek::random().unwrap());
        let seal = |dek: &Dek, part: Part, plain: &[u8]| {
            let header = craft.sealed_as.as_ref().unwrap_or(&header);
            cipher::seal(&dek.key().unwrap(), &part.aad(header), plain).unwrap()
        };
        let meta = seal(&dek_meta, Part::Meta, &craft.meta);
        let value = seal(&dek_value, Part::Value, &craft.value);
        let sealed = Sealed {
            commit_meta: craft.commit_meta.unwrap_or(dek_meta.commitment().unwrap()),
            commit_value: craft
                .commit_value
                .unwrap_or(dek_value.commitment().unwrap()),
            meta: sha256(&meta),
            value: sha256(&value),
        };
        let slot = Slot {
            v: VERSION,
            env: ENV,
            rid: RID,
            ver: 1,
            epoch: 1,
            wrap_meta: wrap(Part::Meta, &self.epoch, (RID, 1), &dek_meta).unwrap(),
            wrap_value: wrap(Part::Value, &self.epoch, (RID, 1), &dek_value).unwrap(),
        };
        let (record, hash) = signed(header, Some(sealed), &self.alice.seed).unwrap();
        Shown::of(NewRecord {
            record,
            hash,
            meta,
            value,
            slot,
        })
    }

    fn meta(&self, shown: &Shown) -> Result<Meta, Unopened> {
        open_meta(&shown.record, &shown.slot, &shown.meta, &self.epoch)
    }

    fn value(&self, shown: &Shown) -> Result<SecretValue, Unopened> {
        open_value(&shown.record, &shown.slot, &shown.value, &self.epoch)
    }

    fn both(&self, shown: &Shown) -> [Option<Broken>; 2] {
        [broken(self.meta(shown)), broken(self.value(shown))]
    }
}

/// What may be odd about a record; a sound one by default.
struct Craft {
    meta: Vec<u8>,
    value: Vec<u8>,
    commit_meta: Option<Hash>,
    commit_value: Option<Hash>,
    header: Option<Header>,
    sealed_as: Option<Header>,
}

impl Craft {
    fn sound() -> Self {
        let tag = withheld_team::id::ValueTag::of([0; 16]);
        let meta = Meta {
            name: "STRIPE_KEY".to_owned(),
            epoch: 1,
            tag,
            bindings: None,
        };
        Self {
            meta: padding::pad_bytes(&cbor::encode(&meta), 128).unwrap(),
            value: padding::pad_bytes(CANARY, 256).unwrap(),
            commit_meta: None,
            commit_value: None,
            header: None,
            sealed_as: None,
        }
    }
}

/// A record as a server shows it.
#[derive(Clone)]
struct Shown {
    record: Record,
    slot: Slot,
    meta: Vec<u8>,
    value: Vec<u8>,
}

impl Shown {
    fn of(new: NewRecord) -> Self {
        let record = Record::read(&new.record).unwrap();
        assert_eq!(record.hash, new.hash);
        Self {
            record,
            slot: new.slot,
            meta: new.meta,
            value: new.value,
        }
    }
}

fn broken<T>(result: Result<T, Unopened>) -> Option<Broken> {
    match result.err().unwrap() {
        Unopened::Broken(broken) => Some(broken),
        Unopened::Refused(_) => None,
    }
}

fn refused<T>(result: Result<T, Unopened>) -> Option<Code> {
    match result.err().unwrap() {
        Unopened::Broken(_) => None,
        Unopened::Refused(refusal) => Some(refusal.code),
    }
}

#[test]
fn what_was_sealed_is_opened_and_stands_on_the_chain() {
    let case = Case::new();
    // The sizes are the published padded lengths and 40 bytes of nonce and tag.
    for (len, size) in [
        (8, 296),
        (252, 296),
        (253, 312),
        (4096, 4392),
        (65_536, 67_624),
    ] {
        let plain: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let shown = case.sealed(RID, 1, &plain);
        assert_eq!((shown.meta.len(), shown.value.len()), (168, size));
        assert_eq!(case.meta(&shown).unwrap().name, "STRIPE_KEY");
        let opened = case.value(&shown).unwrap();
        assert!(bytes(&opened) == plain);
        let entry = Entry {
            rid: RID,
            ver: 1,
            record: shown.record.hash,
            slot: Some(shown.slot.hash()),
        };
        shown.record.stands(&case.team.chain, &ENV, &entry).unwrap();
        shown.slot.stands(&entry, &ENV, 1).unwrap();
        let meta = case.meta(&shown).unwrap();
        meta.check_tag(&RID, &opened, &case.epoch).unwrap();
    }
    let sound = case.crafted(Craft::sound());
    case.meta(&sound).unwrap();
    assert_eq!(bytes(&case.value(&sound).unwrap()), CANARY);
}

#[test]
fn nothing_over_64_kib_is_sealed_or_opened() {
    let case = Case::new();
    let long = value(&vec![1; 65_537]);
    let meta = Meta::new("STRIPE_KEY", &RID, &long, None, &case.epoch).unwrap();
    let header = case.header(RID, 1);
    let refusal = seal_record(header, &meta, &long, &case.epoch, &case.alice.seed).err();
    assert_eq!(refusal.unwrap().code, Code::TooLarge);
    let shown = case.crafted(Craft {
        value: padding::pad_bytes(&vec![1; 67_581], 256).unwrap(),
        ..Craft::sound()
    });
    assert_eq!(broken(case.value(&shown)), Some(Broken::Padding));
}

#[test]
fn a_deletion_is_signed_and_holds_nothing() {
    let case = Case::new();
    let (deletion, hash) = seal_deletion(case.header(RID, 2), &case.alice.seed).unwrap();
    let record = Record::read(&deletion).unwrap();
    let entry = Entry {
        rid: RID,
        ver: 2,
        record: hash,
        slot: None,
    };
    record.stands(&case.team.chain, &ENV, &entry).unwrap();
    let shown = Shown {
        record,
        ..case.sealed(RID, 1, CANARY)
    };
    assert_eq!(refused(case.value(&shown)), Some(Code::SignatureInvalid));
}

#[test]
fn other_ciphertexts_than_the_signed_ones_are_not_tried() {
    let case = Case::new();
    let good = case.sealed(RID, 1, CANARY);
    let mut shown = good.clone();
    // What any reader could make: the right key, other contents.
    let dek = Part::Value
        .open_slot(&good.record, &good.slot, &case.epoch)
        .unwrap();
    shown.value = seal_value(&dek, &good.record.header, &value(b"whCANARYforged")).unwrap();
    assert_eq!(refused(case.value(&shown)), Some(Code::SignatureInvalid));
    shown.meta[30] ^= 1;
    assert_eq!(refused(case.meta(&shown)), Some(Code::SignatureInvalid));
}

/// Attack 43, and 100, where an insider also writes into the slot that it belongs here.
#[test]
fn a_slot_of_another_record_or_version_does_not_open() {
    let case = Case::new();
    let shown = case.sealed(RID, 1, CANARY);
    for other in [case.sealed(OTHER, 1, CANARY), case.sealed(RID, 2, CANARY)] {
        let swapped = Shown {
            slot: other.slot.clone(),
            ..shown.clone()
        };
        assert_eq!(case.both(&swapped), [Some(Broken::Slot); 2]);
        let relabelled = Shown {
            slot: Slot {
                rid: RID,
                ver: 1,
                ..other.slot
            },
            ..shown.clone()
        };
        assert_eq!(case.both(&relabelled), [Some(Broken::Slot); 2]);
    }
}

/// An insider of two environments wraps the keys of one's record under the other's.
#[test]
fn a_record_opens_in_its_own_environment_only() {
    let case = Case::new();
    let shown = case.crafted(Craft {
        header: Some(Header {
            env: withheld_team::id::EnvId::DIRECTORY,
            ..case.header(RID, 1)
        }),
        ..Craft::sound()
    });
    assert_eq!(case.both(&shown), [Some(Broken::Slot); 2]);
}

#[test]
fn a_slot_of_another_epoch_does_not_open() {
    let mut case = Case::new();
    let shown = case.sealed(RID, 1, CANARY);
    case.epoch = EpochKey::random(case.team.epoch_id(2)).unwrap();
    assert_eq!(case.both(&shown), [Some(Broken::Slot); 2]);
}

/// Attack 44: the two wraps change places.
#[test]
fn a_confused_slot_does_not_open() {
    let case = Case::new();
    let mut shown = case.sealed(RID, 1, CANARY);
    let slot = &mut shown.slot;
    std::mem::swap(&mut slot.wrap_meta, &mut slot.wrap_value);
    assert_eq!(case.both(&shown), [Some(Broken::Slot); 2]);
}

/// Attack 101: an insider wraps each key anew, as the other one.
#[test]
fn a_confused_slot_that_an_insider_wrapped_holds_no_committed_key() {
    let case = Case::new();
    let mut shown = case.sealed(RID, 1, CANARY);
    let dek = |part: Part| {
        part.open_slot(&shown.record, &shown.slot, &case.epoch)
            .unwrap()
    };
    let (meta, value) = (dek(Part::Meta), dek(Part::Value));
    let wrapped = |part, dek| wrap(part, &case.epoch, (RID, 1), dek).unwrap();
    shown.slot.wrap_meta = wrapped(Part::Meta, &value);
    shown.slot.wrap_value = wrapped(Part::Value, &meta);
    assert_eq!(case.both(&shown), [Some(Broken::Commitment); 2]);
}

/// Attack 45: a second key, whatever it opens the bytes to, is refused before it is tried.
#[test]
fn a_second_key_is_refused() {
    let case = Case::new();
    let mut shown = case.sealed(RID, 1, CANARY);
    let second = Dek::random().unwrap();
    shown.slot.wrap_value = wrap(Part::Value, &case.epoch, (RID, 1), &second).unwrap();
    assert_eq!(broken(case.value(&shown)), Some(Broken::Commitment));
    case.meta(&shown).unwrap();
}

/// Attack 83.
#[test]
fn padding_that_carries_data_is_refused() {
    let case = Case::new();
    let mut craft = Craft::sound();
    *craft.meta.last_mut().unwrap() = 1;
    *craft.value.last_mut().unwrap() = 1;
    assert_eq!(case.both(&case.crafted(craft)), [Some(Broken::Padding); 2]);
    let mut craft = Craft::sound();
    craft.meta.resize(256, 0);
    craft.value.resize(512, 0);
    assert_eq!(case.both(&case.crafted(craft)), [Some(Broken::Padding); 2]);
}

/// Attacks 84 and 85: the author itself commits to another key.
#[test]
fn a_commitment_to_another_key_is_refused_part_by_part() {
    let case = Case::new();
    let other = Some(Dek::random().unwrap().commitment().unwrap());
    let shown = case.crafted(Craft {
        commit_value: other,
        ..Craft::sound()
    });
    case.meta(&shown).unwrap();
    assert_eq!(broken(case.value(&shown)), Some(Broken::Commitment));
    let shown = case.crafted(Craft {
        commit_meta: other,
        ..Craft::sound()
    });
    assert_eq!(broken(case.meta(&shown)), Some(Broken::Commitment));
    case.value(&shown).unwrap();
}

/// Attack 99, by the author: parts that were sealed as those of another version.
#[test]
fn parts_of_another_version_do_not_open() {
    let case = Case::new();
    let shown = case.crafted(Craft {
        sealed_as: Some(case.header(RID, 2)),
        ..Craft::sound()
    });
    assert_eq!(case.both(&shown), [Some(Broken::Part); 2]);
}

#[test]
fn names_that_cannot_be_read_are_refused() {
    let case = Case::new();
    let shown = case.crafted(Craft {
        meta: padding::pad_bytes(&[0x84, 0x01], 128).unwrap(),
        ..Craft::sound()
    });
    assert_eq!(broken(case.meta(&shown)), Some(Broken::Meta));
    case.value(&shown).unwrap();
}

#[test]
fn a_rewrapped_record_opens_under_the_new_key_only() {
    let mut case = Case::new();
    let mut shown = case.sealed(RID, 1, CANARY);
    let second = EpochKey::random(case.team.epoch_id(2)).unwrap();
    shown.slot = rewrap(&shown.slot, &case.epoch, &second).unwrap();
    assert_eq!(
        (shown.slot.rid, shown.slot.ver, shown.slot.epoch),
        (RID, 1, 2)
    );
    assert_eq!(case.both(&shown), [Some(Broken::Slot); 2]);
    let first = std::mem::replace(&mut case.epoch, second);
    let opened = case.value(&shown).unwrap();
    assert_eq!(bytes(&opened), CANARY);
    // The record is as it was: its tag is that of the epoch it was written in.
    let meta = case.meta(&shown).unwrap();
    meta.check_tag(&RID, &opened, &first).unwrap();
}

/// A rotation goes on over what is set aside, and mends nothing.
#[test]
fn a_broken_slot_stays_broken_and_holds_up_no_rotation() {
    let mut case = Case::new();
    let mut shown = case.sealed(RID, 1, CANARY);
    shown.slot.wrap_value = [7; WRAP];
    let second = EpochKey::random(case.team.epoch_id(2)).unwrap();
    shown.slot = rewrap(&shown.slot, &case.epoch, &second).unwrap();
    case.epoch = second;
    case.meta(&shown).unwrap();
    assert_eq!(broken(case.value(&shown)), Some(Broken::Slot));
}

#[test]
fn a_tag_of_another_value_or_another_epoch_is_refused() {
    let case = Case::new();
    let shown = case.sealed(RID, 1, CANARY);
    let meta = case.meta(&shown).unwrap();
    let other = value(b"whCANARYother");
    assert_eq!(
        broken(meta.check_tag(&RID, &other, &case.epoch)),
        Some(Broken::Tag)
    );
    let second = EpochKey::random(case.team.epoch_id(2)).unwrap();
    assert_eq!(
        broken(meta.check_tag(&RID, &value(CANARY), &second)),
        Some(Broken::Tag)
    );
}
