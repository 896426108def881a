//! The JSON Schema of scenario files: one to check by, one to publish.
//!
//! They differ in one thing: a file may have a choice in place of any scalar, which is drawn before
//! the file is checked.

use std::sync::LazyLock;

use schemars::schema_for;
use serde_json::{Map, Value, json};

use super::{Scenario, validate::Validator};

static CHECKED: LazyLock<Value> = LazyLock::new(|| schema_for!(Scenario).to_value());

/// The schema of a scenario without choices.
pub fn checked() -> &'static Value {
    &CHECKED
}

/// The schema that `highwater schema` prints, with choices wherever a file may have them.
pub fn published() -> Value {
    let plain = checked();
    let validator = Validator::new(plain);
    let mut schema = plain.clone();
    schema["title"] = "A scenario of Highwater".into();
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        for (name, definition) in definitions.iter_mut() {
            if name != "Variant" {
                admit_choices(definition, validator);
            }
        }
        definitions.insert("Choice".to_owned(), choice());
    }
    let root = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (key, property) in root.into_iter().flat_map(Map::iter_mut) {
        if key == "duration" {
            admit_choice(property, validator);
        }
    }
    without_long_defaults(&mut schema);
    schema
}

fn choice() -> Value {
    json!({
        "description": "A value drawn once per run from the seed and the place in the file.",
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "one_of": {
                        "description": "One of these.",
                        "type": "array",
                        "minItems": 1
                    }
                },
                "required": ["one_of"],
                "additionalProperties": false
            },
            {
                "type": "object",
                "properties": {
                    "between": {
                        "description": "A number or a duration between these, both included.",
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2
                    }
                },
                "required": ["between"],
                "additionalProperties": false
            }
        ]
    })
}

/// Lets scalars in an object's keys, in its lists, and in its alternatives be choices.
fn admit_choices(schema: &mut Value, validator: Validator<'_>) {
    for branches in ["anyOf", "oneOf"] {
        let branches = schema.get_mut(branches).and_then(Value::as_array_mut);
        for branch in branches.into_iter().flatten() {
            admit_choices(branch, validator);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        admit_choice(items, validator);
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        admit_choice(property, validator);
    }
}

fn admit_choice(schema: &mut Value, validator: Validator<'_>) {
    if !is_scalar(schema, validator) {
        admit_choices(schema, validator);
        return;
    }
    let mut plain = schema.clone();
    let moved = |key: &str, plain: &mut Value| plain.as_object_mut().and_then(|o| o.remove(key));
    let mut chosen = Map::new();
    for key in ["description", "default"] {
        if let Some(value) = moved(key, &mut plain) {
            chosen.insert(key.to_owned(), value);
        }
    }
    chosen.insert("anyOf".to_owned(), json!([plain, { "$ref": "#/$defs/Choice" }]));
    *schema = Value::Object(chosen);
}

fn is_scalar(schema: &Value, validator: Validator<'_>) -> bool {
    if let Some(target) = validator.target(schema) {
        return is_scalar(target, validator);
    }
    let branches = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    if let Some(branches) = branches {
        return branches.iter().all(|branch| is_scalar(branch, validator));
    }
    let scalar = |name: &Value| !matches!(name.as_str(), Some("object" | "array"));
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().all(scalar),
        Some(name) => scalar(name),
        None => schema.get("const").or_else(|| schema.get("enum")).is_some(),
    }
}

/// A default that repeats the defaults of forty keys, each of which says its own, helps nobody.
fn without_long_defaults(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(_)) = object.get("default") {
                object.remove("default");
            }
            object.values_mut().for_each(without_long_defaults);
        }
        Value::Array(list) => list.iter_mut().for_each(without_long_defaults),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
