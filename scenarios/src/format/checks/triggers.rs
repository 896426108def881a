//! Events that faults wait for: the kind exists, it has the fields, they can have the values.

use serde_json::{Map, Value};

use crate::format::{Issue, KeyPath, When, events};

use super::Cast;

pub(super) fn check(cast: &Cast, when: &When, at: &KeyPath) -> Result<(), Issue> {
    let Some(kind) = events::find(&when.event) else {
        let message = format!("no event is called `{}`", when.event);
        let names = events::all().iter().map(|kind| kind.name.as_str());
        return Err(Issue::value(at.key("event"), message).nearest(&when.event, names));
    };
    if let Some(node) = &when.node {
        cast.node(node, &at.key("node"))?;
    }
    for (name, value) in &when.fields {
        let at = at.key(name);
        let Some(field) = kind.fields.get(name) else {
            let message = format!("the event `{}` has no field `{name}`", kind.name);
            let own = ["event", "count", "node"];
            let known = kind.fields.keys().map(String::as_str).chain(own);
            return Err(Issue::key(at, message).nearest(name, known));
        };
        if let Value::Object(bounds) = value
            && field.values.contains("a whole number")
        {
            check_bounds(bounds, &at)?;
            continue;
        }
        field.check(value, &at)?;
        check_names(cast, field, value, &at)?;
    }
    Ok(())
}

fn check_bounds(bounds: &Map<String, Value>, at: &KeyPath) -> Result<(), Issue> {
    for (key, value) in bounds {
        if !matches!(key.as_str(), "min" | "max") {
            let issue = Issue::key(at.key(key), format!("unknown key `{key}`"));
            return Err(issue.nearest(key, ["min", "max"]));
        }
        if !value.is_i64() && !value.is_u64() {
            return Err(Issue::value(at.key(key), "expected a whole number"));
        }
    }
    let bound = |key| bounds.get(key).and_then(Value::as_i64);
    match (bound("min"), bound("max")) {
        (Some(min), Some(max)) if max < min => {
            Err(Issue::value(at.key("max"), format!("this is below the minimum, {min}")))
        }
        _ => Ok(()),
    }
}

/// A name in a field must be somebody's, or the trigger waits for ever.
fn check_names(
    cast: &Cast,
    field: &events::EventField,
    value: &Value,
    at: &KeyPath,
) -> Result<(), Issue> {
    if let Value::Array(list) = value {
        let each = |(index, value)| check_names(cast, field, value, &at.index(index));
        return list.iter().enumerate().try_for_each(each);
    }
    let (Some(id_type), Some(name)) = (field.id_type(), value.as_str()) else { return Ok(()) };
    match id_type {
        "TopicPartition" if name.starts_with("__cluster_metadata") => Ok(()),
        "TopicPartition" => cast.named_partition(name, at),
        "BrokerId" | "ClientId" => cast.node(name, at).map(drop),
        _ => Ok(()),
    }
}
