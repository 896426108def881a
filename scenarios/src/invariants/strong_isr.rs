//! Everything exposed is on every electable replica: whom the controller may elect holds what any
//! presumed leader's high watermark has passed.
//!
//! Mirrors `StrongIsr`. It is the earliest detector: it breaks steps before a record is lost. By
//! log matching it is enough to look at the last committed batch. A replica whose disk lost the
//! batch, or may have lost it, is excused: the contract's rule V-disk decides about it.

use broker::{
    host::event::ControllerEvent,
    ids::{BrokerId, Offset},
};

use super::{Context, Findings};
use crate::history::{BatchId, Excuse, PartitionHistory, Replica, Why, electable, record_of};

const NAME: &str = "strong-isr";

/// A high watermark moved: every electable replica must have the batch.
pub(super) fn check_commit(
    context: &Context<'_>,
    leader: BrokerId,
    last: BatchId,
    findings: &mut Findings,
) {
    let Some(record) = context.partition.metadata.current() else { return };
    let committed = context.partition.commitment.last();
    if committed.is_none_or(|committed| committed.batch != last) {
        return;
    }
    for member in electable(record).filter(|member| *member != leader) {
        check_member(context, member, findings);
    }
}

/// A record changed who is electable.
pub(super) fn check_record(
    context: &Context<'_>,
    event: &ControllerEvent,
    findings: &mut Findings,
) {
    let Some(record) = record_of(event) else { return };
    if let ControllerEvent::IsrChanged { previous, .. } = event {
        for member in electable(record).filter(|member| !previous.contains(member)) {
            check_member(context, member, findings);
        }
    }
    if let ControllerEvent::Elected(election) = event
        && let Some(leader) = election.record.leader
    {
        check_member(context, leader, findings);
    }
}

/// A replica cut committed batches.
pub(super) fn check_cut(
    context: &Context<'_>,
    broker: BrokerId,
    first: BatchId,
    findings: &mut Findings,
) {
    let Some(record) = context.partition.metadata.current() else { return };
    if !electable(record).any(|member| member == broker) {
        return;
    }
    let batch = context.partition.batches.get(first);
    findings.broke(NAME, context, Some(broker), || {
        let high_watermark = context.partition.commitment.high_watermark();
        format!(
            "{broker}, which may be elected, cut its log at offset {}, below the committed offset \
             {high_watermark}",
            batch.base_offset
        )
    });
}

fn check_member(context: &Context<'_>, member: BrokerId, findings: &mut Findings) {
    let Some(last) = context.partition.commitment.last() else { return };
    let held = context.partition.replica(member).is_some_and(|replica| {
        replica.holds(last.batch, last.base) && !may_have_lost(replica, last.base)
    });
    if held || excused(context.partition, member, last.batch, last.base) {
        return;
    }
    findings.broke(NAME, context, Some(member), || {
        format!(
            "{member} may be elected, and lacks the record at offset {}, which a high watermark \
             has passed",
            last.base
        )
    });
}

/// Whether the replica's disk explains that it lacks the batch.
pub(super) fn excused(
    partition: &PartitionHistory,
    broker: BrokerId,
    batch: BatchId,
    base: Offset,
) -> bool {
    let Some(replica) = partition.replica(broker) else { return false };
    let lost = replica.losses().iter().rev().find(|loss| loss.batch == batch);
    may_have_lost(replica, base)
        || lost.is_some_and(|loss| match loss.why {
            Why::RecoveryCut { excuse, .. } => excuse == Excuse::Disk,
            Why::Wipe => true,
            Why::Truncated { .. } | Why::Removed => false,
        })
}

/// Whether it is stopped, and what its disk has kept is not known before it starts again.
fn may_have_lost(replica: &Replica, base: Offset) -> bool {
    let unsynced = replica.stopped.and_then(|stop| stop.unsynced_from);
    unsynced.is_some_and(|from| from <= base)
}
