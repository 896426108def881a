//! Every member of a leader's own view of the ISR holds what that leader exposes.
//!
//! Mirrors `WeakIsr`. A signal for the search, no promise: a zombie with an old view breaks it, and
//! no client sees anything. It is kept apart from the violations.

use broker::{
    host::event::{HighWatermarkMoved, PartitionEvent, Role},
    ids::{BrokerId, Offset},
};

use super::{Context, Findings, strong_isr::excused};

pub(super) fn check(
    context: &Context<'_>,
    broker: Option<BrokerId>,
    event: &PartitionEvent,
    signals: &mut Findings,
) {
    let Some(leader) = broker else { return };
    let adopts = matches!(event, PartitionEvent::IsrAdopted { .. });
    if !adopts && !is_leaders_move(event) {
        return;
    }
    let Some(replica) = context.partition.replica(leader) else { return };
    let last = Offset(replica.high_watermark.0 - 1);
    let Some(entry) = replica.at(last) else { return };
    for member in replica.isr_view.iter().filter(|member| **member != leader) {
        let held = context.partition.replica(*member).is_some_and(|r| r.holds(entry.batch, last));
        if !held && !excused(context.partition, *member, entry.batch, entry.base) {
            signals.broke("weak-isr", context, Some(*member), || {
                format!("{leader} exposes offset {last} and counts {member}, which lacks it")
            });
        }
    }
}

fn is_leaders_move(event: &PartitionEvent) -> bool {
    let PartitionEvent::HighWatermarkMoved(HighWatermarkMoved { role, .. }) = event else {
        return false;
    };
    *role == Role::Leader
}
