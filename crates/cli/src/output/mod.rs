//! The only place that prints.
//!
//! Text for people, or with `--json` exactly one document on stdout, also on failure. What came
//! from outside has its control characters escaped before a terminal sees it.

mod escape;
mod progress;

use std::io::{self, Write};

use serde_json::{Value, json};
use withheld_core::{Code, Refusal};

use crate::failure::Failure;
pub(crate) use escape::clean;
use escape::json_text;

/// What became of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    colour: bool,
}

/// A colour that repeats what a word already says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    /// Holds, delivered.
    Good,
    /// Refused, broken.
    Bad,
}

impl Output {
    /// `json`: one document on stdout and a silent stderr.
    pub(crate) fn new(json: bool, colour: bool) -> Self {
        Self {
            json,
            colour: colour && !json,
        }
    }

    /// Whether a program reads.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// A line of text on stdout.
    pub(crate) fn line(self, text: &str) -> Outcome {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Bytes on stdout as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Outcome {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// What another crate writes to stdout by itself. A reader that left is no failure of it.
    pub(crate) fn stream(
        self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Refusal>,
    ) -> Outcome {
        let mut watched = Watched {
            stdout: io::stdout().lock(),
            is_reader_gone: false,
        };
        // The buffer passes errors on and writes what is left when it is flushed by the writer.
        let result = write(&mut io::BufWriter::new(&mut watched));
        if watched.is_reader_gone {
            return Err(Failure::ReaderLeft);
        }
        Ok(result?)
    }

    /// A line on stderr beside the result; nothing with `--json`.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            // A stderr that is gone is no reason to stop.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// The result: the document for a program, else the text.
    pub(crate) fn result(self, schema: &str, data: Value, text: &str) -> Outcome {
        if self.json {
            self.document(schema, data)
        } else {
            self.line(text)
        }
    }

    /// The one document of `--json`; which one it is stands first.
    pub(crate) fn document(self, schema: &str, data: Value) -> Outcome {
        self.line(&format!(
            "{{\"schema\":{},\"data\":{}}}",
            json_text(&json!(schema)),
            json_text(&data)
        ))
    }

    /// One line of JSON Lines.
    pub(crate) fn record(self, record: &Value) -> Outcome {
        self.line(&json_text(record))
    }

    /// Says why a command failed; returns the status to end with.
    pub(crate) fn failed(self, failure: &Failure) -> u8 {
        if let Failure::Refused(refused) = failure {
            if self.json {
                let _ = self.line(&format!(
                    "{{\"schema\":\"withheld.error/1\",\"error\":{}}}",
                    json_text(&refused.error())
                ));
            } else {
                self.note(&format!(
                    "error: {}\n  hint: {}",
                    clean(refused.message()),
                    clean(refused.hint())
                ));
            }
        }
        failure.status()
    }

    /// The text in a colour, where there are colours.
    pub(crate) fn in_colour(self, colour: Colour, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Good => 32,
            Colour::Bad => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A stdout that remembers that nobody reads it any more.
struct Watched {
    stdout: io::StdoutLock<'static>,
    is_reader_gone: bool,
}

impl Watched {
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.is_reader_gone = true;
        }
        result
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.stdout.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.stdout.flush();
        self.noted(result)
    }
}

fn written(result: io::Result<()>) -> Outcome {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ReaderLeft,
        _ => Refusal::new(
            Code::StoreUnavailable,
            "stdout takes no more",
            "see where it leads: the disk may be full",
        )
        .into(),
    })
}

/// So many keys, in words.
pub(crate) fn counted(keys: usize) -> String {
    match keys {
        1 => "1 key".to_owned(),
        many => format!("{many} keys"),
    }
}

/// Columns that line up, two spaces apart, without trailing blanks. Every cell is cleaned.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let lines = rows.iter().map(|row| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let gap = width.saturating_sub(cell.chars().count()) + 2;
            line.extend(std::iter::repeat_n(' ', gap));
        }
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_are_cleaned() {
        let rows = [
            vec!["NAME".to_owned(), "HOST".to_owned()],
            vec!["A\u{1b}[31m".to_owned(), "b.test".to_owned()],
        ];
        assert_eq!(table(&rows), "NAME         HOST\nA\\u{1b}[31m  b.test");
    }

    #[test]
    fn colour_is_never_in_a_document() {
        assert_eq!(Output::new(true, true).in_colour(Colour::Bad, "no"), "no");
        assert_eq!(Output::new(false, false).in_colour(Colour::Bad, "no"), "no");
        assert_eq!(
            Output::new(false, true).in_colour(Colour::Bad, "no"),
            "\u{1b}[31mno\u{1b}[0m"
        );
    }
}
