//! Checks a value against the format's schema, and says what is wrong as a person would.
//!
//! One walk for all types, so that every key has the same kind of message, and what the published
//! schema says is what is refused. It understands the part of JSON Schema that `schemars` writes
//! for the types of the format; the types themselves are read afterwards.

use serde_json::{Map, Value};

use super::{Issue, KeyPath, document::kind, formats, issue};

/// A schema with its definitions; it also says in words what a schema asks for.
#[derive(Clone, Copy, Debug)]
pub struct Validator<'s> {
    root: &'s Value,
}

impl<'s> Validator<'s> {
    /// For the schemas in `root`.
    pub fn new(root: &'s Value) -> Self {
        Self { root }
    }

    /// Checks a value against the whole schema.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn check(self, value: &Value) -> Result<(), Issue> {
        self.check_against(self.root, value, &KeyPath::default())
    }

    /// Checks the value at `path` against a schema that stands in the root.
    ///
    /// # Errors
    /// The first thing wrong.
    pub fn check_against(self, schema: &Value, value: &Value, at: &KeyPath) -> Result<(), Issue> {
        if let Some(target) = self.target(schema) {
            self.check_against(target, value, at)?;
        }
        for part in list(schema, "allOf") {
            self.check_against(part, value, at)?;
        }
        let branches = branches(schema);
        if !branches.is_empty() {
            self.check_branches(branches, value, at)?;
        }
        if let Some(words) = words(schema) {
            check_words(&words, value, at)?;
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|name| is_of(value, name)) {
            return Err(self.not(schema, value, at));
        }
        match value {
            Value::Object(object) => self.check_object(schema, object, at),
            Value::Array(elements) => self.check_list(schema, elements, at),
            Value::Number(_) => check_number(schema, value, at),
            Value::String(text) => match schema.get("format").and_then(Value::as_str) {
                Some(format) => formats::check(format, text, at),
                None => Ok(()),
            },
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }

    /// What `$ref` points to.
    pub fn target(self, schema: &Value) -> Option<&'s Value> {
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    /// The schema behind references.
    pub fn resolve(self, schema: &'s Value) -> &'s Value {
        self.target(schema).map_or(schema, |target| self.resolve(target))
    }

    fn check_object(
        self,
        schema: &Value,
        object: &Map<String, Value>,
        at: &KeyPath,
    ) -> Result<(), Issue> {
        let known = schema.get("properties").and_then(Value::as_object);
        for (key, value) in object {
            if let Some(inner) = known.and_then(|known| known.get(key)) {
                self.check_against(inner, value, &at.key(key))?;
            } else if let Some(inner) = pattern(schema, key).or(schema.get("additionalProperties"))
            {
                if inner == &Value::Bool(false) {
                    return Err(unknown_key(key, known, at));
                }
                self.check_against(inner, value, &at.key(key))?;
            }
        }
        for key in list(schema, "required").iter().filter_map(Value::as_str) {
            if !object.contains_key(key) {
                let about = known.and_then(|known| known.get(key)).and_then(|s| self.about(s));
                let issue = Issue::value(at.clone(), format!("`{key}` is missing"));
                return Err(match about {
                    Some(about) => issue.help(format!("`{key}`: {about}")),
                    None => issue,
                });
            }
        }
        Ok(())
    }

    fn check_list(self, schema: &Value, elements: &[Value], at: &KeyPath) -> Result<(), Issue> {
        let bound = |name| schema.get(name).and_then(Value::as_u64);
        let length = elements.len() as u64;
        let (min, max) = (bound("minItems").unwrap_or(0), bound("maxItems").unwrap_or(u64::MAX));
        if length < min || max < length {
            let expected = match (min, max) {
                (min, max) if min == max => format!("{min} elements"),
                (min, u64::MAX) => format!("at least {min} element{}", plural(min)),
                (min, max) => format!("{min} to {max} elements"),
            };
            let message = format!("expected a list of {expected}, not of {length}");
            return Err(Issue::value(at.clone(), message));
        }
        let Some(items) = schema.get("items") else { return Ok(()) };
        for (index, element) in elements.iter().enumerate() {
            self.check_against(items, element, &at.index(index))?;
        }
        Ok(())
    }

    /// One of several schemas must hold: the error is that of the one that was meant.
    fn check_branches(self, all: &[Value], value: &Value, at: &KeyPath) -> Result<(), Issue> {
        let fitting: Vec<_> = all.iter().filter(|branch| self.admits(branch, value)).collect();
        if fitting.is_empty() {
            let words: Option<Vec<_>> = all.iter().map(|branch| self.words(branch)).collect();
            return match words {
                Some(words) => check_words(&words.concat(), value, at),
                None => Err(self.not_any(all, value, at)),
            };
        }
        if let (Value::Object(object), true) = (value, 1 < fitting.len()) {
            return self.check_tagged(&fitting, object, value, at);
        }
        if let Value::String(_) = value {
            let words: Option<Vec<_>> = fitting.iter().map(|branch| self.words(branch)).collect();
            if let Some(words) = words {
                return check_words(&words.concat(), value, at);
            }
        }
        let mut deepest: Option<Issue> = None;
        for branch in fitting {
            match self.check_against(branch, value, at) {
                Ok(()) => return Ok(()),
                Err(issue) => {
                    let depth = |issue: &Issue| issue.path.0.len();
                    if deepest.as_ref().is_none_or(|other| depth(other) < depth(&issue)) {
                        deepest = Some(issue);
                    }
                }
            }
        }
        deepest.map_or(Ok(()), Err)
    }

    /// Objects tell which of them is meant by the key that only they require.
    fn check_tagged(
        self,
        branches: &[&Value],
        object: &Map<String, Value>,
        value: &Value,
        at: &KeyPath,
    ) -> Result<(), Issue> {
        let mut tags = Vec::new();
        for branch in branches {
            let resolved = self.target(branch).unwrap_or(branch);
            let tag = list(resolved, "required").first().and_then(Value::as_str);
            let Some(tag) = tag else { return self.check_against(branch, value, at) };
            if object.contains_key(tag) {
                return self.check_against(branch, value, at);
            }
            tags.push(tag);
        }
        for key in object.keys() {
            if issue::nearest(key, tags.iter().copied()).is_some() {
                let issue = Issue::key(at.key(key), format!("unknown key `{key}`"));
                return Err(issue.nearest(key, tags));
            }
        }
        let expected = format!("expected one of the keys {}", issue::words(&tags));
        Err(Issue::value(at.clone(), expected))
    }

    /// Whether a value of this kind can be meant for a schema.
    fn admits(self, schema: &Value, value: &Value) -> bool {
        if let Some(target) = self.target(schema) {
            return self.admits(target, value);
        }
        let branches = branches(schema);
        if !branches.is_empty() {
            return branches.iter().any(|branch| self.admits(branch, value));
        }
        if let Some(words) = words(schema) {
            return words.iter().any(|word| kind(word) == kind(value));
        }
        let types = types(schema);
        types.is_empty() || types.iter().any(|name| is_of(value, name))
    }

    fn words(self, schema: &Value) -> Option<Vec<Value>> {
        let schema = self.target(schema).unwrap_or(schema);
        words(schema).or_else(|| {
            let branches = branches(schema);
            let words: Option<Vec<_>> = branches.iter().map(|branch| self.words(branch)).collect();
            words.filter(|words| !words.is_empty()).map(|words| words.concat())
        })
    }

    fn about(self, schema: &'s Value) -> Option<&'s str> {
        let about = schema.get("description").or_else(|| self.target(schema)?.get("description"));
        about.and_then(Value::as_str)
    }

    fn not(self, schema: &Value, value: &Value, at: &KeyPath) -> Issue {
        let message = format!("expected {}, not {}", self.describe(schema), shown(value));
        Issue::value(at.clone(), message)
    }

    fn not_any(self, branches: &[Value], value: &Value, at: &KeyPath) -> Issue {
        let expected = self.describe_any(branches);
        Issue::value(at.clone(), format!("expected {expected}, not {}", shown(value)))
    }

    fn describe_any(self, branches: &[Value]) -> String {
        let mut descriptions: Vec<String> = Vec::new();
        for branch in branches {
            let description = self.describe(branch);
            if description != "null" && !descriptions.contains(&description) {
                descriptions.push(description);
            }
        }
        descriptions.join(" or ")
    }

    /// What a schema asks for, in words.
    pub fn describe(self, schema: &Value) -> String {
        if let Some(target) = self.target(schema) {
            return self.describe(target);
        }
        if let Some(words) = self.words(schema) {
            let words: Vec<_> = words.iter().map(shown).collect();
            return words.join(" or ");
        }
        let branches = branches(schema);
        if !branches.is_empty() {
            return self.describe_any(branches);
        }
        let format = schema.get("format").and_then(Value::as_str);
        if let Some(described) = format.and_then(formats::describe) {
            return described.to_owned();
        }
        let types = types(schema);
        let names: Vec<_> =
            types.iter().filter(|name| **name != "null" || types.len() == 1).collect();
        let names: Vec<_> = names.into_iter().map(|name| type_in_words(name)).collect();
        if names.is_empty() { "a value".to_owned() } else { names.join(" or ") }
    }
}

fn type_in_words(name: &str) -> &str {
    match name {
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

fn list<'v>(schema: &'v Value, key: &str) -> &'v [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn branches(schema: &Value) -> &[Value] {
    let any = list(schema, "anyOf");
    if any.is_empty() { list(schema, "oneOf") } else { any }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The only values that a schema admits, if it names them.
fn words(schema: &Value) -> Option<Vec<Value>> {
    let one = schema.get("const").map(|word| vec![word.clone()]);
    one.or_else(|| schema.get("enum").and_then(Value::as_array).cloned())
}

/// The schema of the keys with a prefix: the only kind of pattern that the format has.
fn pattern<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    let patterns = schema.get("patternProperties")?.as_object()?;
    let named = |pattern: &str| {
        let prefix = pattern.strip_prefix('^')?.split('[').next()?.replace('\\', "");
        key.strip_prefix(&prefix)
    };
    patterns.iter().find(|(pattern, _)| named(pattern).is_some()).map(|(_, schema)| schema)
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn check_words(words: &[Value], value: &Value, at: &KeyPath) -> Result<(), Issue> {
    if words.contains(value) {
        return Ok(());
    }
    let texts: Vec<_> = words.iter().filter_map(Value::as_str).collect();
    // `"acks": 1` where Kafka's properties, which are all text, have "1".
    let as_text = value.to_string();
    if texts.contains(&as_text.as_str()) {
        let message = format!("expected the text \"{as_text}\", in quotes");
        return Err(Issue::value(at.clone(), message));
    }
    let shown_words: Vec<_> = words.iter().map(shown).collect();
    let message = format!("expected {}, not {}", shown_words.join(" or "), shown(value));
    let issue = Issue::value(at.clone(), message);
    let meant = value.as_str().and_then(|word| issue::nearest(word, texts.iter().copied()));
    Err(match meant {
        Some(meant) => issue.help(format!("did you mean `{meant}`?")),
        None => issue,
    })
}

fn check_number(schema: &Value, value: &Value, at: &KeyPath) -> Result<(), Issue> {
    let integer =
        |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    let Some(number) = integer(value) else { return Ok(()) };
    let format = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => i128::from(u8::MAX),
        Some("uint16") => i128::from(u16::MAX),
        Some("uint32") => i128::from(u32::MAX),
        Some("int32") => i128::from(i32::MAX),
        Some("int64") => i128::from(i64::MAX),
        _ => i128::MAX,
    };
    let bound = |key| schema.get(key).and_then(integer);
    let low = bound("minimum").unwrap_or(i128::MIN);
    let high = bound("maximum").unwrap_or(i128::MAX).min(format);
    if low <= number && number <= high {
        return Ok(());
    }
    let expected = match (low, high) {
        (low, i128::MAX) => format!("at least {low}"),
        (i128::MIN, high) => format!("at most {high}"),
        (low, high) => format!("from {low} to {high}"),
    };
    Err(Issue::value(at.clone(), format!("expected a whole number {expected}, not {number}")))
}

fn unknown_key(key: &str, known: Option<&Map<String, Value>>, at: &KeyPath) -> Issue {
    let known = known.into_iter().flat_map(Map::keys).map(String::as_str);
    Issue::key(at.key(key), format!("unknown key `{key}`")).nearest(key, known)
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A value as it stands in the file, if it is short.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 { text } else { kind(value).to_owned() }
}
