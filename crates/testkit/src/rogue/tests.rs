//! Against a third implementation: the file was made by the script beside it, in another language.

use serde_json::Value;

use super::crypto::{hash, pad};
use super::{Device, EpochKey, Invite, Item, Line, letter};
use crate::items;

fn vectors() -> Value {
    let text = include_str!("../../../vault/testdata/team/vectors.json");
    serde_json::from_str(text).unwrap()
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|at| first + u8::try_from(at).unwrap())
}

#[test]
fn a_device_its_keys_and_an_invitation_are_the_same_elsewhere() {
    let vectors = vectors();
    let device = Device::of(counting(0), counting(32));
    assert_eq!(device.id[..], hex(&vectors["device"]));
    assert_eq!(device.public.at(0).blob(), hex(&vectors["ops"]));
    let line = Line::read(vectors["line"].as_str().unwrap());
    assert_eq!(
        (line.server.as_str(), line.seq),
        ("team.example.com:8443", 4)
    );
    assert_eq!(line.ws[..], hex(&vectors["ws"]));
    let invite = Invite::of(line.secret);
    assert_eq!(invite.key[..], hex(&vectors["invite_key"]));
    assert_eq!(invite.id[..], hex(&vectors["invite_id"]));
}

#[test]
fn what_another_implementation_sealed_is_opened() {
    let vectors = vectors();
    let device = Device::of(counting(0), counting(32));
    let key = letter::opened(&hex(&vectors["envelope"]), &device);
    assert_eq!((key.env, key.n, key.root), ([b'E'; 16], 2, [2; 32]));
    let tag = key.tag([b'R'; 16], b"whCANARYsecondImplementation");
    assert_eq!(tag[..], hex(&vectors["tag"]));
    let slot = Item::decode(&hex(&vectors["slot"]));
    let of = ([b'R'; 16], 1);
    assert_eq!(key.unwrap("meta", of, slot.at(5).blob()), Some([0x0a; 32]));
    assert_eq!(key.unwrap("value", of, slot.at(6).blob()), Some([0x0b; 32]));
    let link = Item::decode(&hex(&vectors["links"][3]));
    let op = Item::decode(link.at(0).blob()).at(6).clone();
    let first = EpochKey::of(line_ws(&vectors), [b'E'; 16], 1, [1; 32]);
    let begun = key.begin(&[device.id], &first);
    for field in 0..6 {
        assert_eq!(begun.at(1).at(field), op.at(1).at(field), "field {field}");
    }
}

fn line_ws(vectors: &Value) -> [u8; 32] {
    hex(&vectors["ws"]).try_into().unwrap()
}

#[test]
fn items_are_written_in_their_shortest_form() {
    // RFC 8949, appendix A.
    for (item, bytes) in [
        (Item::Int(23), &[0x17][..]),
        (Item::Int(24), &[0x18, 0x18]),
        (Item::Int(1000), &[0x19, 0x03, 0xe8]),
        (Item::Int(1_000_000), &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
        (
            Item::Int(1_000_000_000_000),
            &[0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00],
        ),
        (Item::Bool(false), &[0xf4]),
        (Item::Bool(true), &[0xf5]),
        (Item::from("IETF"), &[0x64, 0x49, 0x45, 0x54, 0x46]),
        (Item::from([1, 2, 3, 4]), &[0x44, 1, 2, 3, 4]),
        (
            items![1, items![2, 3], items![4, 5]],
            &[0x83, 0x01, 0x82, 0x02, 0x03, 0x82, 0x04, 0x05],
        ),
    ] {
        assert_eq!(item.encode(), bytes);
        assert_eq!(Item::decode(bytes), item);
    }
    let changed = items![1, 2].with(0, 7).with(2, 9);
    assert_eq!(changed, items![7, 2, 9]);
}

/// The figures of the design, and a label's hash by coreutils.
#[test]
fn padding_and_hashes_are_the_published_ones() {
    for (value, padded) in [
        (0, 256),
        (252, 256),
        (253, 272),
        (300, 304),
        (1000, 1024),
        (4096, 4352),
        (5000, 5120),
        (65_536, 67_584),
    ] {
        assert_eq!(pad(&vec![7; value], 256).len(), padded, "{value}");
    }
    // printf 'withheld/v0/wlink\0abc' | sha256sum
    let expected = "30e50857588b90358f557a19ba642488e2d51df6987873b4c171f523fb5f66a9";
    assert_eq!(crate::encode::hex(&hash("wlink", b"abc")), expected);
}
