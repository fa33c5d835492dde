//! No bit of an honest chain can be another, and no time of the reader matters.

use proptest::prelude::*;
use withheld_team::chain::Chain;

use crate::common::{Book, START};
use crate::story::{story, story_from};

/// The chain of the first links.
fn chain(book: &Book, links: usize) -> Chain {
    let mut chain = Chain::begin(book.ws, &book.links[0]).unwrap();
    for link in &book.links[1..links] {
        chain.apply(link).unwrap();
    }
    chain
}

fn refused(book: &Book, before: Option<&Chain>, link: &[u8]) -> bool {
    match before {
        None => Chain::begin(book.ws, link).is_err(),
        Some(chain) => chain.clone().apply(link).is_err(),
    }
}

/// The keys for envelopes are one byte repeated: of those, every 61st bit; of the rest, every bit.
#[test]
fn a_link_with_one_bit_flipped_is_refused() {
    let (_, book) = story();
    let mut tried = 0;
    for (at, honest) in book.links.iter().enumerate() {
        let before = (at > 0).then(|| chain(&book, at));
        let mut link = honest.clone();
        for bit in bits(honest) {
            let mask = 1 << (bit % 8);
            link[bit / 8] ^= mask;
            let refused = refused(&book, before.as_ref(), &link);
            assert!(refused, "link {}, bit {bit}", at + 1);
            link[bit / 8] ^= mask;
            tried += 1;
        }
        let taken = !refused(&book, before.as_ref(), honest);
        assert!(taken, "link {}", at + 1);
    }
    assert!(tried > 50_000, "only {tried} bits");
}

fn bits(link: &[u8]) -> impl Iterator<Item = usize> {
    const REPEATED: usize = 80; // more than any other field
    let repeated = |byte: usize| {
        let before = byte.checked_sub(REPEATED).map(|first| &link[first..byte]);
        before.is_some_and(|before| before.iter().all(|other| *other == link[byte]))
    };
    (0..8 * link.len()).filter(move |bit| bit % 61 == 0 || !repeated(bit / 8))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The times in a chain count only against each other: no clock is asked.
    #[test]
    fn a_chain_of_any_time_is_a_chain(start in any::<u64>()) {
        let (_, now) = story_from(START);
        // The last link is 22 minutes later, and an invitation up to 7 days: no time overflows.
        let (_, then) = story_from(start.min(u64::MAX - (1 << 40)));
        prop_assert_eq!(chain(&then, then.links.len()).head().seq, now.seq());
    }

    /// Cut, doubled, or with bytes in between: not a link.
    #[test]
    fn a_link_that_was_spliced_is_refused(at in 1_usize..23, from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), put in prop::collection::vec(any::<u8>(), 0..40)) {
        let (_, book) = story();
        let honest = &book.links[at];
        let (from, to) = (from.index(honest.len()), to.index(honest.len()));
        let (from, to) = (from.min(to), from.max(to));
        let link = [&honest[..from], &put, &honest[to..]].concat();
        prop_assume!(link != *honest);
        prop_assert!(refused(&book, Some(&chain(&book, at)), &link));
    }
}
