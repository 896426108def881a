//! Tests of the program: its help, its commands, and `run` with a runner that answers at once.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::CommandFactory;
use reports::{Outcome, RecordCounts, Report, Unavailable, Verdict};

use super::*;
use crate::format::Resolved;

/// Run scenarios.
#[derive(Debug, Parser)]
#[command(name = "highwater run", max_term_width = 100)]
struct RunCli {
    #[command(flatten)]
    args: RunArgs,
}

/// Runs that end at once: seed 3 fails, seed 13 panics, seed 23 differs from itself.
struct Instant;

impl Runner for Instant {
    fn run(&self, resolved: &Resolved, seed: u64, tracing: Tracing) -> Result<Run, Failure> {
        assert_ne!(seed, 13, "an unlucky number");
        if seed == 23 {
            return Err(Failure::Nondeterminism("entry 5 differs".to_owned()));
        }
        let verdict = if seed == 3 { Verdict::Violation } else { Verdict::Ok };
        let outcome = Outcome {
            scenario: resolved.scenario.name.clone(),
            variant: resolved.selection.variant.clone(),
            seed,
            protocol: resolved.scenario.cluster.protocol.name().to_owned(),
            trace_hash: "00".repeat(16),
            verdict,
            passed: seed != 3,
            records: RecordCounts::default(),
            unavailable_ms: Unavailable::default(),
            consumers: BTreeMap::new(),
            anomalies: Vec::new(),
            black_box: BTreeMap::new(),
            violations: Vec::new(),
            elections: Vec::new(),
            truncations: Vec::new(),
            isr_changes: Vec::new(),
            recovered_ms: Some(0),
            simulated_ms: 1,
            events: 2,
            expectations: Vec::new(),
        };
        let report = Report { outcome, faults: Vec::new(), reproduce: String::new() };
        Ok(Run { report, trace: (tracing == Tracing::Entries).then(|| "traced\n".to_owned()) })
    }
}

fn scenario(name: &str) -> String {
    format!("{}/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// What a command writes on stdout and stderr, and how it ends.
fn spoken(command: impl FnOnce(&mut Terminal<'_>) -> io::Result<Exit>) -> (String, String, Exit) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let plain = reports::Palette::Plain;
    let mut terminal =
        Terminal { out: &mut out, err: &mut err, out_palette: plain, err_palette: plain };
    let exit = command(&mut terminal).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(env!("CARGO_MANIFEST_DIR"), "DIR");
    (text(out), text(err), exit)
}

fn ran(arguments: &[&str]) -> (String, String, Exit) {
    let healthy = scenario("healthy");
    let arguments = ["run", &healthy].into_iter().chain(arguments.iter().copied());
    let args = RunCli::try_parse_from(arguments).unwrap().args;
    spoken(|terminal| run(&args, &Instant, terminal))
}

fn told(arguments: &[&str]) -> (String, String, Exit) {
    let cli = Cli::try_parse_from(["highwater"].iter().chain(arguments)).unwrap();
    spoken(|terminal| execute(cli, terminal))
}

#[test]
fn the_help_is_a_product() {
    let mut texts = String::new();
    let mut cli = Cli::command();
    texts += &cli.render_long_help().to_string();
    for name in ["run", "matrix", "list", "schema", "check"] {
        let help = cli.find_subcommand_mut(name).unwrap().render_long_help();
        texts.extend([format!("\n───── {name}\n"), help.to_string()]);
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(texts) });
}

/// Show what breaks where.
#[derive(Debug, Parser)]
#[command(name = "highwater matrix")]
struct MatrixCli {
    #[command(flatten)]
    args: MatrixArgs,
}

fn shown(arguments: &[&str]) -> (String, String, Exit) {
    let healthy = scenario("healthy");
    let arguments = ["matrix", &healthy].into_iter().chain(arguments.iter().copied());
    let args = MatrixCli::try_parse_from(arguments).unwrap().args;
    spoken(|terminal| matrix(&args, &Instant, terminal))
}

#[test]
fn a_matrix_has_a_column_for_each_protocol_and_marks_what_was_not_expected() {
    let (out, _, exit) = shown(&["--seed", "1"]);
    assert_eq!(exit, Exit::Passed, "{out}");
    let heads: Vec<_> = out.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(heads, ["hw", "kip-101", "kip-279", "kip-320", "kip-595", "kip-966"]);
    let (out, _, exit) = shown(&["--seed", "3", "--markdown"]);
    assert_eq!(exit, Exit::NotMet);
    // The file says what it expects under its own protocol only.
    assert!(out.contains("| **violation** | **violation!** | **violation** |"), "{out}");
    assert!(out.contains("healthy.json --set cluster.protocol=kip-595 --seed 3"), "{out}");
}

#[test]
fn a_matrix_of_ablations_has_a_column_for_each_rule() {
    let (out, _, exit) = shown(&["--seed", "1", "--ablate", "--json"]);
    assert_eq!(exit, Exit::Passed);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let columns = json["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 2 + broker::replica::rules::Ablation::ALL.len());
    assert_eq!(json["rows"][0]["cells"].as_array().unwrap().len(), columns.len());
}

#[test]
fn a_matrix_says_what_could_not_be_run() {
    let (_, err, exit) = shown(&["--seed", "13"]);
    assert_eq!(exit, Exit::Internal);
    assert!(err.contains("healthy: ") && err.contains("an unlucky number"), "{err}");
}

#[test]
fn check_accepts_every_committed_file() {
    let (out, err, exit) = told(&["check", env!("CARGO_MANIFEST_DIR")]);
    assert_eq!((err.as_str(), exit), ("", Exit::Passed));
    assert!(out.contains("DIR/min-isr.json: ok"), "{out}");
}

#[test]
fn check_shows_what_is_wrong_and_ends_with_two() {
    let folder = folder("check");
    let path = folder.join("bad.json");
    fs::write(&path, "{ \"name\": \"bad\",\n  \"abuot\": \"\" }").unwrap();
    let (out, err, exit) = told(&["check", path.to_str().unwrap()]);
    assert_eq!((out.as_str(), exit.code()), ("", 2));
    assert!(err.contains("bad.json:2:3: abuot: unknown key `abuot`"), "{err}");
    assert!(err.contains("did you mean `about`?"), "{err}");
    let (_, err, exit) = told(&["check", "no-such-file.json"]);
    assert_eq!(exit, Exit::BadUsage);
    assert!(err.contains("no-such-file.json:1:1: cannot be read"), "{err}");
}

#[test]
fn list_prints_scenarios_events_and_faults() {
    let (out, _, exit) = told(&["list", &scenario("min-isr")]);
    assert_eq!(exit, Exit::Passed);
    assert!(out.starts_with("min-isr\n    Two of three replicas"), "{out}");
    assert!(out.contains("Not modelled: transactions"), "{out}");
    let (events, ..) = told(&["list", "--events"]);
    assert!(events.contains("elected (controller)\n"), "{events}");
    assert!(events.contains("      partition: a string\n          The partition.\n"), "{events}");
    let (faults, ..) = told(&["list", "--faults"]);
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(faults) });
    for what in ["--events", "--faults"] {
        let (json, ..) = told(&["list", what, "--json"]);
        let entries: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
        assert!(entries.iter().all(|entry| entry["about"].as_str().is_some_and(|a| !a.is_empty())));
        assert!(20 < entries.len());
    }
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let (printed, ..) = told(&["schema"]);
    let path = format!("{}/scenario.schema.json", env!("CARGO_MANIFEST_DIR"));
    let committed = fs::read_to_string(path).unwrap();
    assert!(committed == printed, "run `highwater schema > scenarios/scenario.schema.json`");
}

#[test]
fn one_run_prints_its_report_and_how_to_repeat_it() {
    let (out, err, exit) = ran(&["--seed", "5", "--variant", "acks-1"]);
    assert_eq!((err.as_str(), exit), ("", Exit::Passed));
    assert!(out.ends_with("highwater run DIR/healthy.json --variant acks-1 --seed 5\n"), "{out}");
}

#[test]
fn a_range_prints_a_table_and_the_reports_of_what_failed() {
    let (out, err, exit) = ran(&["--seeds", "0..10", "--variant", "base", "--jobs", "3"]);
    assert_eq!((err.as_str(), exit), ("", Exit::NotMet));
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(out) });
}

#[test]
fn without_seeds_the_files_own_are_run_with_each_variant() {
    let (out, _, exit) = ran(&["--json"]);
    let runs: Vec<_> = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|run| {
            (run["variant"].as_str().unwrap_or("-").to_owned(), run["seed"].as_u64().unwrap())
        })
        .collect();
    let expected = [("-", 7), ("-", 42), ("acks-1", 7), ("acks-1", 42)];
    assert_eq!(runs[..4], expected.map(|(variant, seed)| (variant.to_owned(), seed)));
    assert_eq!((runs.len(), exit), (6, Exit::Passed));
}

#[test]
fn with_json_nothing_else_stands_on_stdout() {
    let (out, err, _) = ran(&["--json", "--seeds", "0..3", "--variant", "base"]);
    assert_eq!(out.lines().count(), 3);
    assert!(out.lines().all(|line| line.starts_with("{\"scenario\":\"healthy\"")), "{out}");
    assert!(err.ends_with("3 runs, 0 failed\n"), "{err}");
}

#[test]
fn the_worst_end_is_the_exit_code_and_the_other_runs_go_on() {
    let base = ["--variant", "base", "--seeds"];
    let exit = |range| ran(&[base[0], base[1], base[2], range]).2.code();
    assert_eq!([exit("0..3"), exit("0..5"), exit("0..24"), exit("20..24")], [0, 1, 70, 3]);
    let (out, err, _) = ran(&["--variant", "base", "--seeds", "10..15"]);
    assert!(err.contains("an unlucky number"), "{err}");
    assert!(out.contains("4 runs, 0 failed"), "{out}");
}

#[test]
fn reports_and_trace_are_written_where_asked() {
    let folder = folder("out");
    let (out, trace) = (folder.join("out"), folder.join("trace.txt"));
    let (out, trace) = (out.to_str().unwrap(), trace.to_str().unwrap());
    ran(&["--seed", "5", "--variant", "acks-1", "--out", out, "--trace", trace]);
    assert_eq!(fs::read_to_string(trace).unwrap(), "traced\n");
    let written = PathBuf::from(out).join("healthy@acks-1/5");
    assert!(fs::read_to_string(written.join("outcome.json")).unwrap().starts_with('{'));
    assert!(written.join("report.txt").exists());
    let (_, err, exit) = ran(&["--trace", trace]);
    assert_eq!(
        (err.as_str(), exit.code()),
        ("highwater: --trace wants one run, and these are 6\n", 2)
    );
}

#[test]
fn an_override_is_run_on_the_file_as_it_is_and_repeated_in_quotes() {
    let set = "producers[0].records=50";
    let (out, _, exit) = ran(&["--seed", "1", "--set", set]);
    assert_eq!(exit, Exit::Passed);
    assert!(out.ends_with("--set 'producers[0].records=50' --seed 1\n"), "{out}");
    let (_, err, exit) = ran(&["--set", "producers[0].config.ack=0"]);
    assert_eq!(exit, Exit::BadUsage);
    assert!(err.contains("did you mean `acks`?"), "{err}");
}

#[test]
fn a_seed_and_a_range_exclude_each_other() {
    let parse = |arguments: &[&str]| RunCli::try_parse_from(arguments).map(drop);
    assert!(parse(&["run", "x.json", "--seed", "1", "--seeds", "1..2"]).is_err());
    assert!(parse(&["run", "x.json", "--seeds", "2..1"]).is_err());
    assert!(parse(&["run"]).is_err());
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("highwater-{name}-{}", std::process::id()));
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    folder
}
