//! Tests of the whole way from text to scenario, or to one clear message.

use std::{fmt::Write, fs, path::Path};

use broker::config::Acks;
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::{prelude::*, sample};
use serde_json::json;

use super::*;

/// A file with a bit of everything, to make mistakes in.
pub(super) const FILE: &str = include_str!("tests/valid.json");

fn read(text: &str) -> Result<Resolved, FileError> {
    ScenarioFile::from_bytes("file.json", text.into())?.check()
}

/// What is said about the file with `from` replaced.
pub(super) fn mistake(from: &str, to: &str) -> FileError {
    assert!(FILE.contains(from), "the file does not contain {from}");
    match read(&FILE.replacen(from, to, 1)) {
        Ok(_) => panic!("{from} was replaced by {to}, and nothing is wrong"),
        Err(error) => error,
    }
}

/// Many mistakes with what is said about each.
pub(super) fn mistakes(mistakes: &[(&str, &str)]) -> String {
    let mut said = String::new();
    for (from, to) in mistakes {
        let error = mistake(from, to);
        writeln!(said, "{from}\n  →  {to}\n{error}").unwrap();
        if let Some(advice) = error.advice() {
            writeln!(said, "  help: {advice}").unwrap();
        }
        said.push('\n');
    }
    said
}

/// Compares a text with the committed one, which does not repeat the code that makes it.
macro_rules! assert_said {
    ($said:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($said) });
    };
}

pub(super) use assert_said;

fn rendered(error: &FileError) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    handler.with_width(100).render_report(&mut text, error).unwrap();
    text
}

fn scenario_files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.retain(|path| !path.ends_with("scenario.schema.json"));
    paths.sort();
    let named = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (named(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_committed_file_is_a_scenario() {
    for (name, text) in scenario_files() {
        let file = ScenarioFile::from_bytes(&name, text.into()).unwrap();
        if let Err(error) = file.check() {
            panic!("{}", rendered(&error));
        }
    }
    read(FILE).unwrap();
}

#[test]
fn a_mistake_is_shown_with_its_line_a_caret_and_the_nearest_word() {
    assert_said!(rendered(&mistake(r#""min.insync.replicas": 2"#, r#""min.insync.replica": 2"#)));
}

#[test]
fn wrong_keys_types_and_words_are_named() {
    assert_said!(mistakes(&[
        (r#""about""#, r#""abuot""#),
        (r#""name": "everything","#, ""),
        (r#""name": "everything""#, r#""name": "Every thing""#),
        (r#""brokers": 3"#, r#""brokers": "three""#),
        (r#""brokers": 3"#, r#""brokers": 0"#),
        (r#""brokers": 3"#, r#""brokers": 3.5"#),
        (r#""protocol": "kip-595""#, r#""protocol": "kip-596""#),
        (r#""protocol": "kip-595""#, r#""rules": { "truncaton": "none" }"#),
        (r#""protocol": "kip-595""#, r#""rules": { "truncation": "nome" }"#),
        (r#""protocol": "kip-595""#, r#""rules": { "fetch-epoch-fence": true }"#),
        (r#""replica.lag.time.max.ms""#, r#""replica.lag.max.ms""#),
        (r#""min.insync.replicas": 2"#, r#""min.insync.replicas": -1"#),
        (r#""min.insync.replicas": 2"#, r#""min.insync.replicas": 5000000000"#),
        (r#""latency": ["1ms", "5ms"]"#, r#""latency": ["1ms"]"#),
        (r#""latency": ["1ms", "5ms"]"#, r#""latency": 5"#),
        (r#""latency": ["1ms", "5ms"]"#, r#""latency": ["1ms", "5 ms"]"#),
        (r#""duration": "30s""#, r#""duration": "30sec""#),
        (r#""duration": "30s""#, r#""duration": "1.5s""#),
        (r#""seeds": [7, 42]"#, r#""seeds": []"#),
        (r#""topics": ["#, r#""topics": {}, "x": ["#),
        (r#""verdict": "allowed-loss""#, r#""verdict": "allowed-los""#),
        (r#""verdict": "allowed-loss""#, r#""verdict": { "nott": "ok" }"#),
        (r#""acked_lost": { "min": 1 }"#, r#""acked_lost": { "mn": 1 }"#),
        (r#""acked_lost": { "min": 1 }"#, r#""acked_loss": { "min": 1 }"#),
        (r#""acked_lost": { "min": 1 }"#, r#""acked_lost": "many""#),
        (r#""bandwidth": "10MB/s""#, r#""bandwidth": "10Mbit""#),
        (r#""crash": "leader:orders-0""#, r#""crsh": "leader:orders-0""#),
        (r#""crash": "leader:orders-0""#, r#""explode": "leader:orders-0""#),
        (r#""crash": "leader:orders-0""#, r#""crash": "leeder:orders-0""#),
        (r#""crash": "leader:orders-0""#, r#""crash": 1"#),
        (r#""api": "Fetch""#, r#""api": "Fetsh""#),
        (r#""unsynced": "torn""#, r#""unsynced": "tron""#),
        (r#""late-metadata": 1"#, r#""late-metdata": 1"#),
        (r#""acks": "1""#, r#""acks": "one""#),
        (r#""acks": "1""#, r#""acks": 1"#),
        (r#""acks": "1""#, r#""ack": "1""#),
        (r#""jump": "-5s""#, r#""jump": "--5s""#),
        (r#""share": "0.5%""#, r#""share": "0.5""#),
        (r#""one_of": ["0%", "1%"]"#, r#""one_of": ["0%", "1"]"#),
        (r#""one_of": ["0%", "1%"]"#, r#""one_of": []"#),
        (r#""cluster.protocol": "hw""#, r#""cluster.protocl": "hw""#),
        (r#""cluster.protocol": "hw""#, r#""cluster.protocol": "h""#),
        (r#""cluster.protocol": "hw""#, r#""producers[5].every": "1s""#),
        (r#""cluster.protocol": "hw""#, r#""producers[x].every": "1s""#),
    ]));
}

#[test]
fn the_command_line_overrides_values_and_its_mistakes_are_shown_as_arguments() {
    let file = ScenarioFile::from_bytes("file.json", FILE.into()).unwrap();
    let resolve = |variant: Option<&str>, text: &str| {
        let overrides = vec![Override { text: text.to_owned() }];
        let selection = Selection { variant: variant.map(str::to_owned), overrides };
        file.resolve(&selection, &mut |_, _| 0)
    };
    let changed = resolve(None, "producers[0].config.acks=all").unwrap().scenario;
    assert_eq!(changed.producers[0].config.acks, Acks::All);
    assert_eq!(changed.expect, None, "an override without a variant expects no more than health");
    let changed = resolve(None, "producers[0].config.acks=0").unwrap().scenario;
    assert_eq!(changed.producers[0].config.acks, Acks::None, "the text of a number, where asked");
    let changed = resolve(Some("old"), "cluster.brokers=4").unwrap().scenario;
    assert_eq!((changed.cluster.brokers, changed.cluster.protocol), (4, Protocol::Hw));
    assert!(changed.expect.is_some(), "a variant keeps what it expects");
    let changed = resolve(None, r#"topics[0].config={"flush.messages": 1}"#).unwrap().scenario;
    assert_eq!(changed.topics[0].config.flush_messages, Some(1));
    let mut said = String::new();
    for text in [
        "cluster.brokers=many",
        "cluster.config.replica.lag.ms=1",
        "producers[0].every=10",
        "producers[7].every=10ms",
        "cluster.brokers",
        "name=other",
        "a..b=1",
        "=1",
        "",
        "producers[0].topic=order",
    ] {
        writeln!(said, "{}", resolve(None, text).unwrap_err()).unwrap();
    }
    assert_said!(said);
}

#[test]
fn an_unknown_variant_is_refused_with_the_nearest() {
    let file = ScenarioFile::from_bytes("file.json", FILE.into()).unwrap();
    let selection = Selection { variant: Some("odl".to_owned()), ..Selection::default() };
    let error = file.resolve(&selection, &mut |_, _| 0).unwrap_err();
    assert_eq!(error.advice(), Some("did you mean `old`?"));
}

#[test]
fn a_variant_replaces_values_expectations_and_seeds() {
    let file = ScenarioFile::from_bytes("file.json", FILE.into()).unwrap();
    let selection = Selection { variant: Some("old".to_owned()), ..Selection::default() };
    let scenario = file.resolve(&selection, &mut |_, _| 0).unwrap().scenario;
    assert_eq!(scenario.cluster.protocol, Protocol::Hw);
    assert_eq!(scenario.seeds, [1]);
    let verdict = scenario.expect.unwrap().verdict;
    assert_eq!(verdict, Some(VerdictExpectation::One(Verdict::Violation)));
    assert!(scenario.variants.is_empty());
}

#[test]
fn a_scenario_reads_back_from_what_it_writes() {
    let scenario = read(FILE).unwrap().scenario;
    let text = serde_json::to_string(&scenario).unwrap();
    assert_eq!(read(&text).unwrap().scenario.faults, scenario.faults);
}

#[test]
fn the_published_schema_admits_choices_for_scalars_and_not_for_names() {
    let schema = published_schema();
    let choice = json!({ "$ref": "#/$defs/Choice" });
    let admits = |pointer: &str| {
        let branches = schema.pointer(pointer).and_then(|schema| schema.get("anyOf"));
        branches.and_then(|all| all.as_array()).is_some_and(|all| all.contains(&choice))
    };
    assert!(admits("/$defs/Producer/properties/size"));
    assert!(admits("/$defs/ServerConfig/properties/min.insync.replicas"));
    assert!(admits("/properties/duration"));
    assert!(!admits("/properties/name"));
}

/// Ways to damage a file.
#[derive(Clone, Debug)]
enum Damage {
    Byte(sample::Index, u8),
    Cut(sample::Index, sample::Index),
    RenameKey(sample::Index),
    SwapValues(sample::Index, sample::Index),
    Value(sample::Index, sample::Index),
}

const ODD_VALUES: [&str; 14] = [
    "null",
    "true",
    "-1",
    "0",
    "1e300",
    "18446744073709551615",
    "\"\"",
    "\"-\"",
    "[]",
    "{}",
    "\"leader:\"",
    "[[]]",
    "{ \"one_of\": [null] }",
    "{ \"between\": [0, 18446744073709551615] }",
];

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (index(), index()).prop_map(|(a, b)| Damage::Cut(a, b)),
        index().prop_map(Damage::RenameKey),
        (index(), index()).prop_map(|(a, b)| Damage::SwapValues(a, b)),
        (index(), index()).prop_map(|(at, value)| Damage::Value(at, value)),
    ]
}

impl Damage {
    fn apply(&self, text: &mut Vec<u8>) {
        match self {
            Self::Byte(at, byte) => *at.get_mut(text.as_mut_slice()) = *byte,
            Self::Cut(a, b) => {
                let (a, b) = (a.index(text.len()), b.index(text.len()));
                let end = a.max(b).min(a.min(b) + 20);
                text.drain(a.min(b)..end);
            }
            Self::RenameKey(at) => {
                let keys: Vec<_> =
                    (0..text.len()).filter(|at| text[*at..].starts_with(b"\":")).collect();
                if !keys.is_empty() {
                    text.insert(*at.get(&keys), b'x');
                }
            }
            Self::SwapValues(a, b) => {
                let values = values(text);
                if !values.is_empty() {
                    let with = text[b.get(&values).clone()].to_vec();
                    text.splice(a.get(&values).clone(), with);
                }
            }
            Self::Value(at, value) => {
                let values = values(text);
                if !values.is_empty() {
                    let value = value.get(&ODD_VALUES).bytes();
                    text.splice(at.get(&values).clone(), value);
                }
            }
        }
    }
}

/// Where the scalars are that stand behind a key, roughly.
fn values(text: &[u8]) -> Vec<core::ops::Range<usize>> {
    let starts = (0..text.len()).filter(|at| text[*at..].starts_with(b"\": ")).map(|at| at + 3);
    let end = |start: usize| {
        let length = text[start..].iter().position(|byte| b",]}\n".contains(byte));
        start + length.unwrap_or(0)
    };
    starts.map(|start| start..end(start)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_right_or_refused_at_a_place(
        which in any::<sample::Index>(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut files = scenario_files();
        files.push(("valid.json".to_owned(), FILE.to_owned()));
        let (name, text) = which.get(&files);
        let mut bytes = text.clone().into_bytes();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        let lines = bytes.split(|byte| *byte == b'\n').count();
        let checked = ScenarioFile::from_bytes(name, bytes).and_then(|file| file.check());
        if let Err(error) = checked {
            prop_assert!(1 <= error.line() && error.line() <= lines);
            prop_assert!(1 <= error.column());
            prop_assert!(!error.message().is_empty());
            prop_assert!(error.to_string().starts_with(name.as_str()));
            prop_assert!(!rendered(&error).is_empty());
        }
    }
}
