//! Key paths: `producers[0].config.acks`.
//!
//! Kafka's keys contain dots. So what follows `config.` is one key, and so are `replication.factor`
//! and `errors.<CODE>`.

use std::fmt;

/// The way from the root of a file to a value in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPath(pub Vec<Step>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

impl KeyPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (key, after) = split_key(rest, steps.last());
            if key.is_empty() {
                return Err(format!("an empty key in the path `{text}`"));
            }
            steps.push(Step::Key(key.to_owned()));
            rest = indexes(after, &mut steps, text)?;
        }
        if steps.is_empty() {
            return Err("an empty path".to_owned());
        }
        Ok(Self(steps))
    }

    /// The path of the value under `key`.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// The path of the element `index`.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// The path one step above; none for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// What remains of `self` below `root`; none if it does not lie there.
    pub fn below(&self, root: &Self) -> Option<&[Step]> {
        self.0.strip_prefix(root.0.as_slice())
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

/// Splits the next key off: `rest` begins with it.
fn split_key<'a>(rest: &'a str, before: Option<&Step>) -> (&'a str, &'a str) {
    let one_key = matches!(before, Some(Step::Key(key)) if key == "config")
        || ["replication.factor", "errors."].iter().any(|known| rest.starts_with(known));
    let end = if one_key { rest.len() } else { rest.find(['.', '[']).unwrap_or(rest.len()) };
    rest.split_at(end)
}

/// Reads `[0][1].` and leaves what follows the dot.
fn indexes<'a>(mut rest: &'a str, steps: &mut Vec<Step>, text: &str) -> Result<&'a str, String> {
    while let Some(inner) = rest.strip_prefix('[') {
        let (number, after) =
            inner.split_once(']').ok_or_else(|| format!("a `[` without `]` in `{text}`"))?;
        let index = number.parse().map_err(|_| format!("`{number}` is no index in `{text}`"))?;
        steps.push(Step::Index(index));
        rest = after;
    }
    match rest.strip_prefix('.') {
        Some("") => Err(format!("the path `{text}` ends with a dot")),
        Some(after) => Ok(after),
        None if rest.is_empty() => Ok(rest),
        None => Err(format!("expected `.` before `{rest}` in `{text}`")),
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl<const N: usize> From<[Step; N]> for KeyPath {
    fn from(steps: [Step; N]) -> Self {
        Self(steps.into())
    }
}

impl From<&str> for KeyPath {
    /// The path of a key at the root.
    fn from(key: &str) -> Self {
        Self::default().key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_config_is_one_key() {
        let path = KeyPath::parse("producers[0].config.enable.idempotence").unwrap();
        let expected = KeyPath::from("producers").index(0).key("config").key("enable.idempotence");
        assert_eq!(path, expected);
        assert_eq!(path.to_string(), "producers[0].config.enable.idempotence");
        let topic = KeyPath::parse("topics[1].replication.factor").unwrap();
        assert_eq!(topic, KeyPath::from("topics").index(1).key("replication.factor"));
        let errors = KeyPath::parse("expect.errors.REQUEST_TIMED_OUT").unwrap();
        assert_eq!(errors, KeyPath::from("expect").key("errors.REQUEST_TIMED_OUT"));
    }

    #[test]
    fn lists_of_lists_are_indexed_twice() {
        let path = KeyPath::parse("faults[0].do.cut[1][0]").unwrap();
        assert_eq!(path.to_string(), "faults[0].do.cut[1][0]");
        assert_eq!(path.0.len(), 6);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", ".", "a..b", "a.", "a[", "a[x]", "a[1]b", "[0]"] {
            assert!(KeyPath::parse(text).is_err(), "{text}");
        }
    }
}
