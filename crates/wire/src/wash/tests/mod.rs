//! The vectors come from real encoders (`testdata/wash/generate.py`). What the wash must make of
//! them is worked out here from the vectors alone.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod body;
mod coding;
mod cuts;
mod escapes;
mod head;
mod limits;
mod more;
mod near;
mod parts;
mod reference;
mod vectors;
mod views;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use withheld_secret::SecretValue;

use super::stream::Washer;
use super::{Fill, Meter, Needles, Secret};

/// Stands where the value of the tests stood.
const PLACE: &str = "<PLACEHOLDER>";
/// The canary without characters that an encoder changes.
const PLAIN: &[u8] = b"whCANARYq7ZpR4vN1xW8dTjH2mLs0FyBu5Gk9cEo3Xa6IrPt";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wash")
}

fn value(bytes: &[u8]) -> SecretValue {
    SecretValue::with_len::<()>(bytes.len(), |room| {
        room.copy_from_slice(bytes);
        Ok(bytes.len())
    })
    .ok()
    .unwrap()
}

fn needles(values: &[(&[u8], &str, usize)]) -> Arc<Needles> {
    let held: Vec<SecretValue> = values.iter().map(|(bytes, _, _)| value(bytes)).collect();
    let secrets: Vec<Secret<'_>> = values
        .iter()
        .zip(&held)
        .map(|((bytes, replacement, prefix_len), value)| Secret {
            replacement,
            value,
            prefix: std::str::from_utf8(&bytes[..*prefix_len]).unwrap(),
        })
        .collect();
    Arc::new(Needles::new(&secrets))
}

fn one(value: &[u8]) -> Arc<Needles> {
    needles(&[(value, PLACE, 0)])
}

/// What came of a text, and how often something, and something partial, was taken out.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    text: Vec<u8>,
    redactions: u64,
    partial: u64,
}

fn wash<'a>(needles: &Arc<Needles>, chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    wash_as(needles, Fill::Replacement, false, chunks)
}

fn wash_as<'a>(
    needles: &Arc<Needles>,
    fill: Fill,
    events: bool,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let meter = Arc::new(Meter::default());
    let mut washer = Washer::new(Arc::clone(needles), Arc::clone(&meter), fill, events);
    let mut out: Vec<Bytes> = Vec::new();
    for chunk in chunks {
        washer.push(chunk, &mut out);
    }
    washer.finish(&mut out);
    Outcome {
        text: out.concat(),
        redactions: meter.redactions(),
        partial: meter.partial(),
    }
}

fn whole(text: &[u8]) -> Outcome {
    Outcome {
        text: text.to_vec(),
        redactions: 1,
        partial: 0,
    }
}

fn partly(text: &[u8]) -> Outcome {
    Outcome {
        partial: 1,
        ..whole(text)
    }
}

fn untouched(text: &[u8]) -> Outcome {
    Outcome {
        redactions: 0,
        ..whole(text)
    }
}
