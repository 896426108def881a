//! Two replicas agree below both their high watermarks.
//!
//! Mirrors `MinHw` and Kafka's `ReplicaVerificationTool`: the latest of the detectors, and the only
//! one that needs no epochs. What is void may stand on a replica until it was reconciled.

use broker::{
    host::event::PartitionEvent,
    ids::{BrokerId, Offset},
};

use super::{Context, Findings};
use crate::history::Replica;

pub(super) fn check(
    context: &Context<'_>,
    broker: Option<BrokerId>,
    event: &PartitionEvent,
    findings: &mut Findings,
) {
    let (Some(broker), PartitionEvent::HighWatermarkMoved(moved)) = (broker, event) else { return };
    let Some(here) = context.partition.replica(broker) else { return };
    for (other, there) in &context.partition.replicas {
        let last = Offset(moved.to.min(there.high_watermark).0 - 1);
        if *other == broker || there.stopped.is_some() {
            continue;
        }
        let (Some(mine), Some(theirs)) = (here.at(last), there.at(last)) else { continue };
        let exempt = || [here, there].iter().any(|replica| has_void(context, replica, last));
        if mine.batch != theirs.batch && !exempt() {
            findings.broke("min-hw", context, Some(broker), || {
                format!(
                    "{broker} and {other} have different records at offset {last}, below both \
                     their high watermarks"
                )
            });
        }
    }
}

/// Whether the replica may still hold what is void there.
fn has_void(context: &Context<'_>, replica: &Replica, at: Offset) -> bool {
    let mut voids = context.partition.commitment.voids().iter();
    voids.any(|void| {
        let reconciled = replica.reconciled.is_some_and(|epoch| void.epoch <= epoch);
        void.from <= at && !reconciled
    })
}
