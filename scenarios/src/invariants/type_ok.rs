//! The controller's records of a partition are well-formed, and their epochs only grow.
//!
//! Mirrors `TypeOk` and `ValidControllerIsrAndElr`: ISR and ELR are disjoint sets of replicas, the
//! ELR is empty while the ISR has `min.insync.replicas` members, the leader is a replica.

use broker::host::event::{ControllerEvent, PartitionRecord};

use super::{Context, Findings};
use crate::history::record_of;

pub(super) fn check(context: &Context<'_>, event: &ControllerEvent, findings: &mut Findings) {
    let Some(record) = record_of(event) else { return };
    let changes = context.partition.metadata.changes();
    let before = changes.len().checked_sub(2).map(|index| &changes[index].record);
    if let Some(wrong) = malformed(record).or_else(|| falls_back(before?, record)) {
        findings.broke("type-ok", context, record.leader, || wrong);
    }
}

fn malformed(record: &PartitionRecord) -> Option<String> {
    let PartitionRecord { replicas, isr, elr, .. } = record;
    let stranger = |member| !replicas.contains(member);
    if let Some(stranger) = isr.iter().chain(elr).chain(&record.leader).find(|m| stranger(*m)) {
        return Some(format!("{stranger} is no replica"));
    }
    for members in [replicas, isr, elr] {
        let twice = members.iter().enumerate().find(|(at, m)| members[..*at].contains(m));
        if let Some((_, member)) = twice {
            return Some(format!("{member} is named twice"));
        }
    }
    if let Some(both) = elr.iter().find(|member| isr.contains(member)) {
        return Some(format!("{both} is in the ISR and in the ELR"));
    }
    let minimum = usize::try_from(record.min_insync_replicas).unwrap_or(usize::MAX);
    if minimum <= isr.len() && !elr.is_empty() {
        return Some(format!("the ISR has {} members, and the ELR is not empty", isr.len()));
    }
    None
}

fn falls_back(before: &PartitionRecord, record: &PartitionRecord) -> Option<String> {
    if before.topic_id != record.topic_id {
        return None;
    }
    if record.leader_epoch < before.leader_epoch {
        let (from, to) = (before.leader_epoch, record.leader_epoch);
        return Some(format!("the leader epoch falls from {from} to {to}"));
    }
    if record.partition_epoch <= before.partition_epoch {
        let (from, to) = (before.partition_epoch, record.partition_epoch);
        return Some(format!("the partition epoch does not grow: {from}, {to}"));
    }
    None
}
