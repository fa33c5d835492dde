//! E21: any text that is made of pieces of spellings, cut anywhere, comes out as the reference has it.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::reference::redact;
use super::vectors::vectors;
use super::*;

/// Spellings in which every character of the plain canary is written alike, without escapes.
const UNIFORM: &[&str] = &[
    "plain-raw.bin",
    "plain-base64.bin",
    "plain-base64-shift1.bin",
    "plain-base64-shift2.bin",
    "plain-hex-upper.bin",
    "plain-base32.bin",
];

fn uniform() -> Vec<Vec<u8>> {
    let vectors = vectors();
    let text = |name: &&str| {
        let vector = vectors.iter().find(|vector| vector.name == **name).unwrap();
        vector.alone()
    };
    UNIFORM.iter().map(text).collect()
}

/// A piece of a spelling, or a filler that no spelling holds.
#[derive(Clone, Debug)]
enum Piece {
    Of {
        spelling: usize,
        from: usize,
        len: usize,
        flip: bool,
    },
    Filler(String),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => (0..UNIFORM.len(), 0..70_usize, prop_oneof![1..90_usize, 13..18_usize], any::<bool>())
            .prop_map(|(spelling, from, len, flip)| Piece::Of { spelling, from, len, flip }),
        2 => "[ .;:_!-]{0,40}".prop_map(Piece::Filler),
        1 => "[ .;:_!-]{400,600}".prop_map(Piece::Filler),
    ]
}

fn write(pieces: &[Piece], spellings: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Filler(filler) => text.extend_from_slice(filler.as_bytes()),
            Piece::Of {
                spelling,
                from,
                len,
                flip,
            } => {
                let whole = &spellings[*spelling];
                let from = (*from).min(whole.len());
                let part = &whole[from..(from + len).min(whole.len())];
                if *flip {
                    text.extend(part.iter().map(u8::to_ascii_uppercase));
                } else {
                    text.extend_from_slice(part);
                }
                // Two pieces that touch are two places, which the reference cannot tell.
                text.push(b'|');
            }
        }
    }
    text
}

fn cut<'a>(text: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut from = 0;
    ends.into_iter()
        .map(|end| {
            let chunk = &text[from..end];
            from = end;
            chunk
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_spellings_come_out_as_the_reference_has_them(
        pieces in prop::collection::vec(piece(), 1..8),
        cuts in prop::collection::vec(0..5000_usize, 0..6),
    ) {
        let spellings = uniform();
        let needles = one(PLAIN);
        let text = write(&pieces, &spellings);
        let expected = redact(&text, &spellings, PLACE);
        let got = wash(&needles, cut(&text, &cuts));
        prop_assert_eq!(String::from_utf8_lossy(&got.text), String::from_utf8_lossy(&expected));
    }

    #[test]
    fn any_mix_of_spellings_comes_out_the_same_however_it_is_cut(
        picks in prop::collection::vec((0..1000_usize, 0..200_usize, 1..700_usize, 0..900_usize), 1..6),
        cuts in prop::collection::vec(0..5000_usize, 1..8),
        bytewise in any::<bool>(),
    ) {
        let vectors = vectors();
        let first = &vectors[picks[0].0 % vectors.len()];
        let needles = needles(&[(&first.value, PLACE, 2), (PLAIN, "<OTHER>", 0)]);
        let mut text = Vec::new();
        for (number, from, len, gap) in &picks {
            let whole = &vectors[number % vectors.len()].text;
            let from = from % whole.len();
            text.extend_from_slice(&whole[from..(from + len).min(whole.len())]);
            text.extend_from_slice(&b"\n %4&=\\"[..from % 7]);
            // Mostly short, so that pieces meet; sometimes longer than what is held back.
            text.extend(std::iter::repeat_n(b'.', gap.saturating_sub(300)));
        }
        let at_once = wash(&needles, [&text[..]]);
        prop_assert_eq!(&wash(&needles, cut(&text, &cuts)), &at_once);
        if bytewise {
            prop_assert_eq!(&wash(&needles, text.chunks(1)), &at_once);
        }
    }

    #[test]
    fn text_without_a_value_is_handed_on_as_it_came(
        text in prop::collection::vec(any::<u8>(), 0..3000),
        cuts in prop::collection::vec(0..5000_usize, 0..6),
    ) {
        let needles = one(PLAIN);
        prop_assert_eq!(wash(&needles, cut(&text, &cuts)), untouched(&text));
    }
}
