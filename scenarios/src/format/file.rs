//! From a file to a scenario that can be run: variant, overrides, choices, checks, in this order.

use std::{fs, io, path::Path, sync::Arc};

use serde::de::IntoDeserializer;
use serde_json::{Value, json};

use super::{
    Document, FileError, Issue, KeyPath, Scenario, Source, checks, choice, schema,
    validate::Validator,
};

/// The name that stands for the file without any variant.
pub const BASE: &str = "base";

/// A scenario file that was read. What it says is checked when a run is made of it.
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    path: Arc<str>,
    document: Document,
}

/// One change from the command line: `path=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The argument as it was given.
    pub text: String,
}

/// What to make of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// A variant by name; the file itself if none.
    pub variant: Option<String>,
    /// Changes on top of it.
    pub overrides: Vec<Override>,
}

/// A scenario with everything decided but what the seed decides later.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The variant and the overrides.
    pub selection: Selection,
    /// The scenario. Its `variants` are empty, and its `expect` is the one that counts.
    pub scenario: Scenario,
}

impl ScenarioFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no JSON.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let unreadable = |error: io::Error| {
            let source = Source { name: name.as_str().into(), text: "".into() };
            let message = format!("cannot be read: {error}");
            FileError::new(&source, 0..0, Issue::value(KeyPath::default(), message))
        };
        let bytes = fs::read(path).map_err(unreadable)?;
        Self::from_bytes(&name, bytes)
    }

    /// Takes bytes for a file of this name.
    ///
    /// # Errors
    /// They are no JSON.
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, FileError> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let source = Source { name: name.into(), text: text.into() };
            FileError::new(&source, at..at + 1, Issue::value(KeyPath::default(), "not UTF-8"))
        })?;
        let document = Document::parse(Source { name: name.into(), text: text.into() })?;
        Ok(Self { path: name.into(), document })
    }

    /// The file's path, as it was named.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The names of the variants.
    pub fn variants(&self) -> Vec<String> {
        let variants = self.document.value.get("variants").and_then(Value::as_object);
        variants.map(|variants| variants.keys().cloned().collect()).unwrap_or_default()
    }

    /// Checks the file with each of its variants, and each option of its choices.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn check(&self) -> Result<Resolved, FileError> {
        let base = self.check_selection(&Selection::default())?;
        for variant in self.variants() {
            let selection = Selection { variant: Some(variant), overrides: Vec::new() };
            self.check_selection(&selection)?;
        }
        Ok(base)
    }

    /// Makes the scenario of one run. `chooser` decides its choices.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn resolve(
        &self,
        selection: &Selection,
        chooser: choice::Chooser<'_>,
    ) -> Result<Resolved, FileError> {
        let mut chosen = self.document.clone();
        let scenario =
            read(&mut chosen, selection, chooser).map_err(|issue| chosen.locate(issue))?;
        Ok(Resolved { file: Arc::clone(&self.path), selection: selection.clone(), scenario })
    }

    /// Whether anything of a run is left for its seed to choose.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn has_choices(&self, selection: &Selection) -> Result<bool, FileError> {
        let mut asked = false;
        self.resolve(selection, &mut |_, _| {
            asked = true;
            0
        })?;
        Ok(asked)
    }

    /// The command that repeats a run.
    pub fn reproduce(&self, selection: &Selection, seed: u64) -> String {
        let mut words = vec![format!("highwater run {}", quoted(&self.path))];
        match &selection.variant {
            Some(variant) => words.push(format!("--variant {variant}")),
            None if self.variants().is_empty() || !selection.overrides.is_empty() => {}
            None => words.push(format!("--variant {BASE}")),
        }
        let set = |change: &Override| format!("--set {}", quoted(&change.text));
        words.extend(selection.overrides.iter().map(set));
        words.push(format!("--seed {seed}"));
        words.join(" ")
    }

    /// Checks one variant: resolves with the first options of the choices, the second ones, … until
    /// every option was taken once.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn check_selection(&self, selection: &Selection) -> Result<Resolved, FileError> {
        let mut most = 0;
        let first = self.resolve(selection, &mut |path, last| {
            // Between two bounds the bounds are enough: what is between them differs in no check.
            let one_of = self.document.get(path).is_some_and(|value| value.get("one_of").is_some());
            most = most.max(if one_of { last } else { last.min(1) });
            0
        })?;
        for nth in 1..=most {
            self.resolve(selection, &mut |_, last| if nth <= last { nth } else { last })?;
            self.resolve(selection, &mut |_, last| last)?;
        }
        Ok(first)
    }
}

fn read(
    document: &mut Document,
    selection: &Selection,
    chooser: choice::Chooser<'_>,
) -> Result<Scenario, Issue> {
    let validator = Validator::new(schema::checked());
    if !document.value.is_object() {
        return Err(Issue::value(KeyPath::default(), "expected an object"));
    }
    if let Some(variant) = &selection.variant {
        lay_variant(document, variant, validator)?;
    }
    for change in &selection.overrides {
        lay_override(document, change)?;
    }
    if selection.variant.is_none() && !selection.overrides.is_empty() {
        document.remove("expect");
    }
    if document.get(&KeyPath::from("variants").key(BASE)).is_some() {
        let message = "`base` is the file without any variant: expected another name";
        return Err(Issue::key(KeyPath::from("variants").key(BASE), message));
    }
    choice::resolve(document, chooser)?;
    validator.check(&document.value)?;
    document.remove("variants");
    let scenario = typed(&document.value)?;
    checks::check(&scenario, document)?;
    Ok(scenario)
}

fn lay_variant(document: &mut Document, name: &str, validator: Validator<'_>) -> Result<(), Issue> {
    let variants = KeyPath::from("variants");
    let at = variants.key(name);
    let Some(variant) = document.get(&at).cloned() else {
        let known = document.get(&variants).and_then(Value::as_object).cloned().unwrap_or_default();
        let issue = Issue::key(variants, format!("no variant is called `{name}`"));
        return Err(issue.nearest(name, known.keys().map(String::as_str)));
    };
    validator.check_against(&json!({ "$ref": "#/$defs/Variant" }), &variant, &at)?;
    let set = variant.get("set").and_then(Value::as_object).cloned().unwrap_or_default();
    for path in set.keys() {
        let from = at.key("set").key(path);
        let to = KeyPath::parse(path).map_err(|error| Issue::key(from.clone(), error))?;
        settable(&to).map_err(|error| Issue::key(from.clone(), error))?;
        document.copy(&from, &to).map_err(|issue| Issue::key(from, issue.message))?;
    }
    for key in ["expect", "seeds"] {
        if variant.get(key).is_some_and(|value| !value.is_null()) {
            document.copy(&at.key(key), &KeyPath::from(key))?;
        }
    }
    Ok(())
}

fn lay_override(document: &mut Document, change: &Override) -> Result<(), Issue> {
    let source = Source { name: "--set".into(), text: change.text.as_str().into() };
    let number = document.add_source(source);
    let (path, text) = change.text.split_once('=').unwrap_or((&change.text, ""));
    let spans = (0..path.len(), (path.len() + 1).min(change.text.len())..change.text.len());
    // Until the path is known, the argument is the only place there is.
    let argument = KeyPath::from("--set");
    let refused = |document: &mut Document, message: String| {
        let place = document.put_from(&argument, Value::Null, number, spans.clone());
        document.remove("--set");
        place.and(Err(Issue::key(argument.clone(), message)))
    };
    if !change.text.contains('=') {
        return refused(document, format!("expected `path=value`, not `{}`", change.text));
    }
    let to = match KeyPath::parse(path).and_then(|to| settable(&to).map(|()| to)) {
        Ok(to) => to,
        Err(error) => return refused(document, error),
    };
    let value = value_of(text, &to);
    match document.put_from(&to, value, number, spans.clone()) {
        Ok(()) => Ok(()),
        Err(issue) => refused(document, issue.message),
    }
}

/// What a text on the command line means: JSON if it is some and the place takes it, else the text.
fn value_of(text: &str, to: &KeyPath) -> Value {
    match serde_json::from_str(text) {
        Ok(value) if !wants_text(to, &value) => value,
        _ => Value::from(text),
    }
}

/// Whether the place takes the text of a number, but not the number: `acks=1`.
fn wants_text(to: &KeyPath, value: &Value) -> bool {
    let validator = Validator::new(schema::checked());
    let mut at = schema::checked();
    for step in &to.0 {
        at = validator.resolve(at);
        let inner = match step {
            super::Step::Key(key) => at.get("properties").and_then(|known| known.get(key)),
            super::Step::Index(_) => at.get("items"),
        };
        match inner {
            Some(inner) => at = inner,
            None => return false,
        }
    }
    let fits = |value: &Value| validator.check_against(at, value, to).is_ok();
    !fits(value) && fits(&Value::from(value.to_string()))
}

fn settable(path: &KeyPath) -> Result<(), String> {
    let root = path.0.first();
    let fixed = ["name", "variants", "$schema"];
    match root {
        Some(super::Step::Key(key)) if fixed.contains(&key.as_str()) => {
            Err(format!("`{key}` cannot be set"))
        }
        _ => Ok(()),
    }
}

/// Reads the types. The schema has spoken already: this fails only for what a schema cannot say.
fn typed(value: &Value) -> Result<Scenario, Issue> {
    serde_path_to_error::deserialize(value.clone().into_deserializer()).map_err(|error| {
        let steps = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(super::Step::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(super::Step::Key(key.clone())),
            serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => {
                None
            }
        });
        let path = KeyPath(steps.collect());
        Issue::value(path, error.inner().to_string())
    })
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./_-=,:@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
