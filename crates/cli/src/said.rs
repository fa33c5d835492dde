//! What the broker said, read for people. What it did not say is shown as nothing, or in a word.

use serde_json::Value;
use withheld_core::Moment;

use crate::clock;
use crate::duration;

/// A word; empty where there is none.
pub(crate) fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What is in a list; nothing where it is no list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The words of a list in one line.
pub(crate) fn words(value: &Value, separator: &str) -> String {
    let words: Vec<&str> = list(value).filter_map(Value::as_str).collect();
    words.join(separator)
}

/// What is to be said of a secret beside its state, in words.
pub(crate) fn flags(value: &Value) -> String {
    let flags = list(value).filter_map(Value::as_str).map(flag);
    flags.collect::<Vec<_>>().join(", ")
}

fn flag(flag: &str) -> String {
    match flag.split_once(':') {
        Some(("needs-upstream-rotation", "member-removed")) => {
            "rotate it: a removed member could read it".to_owned()
        }
        Some(("needs-upstream-rotation", _)) => {
            "rotate it: somebody could read it who may not any more".to_owned()
        }
        Some(("suspect", status)) => format!("its service answered {status}"),
        Some((what, more)) => format!("{} {more}", what.replace('-', " ")),
        None => flag.replace('-', " "),
    }
}

/// How long ago; `never` where it never was.
pub(crate) fn age(at: &Value) -> String {
    match at.as_str().and_then(|at| at.parse::<Moment>().ok()) {
        Some(at) => {
            let ms = clock::now().as_ms().saturating_sub(at.as_ms());
            ago(u64::try_from(ms).unwrap_or(0) / 1000)
        }
        None => "never".to_owned(),
    }
}

/// So many seconds ago, like `4 s ago`.
pub(crate) fn ago(seconds: u64) -> String {
    format!("{} ago", duration::shown(seconds))
}

/// A point in time to the second, like `2026-11-24 17:00:00Z`; empty where there is none.
pub(crate) fn time(at: &Value) -> String {
    match at.as_str().and_then(|at| at.split_once('.')) {
        Some((whole, _)) => format!("{}Z", whole.replace('T', " ")),
        None => word(at),
    }
}

/// So many of them, like `1 secret` and `3 secrets`.
pub(crate) fn many(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    }
}

/// A number that counts; 0 where there is none.
pub(crate) fn number(value: &Value) -> usize {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
        .unwrap_or(0)
}

/// The first of these in one line, and how many more there are.
pub(crate) fn some_of(all: &[String], most: usize) -> String {
    let shown = all[..all.len().min(most)].join(", ");
    match all.len() - all.len().min(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_said_is_shown_as_nothing() {
        let none = Value::Null;
        assert_eq!((word(&none), words(&none, ",")), Default::default());
        assert_eq!((list(&none).count(), number(&none)), (0, 0));
        assert_eq!((age(&none).as_str(), time(&none).as_str()), ("never", ""));
    }

    #[test]
    fn flags_are_said_in_words() {
        for (flag, said) in [
            (
                "needs-upstream-rotation:member-removed",
                "rotate it: a removed member could read it",
            ),
            (
                "needs-upstream-rotation:right-lowered",
                "rotate it: somebody could read it who may not any more",
            ),
            ("suspect:401", "its service answered 401"),
            ("was:behind", "was behind"),
            ("duplicate-name", "duplicate name"),
            ("private", "private"),
        ] {
            assert_eq!(flags(&json!([flag])), said);
        }
        assert_eq!(flags(&json!(["auto", "private"])), "auto, private");
    }

    #[test]
    fn times_end_with_the_second() {
        let at = json!("2026-11-24T17:00:00.123Z");
        assert_eq!(time(&at), "2026-11-24 17:00:00Z");
    }

    #[test]
    fn long_lists_end_with_a_number() {
        let all = ["A", "B", "C"].map(ToOwned::to_owned);
        assert_eq!(some_of(&all, 3), "A, B, C");
        assert_eq!(some_of(&all, 2), "A, B and 1 more");
        assert_eq!(
            (many(1, "key"), many(2, "key")),
            ("1 key".into(), "2 keys".into())
        );
    }
}
