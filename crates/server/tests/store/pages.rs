//! What is read comes in pages, whole and in order.

use withheld_server::store::{Caches, DeviceRow, PAGE_BYTES, Page, Snapshot, Store};
use withheld_team::api::{Limits, Part, Position};
use withheld_team::id::{EnvId, WorkspaceId};

use crate::made::{
    ALICE, BOB, ENV, Place, WS, With, alive, begun, commit, envelope, genesis, hash, head_of, link,
    on, put, rid,
};

fn page(items: &[&str], next: Option<u64>) -> Page {
    Page {
        items: items.iter().map(|item| item.as_bytes().to_vec()).collect(),
        next,
    }
}

const ABSENT: EnvId = EnvId::of([0x99; 16]);
const ELSEWHERE: WorkspaceId = WorkspaceId::of([0x99; 32]);

pub(crate) async fn links_come_in_pages(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    append.links = (2..=5).map(link).collect();
    put(&store, &append).await;
    let all = ["link 1", "link 2", "link 3", "link 4", "link 5"];
    for (from, limit, items, next) in [
        (1, 5, &all[..], None),
        (0, 100, &all[..], None),
        (1, 4, &all[..4], Some(5)),
        (1, 2, &all[..2], Some(3)),
        (3, 2, &all[2..4], Some(5)),
        (5, 2, &all[4..], None),
        (6, 2, &[], None),
        (u64::MAX, 2, &[], None),
        (2, 0, &all[1..2], Some(3)),
        (1, u32::MAX, &all[..], None),
    ] {
        let read = store.links(&WS, from, limit).await.unwrap();
        assert_eq!(read, page(items, next), "from {from}, {limit} of them");
    }
    let read = store.links(&ELSEWHERE, 1, 5).await.unwrap();
    assert_eq!(read, page(&[], None));
}

pub(crate) async fn commits_come_in_pages(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    let mut after = head_of(&heads, ENV);
    for n in 21..=23 {
        append.commits.push(commit(after, n));
        after = Position {
            seq: after.seq + 1,
            hash: hash(n),
        };
    }
    let mut other = commit(head_of(&heads, EnvId::DIRECTORY), 11);
    other.env = EnvId::DIRECTORY;
    append.commits.push(other);
    put(&store, &append).await;

    let all = ["commit 21", "commit 22", "commit 23"];
    for (from, limit, items, next) in [
        (1, 3, &all[..], None),
        (1, 2, &all[..2], Some(3)),
        (3, 2, &all[2..], None),
        (4, 2, &[], None),
        (u64::MAX, 2, &[], None),
    ] {
        let read = store.commits(&WS, &ENV, from, limit).await.unwrap();
        assert_eq!(read, page(items, next), "from {from}, {limit} of them");
    }
    let read = store.commits(&WS, &EnvId::DIRECTORY, 1, 9).await.unwrap();
    assert_eq!(read, page(&["commit 11"], None));
    let read = store.commits(&WS, &ABSENT, 1, 9).await.unwrap();
    assert_eq!(read, page(&[], None));
}

pub(crate) async fn a_page_ends_when_it_is_large(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    append.links = (2..=4).map(link).collect();
    // Two of them are more than a page, one is less.
    for link in &mut append.links {
        link.signed = vec![7; PAGE_BYTES * 3 / 4];
    }
    put(&store, &append).await;
    let read = store.links(&WS, 2, 100).await.unwrap();
    assert_eq!((read.items.len(), read.next), (2, Some(4)));
    let read = store.links(&WS, 4, 100).await.unwrap();
    assert_eq!((read.items.len(), read.next), (1, None));
}

pub(crate) async fn a_state_comes_in_pages(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let empty = store.snapshot(&WS, &ENV, None, 2).await.unwrap();
    let nothing = Snapshot {
        head: Position {
            seq: 0,
            hash: hash(20),
        },
        commit: None,
        entries: vec![],
        next: None,
    };
    assert_eq!(empty, Some(nothing));
    let absent = store.snapshot(&WS, &ABSENT, None, 2).await.unwrap();
    assert_eq!(absent, None);

    let first = commit(head_of(&heads, ENV), 21)
        .with(3, 1)
        .with(1, 1)
        .with(5, 1);
    let after = Position {
        seq: 1,
        hash: hash(21),
    };
    let second = commit(after, 22).with(4, 1).with(1, 2).without(3, 2);
    let mut other = commit(head_of(&heads, EnvId::DIRECTORY), 11).with(2, 1);
    other.env = EnvId::DIRECTORY;
    let mut append = on(&heads);
    append.commits = vec![first.clone(), second.clone(), other];
    put(&store, &append).await;

    let expected = [
        second.entries[1],
        second.entries[2],
        second.entries[0],
        first.entries[2],
    ];
    assert_eq!(expected[1].slot, None, "a deleted one is among them");
    for (after, limit, range, next) in [
        (None, 9, 0..4, None),
        (None, 4, 0..4, None),
        (None, 3, 0..3, Some(rid(4))),
        (None, 0, 0..1, Some(rid(1))),
        (Some(rid(1)), 2, 1..3, Some(rid(4))),
        (Some(rid(2)), 2, 1..3, Some(rid(4))),
        (Some(rid(4)), 2, 3..4, None),
        (Some(rid(5)), 2, 4..4, None),
    ] {
        let read = store
            .snapshot(&WS, &ENV, after.as_ref(), limit)
            .await
            .unwrap();
        let page = Snapshot {
            head: Position {
                seq: 2,
                hash: hash(22),
            },
            commit: Some(b"commit 22".to_vec()),
            entries: expected[range].to_vec(),
            next,
        };
        assert_eq!(read, Some(page), "after {after:?}, {limit} of them");
    }
}

pub(crate) async fn records_come_in_the_parts_asked_for(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    append.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1).without(2, 1)];
    let heads = put(&store, &append).await;
    let text =
        |bytes: Option<&Vec<u8>>| bytes.map(|bytes| String::from_utf8(bytes.clone()).unwrap());

    let ids = [
        (rid(2), 1),
        (rid(9), 1),
        (rid(1), 2),
        (rid(1), u64::MAX),
        (rid(1), 1),
    ];
    let read = store.records(&WS, &ENV, &ids, &[]).await.unwrap();
    let found: Vec<_> = read.iter().map(|record| (record.rid, record.ver)).collect();
    assert_eq!(
        found,
        [(rid(2), 1), (rid(1), 1)],
        "in the order of the question"
    );
    assert_eq!(text(Some(&read[1].signed)).unwrap(), "record 1.1");
    assert_eq!(
        (&read[1].meta, &read[1].value, &read[1].slot),
        (&None, &None, &None)
    );

    for (parts, expected) in [
        (&[Part::Meta][..], [Some("meta 1.1"), None, None]),
        (&[Part::Value], [None, Some("value 1.1"), None]),
        (&[Part::Slot], [None, None, Some("slot 1.1 of 1")]),
        (
            &[Part::Slot, Part::Value, Part::Meta],
            [Some("meta 1.1"), Some("value 1.1"), Some("slot 1.1 of 1")],
        ),
    ] {
        let read = store
            .records(&WS, &ENV, &[(rid(1), 1)], parts)
            .await
            .unwrap();
        let parts = [&read[0].meta, &read[0].value, &read[0].slot];
        assert_eq!(
            parts.map(|part| text(part.as_ref())),
            expected.map(|part| part.map(str::to_owned))
        );
        let read = store
            .records(&WS, &ENV, &[(rid(2), 1)], &[Part::Meta])
            .await
            .unwrap();
        assert_eq!(read[0].meta, None, "a deleted one has none");
    }
    let elsewhere = store
        .records(&WS, &EnvId::DIRECTORY, &[(rid(1), 1)], &[])
        .await
        .unwrap();
    assert_eq!(elsewhere, []);

    // As many as fit, and the rest when asked again.
    let mut append = on(&heads);
    let mut large = commit(head_of(&heads, ENV), 22)
        .with(3, 1)
        .with(4, 1)
        .with(5, 1);
    for record in &mut large.records {
        record.value = Some(vec![7; PAGE_BYTES * 3 / 4]);
    }
    append.commits = vec![large];
    put(&store, &append).await;
    let ids = [(rid(3), 1), (rid(4), 1), (rid(5), 1)];
    let read = store
        .records(&WS, &ENV, &ids, &[Part::Value])
        .await
        .unwrap();
    assert_eq!(read.len(), 2);
    let read = store.records(&WS, &ENV, &ids, &[Part::Meta]).await.unwrap();
    assert_eq!(read.len(), 3, "what is not asked for does not count");
}

/// More than any one statement takes.
pub(crate) async fn many_records_go_and_come_at_once(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut both = commit(head_of(&heads, ENV), 21);
    for ver in 1..=2 {
        both.entries.clear();
        both = (0..=255).fold(both, |both, n| both.with(n, ver));
    }
    let mut append = on(&heads);
    append.commits = vec![both];
    put(&store, &append).await;
    // Not in the order in which they were stored, and one of them twice.
    let named = || {
        (0..=255)
            .rev()
            .flat_map(|n| [(n, 2), (n, 1)])
            .chain([(9, 2)])
    };
    let ids: Vec<_> = named().map(|(n, ver)| (rid(n), ver)).collect();
    let read = store
        .records(&WS, &ENV, &ids, &[Part::Value])
        .await
        .unwrap();
    let read: Vec<_> = read
        .into_iter()
        .map(|it| (it.rid, it.ver, it.signed, it.value))
        .collect();
    let stored = named().map(|(n, ver)| {
        let value = format!("value {n}.{ver}").into_bytes();
        (
            rid(n),
            ver,
            format!("record {n}.{ver}").into_bytes(),
            Some(value),
        )
    });
    assert_eq!(read, stored.collect::<Vec<_>>());
}

pub(crate) async fn a_device_reads_its_own_envelopes(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    let another = |epoch, text: &str| {
        let mut envelope = envelope(BOB, ALICE, text.as_bytes());
        envelope.epoch = epoch;
        envelope
    };
    append.envelopes = vec![
        another(1, "b1"),
        envelope(ALICE, ALICE, b"a1"),
        another(2, "b2"),
    ];
    let heads = put(&store, &append).await;
    let read = store.envelopes(&WS, &BOB, 0).await.unwrap();
    assert_eq!(read.envelopes, [b"b1", b"b2"]);
    assert_eq!(read.rev, heads.rev);
    let read = store.envelopes(&WS, &ALICE, 0).await.unwrap();
    assert_eq!(read.envelopes, [b"a1"]);
    let since = read.rev;
    let read = store.envelopes(&WS, &BOB, since).await.unwrap();
    assert_eq!(read.envelopes, [b"b2"]);

    for since in [heads.rev, u64::MAX] {
        let read = store.envelopes(&WS, &BOB, since).await.unwrap();
        assert_eq!((read.envelopes, read.rev), (vec![], since));
    }

    let mut append = on(&heads);
    append.envelopes = (3..6).map(|epoch| another(epoch, "")).collect();
    for envelope in &mut append.envelopes {
        envelope.signed = vec![7; PAGE_BYTES * 3 / 4];
    }
    put(&store, &append).await;
    let read = store.envelopes(&WS, &BOB, heads.rev).await.unwrap();
    assert_eq!(read.envelopes.len(), 2);
    let read = store.envelopes(&WS, &BOB, read.rev).await.unwrap();
    assert_eq!(read.envelopes.len(), 1);
    let read = store.envelopes(&WS, &BOB, read.rev).await.unwrap();
    assert_eq!(read.envelopes.len(), 0);
}

pub(crate) async fn workspaces_come_in_pages(place: &impl Place) {
    let store = place.open().await;
    let ids: Vec<_> = [3, 1, 2].map(|n| WorkspaceId::of([n; 32])).to_vec();
    for ws in &ids {
        store
            .create(&genesis(*ws), &Limits::default())
            .await
            .unwrap();
    }
    let [three, one, two] = ids[..] else {
        unreachable!()
    };
    assert_eq!(store.workspaces(None, 2).await.unwrap(), [one, two]);
    assert_eq!(store.workspaces(Some(&two), 2).await.unwrap(), [three]);
    assert_eq!(store.workspaces(Some(&three), 2).await.unwrap(), []);
    // They know nothing of each other.
    assert_eq!(
        store.links(&two, 1, 9).await.unwrap(),
        page(&["link 1"], None)
    );
    assert_eq!(store.usage(&two).await.unwrap().unwrap().bytes, 6);
}

pub(crate) async fn devices_and_epochs_are_kept(place: &impl Place) {
    let (store, heads) = begun(place).await;
    assert_eq!(store.device(&WS, &ALICE).await.unwrap(), Some(alive(ALICE)));
    assert_eq!(store.device(&WS, &BOB).await.unwrap(), None);
    let mut append = on(&heads);
    append.links = vec![link(2)];
    append.devices = vec![alive(BOB)];
    append.epochs = vec![(ENV, 3)];
    let heads = put(&store, &append).await;
    let mut append = on(&heads);
    append.links = vec![link(3)];
    let gone = DeviceRow {
        live: false,
        ..alive(ALICE)
    };
    append.devices = vec![gone];
    put(&store, &append).await;
    assert_eq!(store.device(&WS, &ALICE).await.unwrap(), Some(gone));
    assert_eq!(store.device(&ELSEWHERE, &ALICE).await.unwrap(), None);
    let caches = Caches {
        epochs: vec![(EnvId::DIRECTORY, 0), (ENV, 3)],
        devices: vec![gone, alive(BOB)],
    };
    assert_eq!(store.caches(&WS).await.unwrap(), caches);
    let usage = store.usage(&WS).await.unwrap().unwrap();
    assert_eq!((usage.links, usage.devices, usage.environments), (3, 1, 2));
}
