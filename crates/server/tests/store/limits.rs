//! How much there may be, who may append alone, and what goes when its time has come.

use withheld_server::store::{Appended, LEASE_MS, NewSlot, OLD_SLOT_MS, Quota, Store};
use withheld_team::api::{Limits, Part, Position};
use withheld_team::id::EnvId;

use crate::made::{
    ALICE, BOB, ENV, NOW, Place, WS, With, alive, begun, commit, everything, hash, head_of, link,
    on, put, rid,
};

pub(crate) async fn there_is_enough_of_everything(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let before = everything(&store).await;
    let limits = Limits {
        secrets: 1,
        entries: 2,
        environments: 2,
        devices: 1,
        bytes: 100,
        ..Limits::default()
    };
    let mut append = on(&heads);
    append.links = vec![link(2)];

    let mut one_more = append.clone();
    one_more.begun = vec![(EnvId::of([0x33; 16]), hash(30))];
    let stopped = store.append(&one_more, &limits).await.unwrap();
    assert_eq!(stopped, Appended::Quota(Quota::Environments));

    let mut one_more = append.clone();
    one_more.devices = vec![alive(BOB)];
    let stopped = store.append(&one_more, &limits).await.unwrap();
    assert_eq!(stopped, Appended::Quota(Quota::Devices));

    let mut one_more = append.clone();
    one_more.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1).with(2, 1)];
    let stopped = store.append(&one_more, &limits).await.unwrap();
    assert_eq!(stopped, Appended::Quota(Quota::Secrets));

    let mut one_more = append.clone();
    let deleted = commit(head_of(&heads, ENV), 21).with(1, 1).without(2, 1);
    one_more.commits = vec![deleted.without(3, 1)];
    let stopped = store.append(&one_more, &limits).await.unwrap();
    assert_eq!(stopped, Appended::Quota(Quota::Entries));

    // "link 1" is there. Links alone may use a tenth more, and not one byte beyond that.
    append.links[0].signed = vec![7; 105];
    let stopped = store.append(&append, &limits).await.unwrap();
    assert_eq!(stopped, Appended::Quota(Quota::Bytes));
    let mut with_record = append.clone();
    with_record.links[0].signed = vec![7; 35];
    with_record.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1).without(2, 1)];
    with_record.envelopes = vec![crate::made::envelope(BOB, ALICE, b"x")];
    let stopped = store.append(&with_record, &limits).await.unwrap();
    assert_eq!(stopped, Appended::Quota(Quota::Bytes), "101 bytes");
    assert_eq!(everything(&store).await, before, "nothing of any of them");

    append.links[0].signed = vec![7; 34];
    // In place of a device, and beside a deleted secret. 9 bytes of commit, 10 each of two records, 8
    // of meta, 9 of value, 13 of a slot, and one that is 1 byte: exactly 100.
    let mut gone = alive(ALICE);
    gone.live = false;
    append.devices = vec![gone, alive(BOB)];
    append.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1).without(2, 1)];
    append.envelopes = vec![crate::made::envelope(BOB, ALICE, b"x")];
    let stored = store.append(&append, &limits).await.unwrap();
    assert!(matches!(stored, Appended::Done(_)), "{stored:?}");
    let usage = store.usage(&WS).await.unwrap().unwrap();
    assert_eq!((usage.bytes, usage.secrets, usage.devices), (100, 1, 1));
}

pub(crate) async fn one_device_appends_alone(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let limits = Limits::default();
    let until = NOW + LEASE_MS;
    assert_eq!(
        store.lease(&WS, &ALICE, false, NOW).await.unwrap(),
        Some(until)
    );
    assert_eq!(store.lease(&WS, &BOB, false, NOW + 1).await.unwrap(), None);
    assert_eq!(
        store.lease(&WS, &BOB, false, until - 1).await.unwrap(),
        None
    );

    let mut append = on(&heads);
    append.links = vec![link(2)];
    append.by = BOB;
    append.at = until - 1;
    let kept_out = store.append(&append, &limits).await.unwrap();
    assert_eq!(kept_out, Appended::Leased);
    assert_eq!(store.heads(&WS).await.unwrap(), Some(heads.clone()));
    append.by = ALICE;
    let heads = put(&store, &append).await;

    // What is stored already is not kept out: nothing is written.
    append.by = BOB;
    assert_eq!(put(&store, &append).await, heads);

    // It may be taken again by who has it, and then lasts longer.
    let again = store.lease(&WS, &ALICE, false, until - 1).await.unwrap();
    assert_eq!(again, Some(until - 1 + LEASE_MS));
    let mut append = on(&heads);
    append.links = vec![link(3)];
    append.by = BOB;
    append.at = until;
    let kept_out = store.append(&append, &limits).await.unwrap();
    assert_eq!(kept_out, Appended::Leased);
    append.at = until - 1 + LEASE_MS;
    put(&store, &append).await;
    let bob = store.lease(&WS, &BOB, false, append.at).await.unwrap();
    assert_eq!(bob, Some(append.at + LEASE_MS));
    let over = store.lease(&WS, &ALICE, true, append.at + 1).await.unwrap();
    assert_eq!(over, Some(append.at + 1 + LEASE_MS));
    assert_eq!(
        store.lease(&WS, &BOB, false, append.at + 2).await.unwrap(),
        None
    );
}

/// One that ends later than any can is of a clock that was ahead: it keeps nobody out until then.
pub(crate) async fn a_lease_of_the_future_is_free(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let ahead = NOW + 365 * 24 * 60 * 60 * 1000;
    store
        .lease(&WS, &ALICE, false, ahead)
        .await
        .unwrap()
        .unwrap();
    let mut append = on(&heads);
    append.links = vec![link(2)];
    append.by = BOB;
    put(&store, &append).await;
    let bob = store.lease(&WS, &BOB, false, NOW).await.unwrap();
    assert_eq!(bob, Some(NOW + LEASE_MS));
}

pub(crate) async fn old_slots_go_when_their_time_has_come(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    append.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1).with(2, 1)];
    let heads = put(&store, &append).await;

    let mut rewrap = commit(head_of(&heads, ENV), 22);
    rewrap.epoch = 2;
    let slot = |n, body: &[u8]| NewSlot {
        rid: rid(n),
        ver: 1,
        body: body.to_vec(),
    };
    rewrap.slots = vec![slot(1, b"new 1"), slot(2, b"new 2")];
    let mut append = on(&heads);
    append.commits = vec![rewrap.clone()];
    let heads = put(&store, &append).await;

    let ids = [(rid(1), 1), (rid(2), 1)];
    let slots = async || {
        let read = store.records(&WS, &ENV, &ids, &[Part::Slot]).await.unwrap();
        let slots = read.into_iter().map(|record| record.slot.unwrap());
        slots.collect::<Vec<_>>()
    };
    assert_eq!(slots().await, [b"new 1", b"new 2"]);
    let bytes = async || store.usage(&WS).await.unwrap().unwrap().bytes;
    let (with_old, old) = (bytes().await, 2 * "slot 1.1 of 1".len() as u64);

    // Once more under the same epoch: these take the place of those.
    rewrap.after = Position {
        seq: 2,
        hash: hash(22),
    };
    rewrap.hash = hash(23);
    rewrap.slots = vec![slot(1, b"newer 1"), slot(2, b"newer 2")];
    let mut append = on(&heads);
    append.commits = vec![rewrap];
    append.at = NOW + 5;
    put(&store, &append).await;
    assert_eq!(slots().await, [b"newer 1", b"newer 2"]);
    let grown = "commit 22".len() as u64 + 2 * 2;
    assert_eq!(bytes().await, with_old + grown);

    let early = NOW + OLD_SLOT_MS - 1;
    assert_eq!(store.drop_old_slots(early).await.unwrap(), 0);
    assert_eq!(store.drop_old_slots(early + 1).await.unwrap(), 2);
    assert_eq!(store.drop_old_slots(early + 1).await.unwrap(), 0);
    assert_eq!(bytes().await, with_old + grown - old);
    assert_eq!(slots().await, [b"newer 1", b"newer 2"]);
}

pub(crate) async fn a_closed_store_is_not_well<P: Place>(place: &P) {
    let (store, heads) = begun(place).await;
    store.health().await.unwrap();
    assert_eq!(store.heads(&WS).await.unwrap(), Some(heads));
    P::close(store.clone()).await;
    assert!(store.health().await.is_err());
}
