//! A JSON text as a value whose every part knows where it stands.
//!
//! `serde_json` judges the syntax and makes the value; `jsonc-parser` gives the places. What is
//! laid over the file (a variant's `set`, `--set`) brings the place where *it* was written.

use core::ops::Range;
use std::collections::BTreeMap;

use jsonc_parser::{CollectOptions, ParseOptions, ast, common::Ranged, parse_to_ast};
use serde_json::{Map, Value};

use super::{FileError, Issue, KeyPath, Source, Step};

/// Where a value and its key stand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spot {
    source: usize,
    key: Range<usize>,
    value: Range<usize>,
}

/// A JSON document with the places of its parts.
#[derive(Clone, Debug)]
pub struct Document {
    sources: Vec<Source>,
    spots: BTreeMap<KeyPath, Spot>,
    /// The value itself.
    pub value: Value,
}

impl Document {
    /// Reads a text.
    ///
    /// # Errors
    /// The first place at which it is no JSON, or an object has a key twice.
    pub fn parse(source: Source) -> Result<Self, FileError> {
        let syntax = |span, message: String| {
            FileError::new(&source, span, Issue::value(KeyPath::default(), message))
        };
        // It also bounds the depth, which `parse_to_ast` leaves to its caller.
        let value: Value = serde_json::from_str(&source.text).map_err(|error| {
            let at = offset_of(&source.text, error.line(), error.column());
            syntax(at..at + 1, format!("not JSON: {}", without_place(&error.to_string())))
        })?;
        let tree = parse_to_ast(&source.text, &CollectOptions::default(), &strict())
            .map_err(|error| syntax(error.range().start..error.range().end, error.to_string()))?;
        let root = tree.value.ok_or_else(|| syntax(0..0, "an empty file".to_owned()))?;
        let mut spots = BTreeMap::new();
        record(&root, place(&root), &KeyPath::default(), &mut spots)
            .map_err(|(span, issue)| FileError::new(&source, span, issue))?;
        Ok(Self { sources: vec![source], spots, value })
    }

    /// The issue with its place.
    pub fn locate(&self, issue: Issue) -> FileError {
        let mut path = issue.path.clone();
        let mut part = issue.part;
        loop {
            if let Some(spot) = self.spots.get(&path) {
                let span = match part {
                    super::Part::Key => spot.key.clone(),
                    super::Part::Value => spot.value.clone(),
                };
                return FileError::new(&self.sources[spot.source], span, issue);
            }
            let Some(above) = path.parent() else {
                return FileError::new(&self.sources[0], 0..0, issue);
            };
            // What stands nowhere is a default, or missing: its object is what to look at.
            (path, part) = (above, super::Part::Key);
        }
    }

    /// The value at a path.
    pub fn get(&self, path: &KeyPath) -> Option<&Value> {
        path.0.iter().try_fold(&self.value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }

    /// Adds a text from which values are taken, and tells its number.
    pub fn add_source(&mut self, source: Source) -> usize {
        self.sources.push(source);
        self.sources.len() - 1
    }

    /// Puts a copy of what stands at `from` to `to`, where it keeps its places.
    ///
    /// # Errors
    /// Why there is no such path as `to`.
    pub fn copy(&mut self, from: &KeyPath, to: &KeyPath) -> Result<(), Issue> {
        let value = self.get(from).cloned().unwrap_or(Value::Null);
        let moved: Vec<_> = self
            .spots
            .range(from.clone()..)
            .map_while(|(path, spot)| Some((path.below(from)?.to_vec(), spot.clone())))
            .collect();
        self.put(to, value)?;
        for (below, spot) in moved {
            self.spots.insert(KeyPath(to.0.iter().cloned().chain(below).collect()), spot);
        }
        Ok(())
    }

    /// Puts a value that is written at `span` of a source.
    ///
    /// # Errors
    /// Why there is no such path as `to`.
    pub fn put_from(
        &mut self,
        to: &KeyPath,
        value: Value,
        source: usize,
        (key, span): (Range<usize>, Range<usize>),
    ) -> Result<(), Issue> {
        self.put(to, value)?;
        self.spots.insert(to.clone(), Spot { source, key, value: span });
        Ok(())
    }

    /// Replaces the value at a path that is there, and keeps its place.
    pub fn replace(&mut self, path: &KeyPath, value: Value) {
        let slot = path.0.iter().try_fold(&mut self.value, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(*index),
        });
        if let Some(slot) = slot {
            *slot = value;
        }
    }

    /// Lets the place of `path` be that of `of`.
    pub fn point(&mut self, path: &KeyPath, of: &KeyPath) {
        if let Some(spot) = self.spots.get(of).cloned() {
            self.spots.insert(path.clone(), spot);
        }
    }

    /// Removes a key of the root.
    pub fn remove(&mut self, key: &str) {
        self.value.as_object_mut().map(|root| root.remove(key));
    }

    fn put(&mut self, to: &KeyPath, value: Value) -> Result<(), Issue> {
        let mut slot = &mut self.value;
        let mut walked = KeyPath::default();
        for step in &to.0 {
            slot = into(slot, step, &walked)?;
            walked.0.push(step.clone());
        }
        *slot = value;
        let below = |path: &&KeyPath| path.below(to).is_some();
        let stale = self.spots.range(to.clone()..).map(|(path, _)| path).take_while(below);
        for path in stale.cloned().collect::<Vec<_>>() {
            self.spots.remove(&path);
        }
        Ok(())
    }
}

/// The place one step below; a missing key is made.
fn into<'v>(value: &'v mut Value, step: &Step, at: &KeyPath) -> Result<&'v mut Value, Issue> {
    let kind = kind(value);
    match (value, step) {
        (Value::Object(object), Step::Key(key)) => {
            Ok(object.entry(key.clone()).or_insert_with(|| Value::Object(Map::new())))
        }
        (Value::Array(list), Step::Index(index)) => {
            let length = list.len();
            let missing = format!("no `{}`: `{at}` has {length} elements", at.index(*index));
            list.get_mut(*index).ok_or_else(|| Issue::value(at.clone(), missing))
        }
        (_, Step::Key(key)) => {
            Err(Issue::value(at.clone(), format!("no key `{key}` in {kind}: an index like [0]?")))
        }
        (_, Step::Index(index)) => {
            Err(Issue::value(at.clone(), format!("no element [{index}] in {kind}")))
        }
    }
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn record(
    node: &ast::Value<'_>,
    key: Range<usize>,
    path: &KeyPath,
    spots: &mut BTreeMap<KeyPath, Spot>,
) -> Result<(), (Range<usize>, Issue)> {
    let value = place(node);
    if let ast::Value::Array(list) = node {
        for (index, element) in list.elements.iter().enumerate() {
            record(element, place(element), &path.index(index), spots)?;
        }
    }
    if let ast::Value::Object(object) = node {
        for property in &object.properties {
            let key = property.name.start()..property.name.end();
            let path = path.key(property.name.as_str());
            if spots.contains_key(&path) {
                return Err((key, Issue::key(path, "this key stands here twice")));
            }
            record(&property.value, key, &path, spots)?;
        }
    }
    spots.insert(path.clone(), Spot { source: 0, key, value });
    Ok(())
}

/// What to show of a value: of an object or a list, which may fill a page, only its beginning.
fn place(node: &ast::Value<'_>) -> Range<usize> {
    let start = node.start();
    match node {
        ast::Value::Object(_) | ast::Value::Array(_) => start..start + 1,
        ast::Value::StringLit(_)
        | ast::Value::NumberLit(_)
        | ast::Value::BooleanLit(_)
        | ast::Value::NullKeyword(_) => start..node.end(),
    }
}

/// The byte at a line and column of `serde_json`, which counts bytes from 1.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

/// `serde_json` ends its messages with the place, which we show in our own way.
fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, FileError> {
        Document::parse(Source { name: "x.json".into(), text: text.into() })
    }

    #[test]
    fn a_syntax_error_names_its_place() {
        let error = parse("{\n  \"a\": 1,\n  \"b\": ?\n}").unwrap_err();
        assert_eq!(error.to_string(), "x.json:3:8: not JSON: expected value");
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_the_second() {
        let error = parse("{ \"a\": 1,\n \"a\": 2 }").unwrap_err();
        assert_eq!(error.to_string(), "x.json:2:2: a: this key stands here twice");
    }

    #[test]
    fn keys_and_values_are_found_again() {
        let document = parse("{ \"a\": [1, { \"b\": 2 }] }").unwrap();
        let path = KeyPath::from("a").index(1).key("b");
        let at = |issue| document.locate(issue).column();
        assert_eq!(at(Issue::key(path.clone(), "")), 14);
        assert_eq!(at(Issue::value(path.clone(), "")), 19);
        assert_eq!(at(Issue::value(path.key("missing"), "")), 14);
    }

    #[test]
    fn a_copy_keeps_the_places_of_what_was_copied() {
        let mut document = parse("{ \"a\": { \"x\": 1 }, \"b\": { \"y\": 2 } }").unwrap();
        document.copy(&KeyPath::from("a"), &KeyPath::from("b")).unwrap();
        assert_eq!(document.value["b"], serde_json::json!({ "x": 1 }));
        let moved = document.locate(Issue::value(KeyPath::from("b").key("x"), ""));
        assert_eq!(moved.column(), 15);
    }

    #[test]
    fn a_path_that_does_not_exist_says_what_is_there() {
        let mut document = parse("{ \"a\": [1], \"b\": 2 }").unwrap();
        let path = |text| KeyPath::parse(text).unwrap();
        let message = |result: Result<(), Issue>| result.unwrap_err().message;
        assert_eq!(
            message(document.copy(&path("b"), &path("a[3]"))),
            "no `a[3]`: `a` has 1 elements"
        );
        assert!(document.copy(&path("b"), &path("a.x")).is_err());
        assert!(document.copy(&path("b"), &path("b[0]")).is_err());
    }

    #[test]
    fn a_text_nested_too_deeply_is_refused() {
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
