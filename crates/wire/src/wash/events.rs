//! Where an event stream has its blank lines.

/// Follows the line ends of an event stream.
#[derive(Default)]
pub(super) struct Events {
    /// The last three bytes, the newest last.
    last: [u8; 3],
}

impl Events {
    /// How many bytes of `text` belong to the event that is being read, and whether it ends there.
    /// A blank line is a line feed that ends an empty line, or a second carriage return.
    pub(super) fn next_end(&mut self, text: &[u8]) -> (usize, bool) {
        for (at, byte) in text.iter().enumerate() {
            let blank = matches!(
                (byte, self.last),
                (b'\n', [_, _, b'\n'] | [_, b'\n', b'\r']) | (b'\r', [_, _, b'\r'])
            );
            self.last = [self.last[1], self.last[2], *byte];
            if blank {
                self.last = [0; 3];
                return (at + 1, true);
            }
        }
        (text.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_at_blank_lines_however_lines_end() {
        for (text, ends) in [
            ("data: a\n\ndata: b\n\n", &[9, 18][..]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", &[11, 22]),
            ("a\r\rb\r\r", &[3, 6]),
            ("a\nb\r\nc\rd", &[]),
            ("a\n\r\nb", &[4]),
        ] {
            for cut in 1..=text.len() {
                let mut events = Events::default();
                let (mut found, mut at) = (Vec::new(), 0);
                for mut piece in text.as_bytes().chunks(cut) {
                    while !piece.is_empty() {
                        let (taken, ended) = events.next_end(piece);
                        at += taken;
                        piece = &piece[taken..];
                        found.extend(ended.then_some(at));
                    }
                }
                assert_eq!(found, ends, "{text:?} in pieces of {cut}");
            }
        }
    }
}
