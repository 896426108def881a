//! Whether a cluster is well again: what liveness asks for after everything healed.

use broker::{ids::TopicPartition, log::UnifiedLog};

use super::{play::Play, stage::all_partitions};
use crate::cluster::Node;

/// How far a recovery is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Every broker is unfenced, every partition has a leader and all its replicas in the ISR, with
    /// equal logs, all committed; every send has ended, and every consumer has read everything.
    Complete,
    /// Something is missing: this, first of all.
    Waits(String),
}

/// Looks at the cluster.
pub(super) fn recovery(play: &Play) -> Recovery {
    let missing = fenced_broker(play)
        .or_else(|| all_partitions(&play.scenario).iter().find_map(|name| unwell(play, name)))
        .or_else(|| unfinished_producer(play))
        .or_else(|| lagging_consumer(play));
    missing.map_or(Recovery::Complete, Recovery::Waits)
}

fn fenced_broker(play: &Play) -> Option<String> {
    let Some(image) = play.image() else { return Some("there is no active controller".to_owned()) };
    for node in play.cast.brokers() {
        let name = play.world.name(node);
        let id = play.cast.broker(node).expect("a broker's node has a broker");
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
    if registration.isr.len() < registration.replicas.len() {
        return Some(format!("the ISR of {name} lacks a replica"));
    }
    let log = |broker| play.broker_log(broker, name);
    let Some(leading) = log(leader) else {
        return Some(format!("{leader} does not lead {name} yet"));
    };
    if leading.high_watermark() < leading.log_end_offset() {
        return Some(format!("{name} has records that are not committed"));
    }
    let behind = registration
        .replicas
        .iter()
        .find(|replica| log(**replica).is_none_or(|log| ends(log) != ends(leading)));
    behind.map(|replica| format!("{replica} is behind on {name}"))
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
