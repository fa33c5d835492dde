//! Records as lines for people. Refusals are marked by a word; colour only repeats it.

use serde_json::Value;

use crate::output::{Colour, Output, clean, table as aligned};

/// Between two columns of a line that stands alone.
const GAP: &str = "  ";

/// How many hosts of one record are shown by name.
const SHOWN_HOSTS: usize = 3;

/// All records below each other.
pub(super) fn table(output: Output, records: &[Value]) -> String {
    let mut rows = vec![
        ["TIME", "AGENT", "WHAT", "WHERE", "KEYS", "OUTCOME", "MS"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    rows.extend(records.iter().map(cells));
    let text = aligned(&rows);
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default().to_owned();
    let coloured = lines
        .zip(records)
        .map(|(line, record)| coloured(output, line, record));
    std::iter::once(head)
        .chain(coloured)
        .collect::<Vec<_>>()
        .join("\n")
}

/// One record, where the others are not known yet.
pub(super) fn one(output: Output, record: &Value) -> String {
    let cells: Vec<String> = cells(record)
        .iter()
        .filter(|cell| !cell.is_empty())
        .map(|cell| clean(cell).into_owned())
        .collect();
    coloured(output, &cells.join(GAP), record)
}

fn coloured(output: Output, line: &str, record: &Value) -> String {
    let is_denied = record["outcome"] == "refused"
        || record["kind"] == "tripwire"
        || record["refusal"].is_string();
    if is_denied {
        output.in_colour(Colour::Bad, line)
    } else {
        line.to_owned()
    }
}

fn cells(record: &Value) -> Vec<String> {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let (what, place) = match record["kind"].as_str().unwrap_or_default() {
        "request" => (text("method"), destination(record)),
        "tripwire" => (format!("tripwire {}", text("method")), destination(record)),
        "tunnel" => ("CONNECT".to_owned(), destination(record)),
        "owner" => (format!("owner {}", text("act")), hosts(&record["hosts"])),
        "sync" => (text("act"), text("environment")),
        "resumed" => (
            "resumed".to_owned(),
            format!("after record {}", record["after"]),
        ),
        other => (other.to_owned(), text("act")),
    };
    vec![
        time(&text("at")),
        text("agent"),
        what,
        place,
        words(&record["secrets"]),
        outcome(record),
        record["ms"]
            .as_u64()
            .map(|ms| ms.to_string())
            .unwrap_or_default(),
    ]
}

/// `2026-11-23T17:00:00.123Z` without its decimals.
fn time(at: &str) -> String {
    match at.split_once('.') {
        Some((whole, _)) => format!("{}Z", whole.replace('T', " ")),
        None => at.to_owned(),
    }
}

fn destination(record: &Value) -> String {
    let host = record["host"].as_str().unwrap_or_default();
    let port = match record["port"].as_u64() {
        None | Some(443) => String::new(),
        Some(port) => format!(":{port}"),
    };
    // `*` alone is the path of a host that nothing is known of: it was not kept.
    let path = record["path"].as_str().filter(|path| *path != "*");
    format!("{host}{port}{}", path.unwrap_or_default())
}

fn words(list: &Value) -> String {
    let words: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    words.join(",")
}

/// The first hosts, and how many more there are.
fn hosts(list: &Value) -> String {
    let more = list
        .as_array()
        .map_or(0, Vec::len)
        .saturating_sub(SHOWN_HOSTS);
    let first: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .take(SHOWN_HOSTS)
        .filter_map(Value::as_str)
        .collect();
    match more {
        0 => first.join(","),
        more => format!("{} and {more} more", first.join(",")),
    }
}

fn outcome(record: &Value) -> String {
    let refusal = record["refusal"].as_str();
    let mut text = match (
        record["outcome"].as_str(),
        refusal,
        record["status"].as_u64(),
    ) {
        (Some("delivered"), _, Some(status)) => status.to_string(),
        (Some(outcome), Some(code), _) => format!("{} {code}", outcome.replace('_', " ")),
        (Some(outcome), None, _) => outcome.replace('_', " "),
        (None, Some(code), _) => format!("refused {code}"),
        (None, None, _) => String::new(),
    };
    if let Some(count) = record["count"].as_u64().filter(|count| *count > 1) {
        text.push_str(&format!(" ({count} times)"));
    }
    if let Some(echoes) = record["redactions"].as_u64().filter(|echoes| *echoes > 0) {
        text.push_str(&match echoes {
            1 => " (1 echo washed)".to_owned(),
            many => format!(" ({many} echoes washed)"),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn records() -> Vec<Value> {
        vec![
            json!({"seq":2,"kind":"request","at":"2026-11-23T17:00:00.123Z","agent":"claude","method":"GET",
                "host":"api.stripe.com","port":443,"path":"/v1/balance","secrets":["STRIPE_KEY"],"status":200,
                "outcome":"delivered","refusal":null,"ms":245,"redactions":1}),
            json!({"seq":3,"kind":"request","at":"2026-11-23T17:00:01.000Z","agent":"claude","method":"POST",
                "host":"evil.test","port":8443,"path":"*","secrets":[],"status":null,
                "outcome":"refused","refusal":"host_denied","ms":null,"count":6}),
        ]
    }

    #[test]
    fn records_stand_below_each_other() {
        let shown = table(Output::new(false, false), &records());
        assert_eq!(
            shown,
            "TIME                  AGENT   WHAT  WHERE                      KEYS        OUTCOME                        MS
2026-11-23 17:00:00Z  claude  GET   api.stripe.com/v1/balance  STRIPE_KEY  200 (1 echo washed)            245
2026-11-23 17:00:01Z  claude  POST  evil.test:8443                         refused host_denied (6 times)"
        );
    }

    #[test]
    fn a_refusal_is_marked_by_a_word_and_by_colour() {
        let line = one(Output::new(false, true), &records()[1]);
        assert!(line.starts_with("\u{1b}[31m") && line.contains("refused host_denied"));
    }

    #[test]
    fn a02_what_came_from_outside_is_escaped() {
        let record = json!({"kind":"request","at":"x","agent":"a\u{1b}[31m","method":"GET","host":"h","path":"/"});
        assert!(!one(Output::new(false, false), &record).contains('\u{1b}'));
    }
}
