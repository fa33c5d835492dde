//! Bodies: collected, streamed, cut off, and in parts.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use http::Response;
use http::header::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};

use super::*;
use crate::wash::range::{MARGIN, Trim, wider};
use crate::wash::{BodyWash, Fault, Wash, Washed};

/// A body that gives what it is told to.
struct Script<E>(VecDeque<Result<Frame<Bytes>, E>>);

impl<E: Unpin> Body for Script<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn script<E>(chunks: &[&[u8]]) -> Script<E> {
    let frames = chunks
        .iter()
        .map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk))));
    Script(frames.collect())
}

type Read<E> = (Vec<u8>, Option<HeaderMap>, Option<Fault<E>>);

fn read<E: Unpin>(mut body: Washed<Script<E>>) -> Read<E> {
    let mut cx = Context::from_waker(Waker::noop());
    let (mut data, mut trailers) = (Vec::new(), None);
    loop {
        match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) => data.extend_from_slice(&bytes),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Poll::Ready(Some(Err(fault))) => return (data, trailers, Some(fault)),
            Poll::Ready(None) => {
                assert!(body.is_end_stream());
                return (data, trailers, None);
            }
            // A script never waits, but what decodes lets others run.
            Poll::Pending => {}
        }
    }
}

fn wash_of(fields: &[(&str, &str)]) -> (BodyWash, HeaderMap, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    let mut builder = Response::builder();
    for (name, value) in fields {
        builder = builder.header(*name, *value);
    }
    let (mut parts, ()) = builder.body(()).unwrap().into_parts();
    let wash = Wash::new(one(PLAIN), Arc::clone(&meter))
        .head(&mut parts)
        .unwrap_or_else(|_| panic!());
    (wash, parts.headers, meter)
}

const DIGESTED: &[(&str, &str)] = &[
    ("etag", "\"abc\""),
    ("content-length", "48"),
    ("content-digest", "sha-256=:x:"),
    ("repr-digest", "sha-256=:x:"),
    ("digest", "x"),
    ("content-md5", "x"),
    ("x-goog-hash", "crc32c=x"),
    ("x-amz-checksum-crc32", "x"),
    ("x-amz-checksum-sha256", "x"),
];

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(|name| name.as_str()).collect()
}

#[test]
fn a_collected_body_has_its_new_length_and_no_digest_of_the_old() {
    let (wash, mut headers, meter) = wash_of(DIGESTED);
    let body = wash
        .collected(Bytes::from_static(PLAIN), &mut headers)
        .unwrap();
    assert_eq!(body, PLACE);
    assert_eq!(names(&headers), ["content-length"]);
    assert_eq!(headers["content-length"], "13");
    assert_eq!((meter.redactions(), meter.partial()), (1, 0));
}

#[test]
fn a_collected_body_without_an_echo_keeps_its_fields() {
    let (wash, mut headers, _) = wash_of(DIGESTED);
    let body = wash
        .collected(Bytes::from_static(&[b'.'; 48]), &mut headers)
        .unwrap();
    assert_eq!(body, [b'.'; 48][..]);
    assert_eq!(headers.len(), DIGESTED.len());
}

#[test]
fn a_coded_body_is_handed_on_decoded() {
    let coded = std::fs::read(folder().join("body-gzip.bin")).unwrap();
    let expected = format!("{{\"you sent\": \"Bearer {PLACE}\", \"and\": \"{PLACE}\"}}\n");
    let (wash, mut headers, _) = wash_of(&[("content-encoding", "gzip"), ("content-digest", "x")]);
    assert_eq!(
        wash.collected(coded.clone().into(), &mut headers).unwrap(),
        expected
    );
    assert_eq!(names(&headers), ["content-length"]);
    let (wash, mut headers, _) = wash_of(&[("content-encoding", "gzip")]);
    let chunks: Vec<&[u8]> = coded.chunks(7).collect();
    let (data, _, fault) = read(wash.streamed(script::<Infallible>(&chunks), &mut headers));
    assert_eq!((data, fault), (expected.into_bytes(), None));
    assert!(headers.is_empty());
}

#[test]
fn a_streamed_body_loses_its_length_its_digests_and_its_tag() {
    let (wash, mut headers, meter) = wash_of(DIGESTED);
    let (first, second) = PLAIN.split_at(11);
    let (data, _, fault) = read(wash.streamed(
        script::<Infallible>(&[b"it is ", first, second, b"."]),
        &mut headers,
    ));
    assert_eq!((data, fault), (b"it is <PLACEHOLDER>.".to_vec(), None));
    assert!(headers.is_empty(), "{headers:?}");
    assert_eq!(meter.redactions(), 1);
}

#[test]
fn trailers_come_last_and_washed() {
    let (wash, mut headers, _) = wash_of(&[]);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-echo", HeaderValue::from_bytes(PLAIN).unwrap());
    let mut body = script::<Infallible>(&[b"data"]);
    body.0.push_back(Ok(Frame::trailers(trailers)));
    let (data, trailers, _) = read(wash.streamed(body, &mut headers));
    assert_eq!(data, b"data");
    assert_eq!(trailers.unwrap()["x-echo"], PLACE);
}

#[test]
fn a_cut_body_is_cut_and_what_was_held_is_dropped() {
    let (wash, mut headers, _) = wash_of(&[]);
    let mut body = script(&[&[b'.'; 600]]);
    body.0.push_back(Err("cut"));
    let (data, _, fault) = read(wash.streamed(body, &mut headers));
    assert_eq!(data.len(), 96);
    assert_eq!(fault, Some(Fault::Incoming("cut")));
}

#[test]
fn a_body_whose_coding_breaks_is_an_error() {
    for broken in [&b"no gzip"[..], b"\x1f\x8b\x08"] {
        let (wash, mut headers, _) = wash_of(&[("content-encoding", "gzip")]);
        let (data, _, fault) = read(wash.streamed(script::<Infallible>(&[broken]), &mut headers));
        assert_eq!((data, fault), (Vec::new(), Some(Fault::Undecodable)));
    }
}

/// A body that the test watches from outside.
fn watched(chunks: &[&[u8]]) -> (Washed<Script<Infallible>>, Arc<AtomicBool>) {
    let stale = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stale);
    let (mut parts, ()) = Response::new(()).into_parts();
    let wash = Wash::new(one(PLAIN), Arc::default())
        .stale_when(Arc::new(move || asked.load(Ordering::Relaxed)))
        .head(&mut parts)
        .unwrap_or_else(|_| panic!());
    let body = wash.streamed(script(chunks), &mut HeaderMap::new());
    (body, stale)
}

#[test]
fn a_body_is_cut_when_the_values_of_the_session_change() {
    let chunk = [b'.'; 600];
    for polls in 0..3 {
        let (mut body, stale) = watched(&[&chunk, &chunk, &chunk]);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            let frame = Pin::new(&mut body).poll_frame(&mut cx);
            assert!(matches!(frame, Poll::Ready(Some(Ok(_)))));
        }
        stale.store(true, Ordering::Relaxed);
        let (data, trailers, fault) = read(body);
        assert_eq!((data, trailers, fault), (vec![], None, Some(Fault::Stale)));
    }
    let (body, _) = watched(&[&chunk]);
    assert_eq!(read(body).0, chunk);
}

/// Nothing more is read from the upstream while decoded bytes wait.
#[test]
fn p19_a_coded_body_is_decoded_as_it_is_read() {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let lines = b"0123456789abcdef".repeat(1 << 15);
    coder.write_all(&lines).unwrap();
    let coded = coder.finish().unwrap();
    let (first, second) = coded.split_at(coded.len() - 9);
    let (wash, mut headers, _) = wash_of(&[("content-encoding", "gzip")]);
    let mut body = wash.streamed(script::<Infallible>(&[first, second]), &mut headers);
    let mut cx = Context::from_waker(Waker::noop());
    let mut came = 0;
    loop {
        match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let frame = frame.into_data().unwrap();
                came += frame.len();
                assert!(frame.len() + body.held() <= 64 * 1024);
            }
            Poll::Pending => {}
            end => break assert!(matches!(end, Poll::Ready(None))),
        }
        let left = body.incoming().0.len();
        assert!(left > 0 || came > lines.len() - 64 * 1024, "read too early");
    }
    assert_eq!(came, lines.len());
}

/// A coded body that decodes to nothing: empty members, thousands of them.
#[test]
fn p19_others_run_while_a_body_decodes_to_nothing() {
    let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let members = empty.finish().unwrap().repeat(80_000);
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(&members).unwrap();
    let coded = coder.finish().unwrap();
    let (wash, mut headers, _) = wash_of(&[("content-encoding", "gzip, gzip")]);
    let mut body = wash.streamed(script::<Infallible>(&[&coded]), &mut headers);
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits = 0;
    while Pin::new(&mut body).poll_frame(&mut cx).is_pending() {
        waits += 1;
    }
    assert!(waits > 2, "{waits}");
}

/// An agent asks for parts of a body one after the other and puts them together.
#[test]
fn e25_parts_put_together_do_not_make_a_value() {
    let mut whole = b"0123456789.,".repeat(600);
    whole[3000..3000 + PLAIN.len()].copy_from_slice(PLAIN);
    let mut clean = whole.clone();
    clean[3000..3000 + PLAIN.len()].fill(b'*');
    for size in [1, 7, 14, 15, 40, 1000, 4096] {
        let mut together = Vec::new();
        let starts = (2900..3100).step_by(size);
        for start in starts.clone() {
            let asked = start..=start + size as u64 - 1;
            let came = wider(&asked);
            let came = *came.start()..=(*came.end()).min(whole.len() as u64 - 1);
            let fetched = &whole
                [usize::try_from(*came.start()).unwrap()..=usize::try_from(*came.end()).unwrap()];
            let (wash, mut headers, _) = wash_of(&[("content-length", "9"), ("etag", "\"a\"")]);
            let body = wash.part(
                script::<Infallible>(&[fetched]),
                Trim::new(&asked, &came),
                &mut headers,
            );
            together.extend(read(body).0);
            assert!(headers.is_empty());
        }
        let end = 2900 + together.len();
        assert_eq!(together, clean[2900..end], "in parts of {size}");
        assert!(end >= 3100);
    }
}

/// What stands at the edge of a part that was fetched wider is cut by the fetch, and not shown.
#[test]
fn a_value_at_the_edge_of_the_margin_is_not_partial() {
    let asked = 10_000..=20_000;
    let came = wider(&asked);
    let length = usize::try_from(came.end() - came.start() + 1).unwrap();
    let (half, last) = (PLAIN.len() / 2, length - 30);
    for (at, what, partial) in [
        (0, &PLAIN[half..], 0),
        (last, &PLAIN[..30], 0),
        (1, &PLAIN[half..], 1),
        (last - 1, &PLAIN[..30], 1),
        (600, &PLAIN[..30], 1),
    ] {
        let mut fetched = b".".repeat(length);
        fetched[at..at + what.len()].copy_from_slice(what);
        let (wash, mut headers, meter) = wash_of(&[]);
        let trim = Trim::new(&asked, &came);
        let body = wash.part(script::<Infallible>(&[&fetched]), trim, &mut headers);
        assert_eq!(read(body).0.len(), 10_001);
        assert_eq!((meter.redactions(), meter.partial()), (1, partial), "{at}");
    }
    // The beginning of the whole is shown, and nothing was cut there.
    let (wash, mut headers, meter) = wash_of(&[]);
    let body = wash.part(
        script::<Infallible>(&[&PLAIN[half..]]),
        Trim::new(&(0..=20_000), &(0..=30)),
        &mut headers,
    );
    read(body);
    assert_eq!(meter.partial(), 1);
}

#[test]
fn a_part_is_cut_to_what_was_asked_for_and_came() {
    for (asked, came, expected) in [
        (10..=19, 6..=23, &b"efghijklmn"[..]),
        (10..=19, 10..=19, b"abcdefghij"),
        (0..=3, 0..=7, b"abcd"),
        (10..=99, 8..=13, b"cdef"),
        (30..=39, 8..=13, b""),
    ] {
        let mut trim = Trim::new(&asked, &came);
        let text = &b"abcdefghijklmnopqrstuvwxyz"
            [..usize::try_from(came.end() - came.start() + 1).unwrap()];
        for size in 1..=text.len() {
            let mut trim = Trim::new(&asked, &came);
            let cut: Vec<u8> = text
                .chunks(size)
                .flat_map(|chunk| trim.cut(Bytes::copy_from_slice(chunk)))
                .collect();
            assert_eq!(cut, expected, "{asked:?} of {came:?}");
        }
        assert_eq!(trim.cut(Bytes::copy_from_slice(text)), expected);
    }
}

#[test]
fn wider_stays_inside_what_numbers_can_say() {
    assert_eq!(wider(&(10..=20)), 0..=20 + MARGIN);
    assert_eq!(
        wider(&(u64::MAX - 5..=u64::MAX)),
        u64::MAX - 5 - MARGIN..=u64::MAX
    );
}
