//! The house rules as a test: what no compiler checks and every reader relies on.
//!
//! A rule is a function from a file to what is wrong in it, so that each can be tested on a small
//! text below. Every message says file, line, rule and what to do instead.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use scenarios::format::ScenarioFile;

/// A file has at most so many lines: one promise per file.
const FILE_LINES_MAX: usize = 500;
/// A function has at most so many lines, from its name to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// A line has at most so many characters.
const COLUMNS_MAX: usize = 100;

/// What may stand visibly in the root.
const ROOT: [&str; 8] =
    ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "broker", "reports", "scenarios", "sim"];

/// The modules of `broker`, each of which may import those of lower rank only.
const LAYERS: [(&str, u8); 13] = [
    ("server", 10),
    ("broker", 9),
    ("controller", 9),
    ("replica", 8),
    ("raft", 8),
    ("log", 7),
    ("metadata", 6),
    ("client", 6),
    ("net", 5),
    ("protocol", 4),
    ("config", 3),
    ("host", 2),
    ("ids", 1),
];

/// A word that must not stand in the code of some crates, and what to write in its place. The words
/// are put together here from two parts, so that this file does not break its own rules.
const BANNED: [(&[&str], [&str; 2], &str); 18] = [
    (ALL, ["to", "do!"], "write it, or leave it out and say so"),
    (ALL, ["unimple", "mented!"], "write it, or leave it out and say so"),
    (ALL, ["FIX", "ME"], "fix it before it is merged"),
    (ALL, ["X", "XX"], "fix it before it is merged"),
    (ALL, ["db", "g!"], "emit an event, or take it out"),
    (ALL, ["#[ig", "nore"], "delete the test or make it run"),
    (ALL, ["#[should_", "panic"], "assert on a returned value"),
    (ALL, ["thread_", "rng"], "draw from a stream of `sim::Draws`"),
    (ALL, ["thread::", "sleep"], "return a deadline"),
    (PURE, ["Hash", "Map"], "use `BTreeMap`: its order is the same in every run"),
    (PURE, ["Hash", "Set"], "use `BTreeSet`: its order is the same in every run"),
    (PURE, ["f", "32"], "use an integer or a `Ratio`"),
    (PURE, ["f", "64"], "use an integer or a `Ratio`"),
    (PURE, ["std::time::", "Instant"], "time is an argument: use `Now`"),
    (PURE, ["System", "Time"], "time is an argument: use `Now`"),
    (PURE, ["println", "!"], "emit an event"),
    (&["broker"], ["as", "ync"], "a process is a `step`: return outputs and a deadline"),
    (&["broker"], ["aw", "ait"], "a process is a `step`: return outputs and a deadline"),
];

const ALL: &[&str] = &["broker", "sim", "scenarios", "reports"];
const PURE: &[&str] = &["broker", "sim"];

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offence {
    line: usize,
    rule: String,
}

fn offence(line: usize, rule: impl Into<String>) -> Offence {
    Offence { line, rule: rule.into() }
}

// ───── the rules

fn begins_with_docs(text: &str) -> Vec<Offence> {
    if text.starts_with("//! ") {
        return Vec::new();
    }
    vec![offence(1, "begin with `//!`: what the module is, why, and what it does not know")]
}

fn is_short(text: &str) -> Vec<Offence> {
    let lines = text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![offence(lines, format!("{lines} lines, at most {FILE_LINES_MAX}: split by promise"))]
}

fn has_short_lines(text: &str) -> Vec<Offence> {
    let too_long = |line: &str| COLUMNS_MAX < line.chars().count();
    let rule = || format!("more than {COLUMNS_MAX} columns: break the line");
    numbered(text).filter(|(_, line)| too_long(line)).map(|(at, _)| offence(at, rule())).collect()
}

/// Relies on `cargo fmt`: the closing brace of a function stands in the column of its beginning.
fn has_short_functions(text: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (at, line) in numbered(text) {
        let indent = &line[..line.len() - line.trim_start().len()];
        if let Some((begin, end)) = &open {
            if line == end {
                let lines = at - begin + 1;
                if FUNCTION_LINES_MAX < lines {
                    let rule = format!(
                        "a function of {lines} lines, at most {FUNCTION_LINES_MAX}: \
                                        leave the flow in it and move steps out"
                    );
                    offences.push(offence(*begin, rule));
                }
                open = None;
            }
        } else if is_function(line.trim_start()) && !line.ends_with([';', '}']) {
            open = Some((at, format!("{indent}}}")));
        }
    }
    offences
}

fn is_function(line: &str) -> bool {
    let mut rest = line;
    loop {
        if rest.starts_with("fn ") {
            return true;
        }
        let qualifiers =
            ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", "unsafe ", "extern "];
        match qualifiers.iter().find_map(|word| rest.strip_prefix(word)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

fn has_no_banned_words(krate: &str, text: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (at, line) in numbered(text) {
        let code = without_comment(line);
        for (crates, parts, instead) in BANNED {
            let word = parts.concat();
            if crates.contains(&krate) && contains_word(code, &word) {
                offences.push(offence(at, format!("no `{word}` in `{krate}`: {instead}")));
            }
        }
    }
    offences
}

/// A module of `broker` imports only modules that stand below it.
fn imports_downwards(module: &str, text: &str) -> Vec<Offence> {
    let rank = |name: &str| LAYERS.iter().find(|(layer, _)| *layer == name).map(|(_, rank)| *rank);
    let Some(own) = rank(module) else {
        let rule = format!("`{module}` has no rank among the modules: give it one in LAYERS");
        return vec![offence(1, rule)];
    };
    let code: Vec<_> = text.lines().map(without_comment).collect();
    let code = code.join("\n");
    imported(&code)
        .into_iter()
        .filter(|(_, name)| name != module && rank(name).is_some_and(|other| own <= other))
        .map(|(line, name)| {
            let rule = format!("`{module}` may not import `{name}`: move what both need below");
            offence(line, rule)
        })
        .collect()
}

/// The crates of ours that a manifest names as dependencies, with their lines.
fn depends_on_ours(manifest: &str) -> Vec<(usize, String)> {
    let mut in_dependencies = false;
    let mut found = Vec::new();
    for (at, line) in numbered(manifest) {
        if line.starts_with('[') {
            in_dependencies = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if in_dependencies {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if ALL.contains(&name) {
                found.push((at, name.to_owned()));
            }
        }
    }
    found
}

// ───── reading code

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

fn without_comment(line: &str) -> &str {
    let starts = line.match_indices("//").map(|(at, _)| at);
    let mut comments = starts.filter(|at| *at == 0 || line[..*at].ends_with(' '));
    comments.next().map_or(line, |at| &line[..at])
}

fn contains_word(code: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        let open_start = !word.starts_with(part_of_name) || !before.ends_with(part_of_name);
        let open_end = !word.ends_with(part_of_name) || !after.starts_with(part_of_name);
        open_start && open_end
    })
}

/// The modules named behind `crate::`, alone or in braces, with their lines.
fn imported(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => first_names(group),
            None => vec![name(rest)],
        };
        let line = code[..at].matches('\n').count() + 1;
        found.extend(names.into_iter().map(|name| (line, name)));
    }
    found
}

/// The first name of each element of a group, up to the brace that closes it.
fn first_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn name(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

// ───── the tree

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate stands in a workspace").into()
}

/// The files that git knows or would add, relative to the root.
fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files of the repository");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout).expect("the names of files are UTF-8");
    let exists = |path: &&str| root().join(path).exists();
    text.lines().filter(exists).map(str::to_owned).collect()
}

fn rust_files() -> Vec<(String, String)> {
    let rust = |path: &String| {
        extension(path) == "rs" && ALL.iter().any(|krate| path.starts_with(&format!("{krate}/")))
    };
    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).expect("a source file is UTF-8");
        (path, text)
    };
    files().into_iter().filter(rust).map(read).collect()
}

fn scenario_files() -> Vec<String> {
    let schema = "scenarios/scenario.schema.json";
    let is_scenario = |path: &String| {
        let inner = path.strip_prefix("scenarios/").unwrap_or_default();
        let apart = inner.starts_with("src/") || inner.starts_with("tests/");
        !inner.is_empty() && !apart && extension(path) == "json" && path != schema
    };
    files().into_iter().filter(is_scenario).collect()
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn krate(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// Fails with one line for each offence.
fn assert_clean(rule: impl Fn(&str, &str) -> Vec<Offence>) {
    let files = rust_files();
    assert!(20 < files.len(), "only {} source files were found", files.len());
    let broken = files.iter().flat_map(|(path, text)| {
        rule(path, text).into_iter().map(move |o| format!("{path}:{}: {}", o.line, o.rule))
    });
    let broken: Vec<_> = broken.collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_module_says_what_it_is() {
    assert_clean(|_, text| begins_with_docs(text));
}

#[test]
fn files_functions_and_lines_are_short() {
    assert_clean(|_, text| {
        let (files, lines) = (is_short(text), has_short_lines(text));
        [files, lines, has_short_functions(text)].concat()
    });
}

#[test]
fn no_banned_word_is_used() {
    assert_clean(|path, text| has_no_banned_words(krate(path), text));
}

#[test]
fn modules_of_broker_import_downwards() {
    assert_clean(|path, text| {
        let inner = path.strip_prefix("broker/src/").and_then(|inner| inner.split_once('/'));
        inner.map_or_else(Vec::new, |(module, _)| imports_downwards(module, text))
    });
}

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    for krate in ["broker", "sim", "reports"] {
        let path = format!("{krate}/Cargo.toml");
        let manifest = fs::read_to_string(root().join(&path)).unwrap();
        let ours = depends_on_ours(&manifest);
        assert!(ours.is_empty(), "{path}: imports nothing of ours, not even in tests: {ours:?}");
    }
}

#[test]
fn the_root_holds_what_it_should() {
    let visible: BTreeSet<_> = files()
        .iter()
        .filter(|path| !path.starts_with('.'))
        .map(|path| krate(path).to_owned())
        .collect();
    let expected: BTreeSet<_> = ROOT.iter().map(ToString::to_string).collect();
    let extra: Vec<_> = visible.difference(&expected).collect();
    assert!(extra.is_empty(), "in the root: {extra:?}: move it into one of {ROOT:?}");
    let missing: Vec<_> = expected.difference(&visible).collect();
    assert!(missing.is_empty(), "not in the root: {missing:?}");
}

#[test]
fn every_scenario_file_is_right_named_after_itself_and_names_its_schema() {
    let files = scenario_files();
    assert!(!files.is_empty());
    for path in files {
        let full = root().join(&path);
        let checked = ScenarioFile::read(&full).and_then(|file| file.check());
        let scenario = checked.unwrap_or_else(|error| panic!("{error}")).scenario;
        let stem = full.file_stem().unwrap().to_string_lossy().into_owned();
        assert_eq!(scenario.name, stem, "{path}: its `name` is the file's");
        let schema = scenario.schema.unwrap_or_else(|| panic!("{path}: name its `$schema`"));
        let beside = full.parent().unwrap().join(schema);
        assert!(beside.exists(), "{path}: there is no schema {}", beside.display());
        assert!(scenario.about.ends_with('.'), "{path}: `about` is made of sentences");
        assert!(!scenario.sources.is_empty(), "{path}: say where it is known from");
        assert!(scenario.expect.is_some(), "{path}: say what is expected");
    }
}

// ───── the rules, tried out

fn lines(offences: &[Offence]) -> Vec<usize> {
    offences.iter().map(|offence| offence.line).collect()
}

#[test]
fn a_module_without_docs_and_a_long_file_are_found() {
    assert_eq!(lines(&begins_with_docs("use a;\n//! Late.")), [1]);
    assert!(begins_with_docs("//! What it is.").is_empty());
    assert!(is_short(&"\n".repeat(FILE_LINES_MAX)).is_empty());
    assert_eq!(lines(&is_short(&"\n".repeat(FILE_LINES_MAX + 1))), [FILE_LINES_MAX + 1]);
    let long = "ä".repeat(COLUMNS_MAX);
    assert_eq!(lines(&has_short_lines(&format!("{long}\n{long}."))), [2]);
}

#[test]
fn a_long_function_is_found_at_its_beginning() {
    let function = |head: &str, body: usize| {
        format!("impl A {{\n    {head} {{\n{}    }}\n}}\n", "        x();\n".repeat(body))
    };
    assert!(has_short_functions(&function("pub(super) fn f()", 68)).is_empty());
    assert_eq!(lines(&has_short_functions(&function("pub(super) fn f()", 69))), [2]);
    assert!(has_short_functions(&function("mod tests", 500)).is_empty());
}

#[test]
fn banned_words_are_found_in_code_only_and_only_where_banned() {
    let map = ["use std::collections::Hash", "Map;"].concat();
    assert_eq!(lines(&has_no_banned_words("broker", &format!("a\n{map}"))), [2]);
    assert!(has_no_banned_words("scenarios", &map).is_empty());
    assert!(has_no_banned_words("sim", &format!("x(); // not a {map}")).is_empty());
    let float = ["let a: f", "64 = 1;"].concat();
    assert_eq!(lines(&has_no_banned_words("sim", &float)), [1]);
    assert!(has_no_banned_words("sim", &["let buf", "64x;"].concat()).is_empty());
    let message = &has_no_banned_words("broker", &map)[0].rule;
    assert!(message.contains("use `BTreeMap`"), "{message}");
}

#[test]
fn imports_upwards_and_sideways_are_found() {
    let text = "use crate::{\n    ids::Offset,\n    replica::{Partition, log},\n};\n";
    assert_eq!(
        imports_downwards("log", text),
        [offence(1, "`log` may not import `replica`: move what both need below")]
    );
    assert!(imports_downwards("broker", text).is_empty());
    assert_eq!(lines(&imports_downwards("client", "let x = crate::metadata::Y;")), [1]);
    assert!(imports_downwards("log", "// crate::replica is above\n").is_empty());
    assert_eq!(lines(&imports_downwards("misc", "")), [1]);
}

#[test]
fn dependencies_on_ours_are_found_in_each_table() {
    let manifest = "[package]\nname = \"sim\"\n[dependencies]\nserde.workspace = true\n\
                    [dev-dependencies]\nbroker = { path = \"x\" }\n";
    assert_eq!(depends_on_ours(manifest), [(6, "broker".to_owned())]);
}
