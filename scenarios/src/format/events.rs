//! The events that a trigger can name, with their fields, read from the schema of
//! [`broker::host::Event`].

use std::{collections::BTreeMap, sync::LazyLock};

use broker::host::Event;
use schemars::schema_for;
use serde_json::Value;

use super::validate::Validator;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(Event).to_value());
static CATALOGUE: LazyLock<Vec<EventKind>> = LazyLock::new(catalogue);

/// A kind of event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventKind {
    /// Its name, such as `elected`.
    pub name: String,
    /// Who tells it: `partition`, `broker`, `controller`, `producer` or `consumer`.
    pub group: String,
    /// What has happened.
    pub about: String,
    /// Its fields by name. Those of a nested `record` count as its own.
    pub fields: BTreeMap<String, EventField>,
}

/// A field of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventField {
    /// What it says.
    pub about: String,
    /// What values it has, in words.
    pub values: String,
    schema: Value,
}

/// All kinds, in the order of the groups.
pub fn all() -> &'static [EventKind] {
    &CATALOGUE
}

/// The kind of this name.
pub fn find(name: &str) -> Option<&'static EventKind> {
    all().iter().find(|kind| kind.name == name)
}

impl EventField {
    /// The type of id that the field holds, alone, in a list, or not always.
    pub(super) fn id_type(&self) -> Option<&str> {
        let any = self.schema.pointer("/anyOf/0/$ref");
        let reference = self.schema.get("$ref").or(self.schema.pointer("/items/$ref")).or(any)?;
        reference.as_str()?.rsplit('/').next()
    }

    /// Checks a value that a trigger asks of this field; its text, if it is refused.
    pub(super) fn check(&self, value: &Value, at: &super::KeyPath) -> Result<(), super::Issue> {
        Validator::new(&SCHEMA).check_against(&self.schema, value, at)
    }
}

fn catalogue() -> Vec<EventKind> {
    let validator = Validator::new(&SCHEMA);
    let mut kinds = Vec::new();
    for (group, _, of_group) in tagged(&SCHEMA) {
        for (name, about, content) in tagged(validator.resolve(of_group)) {
            let mut fields = BTreeMap::new();
            add_fields(validator, content, &mut fields);
            kinds.push(EventKind { name, group: group.clone(), about, fields });
        }
    }
    kinds
}

/// The variants of an enum: each an object of one key.
fn tagged(schema: &'static Value) -> Vec<(String, String, &'static Value)> {
    let variants = schema.get("oneOf").and_then(Value::as_array);
    variants
        .into_iter()
        .flatten()
        .filter_map(|variant| {
            let (name, content) = variant.get("properties")?.as_object()?.iter().next()?;
            Some((name.clone(), text(variant, "description"), content))
        })
        .collect()
}

fn add_fields(
    validator: Validator<'static>,
    content: &'static Value,
    fields: &mut BTreeMap<String, EventField>,
) {
    let properties = validator.resolve(content).get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        if name == "record" {
            add_fields(validator, schema, fields);
            continue;
        }
        let values = validator.describe(schema);
        let about = text(schema, "description");
        fields.insert(name.clone(), EventField { about, values, schema: schema.clone() });
    }
}

fn text(schema: &Value, key: &str) -> String {
    schema.get(key).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_kinds_and_no_kind_is_named_twice() {
        for group in ["partition", "broker", "controller", "producer", "consumer"] {
            assert!(all().iter().any(|kind| kind.group == group), "{group}");
        }
        let mut names: Vec<_> = all().iter().map(|kind| &kind.name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_fields_of_a_nested_record_are_the_events_own() {
        let elected = find("elected").unwrap();
        assert!(elected.fields.contains_key("kind"));
        assert!(elected.fields.contains_key("partition"));
        assert!(!elected.fields.contains_key("record"));
        assert!(elected.about.starts_with("A partition has a leader again"));
    }

    #[test]
    fn the_values_of_a_field_are_said_in_words() {
        let fields = &find("fenced").unwrap().fields;
        assert_eq!(fields["reason"].values, r#""session-timeout" or "asked" or "new-incarnation""#);
    }
}
