//! Choices: `{"one_of": […]}` and `{"between": [low, high]}` in place of any scalar.
//!
//! A choice is drawn once per run, from the seed and its key path, before the file is checked. So
//! one more choice in one place moves no other.

use serde_json::Value;

use super::{Document, Issue, KeyPath, Period};

/// Who decides. `Fn(path, last)` gives a number from 0 to `last`.
pub type Chooser<'c> = &'c mut dyn FnMut(&KeyPath, u64) -> u64;

/// Keys of the root in which nothing is chosen.
const FIXED: [&str; 6] = ["$schema", "name", "about", "sources", "seeds", "variants"];

/// Puts a value in place of every choice.
///
/// # Errors
/// A choice that cannot be drawn.
pub(super) fn resolve(document: &mut Document, chooser: Chooser<'_>) -> Result<(), Issue> {
    let mut found = Vec::new();
    if let Value::Object(root) = &document.value {
        for (key, value) in root.iter().filter(|(key, _)| !FIXED.contains(&key.as_str())) {
            collect(value, &KeyPath::from(key.as_str()), &mut found)?;
        }
    }
    for (path, choice) in found {
        let picked = chooser(&path, choice.last());
        let (value, place) = choice.pick(picked, &path);
        document.replace(&path, value);
        if let Some(place) = place {
            document.point(&path, &place);
        }
    }
    Ok(())
}

#[derive(Clone, Debug)]
enum Choice {
    OneOf(Vec<Value>),
    Numbers { low: u64, high: u64 },
    Periods { low: u64, high: u64 },
}

impl Choice {
    /// The highest number to pick.
    fn last(&self) -> u64 {
        match self {
            Self::OneOf(options) => options.len() as u64 - 1,
            Self::Numbers { low, high } | Self::Periods { low, high } => high - low,
        }
    }

    /// The value, and the place of it if it has one of its own.
    fn pick(self, picked: u64, at: &KeyPath) -> (Value, Option<KeyPath>) {
        match self {
            Self::OneOf(mut options) => {
                let index = usize::try_from(picked).map_or(0, |index| index % options.len());
                (options.swap_remove(index), Some(at.key("one_of").index(index)))
            }
            Self::Numbers { low, .. } => ((low + picked).into(), None),
            Self::Periods { low, .. } => {
                let period = Period(core::time::Duration::from_nanos(low + picked));
                (period.to_string().into(), None)
            }
        }
    }
}

fn collect(value: &Value, path: &KeyPath, found: &mut Vec<(KeyPath, Choice)>) -> Result<(), Issue> {
    match value {
        Value::Object(object) => {
            if let Some(choice) = read(value, path)? {
                found.push((path.clone(), choice));
                return Ok(());
            }
            object.iter().try_for_each(|(key, inner)| collect(inner, &path.key(key), found))
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .try_for_each(|(index, inner)| collect(inner, &path.index(index), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// The choice that a value is, if it is one.
fn read(value: &Value, path: &KeyPath) -> Result<Option<Choice>, Issue> {
    let Some((key, content)) =
        value.as_object().filter(|o| o.len() == 1).and_then(|o| o.iter().next())
    else {
        return Ok(None);
    };
    match key.as_str() {
        "one_of" => one_of(content, &path.key(key)).map(Some),
        "between" => between(content, &path.key(key)).map(Some),
        _ => Ok(None),
    }
}

fn one_of(content: &Value, path: &KeyPath) -> Result<Choice, Issue> {
    let options = content.as_array().filter(|options| !options.is_empty());
    let options = options
        .ok_or_else(|| Issue::value(path.clone(), "expected a list of at least one value"))?;
    let nested = options.iter().position(|option| option.is_object() || option.is_array());
    if let Some(index) = nested {
        let message = "expected a text, a number, true, false or null: only scalars are chosen";
        return Err(Issue::value(path.index(index), message));
    }
    Ok(Choice::OneOf(options.clone()))
}

fn between(content: &Value, path: &KeyPath) -> Result<Choice, Issue> {
    let wrong = || {
        let message = "expected two whole numbers or two durations, the lower first";
        Issue::value(path.clone(), message).help(r#"such as [1, 5] or ["1s", "3s"]"#)
    };
    let Some([low, high]) = content.as_array().map(Vec::as_slice) else { return Err(wrong()) };
    if let (Some(low), Some(high)) = (low.as_u64(), high.as_u64()) {
        return if low <= high { Ok(Choice::Numbers { low, high }) } else { Err(wrong()) };
    }
    let nanos = |value: &Value| {
        let period = value.as_str()?.parse::<Period>().ok()?;
        u64::try_from(period.0.as_nanos()).ok()
    };
    match (nanos(low), nanos(high)) {
        (Some(low), Some(high)) if low <= high => Ok(Choice::Periods { low, high }),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::format::Source;

    fn resolved(text: &str, pick: u64) -> Result<Value, Issue> {
        let source = Source { name: "x.json".into(), text: text.into() };
        let mut document = Document::parse(source).unwrap();
        resolve(&mut document, &mut |_, last| pick.min(last))?;
        Ok(document.value)
    }

    #[test]
    fn every_scalar_can_be_chosen_and_names_cannot() {
        let text = r#"{ "name": { "one_of": ["a"] }, "a": [{ "one_of": [1, "b"] }],
                        "c": { "between": [3, 5] }, "d": { "between": ["1s", "2s"] } }"#;
        let low = json!({ "name": { "one_of": ["a"] }, "a": [1], "c": 3, "d": "1s" });
        assert_eq!(resolved(text, 0).unwrap(), low);
        assert_eq!(resolved(text, 9).unwrap()["a"], json!(["b"]));
        assert_eq!(resolved(text, 9).unwrap()["c"], json!(5));
        assert_eq!(resolved(text, 9).unwrap()["d"], json!("1000000009ns"));
    }

    #[test]
    fn a_choice_that_cannot_be_drawn_names_its_place() {
        for text in [
            r#"{ "a": { "one_of": [] } }"#,
            r#"{ "a": { "one_of": [[1]] } }"#,
            r#"{ "a": { "between": [2, 1] } }"#,
            r#"{ "a": { "between": ["1s", 2] } }"#,
            r#"{ "a": { "between": [1] } }"#,
        ] {
            let path = resolved(text, 0).unwrap_err().path.to_string();
            assert!(path.starts_with("a.one_of") || path.starts_with("a.between"), "{path}");
        }
    }
}
