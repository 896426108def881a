//! The outcome of every scenario file, its variants and its named seeds, as committed snapshots.
//!
//! A run must meet its expectations, and its report (verdict, counts, story, what became of
//! records) must be the one in `reports/snapshots`. `cargo insta review` accepts a change. A new
//! file needs no code here, and a snapshot that no file asks for any more is an error.
//!
//! No trace hash and no number of events stands in a snapshot: they change with every message, an
//! outcome does not.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use insta::{Settings, assert_snapshot};
use reports::{Palette, Report};
use scenarios::{
    cli::{Runner, Tracing},
    format::{BASE, ScenarioFile, Selection},
    plan,
    runner::Simulation,
};
use sim::Draws;

/// The scenario files, from the folder of this crate.
const SCENARIOS: &str = env!("CARGO_MANIFEST_DIR");
/// The snapshots, from the folder of this file.
const SNAPSHOTS: &str = "../../reports/snapshots";
/// The schema lies beside the scenarios and is none of them.
const SCHEMA: &str = "scenario.schema.json";

#[test]
fn every_scenario_ends_as_it_is_expected_to_and_as_it_did_before() {
    let cases = cases();
    assert!(!cases.is_empty(), "there is no scenario file");
    let runs = cases.iter().zip(run_all(&cases));
    let mut offences: Vec<_> = runs.filter_map(|(case, run)| offence(case, run)).collect();
    offences.extend(stale(&cases));
    assert!(offences.is_empty(), "{} offences:\n\n{}", offences.len(), offences.join("\n"));
}

/// One run: a file, one of its variants, one of its named seeds.
struct Case {
    file: Arc<ScenarioFile>,
    /// The path from the folder of scenarios, without its extension.
    path: String,
    variant: Option<String>,
    seed: u64,
}

impl Case {
    /// `<path>@<variant>@<seed>`.
    fn name(&self) -> String {
        format!("{}@{}@{}", self.path, self.variant.as_deref().unwrap_or(BASE), self.seed)
    }

    fn run(&self) -> Result<Report, String> {
        let selection = Selection { variant: self.variant.clone(), overrides: Vec::new() };
        let mut choices = plan::choices(Draws::new(self.seed));
        let resolved = self.file.resolve(&selection, &mut choices);
        let resolved = resolved.map_err(|error| error.to_string())?;
        let run = Simulation.run(&resolved, self.seed, Tracing::Hash);
        let mut report = run.map_err(|failure| format!("{failure:?}"))?.report;
        report.reproduce = self.file.reproduce(&selection, self.seed);
        Ok(report)
    }
}

/// Every run that the files name, in the order of their paths.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in scenario_files(Path::new(SCENARIOS)) {
        let inner = path.strip_prefix(SCENARIOS).expect("it was found there");
        let named = Path::new("scenarios").join(inner).display().to_string();
        let bytes = fs::read(&path).unwrap();
        let file = ScenarioFile::from_bytes(&named, bytes).expect("a scenario is JSON");
        let file = Arc::new(file);
        for variant in [None].into_iter().chain(file.variants().into_iter().map(Some)) {
            let selection = Selection { variant: variant.clone(), overrides: Vec::new() };
            let resolved = file.check_selection(&selection);
            let seeds = resolved.unwrap_or_else(|error| panic!("{error}")).scenario.seeds;
            assert!(!seeds.is_empty(), "{named} names no seed: give it one, for its snapshot");
            cases.extend(seeds.into_iter().map(|seed| Case {
                file: Arc::clone(&file),
                path: inner.with_extension("").display().to_string(),
                variant: variant.clone(),
                seed,
            }));
        }
    }
    cases
}

/// The files that `highwater run scenarios` would run.
fn scenario_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "src" | "tests" | "target") && !name.starts_with('.') {
                files.extend(scenario_files(&path));
            }
        } else if path.extension().is_some_and(|extension| extension == "json") && name != SCHEMA {
            files.push(path);
        }
    }
    files
}

/// Runs them on all cores. The results stand in the order of the cases.
fn run_all(cases: &[Case]) -> Vec<Result<Report, String>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((number, case)) = nth(cases, next.fetch_add(1, Ordering::Relaxed)) {
            let run = case.run();
            done.lock().unwrap().push((number, run));
        }
    };
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, run)| run).collect()
}

fn nth(cases: &[Case], number: usize) -> Option<(usize, &Case)> {
    cases.get(number).map(|case| (number, case))
}

/// What is wrong with a run, if anything is.
fn offence(case: &Case, run: Result<Report, String>) -> Option<String> {
    let name = case.name();
    let report = match run {
        Ok(report) => report,
        Err(error) => return Some(format!("{name}: no answer: {error}")),
    };
    let text = calm(&report);
    if !report.outcome.passed {
        return Some(format!("{name}: does not meet its expectations:\n\n{text}"));
    }
    let compared = snapshots()
        .bind(|| catch_unwind(AssertUnwindSafe(|| assert_snapshot!(name.as_str(), text))));
    compared.err().map(|_| format!("{name}: differs from its snapshot, as printed above"))
}

fn snapshots() -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(SNAPSHOTS);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// The report as people read it, but for the lines that change with every message: the trace hash
/// and the number of events.
fn calm(report: &Report) -> String {
    let text = reports::text(report, Palette::Plain);
    let restless = |line: &str| line.starts_with("trace ") || line.starts_with("run  ");
    text.lines().filter(|line| !restless(line)).map(|line| format!("{line}\n")).collect()
}

/// Snapshots that belong to no run.
fn stale(cases: &[Case]) -> Vec<String> {
    let expected: BTreeSet<_> =
        cases.iter().map(|case| format!("{}.snap", case.name().replace('/', "__"))).collect();
    let folder = Path::new(SCENARIOS).join("../reports/snapshots");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let found: BTreeSet<_> =
        entries.map(|name| name.to_string_lossy().into_owned()).filter(is_snapshot).collect();
    found
        .difference(&expected)
        .map(|name| format!("reports/snapshots/{name}: no scenario asks for it: delete it"))
        .collect()
}

/// What waits for a review is none yet.
fn is_snapshot(name: &String) -> bool {
    !name.ends_with(".snap.new")
}
