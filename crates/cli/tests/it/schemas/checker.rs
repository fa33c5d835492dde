//! The part of JSON Schema that `docs/schemas` uses. A keyword that is not checked here is a fault, so that
//! no schema says what nobody looks at.

use std::collections::BTreeSet;

use withheld_testkit::serde_json::{Map, Value, json};

/// Keywords that say nothing about a document.
const NOTES: &[&str] = &["$schema", "title", "description"];

/// Keywords that offer several schemas for one value.
const CHOICES: &[&str] = &["anyOf", "oneOf"];

/// A schema, and which of its properties were seen with a value.
pub(super) struct Schema {
    root: Value,
    seen: BTreeSet<String>,
}

impl Schema {
    pub(super) fn new(root: Value) -> Self {
        Self {
            root,
            seen: BTreeSet::new(),
        }
    }

    /// What is wrong with a document, one sentence each.
    pub(super) fn faults(&mut self, document: &Value) -> Vec<String> {
        let mut look = Look {
            seen: &mut self.seen,
            faults: Vec::new(),
        };
        look.at(&self.root, document, "");
        look.faults
    }

    /// The properties that no document had with a value yet.
    pub(super) fn unseen(&self) -> Vec<String> {
        let mut all = BTreeSet::new();
        properties(&self.root, "", &mut all);
        all.difference(&self.seen).cloned().collect()
    }
}

/// Every property of a schema, by its place.
fn properties(schema: &Value, place: &str, all: &mut BTreeSet<String>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        properties(inner, &place, all);
        all.insert(place);
    }
    if schema["items"].is_object() {
        properties(&schema["items"], &format!("{place}/*"), all);
    }
    for inner in CHOICES.iter().filter_map(|one| schema[one].as_array()) {
        inner.iter().for_each(|one| properties(one, place, all));
    }
}

struct Look<'a> {
    seen: &'a mut BTreeSet<String>,
    faults: Vec<String>,
}

impl Look<'_> {
    fn at(&mut self, schema: &Value, value: &Value, place: &str) {
        let keywords = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in keywords {
            let holds = match keyword.as_str() {
                "type" => types(rule).iter().any(|name| is(value, name)),
                "enum" => rule.as_array().expect("a list").contains(value),
                "const" => value == rule,
                "minimum" => value.as_i64().is_none_or(|it| it >= rule.as_i64().unwrap()),
                "maximum" => value.as_i64().is_none_or(|it| it <= rule.as_i64().unwrap()),
                "anyOf" => self.fitting(rule, value, place) > 0,
                "oneOf" => self.fitting(rule, value, place) == 1,
                "format" => value.as_str().is_none_or(|text| fits(text, rule)),
                "required" => self.required(rule, value, place),
                "properties" | "additionalProperties" => value.is_object() || value.is_null(),
                "items" => self.items(rule, value, place),
                note => NOTES.contains(&note),
            };
            if !holds {
                let fault = format!("{place}: {value} breaks `{keyword}`: {rule}");
                self.faults.push(fault);
            }
        }
        if let Some(fields) = value.as_object() {
            self.fields(keywords, fields, place);
        }
    }

    fn required(&mut self, rule: &Value, value: &Value, place: &str) -> bool {
        let names = rule.as_array().expect("a list").iter();
        for name in names.map(|name| name.as_str().expect("a name")) {
            if value.is_object() && value.get(name).is_none() {
                self.faults.push(format!("{place}/{name} is missing"));
            }
        }
        true
    }

    /// How many of several schemas a value fits. What it has is seen by each of those.
    fn fitting(&mut self, rule: &Value, value: &Value, place: &str) -> usize {
        let choices = rule.as_array().expect("a list").iter();
        let fitting = choices.filter(|one| {
            let mut seen = BTreeSet::new();
            let mut look = Look {
                seen: &mut seen,
                faults: Vec::new(),
            };
            look.at(one, value, place);
            let fits = look.faults.is_empty();
            if fits {
                self.seen.extend(seen);
            }
            fits
        });
        fitting.count()
    }

    fn items(&mut self, rule: &Value, value: &Value, place: &str) -> bool {
        for item in value.as_array().into_iter().flatten() {
            self.at(rule, item, &format!("{place}/*"));
        }
        true
    }

    /// The fields of an object, each by the schema of its name, else by the one for all others.
    fn fields(&mut self, keywords: &Map<String, Value>, fields: &Map<String, Value>, place: &str) {
        let known = keywords.get("properties");
        let others = keywords.get("additionalProperties");
        for (name, value) in fields {
            let place = format!("{place}/{name}");
            match (known.and_then(|known| known.get(name)), others) {
                (Some(schema), _) => {
                    if !value.is_null() {
                        self.seen.insert(place.clone());
                    }
                    self.at(schema, value, &place);
                }
                (None, Some(schema)) if schema.is_object() => self.at(schema, value, &place),
                (None, Some(Value::Bool(false))) => {
                    self.faults.push(format!("{place} is not in the schema"));
                }
                (None, _) => {}
            }
        }
    }
}

fn types(rule: &Value) -> Vec<&str> {
    match rule {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// RFC 3339 in UTC, with milliseconds, as every time here is written.
fn fits(text: &str, format: &Value) -> bool {
    const FORM: &str = "0000-00-00T00:00:00.000Z";
    let digits: String = text
        .chars()
        .map(|one| if one.is_ascii_digit() { '0' } else { one })
        .collect();
    format == "date-time" && digits == FORM
}

#[test]
fn the_checker_can_say_no() {
    let schema = json!({
        "type": "object",
        "properties": {
            "at": {"type": ["string", "null"], "format": "date-time"},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "all": {"type": "array", "items": {
                "type": "object",
                "properties": {"n": {"type": "integer", "minimum": 0}},
                "required": ["n"],
                "additionalProperties": false
            }},
            "one": {"oneOf": [{"const": "a"}, {"type": "string"}]},
            "any": {"anyOf": [
                {"type": "null"},
                {"type": "object", "properties": {"x": {"type": "integer", "maximum": 9}}, "additionalProperties": false}
            ]}
        },
        "required": ["kind"],
        "additionalProperties": false
    });
    let mut checked = Schema::new(schema);
    let good = json!({"kind": "a", "at": null, "all": []});
    assert_eq!(checked.faults(&good), [""; 0]);
    assert_eq!(
        checked.unseen(),
        ["/all/*/n", "/any", "/any/x", "/at", "/one"]
    );
    let more = json!({"kind": "a", "one": "b", "any": {"x": 9}});
    assert_eq!(checked.faults(&more), [""; 0]);
    for (bad, fault) in [
        (json!({"at": null}), "/kind is missing"),
        (json!({"kind": "c"}), "/kind: \"c\" breaks `enum`"),
        (json!({"kind": "a", "new": 1}), "/new is not in the schema"),
        (
            json!({"kind": "a", "at": "now"}),
            "/at: \"now\" breaks `format`",
        ),
        (
            json!({"kind": "a", "all": [{"n": -1}]}),
            "/all/*/n: -1 breaks `minimum`",
        ),
        (
            json!({"kind": "a", "all": [{"n": 1, "m": 2}]}),
            "/all/*/m is not in",
        ),
        (json!({"kind": "a", "all": [{}]}), "/all/*/n is missing"),
        (json!({"kind": "a", "all": 3}), "/all: 3 breaks `type`"),
        (
            json!({"kind": "a", "one": "a"}),
            "/one: \"a\" breaks `oneOf`",
        ),
        (json!({"kind": "a", "one": 1}), "/one: 1 breaks `oneOf`"),
        (
            json!({"kind": "a", "any": {"x": 10}}),
            "/any: {\"x\":10} breaks `anyOf`",
        ),
        (
            json!({"kind": "a", "any": {"y": 1}}),
            "/any: {\"y\":1} breaks `anyOf`",
        ),
    ] {
        let faults = checked.faults(&bad);
        assert_eq!(faults.len(), 1, "{bad}: {faults:?}");
        assert!(faults[0].starts_with(fault), "{bad}: {faults:?}");
    }
    assert_eq!(checked.unseen(), [""; 0]);
    let unknown = Schema::new(json!({"maxLength": 3})).faults(&json!("a"));
    assert_eq!(unknown, ["/: \"a\" breaks `maxLength`: 3".replace('/', "")]);
}
