//! One seed, one run: whatever the thread, the neighbours and madsim's own seed are. And what the
//! seed decides of faults and sends moves with nothing but the seed.

use std::{path::Path, thread};

use reports::{FaultLine, Moment};
use scenarios::{
    cli::{Run, Tracing},
    format::{Override, Resolved, ScenarioFile, Selection},
    plan,
    runner::{Seeds, run_with},
};
use sim::{Draws, Time, TraceEntry, first_difference};

/// Random faults, which draw from every concern there is.
const CHAOS: &str = "chaos.json";

#[test]
fn a_seed_gives_the_same_run_again_and_on_other_threads_beside_each_other() {
    let resolved = resolved(CHAOS, &[], 7);
    let hash = || hash(&run(&resolved, same(7)));
    let expected = hash();
    assert_eq!(hash(), expected, "again on this thread");
    thread::scope(|scope| {
        let beside: Vec<_> = (0..4).map(|_| scope.spawn(hash)).collect();
        for thread in beside {
            assert_eq!(thread.join().unwrap(), expected, "beside others");
        }
    });
}

#[test]
fn the_seed_of_the_runtime_makes_no_difference() {
    let resolved = resolved(CHAOS, &[], 42);
    let runs = [0, 1, u64::MAX].map(|madsim| run(&resolved, Seeds { world: 42, madsim }));
    let traces = runs.each_ref().map(entries);
    for (run, trace) in runs.iter().zip(&traces) {
        assert_eq!(first_difference(&traces[0], trace), None);
        assert_eq!(run.report, runs[0].report);
    }
}

#[test]
fn another_seed_gives_another_run_and_the_first_difference_is_found() {
    // What the file leaves to the seed is settled by the first one: only the world differs.
    let resolved = resolved(CHAOS, &[], 7);
    let (one, other) = (run(&resolved, same(7)), run(&resolved, same(8)));
    assert_ne!(hash(&one), hash(&other));
    let (one, other) = (entries(&one), entries(&other));
    let (at, left, right) = first_difference(&one, &other).expect("the seeds differ");
    assert_ne!(left, right);
    assert_eq!(one[..at], other[..at]);
}

#[test]
fn a_planted_difference_is_found_where_it_is() {
    let trace = entries(&run(&resolved(CHAOS, &[], 7), same(7)));
    let mut planted = trace.clone();
    let middle = planted.len() / 2;
    planted[middle].detail.push('!');
    let (at, ..) = first_difference(&trace, &planted).expect("one was planted");
    assert_eq!(at, middle);
}

#[test]
fn faults_and_sends_come_at_the_same_times_whatever_acks_are() {
    let of = |acks: &str| {
        let acks = format!("producers[0].config.acks={acks}");
        let set = ["producers[0].config.enable.idempotence=false", &acks];
        let run = run(&resolved(CHAOS, &set, 7), same(7));
        (faults(&run), sends(&run, "p1"))
    };
    let (all, one, none) = (of("all"), of("1"), of("0"));
    assert!(3 <= all.0.len(), "too few faults to compare: {:?}", all.0);
    assert!(400 <= all.1.len(), "too few sends to compare: {}", all.1.len());
    assert_eq!(one, all);
    assert_eq!(none, all);
}

#[test]
fn faults_are_the_same_with_larger_records() {
    let plain = run(&resolved(CHAOS, &[], 7), same(7));
    let larger = run(&resolved(CHAOS, &["producers[0].size=5000"], 7), same(7));
    assert_ne!(hash(&plain), hash(&larger), "the size changes nothing");
    assert_eq!(faults(&plain), faults(&larger));
    assert_eq!(sends(&plain, "p1"), sends(&larger, "p1"));
}

#[test]
fn faults_come_at_the_same_times_beside_another_consumer() {
    let consumers = r#"consumers=[{"name":"c1","assign":["orders-0","orders-1"],
        "config":{"auto.offset.reset":"earliest"}},{"name":"c2","assign":["orders-0"]}]"#;
    let plain = run(&resolved(CHAOS, &[], 7), same(7));
    let beside = run(&resolved(CHAOS, &[consumers], 7), same(7));
    assert_ne!(hash(&plain), hash(&beside), "the consumer changes nothing");
    let times = |run: &Run| faults(run).iter().map(|fault| fault.at).collect::<Vec<Moment>>();
    assert_eq!(times(&plain), times(&beside));
    assert_eq!(sends(&plain, "p1"), sends(&beside, "p1"));
}

fn same(seed: u64) -> Seeds {
    Seeds { world: seed, madsim: seed }
}

fn resolved(file: &str, set: &[&str], seed: u64) -> Resolved {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let file = ScenarioFile::read(&path).expect("the file is there");
    let overrides = set.iter().map(|text| Override { text: (*text).to_owned() }).collect();
    let selection = Selection { variant: None, overrides };
    let resolved = file.resolve(&selection, &mut plan::choices(Draws::new(seed)));
    resolved.unwrap_or_else(|error| panic!("{error}"))
}

fn run(resolved: &Resolved, seeds: Seeds) -> Run {
    run_with(resolved, seeds, Tracing::Entries).expect("it finds an answer")
}

fn hash(run: &Run) -> String {
    run.report.outcome.trace_hash.clone()
}

/// What was done to the world, and when.
fn faults(run: &Run) -> Vec<FaultLine> {
    run.report.faults.clone()
}

/// When a producer was asked to send each record: the time and the number of the send.
fn sends(run: &Run, producer: &str) -> Vec<String> {
    let told = format!(" {producer} Producer(Sent {{");
    let sent = lines(run).filter(|line| line.contains(&told));
    sent.filter_map(|line| line.split_once(", partition").map(|(send, _)| send.to_owned()))
        .collect()
}

fn entries(run: &Run) -> Vec<TraceEntry> {
    let entry = |line: &str| TraceEntry { time: Time(0), node: None, detail: line.to_owned() };
    lines(run).map(entry).collect()
}

fn lines(run: &Run) -> impl Iterator<Item = &str> {
    run.trace.as_deref().expect("the entries were asked for").lines()
}
