//! Many writers at once.

use withheld_server::store::{Append, Appended, Store};
use withheld_team::api::{Heads, Limits};
use withheld_team::id::Hash;

use crate::made::{ENV, Place, WS, begun, commit, hash, head_of, link, on};

const TASKS: u64 = 8;
const EACH: u64 = 5;

/// A link and a commit, each of which begins with what it follows.
fn linked(heads: &Heads, n: u64) -> Append {
    let mut append = on(heads);
    let (mut link, mut commit) = (link(n), commit(head_of(heads, ENV), 10_000 + n));
    link.signed = follows(&heads.w.hash, &link.hash);
    commit.signed = follows(&commit.after.hash, &commit.hash);
    (append.links, append.commits) = (vec![link], vec![commit]);
    append
}

fn follows(before: &Hash, own: &Hash) -> Vec<u8> {
    [*before.as_bytes(), *own.as_bytes()].concat()
}

async fn append_some(store: impl Store, task: u64) {
    for n in 0..EACH {
        loop {
            let heads = store.heads(&WS).await.unwrap().unwrap();
            let append = linked(&heads, 100 + task * EACH + n);
            match store.append(&append, &Limits::default()).await.unwrap() {
                Appended::Done(_) => break,
                Appended::Conflict(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Every item names the one before it, up to the head.
fn is_one_line(items: &[Vec<u8>], mut before: Hash, head: Hash) {
    for item in items {
        let (named, own) = item.split_at(Hash::LEN);
        assert_eq!(named, before.as_bytes());
        before = Hash::of(own.try_into().unwrap());
    }
    assert_eq!(before, head);
}

pub(crate) async fn eight_at_once_make_one_line(place: &impl Place) {
    let (store, _) = begun(place).await;
    // Half of them in a store of their own, as another process would have.
    let other = place.open().await;
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let store = if task % 2 == 0 { &store } else { &other };
        tasks.push(tokio::spawn(append_some(store.clone(), task)));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let all = TASKS * EACH;
    let heads = store.heads(&WS).await.unwrap().unwrap();
    assert_eq!(heads.w.seq, 1 + all);
    let links = store.links(&WS, 2, 1000).await.unwrap().items;
    assert_eq!(links.len() as u64, all);
    is_one_line(&links, hash(1), heads.w.hash);
    let commits = store.commits(&WS, &ENV, 1, 1000).await.unwrap().items;
    assert_eq!(commits.len() as u64, all);
    is_one_line(&commits, hash(20), head_of(&heads, ENV).hash);
}
