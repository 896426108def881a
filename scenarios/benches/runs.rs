//! How fast runs are, and what they hold on to.
//!
//! `cargo bench -p scenarios` measures runs of two scenarios and of a cluster in which nothing is
//! sent, each as a whole: from the resolved file to the judged report, on one core. The items that
//! are counted are the inputs of processes. After the table it prints the figures in a line each:
//! runs and inputs a second, how many times faster than real time an idle cluster is, and how the
//! resident memory grows over many seeds. That takes about two minutes.
//!
//! `MEMORY_SEEDS=10000 cargo bench -p scenarios` runs so many seeds for the memory, however long
//! they take; else it runs as many as a minute has room for.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the real clock")]
#![expect(clippy::disallowed_methods, reason = "a benchmark is told how long it may take")]

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

/// The variable that says over how many seeds memory is watched.
const MEMORY_SEEDS: &str = "MEMORY_SEEDS";
/// How long it is watched if nothing is said.
const MEMORY_TIME_MAX: Duration = Duration::from_secs(60);
/// After so many seeds everything that is made once has been made.
const MEMORY_WARM_UP: u64 = 100;

/// How long the runs of one line are counted.
const RUNS_TIME: Duration = Duration::from_secs(5);

/// An idle cluster does nothing but keep itself alive.
const IDLE: &[&str] = &["producers=[]", "consumers=[]", "duration=600s"];

fn main() {
    divan::main();
    // Where only the benchmarks are listed or tried, nothing is measured.
    if std::env::args().any(|argument| argument == "--bench") {
        print_runs("healthy.json");
        print_runs("leader-crash-acks-all.json");
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
    let inputs = inputs(resolved, 1);
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

fn print_runs(file: &str) {
    let resolved = resolved(file, &[]);
    let begin = Instant::now();
    let mut seeds = 0;
    while begin.elapsed() < RUNS_TIME {
        run(&resolved, seeds, Tracing::Hash);
        seeds += 1;
    }
    let millis = begin.elapsed().as_millis();
    // The inputs are counted afterwards, in some of the runs: a trace in words takes its time.
    let some = seeds.min(5);
    let inputs: usize = (0..some).map(|seed| inputs(&resolved, seed)).sum();
    let runs = u128::from(seeds) * 1_000 / millis;
    let inputs = inputs as u128 * u128::from(seeds) * 1_000 / u128::from(some) / millis;
    println!("{file}: {runs} runs a second, {inputs} inputs a second");
}

fn print_memory() {
    let resolved = resolved("healthy.json", &[]);
    let wanted = std::env::var(MEMORY_SEEDS).ok().and_then(|text| text.parse::<u64>().ok());
    let begin = Instant::now();
    let goes_on = |done: u64| match wanted {
        Some(seeds) => done < seeds,
        None => begin.elapsed() < MEMORY_TIME_MAX,
    };
    let (mut done, mut early, mut most) = (0, 0, 0);
    while goes_on(done) {
        run(&resolved, done, Tracing::Hash);
        done += 1;
        if done <= MEMORY_WARM_UP {
            // What was measured before may still be on its way back to the system.
            early = resident_kib();
            most = early;
        }
        most = resident_kib().max(most);
    }
    let late = resident_kib();
    println!(
        "resident: {early} KiB after {} seeds, {late} KiB after {done}, never above {most} KiB",
        done.min(MEMORY_WARM_UP)
    );
}

fn run(resolved: &Resolved, seed: u64, tracing: Tracing) -> Run {
    let seeds = Seeds { world: seed, madsim: seed };
    run_with(resolved, seeds, tracing).expect("the scenario runs")
}

/// How many inputs the processes of a run take.
fn inputs(resolved: &Resolved, seed: u64) -> usize {
    let trace = run(resolved, seed, Tracing::Entries).trace.unwrap_or_default();
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
