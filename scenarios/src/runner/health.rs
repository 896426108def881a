//! Whether a cluster is well again: what liveness asks for after everything healed.

use broker::{
    ids::{BrokerId, TopicPartition},
    log::UnifiedLog,
};

use super::{play::Play, stage::all_partitions};
use crate::cluster::Node;

/// How far a recovery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Every operation has ended. Every broker that is not gone for good is unfenced, every
    /// partition has a leader and all its living replicas in the ISR, as many as acks=all needs,
    /// with equal logs, all committed; every send has ended, and every consumer has read
    /// everything.
    Complete,
    /// Something is missing: this, first of all.
    Waits(String),
}

/// Looks at the cluster.
pub(super) fn recovery(play: &Play) -> Recovery {
    let missing = unfinished_operation(play)
        .or_else(|| fenced_broker(play))
        .or_else(|| all_partitions(&play.scenario).iter().find_map(|name| unwell(play, name)))
        .or_else(|| unfinished_producer(play))
        .or_else(|| lagging_consumer(play));
    missing.map_or(Recovery::Complete, Recovery::Waits)
}

fn unfinished_operation(play: &Play) -> Option<String> {
    play.has_open_operation().then(|| "an operator waits for an answer".to_owned())
}

fn fenced_broker(play: &Play) -> Option<String> {
    let Some(image) = play.image() else { return Some("there is no active controller".to_owned()) };
    for node in play.cast.brokers() {
        let name = play.world.name(node);
        let id = play.cast.broker(node).expect("a broker's node has a broker");
        if play.is_gone(node) {
            continue;
        }
        let active = image.broker(id).is_some_and(broker::metadata::BrokerRegistration::is_active);
        if !active {
            return Some(format!("{name} is fenced"));
        }
    }
    None
}

fn unwell(play: &Play, name: &TopicPartition) -> Option<String> {
    let registration = play.image()?.partition_named(name)?;
    let Some(leader) = registration.leader else { return Some(format!("{name} has no leader")) };
    if registration.is_being_reassigned() {
        return Some(format!("{name} is being moved"));
    }
    let living = |broker: &&BrokerId| !is_gone(play, **broker);
    let replicas: Vec<BrokerId> = registration.replicas.iter().filter(living).copied().collect();
    if replicas.iter().any(|replica| !registration.isr.contains(replica)) {
        return Some(format!("the ISR of {name} lacks a replica"));
    }
    if replicas.len() < needed_in_sync(play, name, registration.replicas.len()) {
        return Some(format!("the ISR of {name} is too small for acks=all"));
    }
    let log = |broker| play.broker_log(broker, name);
    let Some(leading) = log(leader) else {
        return Some(format!("{leader} does not lead {name} yet"));
    };
    if leading.high_watermark() < leading.log_end_offset() {
        return Some(format!("{name} has records that are not committed"));
    }
    let behind =
        replicas.iter().find(|replica| log(**replica).is_none_or(|log| ends(log) != ends(leading)));
    behind.map(|replica| format!("{replica} is behind on {name}"))
}

fn is_gone(play: &Play, broker: BrokerId) -> bool {
    play.world.node(&broker.to_string()).is_some_and(|node| play.is_gone(node))
}

/// `min.insync.replicas`, which asks for no more than there are (`Partition.effectiveMinIsr`).
fn needed_in_sync(play: &Play, name: &TopicPartition, replicas: usize) -> usize {
    let wanted = play.record(name).map_or(1, |record| record.min_insync_replicas);
    usize::try_from(wanted).unwrap_or(usize::MAX).min(replicas)
}

fn ends(log: &UnifiedLog) -> (broker::ids::Offset, broker::ids::Offset) {
    (log.high_watermark(), log.log_end_offset())
}

fn unfinished_producer(play: &Play) -> Option<String> {
    play.cast.producers().into_iter().find_map(|node| match play.world.process(node) {
        Some(Node::Producer(app)) if app.is_finished() => None,
        _ => Some(format!("{} has sends that have not ended", play.world.name(node))),
    })
}

fn lagging_consumer(play: &Play) -> Option<String> {
    play.cast.consumers().into_iter().find_map(|node| match play.world.process(node) {
        Some(Node::Consumer(app)) => {
            let lags = app.partitions().iter().find(|name| !play.has_read(app, name))?;
            Some(format!("{} has not read all of {lags}", play.world.name(node)))
        }
        _ => Some(format!("{} does not run", play.world.name(node))),
    })
}
