//! The bytes of every operation, written out by hand.

use minicbor::bytes::ByteVec;

use super::{Body, Cut, Link, Op, Position, Right, Role, Signer, env_genesis, invite_id};
use crate::Verdict;
use crate::cbor;
use crate::device::DevicePublic;
use crate::id::{
    DeviceId, EnvId, Hash, InviteId, KemKey, MemberId, Signature, VerifyKey, WorkspaceId,
};

/// A CBOR byte string.
fn string(byte: u8, len: usize) -> Vec<u8> {
    let mut head = match u8::try_from(len) {
        Ok(len @ ..24) => vec![0x40 | len],
        Ok(len) => vec![0x58, len],
        Err(_) => vec![0x59, (len >> 8) as u8, len as u8],
    };
    head.extend(vec![byte; len]);
    head
}

fn device() -> (DevicePublic, Vec<u8>) {
    let device = DevicePublic {
        ops: VerifyKey::of([1; 32]),
        admin: VerifyKey::of([2; 32]),
        kem: KemKey::of([3; 1216]),
    };
    let keys = [string(1, 32), string(2, 32), string(3, 1216)];
    (device, [vec![0x83], keys.concat()].concat())
}

/// That an operation, in a body, is these bytes, and these bytes the operation.
fn is_written(op: Op, parts: &[Vec<u8>]) {
    let body = Body {
        v: 0,
        ws: WorkspaceId::of([0xaa; 32]),
        seq: 23,
        prev: Hash::of([0xbb; 32]),
        ts: 0x0102_0304_0506,
        author: DeviceId::of([0xcc; 16]),
        op,
    };
    let head = [
        vec![0x87, 0x00],
        string(0xaa, 32),
        vec![0x17],
        string(0xbb, 32),
    ]
    .concat();
    let time = [0x1b, 0, 0, 1, 2, 3, 4, 5, 6].to_vec();
    let all = [head, time, string(0xcc, 16), parts.concat()].concat();
    assert_eq!(body.to_bytes(), all);
    assert_eq!(Body::read(&all), Ok(body));
}

#[test]
fn the_genesis_is_operation_0() {
    let (device, keys) = device();
    let op = Op::Genesis {
        suite: 1,
        member: MemberId::of([4; 16]),
        device,
        salt: [5; 16].into(),
    };
    let parts = [
        vec![0x82, 0x00, 0x84, 0x01],
        string(4, 16),
        keys,
        string(5, 16),
    ];
    is_written(op, &parts);
}

#[test]
fn environments_and_grants_are_operations_1_and_2() {
    let env = EnvId::of([6; 16]);
    is_written(
        Op::EnvCreate { env },
        &[vec![0x82, 0x01, 0x81], string(6, 16)],
    );
    let member = MemberId::of([4; 16]);
    let hash = Hash::of([7; 32]);
    let cut = Some(Position { seq: 24, hash });
    let right = Right::Read;
    let grant = Op::Grant {
        member,
        env,
        right,
        cut,
    };
    let ids = [string(4, 16), string(6, 16)].concat();
    let position = [vec![0x82, 0x18, 0x18], string(7, 32)].concat();
    is_written(
        grant,
        &[vec![0x82, 0x02, 0x84], ids.clone(), vec![2], position],
    );
    // An absent last field is left out.
    for (right, number) in [
        (Right::None, 0),
        (Right::Meta, 1),
        (Right::Read, 2),
        (Right::Write, 3),
    ] {
        let cut = None;
        let grant = Op::Grant {
            member,
            env,
            right,
            cut,
        };
        is_written(grant, &[vec![0x82, 0x02, 0x83], ids.clone(), vec![number]]);
    }
}

#[test]
fn invitations_and_joins_are_operations_4_and_5() {
    let invite = InviteId::of([8; 16]);
    let rights = vec![(EnvId::of([6; 16]), Right::Write)];
    for (role, number) in [
        (Role::Machine, 0),
        (Role::Member, 1),
        (Role::Admin, 2),
        (Role::Owner, 3),
    ] {
        let op = Op::Invite {
            invite,
            key: VerifyKey::of([9; 32]),
            role,
            rights: rights.clone(),
            expires: 256,
            confirm: true,
            card: vec![5; 3].into(),
        };
        let head = [
            vec![0x82, 0x04, 0x87],
            string(8, 16),
            string(9, 32),
            vec![number],
        ]
        .concat();
        let given = [vec![0x81, 0x82], string(6, 16), vec![3]].concat();
        is_written(
            op,
            &[head, given, vec![0x19, 0x01, 0x00, 0xf5, 0x43, 5, 5, 5]],
        );
    }
    let (device, keys) = device();
    let member = MemberId::of([4; 16]);
    let op = Op::Join {
        invite,
        member,
        device,
    };
    is_written(
        op,
        &[vec![0x82, 0x05, 0x83], string(8, 16), string(4, 16), keys],
    );
}

#[test]
fn devices_removals_and_roles_are_operations_6_8_and_10() {
    let (device, keys) = device();
    let member = MemberId::of([4; 16]);
    let add = Op::DeviceAdd { member, device };
    is_written(add, &[vec![0x82, 0x06, 0x82], string(4, 16), keys]);
    let cut = Cut {
        env: EnvId::of([6; 16]),
        seq: 0,
        hash: Hash::of([7; 32]),
    };
    let cuts = vec![cut];
    let written = [vec![0x81, 0x83], string(6, 16), vec![0], string(7, 32)].concat();
    let remove = Op::MemberRemove { member, cuts };
    is_written(remove, &[vec![0x82, 0x08, 0x82], string(4, 16), written]);
    let role = Role::Admin;
    let set = Op::RoleSet {
        member,
        role,
        cut: None,
    };
    is_written(set, &[vec![0x82, 0x0a, 0x82], string(4, 16), vec![2]]);
    let hash = Hash::of([7; 32]);
    let cut = Some(Position { seq: 1, hash });
    let set = Op::RoleSet { member, role, cut };
    let position = [vec![0x82, 0x01], string(7, 32)].concat();
    is_written(
        set,
        &[vec![0x82, 0x0a, 0x83], string(4, 16), vec![2], position],
    );
}

#[test]
fn an_epoch_is_operation_9() {
    let epoch = |n, prev_n, prev_wrap| Op::Epoch {
        env: EnvId::of([6; 16]),
        n,
        recipients: Hash::of([1; 32]),
        commit_root: Hash::of([2; 32]),
        commit_meta: Hash::of([3; 32]),
        prev_n,
        prev_wrap,
    };
    let hashes = [string(1, 32), string(2, 32), string(3, 32)].concat();
    let first = [vec![0x82, 0x09, 0x86], string(6, 16), vec![1]].concat();
    is_written(epoch(1, 0, None), &[first, hashes.clone(), vec![0]]);
    let second = [vec![0x82, 0x09, 0x87], string(6, 16), vec![2]].concat();
    let wrap = Some([4; 72].into());
    is_written(epoch(2, 1, wrap), &[second, hashes, vec![1], string(4, 72)]);
}

#[test]
fn a_link_is_a_body_and_sorted_signatures() {
    let (ops, admin) = (
        Signer::Ops(DeviceId::of([9; 16])),
        Signer::Admin(DeviceId::of([1; 16])),
    );
    let invite = Signer::Invite(InviteId::of([0; 16]));
    let signature = |byte| Signature::of([byte; 64]);
    let given = vec![
        (invite, signature(3)),
        (admin, signature(2)),
        (ops, signature(1)),
    ];
    let bytes = Link::of(vec![0xff; 3], given);
    let one = |kind, id, signature| {
        [
            vec![0x82, 0x82, kind, 0x81],
            string(id, 16),
            string(signature, 64),
        ]
        .concat()
    };
    let three = [one(0, 9, 1), one(1, 1, 2), one(2, 0, 3)].concat();
    let expected = [vec![0x82], string(0xff, 3), vec![0x83], three].concat();
    assert_eq!(bytes, expected);
    // printf 'withheld/v0/wlink\0\xff\xff\xff' | sha256sum
    let hash = "e12ac45e5d31bd0d4582f7014d033040f187e9231a1f8e7a0fc838e267a277e4";
    assert_eq!(
        Link::read(&bytes).map(|link| link.hash().to_string()),
        Ok(hash.to_owned())
    );
}

#[test]
fn signatures_out_of_order_are_not_read() {
    let ops = |byte| {
        (
            Signer::Ops(DeviceId::of([byte; 16])),
            Signature::of([byte; 64]),
        )
    };
    let link = |signatures| {
        let body = ByteVec::from(vec![0]);
        Link::read(&cbor::encode(&Link { body, signatures })).map(|_| ())
    };
    assert_eq!(link(vec![ops(1), ops(2)]), Ok(()));
    const WRONG: Verdict = Verdict::Invalid("signatures out of their order, or by one key twice");
    assert_eq!(link(vec![ops(2), ops(1)]), Err(WRONG));
    assert_eq!(link(vec![ops(1), ops(1)]), Err(WRONG));
}

#[test]
fn ids_and_first_hashes_are_what_is_written() {
    // { printf 'withheld/v0/invite-id\0'; printf '\x01%.0s' {1..32}; } | sha256sum, its first half
    assert_eq!(
        invite_id(&VerifyKey::of([1; 32])).to_string(),
        "7ef2959723641767291d75b6fa650817"
    );
    // { printf 'withheld/v0/env-genesis\0\x82\x58\x20'; printf '\x01%.0s' {1..32}; printf '\x50';
    //   printf '\x02%.0s' {1..16}; } | sha256sum
    let genesis = env_genesis(&WorkspaceId::of([1; 32]), &EnvId::of([2; 16]));
    assert_eq!(
        genesis.to_string(),
        "360080bb1dacee4c0f983564693f1ad0f31e082e14887d5ceb27c8825c3d27e4"
    );
}
