//! No in-sync replica's log ends below the high watermark of the leader that the controller names.
//!
//! Mirrors `ValidHighWatermark` of `AsyncIsr` (KIP-497): the leader waits for the members of the
//! ISR it asks for as for those it has. A replica that stopped, or whose disk lost its end, is
//! left to the contract.

use broker::{
    host::event::{ControllerEvent, HighWatermarkMoved, PartitionEvent, PartitionRecord, Role},
    ids::{BrokerId, Offset},
};

use super::{Context, Findings, strong_isr::excused};

/// The high watermark of a leader moved.
pub(super) fn check_moved(
    context: &Context<'_>,
    broker: Option<BrokerId>,
    event: &PartitionEvent,
    findings: &mut Findings,
) {
    let PartitionEvent::HighWatermarkMoved(HighWatermarkMoved {
        role: Role::Leader,
        leader_epoch,
        to,
        ..
    }) = event
    else {
        return;
    };
    let Some(leader) = broker else { return };
    if context.partition.metadata.is_true_leader(leader, *leader_epoch)
        && let Some(record) = context.partition.metadata.current()
    {
        check_members(context, leader, (record, *to), findings);
    }
}

/// Somebody joined the ISR.
pub(super) fn check_record(
    context: &Context<'_>,
    event: &ControllerEvent,
    findings: &mut Findings,
) {
    let ControllerEvent::IsrChanged { record, .. } = event else { return };
    let Some(leader) = record.leader else { return };
    if let Some(replica) = context.partition.replica(leader) {
        check_members(context, leader, (record, replica.high_watermark), findings);
    }
}

fn check_members(
    context: &Context<'_>,
    leader: BrokerId,
    (record, high_watermark): (&PartitionRecord, Offset),
    findings: &mut Findings,
) {
    for member in record.isr.iter().filter(|member| **member != leader) {
        let Some(replica) = context.partition.replica(*member) else { continue };
        let end = replica.log_end_offset();
        if high_watermark <= end || replica.stopped.is_some() {
            continue;
        }
        let last =
            context.partition.replica(leader).and_then(|r| r.at(Offset(high_watermark.0 - 1)));
        if last.is_some_and(|last| excused(context.partition, *member, last.batch, last.base)) {
            continue;
        }
        findings.broke("valid-high-watermark", context, Some(*member), || {
            format!(
                "{member} is in the ISR and its log ends at {end}, below the high watermark \
                 {high_watermark} of {leader}"
            )
        });
    }
}
