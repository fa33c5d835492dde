//! What must be changed upstream, by hand from the story: Rita was removed at link 13, Mia lost the
//! right to read at 15, Adam still reads.

use std::collections::BTreeMap;

use withheld_team::chain::Chain;
use withheld_team::commit::{Changes, Entry, EnvChain};
use withheld_team::drift::Cause::{self, MemberRemoved, RightLowered};
use withheld_team::exposure::exposed;
use withheld_team::id::{EnvId, MemberId, RecordId};
use withheld_team::links::Right;

use crate::common::{Book, Device};
use crate::pages::Pages;
use crate::story::{DEV, DIRECTORY, S1, S2, S3, S4, Story};

/// What is exposed, and to whom.
type Line = (RecordId, u64, Vec<(MemberId, Cause)>);

fn list(w: &Chain, e: &EnvChain) -> Vec<Line> {
    let exposed = exposed(w, e).into_iter();
    exposed
        .map(|(rid, what)| (rid, what.ver, what.to.into_iter().collect()))
        .collect()
}

fn chain(book: &Book, links: usize) -> Chain {
    let mut w = Chain::begin(book.ws, &book.links[0]).unwrap();
    for link in &book.links[1..links] {
        w.apply(link).unwrap();
    }
    w
}

fn history(w: &Chain, env: EnvId, pages: &Pages, from: usize) -> EnvChain {
    let mut e = EnvChain::begin(&w.ws(), &env);
    if from > 0 {
        let state: Vec<Entry> = crate::story::Story::new().dev[from].state();
        e = EnvChain::from_snapshot(w, &env, &pages.commits[from - 1], &state).unwrap();
    }
    for commit in &pages.commits[from..] {
        e.apply(w, commit).unwrap();
    }
    e
}

#[test]
fn the_list_is_what_a_leaver_could_read_and_nobody_has_changed() {
    let s = Story::new();
    let (rita, mia) = (s.rita.member, s.mia.member);
    let at = |links, commits: usize| {
        let w = chain(&s.book, links);
        list(&w, &history(&w, DEV, &s.dev[commits], 0))
    };
    assert_eq!(at(12, 4), []);
    let to_rita = || vec![(rita, MemberRemoved)];
    let all_of_then = [(S1, 2, to_rita()), (S2, 1, to_rita()), (S4, 1, to_rita())];
    assert_eq!(at(13, 4), all_of_then);
    // A re-wrap does not make a value new.
    assert_eq!(at(14, 5), all_of_then);
    assert_eq!(at(14, 6), [(S1, 2, to_rita()), (S4, 1, to_rita())]);
    let to_both = || vec![(mia, RightLowered), (rita, MemberRemoved)];
    let mut sorted = to_both();
    sorted.sort();
    let with_mia = |ver, rid| (rid, ver, sorted.clone());
    let only_mia = (S2, 2, vec![(mia, RightLowered)]);
    assert_eq!(
        at(17, 7),
        [with_mia(2, S1), only_mia.clone(), with_mia(1, S4)]
    );
    assert_eq!(at(17, 8), [only_mia, with_mia(1, S4)]);
}

#[test]
fn who_may_read_again_is_not_on_it() {
    let s = Story::new();
    let mut book = s.book.clone();
    book.push(&book.grant(&s.olga, &s.mia, DEV, Right::Read));
    let w = chain(&book, 18);
    let to_rita = vec![(s.rita.member, MemberRemoved)];
    let e = history(&w, DEV, s.now(), 0);
    assert_eq!(list(&w, &e), [(S4, 1, to_rita.clone())]);
    // What came between, while the right was gone, counts when it goes again.
    book.push(&book.grant(&s.olga, &s.mia, DEV, Right::None));
    let w = chain(&book, 19);
    let e = history(&w, DEV, s.now(), 0);
    let to_mia = vec![(s.mia.member, RightLowered)];
    let mut both = [to_mia.clone(), to_rita].concat();
    both.sort();
    assert_eq!(
        list(&w, &e),
        [
            (S1, 3, to_mia.clone()),
            (S2, 2, to_mia.clone()),
            (S3, 3, to_mia),
            (S4, 1, both)
        ]
    );
}

#[test]
fn a_snapshot_gives_the_same_list_or_a_longer_one() {
    let s = Story::new();
    let w = chain(&s.book, 17);
    let whole = list(&w, &history(&w, DEV, s.now(), 0));
    for begun in 1..=4 {
        assert_eq!(
            list(&w, &history(&w, DEV, s.now(), begun)),
            whole,
            "begun at {begun}"
        );
    }
    // Begun after Rita left, with her secrets: when they came is not known, so they count. Of `S2` it is,
    // where the commit that brought it is not skipped.
    let (rita, mia) = (s.rita.member, s.mia.member);
    let mut both = vec![(mia, RightLowered), (rita, MemberRemoved)];
    both.sort();
    for (begun, to) in [
        (5, vec![(mia, RightLowered)]),
        (6, vec![(mia, RightLowered)]),
        (7, both.clone()),
        (8, both.clone()),
    ] {
        let listed = list(&w, &history(&w, DEV, s.now(), begun));
        assert_eq!(
            listed,
            [(S2, 2, to), (S4, 1, both.clone())],
            "begun at {begun}"
        );
    }
}

/// It can, where the commit that it begins with brought every secret anew.
#[test]
fn a_snapshot_of_new_secrets_needs_no_history() {
    let s = Story::new();
    let w = chain(&s.book, 17);
    let next = |rid| s.next(8, rid, &s.olga).under(3).entry();
    let all = Changes::Records([S1, S2, S3, S4].map(next).to_vec());
    let mut pages = s.now().clone();
    let draft = pages.say(s.anchor(17), &s.olga, 3, all);
    pages.push(&draft);
    let e = EnvChain::from_snapshot(&w, &DEV, &draft.seal(), &pages.state()).unwrap();
    assert_eq!(list(&w, &e), []);
}

/// Rita was a member, so she read the directory; what it holds is not used upstream.
#[test]
fn the_directory_has_no_list() {
    let s = Story::new();
    let w = chain(&s.book, 17);
    let e = history(&w, DIRECTORY, &s.directory, 0);
    assert_eq!(e.entries().count(), 1);
    assert_eq!(exposed(&w, &e), BTreeMap::new());
}

/// A removed member who never had the environment is not on its list.
#[test]
fn who_never_read_it_is_not_on_it() {
    let s = Story::new();
    let w = chain(&s.book, 17);
    let e = history(&w, crate::story::OTHER, &s.other, 0);
    assert_eq!(e.entries().count(), 1);
    assert_eq!(list(&w, &e), []);
    let never: &Device = &s.eve;
    assert!(w.member(&never.member).is_none());
}
