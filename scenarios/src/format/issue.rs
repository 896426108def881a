//! What is wrong with a scenario file, and where: file, line, column, key path.

use core::ops::Range;
use std::{fmt, sync::Arc};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::KeyPath;

/// Something wrong with a value, found where only the value is known and not yet its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The value.
    pub path: KeyPath,
    /// Whether its key or the value itself is at fault.
    pub part: Part,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do: the nearest valid word, or all of them.
    pub help: Option<String>,
}

/// What to point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl Issue {
    /// A value that is wrong.
    pub fn value(path: KeyPath, message: impl Into<String>) -> Self {
        Self { path, part: Part::Value, message: message.into(), help: None }
    }

    /// A key that is wrong.
    pub fn key(path: KeyPath, message: impl Into<String>) -> Self {
        Self { path, part: Part::Key, message: message.into(), help: None }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With the word that was probably meant, or else with all of them.
    #[must_use]
    pub fn nearest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<_> = known.into_iter().collect();
        match nearest(word, known.iter().copied()) {
            Some(meant) => self.help(format!("did you mean `{meant}`?")),
            None if known.is_empty() => self,
            None => self.help(format!("one of {}", words(&known))),
        }
    }
}

/// Writes words as a list for people.
pub(crate) fn words(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// The known word nearest to a mistyped one, if any is near enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let closeness = |other: &str| {
        let other = other.to_lowercase();
        let typo = strsim::damerau_levenshtein(&word, &other) <= 1 + other.chars().count() / 4;
        let part = 4 <= word.chars().count() && (other.contains(&word) || word.contains(&other));
        (typo || part).then(|| strsim::jaro_winkler(&word, &other))
    };
    known
        .into_iter()
        .filter_map(|other| closeness(other).map(|close| (close, other)))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// A text that was read: a scenario file or an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How people find it: a path, or the argument's name.
    pub name: Arc<str>,
    /// What stands in it.
    pub text: Arc<str>,
}

/// One clear message about a scenario file, with its place.
#[derive(Clone, Debug)]
pub struct FileError(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    source: Source,
    span: Range<usize>,
    path: KeyPath,
    message: String,
    help: Option<String>,
    code: NamedSource<Arc<str>>,
}

impl FileError {
    /// An issue found at these bytes of a source.
    pub fn new(source: &Source, span: Range<usize>, issue: Issue) -> Self {
        let span = within(&source.text, span);
        let code = NamedSource::new(&source.name, Arc::clone(&source.text));
        let Issue { path, message, help, .. } = issue;
        Self(Box::new(Details { source: source.clone(), span, path, message, help, code }))
    }

    /// The file that it is in.
    pub fn file(&self) -> &str {
        &self.0.source.name
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        let line = self.before().rsplit('\n').next().unwrap_or_default();
        line.chars().count() + 1
    }

    /// The key path, empty for the whole file.
    pub fn path(&self) -> &KeyPath {
        &self.0.path
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The bytes before the place.
    fn before(&self) -> &str {
        &self.0.source.text[..self.0.span.start]
    }
}

/// Moves a span to the bounds of characters inside the text.
fn within(text: &str, span: Range<usize>) -> Range<usize> {
    let down = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (down(span.start), down(span.end));
    start..end.max(start)
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file(), self.line(), self.column())?;
        if !self.0.path.0.is_empty() {
            write!(f, "{}: ", self.0.path)?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for FileError {}

impl Diagnostic for FileError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.code)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new(None, self.0.span.start, self.0.span.len());
        Some(Box::new(core::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_a_typo_away_or_not_offered() {
        let known = ["replica.lag.time.max.ms", "min.insync.replicas", "crash"];
        assert_eq!(nearest("replica.lag.time.ms", known), Some("replica.lag.time.max.ms"));
        assert_eq!(nearest("crsh", known), Some("crash"));
        assert_eq!(nearest("MIN.INSYNC.REPLICAS", known), Some("min.insync.replicas"));
        assert_eq!(nearest("acks", known), None);
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let source = Source { name: "x.json".into(), text: "{\n \"ä\": 1 }".into() };
        let at = source.text.find('1').unwrap();
        let error = FileError::new(&source, at..at + 1, Issue::value(KeyPath::from("ä"), "no"));
        assert_eq!(error.to_string(), "x.json:2:7: ä: no");
        let far = FileError::new(&source, 900..999, Issue::value(KeyPath::default(), "no"));
        assert_eq!((far.line(), far.column()), (2, 10));
    }
}
