//! The keys against a second implementation: `testdata/team/vectors.json` was made by the script beside
//! it, in another language, with another library.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use withheld_team::chain::Chain;
use withheld_team::id::{EnvId, Hash, RecordId, VerifyKey};
use withheld_team::record::Record;
use withheld_team::slot::Slot;

use super::epoch::EpochId;
use super::invitation::Invitation;
use super::keys::DeviceSeed;
use super::test_team::key;
use super::{envelope, sealed};
use crate::owner::OwnerProof;
use crate::test_values::{bytes, value};

mod attacks;

const ENV: EnvId = EnvId::of([b'E'; 16]);
const RID: RecordId = RecordId::of([b'R'; 16]);

struct Vectors(Value);

impl Vectors {
    fn read() -> Self {
        let json = include_str!("../../testdata/team/vectors.json");
        Self(serde_json::from_str(json).unwrap())
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        hex(&self.0[name])
    }

    fn chain(&self) -> Chain {
        let links: Vec<Vec<u8>> = self.0["links"]
            .as_array()
            .unwrap()
            .iter()
            .map(hex)
            .collect();
        let ws = self.text("ws").parse().unwrap();
        let mut chain = Chain::begin(ws, &links[0]).unwrap();
        links[1..]
            .iter()
            .for_each(|link| chain.apply(link).unwrap());
        chain
    }
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// 0, 1, 2 … from `first`.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first + u8::try_from(at).unwrap())
}

fn device() -> DeviceSeed {
    DeviceSeed::of(key(counting(0)))
}

#[test]
fn a_device_is_the_same_elsewhere() {
    let vectors = Vectors::read();
    let owner = OwnerProof::new(key(counting(32)));
    let public = device().public(owner.admin_key()).unwrap();
    assert_eq!(public.id().to_string(), vectors.text("device"));
    assert_eq!(public.ops.to_string(), vectors.text("ops"));
    let kem = Hash::of(Sha256::digest(public.kem.as_bytes()).into());
    assert_eq!(kem.to_string(), vectors.text("kem_sha256"));
    let mac = device().state_mac(b"state").unwrap();
    assert_eq!(mac[..], vectors.bytes("state_mac"));
}

#[test]
fn what_another_implementation_sealed_is_opened() {
    let vectors = Vectors::read();
    let chain = vectors.chain();
    let id = EpochId {
        ws: chain.ws(),
        env: ENV,
        n: 2,
    };
    let shown = vectors.bytes("envelope");
    let second = envelope::find([&shown[..]], id, &device(), &chain).unwrap();
    second.root().look(|root| assert_eq!(root, &[2; 32]));
    let first = second.unwrap_prev(&chain).unwrap().unwrap();
    first.root().look(|root| assert_eq!(root, &[1; 32]));
    assert!(first.unwrap_prev(&chain).unwrap().is_none());

    let record = Record::read(&vectors.bytes("record")).unwrap();
    let slot = Slot::read(&vectors.bytes("slot")).unwrap();
    let meta = sealed::open_meta(&record, &slot, &vectors.bytes("meta"), &second).unwrap();
    assert_eq!((meta.name.as_str(), meta.epoch), ("STRIPE_KEY", 2));
    assert_eq!(meta.tag.to_string(), vectors.text("tag"));
    let bindings = meta.bindings.as_ref().unwrap();
    let names = (
        "billing/dev".parse().unwrap(),
        "STRIPE_KEY".parse().unwrap(),
    );
    let bindings = bindings
        .verified(&chain, ENV, (&names.0, &names.1))
        .unwrap();
    assert_eq!(bindings.len(), 1);
    assert_eq!(bindings[0].host.to_string(), "api.example.com");

    let opened = sealed::open_value(&record, &slot, &vectors.bytes("value"), &second).unwrap();
    assert_eq!(bytes(&opened), b"whCANARYsecondImplementation");
    meta.check_tag(&RID, &opened, &second).unwrap();
}

#[test]
fn a_tag_is_the_same_elsewhere() {
    let vectors = Vectors::read();
    let id = EpochId {
        ws: vectors.text("ws").parse().unwrap(),
        env: ENV,
        n: 2,
    };
    let epoch = super::epoch::EpochKey::of(id, key([2; 32])).unwrap();
    let tag = epoch.value_tag(&RID, &value(b"whCANARYsecondImplementation"));
    assert_eq!(tag.unwrap().to_string(), vectors.text("tag"));
}

#[test]
fn an_invitation_is_the_same_elsewhere() {
    let vectors = Vectors::read();
    let invitation = Invitation::read(&value(vectors.text("line").as_bytes())).unwrap();
    assert_eq!(invitation.server.to_string(), "team.example.com:8443");
    assert_eq!(invitation.workspace.to_string(), vectors.text("ws"));
    assert_eq!(invitation.head_seq, 4);
    let key: VerifyKey = vectors.text("invite_key").parse().unwrap();
    assert_eq!(invitation.key.public(), key);
    assert_eq!(invitation.key.id().to_string(), vectors.text("invite_id"));
    invitation.is_kept_by(&vectors.chain()).unwrap();
}
