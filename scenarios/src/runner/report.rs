//! From a run that was played to what is said about it.

use std::collections::BTreeSet;

use broker::ids::{BrokerId, ClientId, TopicPartition};
use reports::{Expectation, FaultLine, Moment, Report, Verdict, Violation};

use super::{
    expectations::expectations,
    phases::Played,
    play::{Broken, Play},
    replica_bytes::replica_bytes,
    stage::{FINAL_READER, all_partitions},
};
use crate::{
    blackbox::{self, FinalReader},
    cli::Run,
    format::Resolved,
    history::FinalRead,
    oracle::{self, Header, NetworkFaults, ProducerRules, Recovery},
};

const NANOS_PER_MILLI: u64 = 1_000_000;

/// Judges a run and says what is to be said about it.
///
/// # Errors
/// The scenario could not be set up, in words.
pub(super) fn report(
    play: Play,
    played: &Result<Played, Broken>,
    resolved: &Resolved,
    seed: u64,
) -> Result<Run, String> {
    let panic = match played {
        Err(Broken::Setup(what)) => return Err(what.clone()),
        Err(Broken::Panicked { node, message }) => Some((node.clone(), message.clone())),
        Ok(_) | Err(Broken::Limit(_)) => None,
    };
    let recovery = match played {
        Ok(played) => played.unrecovered.clone(),
        Err(Broken::Limit(what)) => Some(what.clone()),
        Err(Broken::Panicked { .. } | Broken::Setup(_)) => None,
    };
    let config = oracle_config(&play, recovery);
    let clients = blackbox::check(&play.clients, final_reader(played));
    let read = final_read(&play);
    let at = play.at();
    let misfires = misfires(&play);
    let header = Header {
        scenario: play.scenario.name.clone(),
        variant: resolved.selection.variant.clone(),
        seed,
        protocol: play.scenario.cluster.protocol.name().to_owned(),
        trace_hash: play.world.trace_hash().to_string(),
        recovered_ms: recovered_ms(played),
        simulated_ms: play.world.now().0 / NANOS_PER_MILLI,
        events: play.events,
        expectations: Vec::new(),
    };
    let faults = play.done.iter().map(|(at, what)| line(*at, what)).collect();
    let entries = play.world.trace().entries();
    let trace = (!entries.is_empty())
        .then(|| entries.iter().flat_map(|entry| [entry.to_string(), "\n".to_owned()]).collect());
    let mut judgement = oracle::judge(play.watch, &read, &config, &clients);
    if let Some((node, message)) = panic {
        let at = Moment(at);
        let violation = Violation { invariant: "no-panic".to_owned(), at, node, detail: message };
        judgement.violations.push(violation);
        judgement.verdict = Verdict::Violation;
    }
    let mut outcome = judgement.into_outcome(header);
    outcome.expectations = expectations(
        resolved.scenario.expect.as_ref(),
        resolved.scenario.cluster.protocol,
        &outcome,
    );
    outcome.expectations.extend(misfires);
    outcome.passed = outcome.expectations.iter().all(|expectation| expectation.met);
    Ok(Run { report: Report { outcome, faults, reproduce: String::new() }, trace })
}

/// How long it took, if it recovered.
fn recovered_ms(played: &Result<Played, Broken>) -> Option<u64> {
    let played = played.as_ref().ok().filter(|played| played.unrecovered.is_none())?;
    u64::try_from(played.recovered_after.as_millis()).ok()
}

fn line(at: u64, what: &str) -> FaultLine {
    FaultLine { at: Moment(at), what: what.to_owned() }
}

fn oracle_config(play: &Play, unrecovered: Option<String>) -> oracle::Config {
    let producers = play.scenario.producers.iter().map(|producer| {
        let rules = ProducerRules {
            acks: producer.config.acks.to_wire(),
            max_in_flight: producer.config.max_in_flight_requests_per_connection,
        };
        (ClientId::from(producer.name.as_str()), rules)
    });
    let recovery = match unrecovered {
        None => Recovery::Reached,
        Some(detail) => Recovery::NotReached { detail, gone: gone_for_good(play) },
    };
    let quiet = play.done.is_empty();
    oracle::Config {
        producers: producers.collect(),
        recovery,
        network_faults: if quiet { NetworkFaults::None } else { NetworkFaults::Some },
    }
}

fn gone_for_good(play: &Play) -> BTreeSet<BrokerId> {
    let gone = play.cast.brokers().into_iter().filter(|node| play.is_gone(*node));
    gone.filter_map(|node| play.cast.broker(node)).collect()
}

/// A run that recovered ends when its final reader has read everything.
fn final_reader(played: &Result<Played, Broken>) -> FinalReader {
    match played {
        Ok(Played { unrecovered: None, .. }) => FinalReader::ReadAll(ClientId::from(FINAL_READER)),
        Ok(_) | Err(_) => FinalReader::None,
    }
}

/// Reads every replica, and what the fresh consumer got. Who is gone for good is not read: after a
/// power loss its log may end in half a batch, which nobody will ever cut.
fn final_read(play: &Play) -> FinalRead {
    let mut read = FinalRead {
        fresh: play.fresh.clone(),
        fresh_consumers: vec![ClientId::from(FINAL_READER)],
        ..FinalRead::default()
    };
    for partition in all_partitions(&play.scenario) {
        for broker in replicas(play, &partition) {
            let node = play.world.node(&broker.to_string());
            if let Some(node) = node.filter(|node| !play.is_gone(*node)) {
                let bytes = replica_bytes(&play.world, node, &partition);
                read.replicas.insert((partition.clone(), broker), bytes);
            }
        }
    }
    read
}

fn replicas(play: &Play, partition: &TopicPartition) -> Vec<BrokerId> {
    play.record(partition).map(|record| record.replicas.clone()).unwrap_or_default()
}

/// Faults that never began or met nobody: the scenario does not show what it says.
fn misfires(play: &Play) -> Vec<Expectation> {
    let never = play
        .director
        .never_began()
        .into_iter()
        .map(|id| format!("{}: never began", play.director.fault(id).action.name()));
    let misfired = never.chain(play.misfires.iter().cloned()).chain(play.refused_operations());
    let unmet = |actual| Expectation {
        path: "faults".to_owned(),
        expected: "every fault begins and finds its targets".to_owned(),
        actual,
        met: false,
    };
    misfired.map(unmet).collect()
}
