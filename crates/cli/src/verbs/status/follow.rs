//! `withheld status --follow`: the same look again whenever it changed. With `--json` one document a
//! line; else the block again, on a terminal in its own place.

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::Value;
use withheld_system::process;

use super::{SCHEMA, look, text};
use crate::context::Context;
use crate::output::Outcome;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// The columns of a terminal that does not say how many it has.
const WIDTH: usize = 80;

pub(super) fn run(context: &Context) -> Outcome {
    let mut shown: Option<(Value, String)> = None;
    loop {
        let (said, wish) = look(context)?;
        let news = without_age(said.clone());
        if shown.as_ref().is_none_or(|(known, _)| *known != news) {
            let text = text::text(&said, &wish);
            if context.output.is_json() {
                context.output.document(SCHEMA, said)?;
            } else {
                let before = shown.as_ref().map(|(_, text)| text.as_str());
                let up = before.and_then(|before| Some(up(before, width()?)));
                let text = format!("{}{text}\n", up.unwrap_or_default());
                context.output.bytes(text.as_bytes())?;
            }
            shown = Some((news, text));
        }
        std::thread::sleep(LOOK);
    }
}

/// Time goes by without anything having changed.
fn without_age(mut said: Value) -> Value {
    match &mut said {
        Value::Object(fields) => {
            fields.remove("age_s");
            for field in fields.values_mut() {
                *field = without_age(field.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = without_age(item.take());
            }
        }
        _ => {}
    }
    said
}

/// The columns of the terminal that reads; `None` where none does.
fn width() -> Option<usize> {
    let stdout = std::io::stdout();
    stdout
        .is_terminal()
        .then(|| process::columns().unwrap_or(WIDTH))
}

/// Back to the first line of a block that was shown, with what is below taken away.
fn up(shown: &str, width: usize) -> String {
    let rows = |line: &str| line.chars().count().div_ceil(width).max(1);
    let rows: usize = shown.lines().map(rows).sum();
    format!("\u{1b}[{rows}F\u{1b}[0J")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_time_going_by_is_no_news() {
        let said = |age: u64, state: &str| json!({"as_of": {"e": 88, "age_s": age}, "secrets": [{"name": "A_KEY", "state": state, "age_s": age}]});
        assert_eq!(
            without_age(said(4, "behind")),
            without_age(said(5, "behind"))
        );
        assert_ne!(
            without_age(said(4, "behind")),
            without_age(said(4, "in-sync"))
        );
    }

    #[test]
    fn a_block_is_drawn_in_its_own_place() {
        // A line of eleven takes two rows of ten, an empty one a row.
        assert_eq!(up("0123456789a\n\nb", 10), "\u{1b}[4F\u{1b}[0J");
    }
}
