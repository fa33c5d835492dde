//! What is appended: all of it or nothing, once, and only on top of what it was judged against.

use withheld_server::store::{Append, Appended, Store};
use withheld_team::api::{EnvHead, Heads, Limits, Position};
use withheld_team::id::EnvId;

use crate::made::{
    ALICE, BOB, ENV, Place, WS, With, alive, begun, commit, done, envelope, everything, genesis,
    hash, head_of, link, on, put,
};

async fn conflict<S: Store>(store: &S, append: &Append) -> Heads {
    match store.append(append, &Limits::default()).await.unwrap() {
        Appended::Conflict(heads) => heads,
        other => panic!("no conflict: {other:?}"),
    }
}

pub(crate) async fn a_workspace_begins_once(place: &impl Place) {
    let store = place.open().await;
    let limits = Limits::default();
    let unknown = store.append(&genesis(WS), &limits).await.unwrap();
    assert_eq!(unknown, Appended::NoWorkspace);
    assert_eq!(store.heads(&WS).await.unwrap(), None);
    assert_eq!(store.usage(&WS).await.unwrap(), None);

    let heads = done(store.create(&genesis(WS), &limits).await.unwrap());
    let env = |env, n| EnvHead {
        env,
        seq: 0,
        hash: hash(n),
    };
    let expected = Heads {
        w: Position {
            seq: 1,
            hash: hash(1),
        },
        envs: vec![env(EnvId::DIRECTORY, 10), env(ENV, 20)],
        rev: 1,
    };
    assert_eq!(heads, expected);
    let again = done(store.create(&genesis(WS), &limits).await.unwrap());
    assert_eq!(again, expected);

    let mut other = genesis(WS);
    other.links = vec![link(2)];
    let other = store.create(&other, &limits).await.unwrap();
    assert_eq!(other, Appended::Conflict(expected));
}

fn full(heads: &Heads) -> Append {
    let mut append = on(heads);
    append.links = vec![link(2), link(3)];
    append.epochs = vec![(ENV, 1)];
    append.devices = vec![alive(BOB)];
    append.commits = vec![commit(head_of(heads, ENV), 21).with(1, 1).with(2, 1)];
    append.envelopes = vec![envelope(BOB, ALICE, b"to bob")];
    append
}

pub(crate) async fn the_same_again_is_done(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let append = full(&heads);
    let first = put(&store, &append).await;
    assert_eq!(first.w.seq, 3);
    assert_eq!(first.rev, 3, "the chains and one envelope");
    let before = everything(&store).await;
    assert_eq!(put(&store, &append).await, first);
    assert_eq!(everything(&store).await, before);

    // Its answer was lost, and somebody else came in between.
    let mut next = on(&first);
    next.links = vec![link(4)];
    let moved = put(&store, &next).await;
    let before = everything(&store).await;
    assert_eq!(put(&store, &append).await, moved);
    assert_eq!(everything(&store).await, before);

    // A part of it is not the same.
    let mut part = append.clone();
    part.commits.clear();
    part.links.push(link(5));
    assert_eq!(conflict(&store, &part).await, moved);
}

pub(crate) async fn an_envelope_is_replaced_by_its_author_only(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    append.envelopes = vec![envelope(BOB, ALICE, b"one")];
    let first = put(&store, &append).await;
    assert_eq!(first.rev, heads.rev + 1);
    assert_eq!(put(&store, &append).await, first, "the same again");

    append.envelopes = vec![envelope(BOB, BOB, b"two")];
    let second = put(&store, &append).await;
    let read = store.envelopes(&WS, &BOB, 0).await.unwrap();
    assert_eq!(read.envelopes, [b"one", b"two"]);

    append.envelopes = vec![envelope(BOB, ALICE, b"three")];
    let third = put(&store, &append).await;
    assert_eq!(third.rev, second.rev + 1);
    let read = store.envelopes(&WS, &BOB, 0).await.unwrap();
    assert_eq!(read.envelopes, [&b"two"[..], b"three"]);
    assert_eq!(store.usage(&WS).await.unwrap().unwrap().bytes, 6 + 3 + 5);
}

pub(crate) async fn the_first_of_two_writers_wins(place: &impl Place) {
    let (one, heads) = begun(place).await;
    let two = place.open().await;
    let mut first = on(&heads);
    first.links = vec![link(2)];
    let mut second = on(&heads);
    second.links = vec![link(3)];
    let after = put(&one, &first).await;
    assert_eq!(conflict(&two, &second).await, after);

    let after_env = head_of(&heads, ENV);
    let mut first = on(&after);
    first.commits = vec![commit(after_env, 21).with(1, 1)];
    let mut second = on(&after);
    second.commits = vec![commit(after_env, 22).with(1, 1)];
    let after = put(&two, &second).await;
    assert_eq!(conflict(&one, &first).await, after);
    let at = Position {
        seq: 1,
        hash: hash(22),
    };
    assert_eq!(head_of(&after, ENV), at);

    // The number is right and the hash is not.
    let mut forked = on(&after);
    forked.commits = vec![commit(
        Position {
            hash: hash(21),
            ..at
        },
        23,
    )];
    assert_eq!(conflict(&one, &forked).await, after);
}

pub(crate) async fn a_commit_in_sight_of_an_old_link_is_a_conflict(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut removal = on(&heads);
    removal.links = vec![link(2)];
    let after = put(&store, &removal).await;
    let mut late = on(&heads);
    late.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1)];
    assert_eq!(conflict(&store, &late).await, after);
    late.after = Position {
        hash: hash(99),
        ..after.w
    };
    assert_eq!(conflict(&store, &late).await, after, "as far, and another");
    late.after = after.w;
    put(&store, &late).await;
}

pub(crate) async fn a_removal_states_where_environments_are(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut write = on(&heads);
    write.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1)];
    let after = put(&store, &write).await;

    let mut removal = on(&after);
    removal.links = vec![link(2)];
    let cut = |seq, n| {
        vec![EnvHead {
            env: ENV,
            seq,
            hash: hash(n),
        }]
    };
    // The last one is larger than any number that the database has.
    for cuts in [cut(0, 20), cut(1, 20), cut(2, 21), cut(1 << 63, 21)] {
        removal.cuts = cuts;
        assert_eq!(conflict(&store, &removal).await, after);
    }
    // What the same append commits comes after the cut.
    removal.cuts = cut(1, 21);
    removal.commits = vec![commit(head_of(&after, ENV), 22)];
    assert_eq!(head_of(&put(&store, &removal).await, ENV).seq, 2);
}

pub(crate) async fn all_or_nothing(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let before = everything(&store).await;
    let mut append = full(&heads);
    let first = head_of(&heads, ENV);
    // Not on top of the commit before it.
    append.commits.push(commit(first, 22).with(3, 1));
    assert_eq!(conflict(&store, &append).await, heads);
    assert_eq!(everything(&store).await, before);

    append.commits[1].after = Position {
        seq: 1,
        hash: hash(21),
    };
    let after = put(&store, &append).await;
    assert_eq!(head_of(&after, ENV).seq, 2);
}

pub(crate) async fn what_fails_leaves_nothing(place: &impl Place) {
    let (store, heads) = begun(place).await;
    let mut append = on(&heads);
    append.commits = vec![commit(head_of(&heads, ENV), 21).with(1, 1)];
    let heads = put(&store, &append).await;
    let before = everything(&store).await;

    // A version that is there already: no handler lets it through, and the database does not either.
    let mut append = full(&heads);
    append.commits[0] = commit(head_of(&heads, ENV), 22).with(2, 1).with(1, 1);
    assert!(store.append(&append, &Limits::default()).await.is_err());
    assert_eq!(everything(&store).await, before);

    // An envelope of an environment that is not there, after everything else.
    let mut append = full(&heads);
    append.commits[0] = commit(head_of(&heads, ENV), 22).with(2, 1);
    append.envelopes[0].env = EnvId::of([0x99; 16]);
    assert!(store.append(&append, &Limits::default()).await.is_err());
    assert_eq!(everything(&store).await, before);

    append.envelopes[0].env = ENV;
    put(&store, &append).await;
}

pub(crate) async fn it_is_all_there_after_opening_again<P: Place>(place: &P) {
    let (store, heads) = begun(place).await;
    put(&store, &full(&heads)).await;
    let before = everything(&store).await;
    P::close(store).await;
    let store = place.open().await;
    assert_eq!(everything(&store).await, before);
    let other = place.open().await;
    assert_eq!(everything(&other).await, before);
}
