//! Lower-case hexadecimal, as `sha256sum` prints it: a reader can check a hash with a shell.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes bytes.
pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Reads exactly `N` bytes. One written form only: capitals are not accepted.
pub(crate) fn read<const N: usize>(written: &[u8]) -> Option<[u8; N]> {
    if written.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(written.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(written: u8) -> Option<u8> {
    match written {
        b'0'..=b'9' => Some(written - b'0'),
        b'a'..=b'f' => Some(written - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn one_written_form() {
        let mut out = Vec::new();
        push(&mut out, &[0, 0x1f, 0xa0, 0xff]);
        assert_eq!(out, b"001fa0ff");
        assert_eq!(read::<4>(&out).unwrap(), [0, 0x1f, 0xa0, 0xff]);
        for bad in [&b"001FA0FF"[..], b"001fa0f", b"001fa0ff0", b"001fa0fg"] {
            assert_eq!(read::<4>(bad), None);
        }
    }
}
