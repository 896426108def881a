//! How fast runs are, and what they hold on to.
//!
//! `cargo bench -p scenarios` measures runs of two scenarios and of a cluster in which nothing is
//! sent, each as a whole: from the resolved file to the judged report. The items that are counted
//! are the inputs of processes. Besides it prints how many times faster than real time an idle
//! cluster is, and how the resident memory grows over many seeds.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the real clock")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use divan::{Bencher, counter::ItemsCount};
use scenarios::{
    cli::{Run, Tracing},
    format::{Override, Resolved, ScenarioFile, Selection},
    runner::{Seeds, run_with},
};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The seeds over which memory must stay flat, and the most time that is spent on them.
const MEMORY_SEEDS: u64 = 10_000;
const MEMORY_TIME_MAX: Duration = Duration::from_secs(60);

/// An idle cluster does nothing but keep itself alive.
const IDLE: &[&str] = &["producers=[]", "consumers=[]", "duration=600s"];

fn main() {
    divan::main();
    // Where only the benchmarks are listed or tried, nothing is measured.
    if std::env::args().any(|argument| argument == "--bench") {
        print_idle();
        print_memory();
    }
}

#[divan::bench]
fn healthy(bencher: Bencher<'_, '_>) {
    measure(bencher, &resolved("healthy.json", &[]));
}

#[divan::bench]
fn leader_crash_acks_all(bencher: Bencher<'_, '_>) {
    measure(bencher, &resolved("leader-crash-acks-all.json", &[]));
}

#[divan::bench]
fn idle_for_ten_minutes(bencher: Bencher<'_, '_>) {
    measure(bencher, &resolved("healthy.json", IDLE));
}

fn measure(bencher: Bencher<'_, '_>, resolved: &Resolved) {
    let inputs = inputs(resolved);
    bencher.counter(ItemsCount::new(inputs)).bench(|| run(resolved, 1, Tracing::Hash));
}

fn print_idle() {
    let resolved = resolved("healthy.json", IDLE);
    let begin = Instant::now();
    let run = run(&resolved, 1, Tracing::Hash);
    let simulated = run.report.outcome.simulated_ms;
    let times = u128::from(simulated) * 1_000 / begin.elapsed().as_micros().max(1);
    println!("an idle cluster is {times} times faster than real time");
}

fn print_memory() {
    let resolved = resolved("healthy.json", &[]);
    let begin = Instant::now();
    let mut done = 0;
    let mut early = 0;
    while done < MEMORY_SEEDS && begin.elapsed() < MEMORY_TIME_MAX {
        run(&resolved, done, Tracing::Hash);
        done += 1;
        if done == 100 {
            early = resident_kib();
        }
    }
    let late = resident_kib();
    println!("resident: {early} KiB after 100 seeds, {late} KiB after {done}");
}

fn run(resolved: &Resolved, seed: u64, tracing: Tracing) -> Run {
    let seeds = Seeds { world: seed, madsim: seed };
    run_with(resolved, seeds, tracing).expect("the scenario runs")
}

/// How many inputs the processes of a run take.
fn inputs(resolved: &Resolved) -> usize {
    let trace = run(resolved, 1, Tracing::Entries).trace.unwrap_or_default();
    trace.lines().filter(|line| line.split(' ').nth(2) == Some("takes")).count()
}

fn resolved(file: &str, overrides: &[&str]) -> Resolved {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let file = ScenarioFile::read(&path).expect("the file is in the repository");
    let overrides = overrides.iter().map(|text| Override { text: (*text).to_owned() }).collect();
    let selection = Selection { variant: None, overrides };
    file.check_selection(&selection).expect("the file is checked by the tests")
}

/// `VmRSS` of this process.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
