//! The schemas of the documents of `--json`, made from the types that they are written from. Only tests
//! ask for them: see `docs/decisions/0019-schemas.md`.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

pub use schemars::{self, JsonSchema};

/// The dialect of the schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What every reader of every document has to know.
const ADDITIONS: &str = "A later version may add fields, so a program ignores what it does not know; nothing else changes without a new number.";

/// A document: the name that its `schema` bears, and the schema of it.
#[derive(Clone, Debug)]
pub struct Document {
    /// As in `withheld.NAME/1`.
    pub name: &'static str,
    /// The JSON Schema.
    pub schema: Value,
}

impl Document {
    /// A document whose `data` is written from a `T`.
    #[must_use]
    pub fn of<T: JsonSchema>(name: &'static str, about: &str) -> Self {
        Self::with(name, about, "data", of::<T>())
    }

    /// A document that has this beside its name.
    #[must_use]
    pub fn with(name: &'static str, about: &str, part: &str, schema: Value) -> Self {
        let title = format!("withheld.{name}/1");
        Self {
            name,
            schema: json!({
                "$schema": DIALECT,
                "title": title,
                "description": format!("{about}. {ADDITIONS}"),
                "type": "object",
                "properties": { "schema": { "const": title }, part: schema },
                "required": ["schema", part],
                "additionalProperties": false,
            }),
        }
    }
}

/// What a `T` is written as.
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let generator = settings.with_transform(RecursiveTransform(tidy));
    let mut schema = generator.into_generator().into_root_schema_for::<T>();
    // The name of a type of ours says nothing to a reader.
    schema.remove("title");
    schema.to_value()
}

/// What the types do not say, and what they say too much.
fn tidy(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    distribute(schema);
    // What is taken for a field that is not there is a reader's business.
    schema.remove("default");
    // A document is checked against all that is known of it; see `ADDITIONS` for its readers.
    if schema.contains_key("properties") {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    // In how many bits we count is nobody's business.
    if is_number(schema) {
        schema.remove("format");
    }
    // A comment is broken where the line ends, a description is not.
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

/// An enum that is flattened into a struct leaves the struct's own fields beside the choice; no part of the
/// choice could be closed then. They belong to each of its parts.
fn distribute(schema: &mut Map<String, Value>) {
    let Some(Value::Array(mut choice)) = schema.remove("anyOf") else {
        return;
    };
    if let Some(Value::Object(own)) = schema.remove("properties") {
        let required = schema.remove("required");
        let required = required.as_ref().and_then(Value::as_array);
        for part in choice.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(Value::Object(fields)) = part.get_mut("properties") {
                fields.extend(own.clone());
            }
            let names = part.entry("required").or_insert_with(|| json!([]));
            if let Value::Array(names) = names {
                names.extend(required.into_iter().flatten().cloned());
            }
        }
    }
    schema.insert("anyOf".to_owned(), Value::Array(choice));
}

fn is_number(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == "integer"),
        one => one.is_some_and(|one| one == "integer"),
    }
}

#[cfg(test)]
#[allow(dead_code, reason = "only the types are looked at")]
mod tests {
    use super::*;
    use crate::team::Role;
    use crate::{Code, Moment};

    crate::plain! {
        /// A thing
        /// of two lines.
        struct Thing {
            /// How many.
            count: u64,
            /// Null before it was seen.
            seen: Option<Moment>,
            #[serde(flatten)]
            end: End,
        }

        #[serde(untagged)]
        enum End {
            /// It went well.
            Well(Well),
            /// It did not.
            Ill(Ill),
        }

        struct Well {
            role: Role,
        }

        struct Ill {
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<Code>,
        }
    }

    #[test]
    fn a_type_says_what_it_is_written_as() {
        let word = |word, about| json!({"const": word, "description": about, "type": "string"});
        let count = json!({"description": "How many.", "type": "integer", "minimum": 0});
        let seen = json!({
            "description": "Null before it was seen.", "type": ["string", "null"], "format": "date-time",
        });
        let role = json!({
            "description": "What a member may do about people. Roles manage people; rights open data.",
            "oneOf": [
                word("member", "Nothing."),
                word("admin", "Invite, grant and remove."),
                word("owner", "Everything, admins and owners among it."),
            ],
        });
        let code = json!({"description": "As in `withheld.error/1`.", "type": ["string", "null"]});
        assert_eq!(
            of::<Thing>(),
            json!({
                "description": "A thing of two lines.",
                "type": "object",
                "anyOf": [
                    {
                        "description": "It went well.",
                        "type": "object",
                        "properties": {"count": count, "seen": seen, "role": role},
                        "required": ["role", "count", "seen"],
                        "additionalProperties": false,
                    },
                    {
                        "description": "It did not.",
                        "type": "object",
                        "properties": {"count": count, "seen": seen, "code": code},
                        "required": ["count", "seen"],
                        "additionalProperties": false,
                    },
                ],
            })
        );
    }
}
