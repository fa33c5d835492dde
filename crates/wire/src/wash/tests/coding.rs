//! E15, E20, P19, P20: codings are undone or the reply is not handed on.

use std::io::Write as _;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, HeaderValue};

use super::folder;
use crate::wash::decode::{Decoder, Undecodable};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn decoder(codings: &str) -> Result<Decoder, Undecodable> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_str(codings).unwrap());
    Decoder::of(&headers)
}

fn decode<'a>(
    codings: &str,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Undecodable> {
    let mut decoder = decoder(codings)?;
    let mut decoded = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(bytes) = decoder.read()? {
            decoded.extend_from_slice(&bytes);
        }
    }
    decoder.finish()?;
    Ok(decoded)
}

const CODED: &[(&str, &str)] = &[
    ("body-gzip.bin", "gzip"),
    ("body-gzip.bin", "X-GZIP"),
    ("body-gzip-two-members.bin", "gzip"),
    ("body-gzip-named.bin", "identity, gzip"),
    ("body-zlib.bin", "deflate"),
    ("body-deflate.bin", "deflate"),
    ("body-gzip-of-zlib.bin", "deflate, gzip"),
];

#[test]
fn e15_real_encoders_are_undone_at_every_cut() {
    let body = file("body.txt");
    for (name, codings) in CODED {
        let coded = file(name);
        for size in 1..=coded.len() {
            assert_eq!(
                decode(codings, coded.chunks(size)).as_ref(),
                Ok(&body),
                "{name} in pieces of {size}"
            );
        }
    }
}

#[test]
fn e20_names_that_are_no_codings_count_as_identity() {
    for name in [
        "identity",
        "utf-8",
        "UTF-8",
        "none",
        "binary",
        "",
        "none, identity",
    ] {
        assert!(decoder(name).unwrap().is_identity(), "{name}");
    }
}

#[test]
fn p20_codings_that_cannot_be_undone_are_refused() {
    for name in [
        "br",
        "zstd",
        "compress",
        "foo",
        "gzip, br",
        "gzip, gzip, gzip, gzip",
    ] {
        assert_eq!(decoder(name).err(), Some(Undecodable), "{name}");
    }
}

#[test]
fn p20_a_broken_coding_is_refused() {
    let gzip = file("body-gzip.bin");
    for at in [0, 2, 3, gzip.len() - 8, gzip.len() - 1] {
        let mut broken = gzip.clone();
        broken[at] ^= 0xE0;
        assert!(decode("gzip", [&broken[..]]).is_err(), "byte {at}");
    }
    for (name, codings) in CODED {
        let coded = file(name);
        assert!(
            decode(codings, [&coded[..coded.len() - 1]]).is_err(),
            "{name} cut short"
        );
        assert!(
            decode(codings, [&coded[..], b"behind"]).is_err(),
            "{name} and more"
        );
    }
}

#[test]
fn a_reply_without_a_byte_is_whole_in_any_coding() {
    assert_eq!(decode("gzip", []), Ok(Vec::new()));
}

#[test]
fn p19_a_bomb_is_refused_before_it_is_let_out() {
    let bomb = file("body-bomb.bin");
    let mut decoder = decoder("gzip").unwrap();
    let mut most = 0;
    let fault = bomb.chunks(1000).find_map(|chunk| {
        let (made, fault) = all_of(&mut decoder, chunk);
        most += made;
        fault
    });
    assert_eq!(fault, Some(Undecodable));
    assert!(
        most <= 1024 * 1024 + 200 * bomb.len(),
        "{most} bytes came out"
    );
}

/// Takes a chunk in and counts what it becomes.
fn all_of(decoder: &mut Decoder, chunk: &[u8]) -> (usize, Option<Undecodable>) {
    decoder.push(Bytes::copy_from_slice(chunk));
    let mut made = 0;
    loop {
        match decoder.read() {
            Ok(Some(bytes)) => made += bytes.len(),
            Ok(None) => return (made, None),
            Err(fault) => return (made, Some(fault)),
        }
    }
}

/// What came before and grew little must not pay for a chunk that grows much.
#[test]
fn p19_a_bomb_behind_a_large_body_is_refused() {
    let mut seed = 7_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(seed >> 56).unwrap()
    })
    .take(96 * 1024)
    .collect();
    let large = gzip(&gzip(&noise));
    let bomb = gzip(&file("body-bomb.bin"));
    assert!(
        200 * large.len() > 16 << 20,
        "together they are within the budget"
    );
    let mut decoder = decoder("gzip, gzip").unwrap();
    assert_eq!(all_of(&mut decoder, &large), (noise.len(), None));
    let (made, fault) = all_of(&mut decoder, &bomb);
    assert_eq!(fault, Some(Undecodable));
    assert!(
        made <= 1024 * 1024 + 200 * bomb.len(),
        "{made} bytes came out"
    );
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(plain).unwrap();
    coder.finish().unwrap()
}

/// However much a chunk decodes to, little of it is there at a time.
#[test]
fn p19_what_a_chunk_becomes_comes_in_small_pieces() {
    let line = b"0123456789abcdef".repeat(8);
    let coded = gzip(&gzip(&line.repeat(1 << 12)));
    let mut decoder = decoder("gzip, gzip").unwrap();
    decoder.push(Bytes::from(coded));
    let (mut made, mut most) = (0, 0);
    while let Some(bytes) = decoder.read().unwrap() {
        made += bytes.len();
        most = most.max(bytes.len() + decoder.held());
    }
    assert_eq!(made, line.len() << 12);
    assert!(most <= 3 * 32 * 1024, "{most} bytes at a time");
}
