//! Whom the controller names leader is in the ISR.
//!
//! Mirrors `LeaderInIsr`, read as "if there is a leader".

use broker::{host::event::ControllerEvent, ids::TopicPartition};

use super::{Context, Findings};
use crate::history::record_of;

pub(super) fn check(context: &Context<'_>, event: &ControllerEvent, findings: &mut Findings) {
    let Some(record) = record_of(event) else { return };
    if let Some(leader) = record.leader.filter(|leader| !record.isr.contains(leader)) {
        findings.broke("leader-in-isr", context, Some(leader), || {
            format!("{leader} leads in epoch {} and is not in the ISR", record.leader_epoch)
        });
    }
}

/// The partition that a record is about, if the event tells one.
pub(super) fn partition_of(event: &ControllerEvent) -> Option<&TopicPartition> {
    record_of(event).map(|record| &record.partition)
}
