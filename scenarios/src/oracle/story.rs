//! What happened, in order: elections, ISR changes, truncations, broken invariants.

use broker::{
    host::event::{ElectionKind, TruncationReason},
    ids::BrokerId,
};
use reports::{Election, IsrChange, Moment, Truncation};

use super::{Case, Judgement};
use crate::{
    history::{Change, ChangeKind, PartitionHistory},
    invariants::Violation,
};

pub(super) fn tell(case: &Case<'_>, violations: &[Violation], judgement: &mut Judgement) {
    for partition in case.history.deleted_partitions().iter().chain(all(case)) {
        for change in partition.metadata.changes() {
            tell_change(partition, change, judgement);
        }
        tell_truncations(partition, judgement);
    }
    judgement.elections.sort_by_key(|election| election.at);
    judgement.isr_changes.sort_by_key(|change| change.at);
    judgement.truncations.sort_by_key(|truncation| truncation.at);
    judgement.violations = violations
        .iter()
        .map(|violation| reports::Violation {
            invariant: violation.invariant.to_owned(),
            at: Moment(violation.at.at),
            node: violation.node.clone(),
            detail: violation.detail.clone(),
        })
        .collect();
}

fn all<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a PartitionHistory> {
    case.history.partitions().values()
}

fn tell_change(partition: &PartitionHistory, change: &Change, judgement: &mut Judgement) {
    let at = Moment(change.when.at);
    let record = &change.record;
    let (kind, previous) = match &change.kind {
        ChangeKind::Created => return,
        ChangeKind::IsrChanged { previous } => {
            judgement.isr_changes.push(IsrChange {
                at,
                partition: partition.name.to_string(),
                from: names(previous),
                to: names(&record.isr),
            });
            return;
        }
        ChangeKind::Elected { kind, previous } => (kind_name(*kind), previous),
        ChangeKind::LeaderLost { previous } => ("none", previous),
    };
    judgement.elections.push(Election {
        at,
        partition: partition.name.to_string(),
        previous: previous.map(|broker| broker.to_string()),
        leader: record.leader.map(|broker| broker.to_string()),
        leader_epoch: record.leader_epoch.0,
        kind: kind.to_owned(),
        isr: names(&record.isr),
    });
}

fn tell_truncations(partition: &PartitionHistory, judgement: &mut Judgement) {
    for (when, broker, truncated) in &partition.truncations {
        judgement.truncations.push(Truncation {
            at: Moment(when.at),
            node: broker.to_string(),
            partition: partition.name.to_string(),
            from: truncated.from.0,
            to: truncated.to.0,
            leader_epoch: truncated.leader_epoch.0,
            reason: reason_name(truncated.reason).to_owned(),
        });
    }
}

fn names(brokers: &[BrokerId]) -> Vec<String> {
    brokers.iter().map(ToString::to_string).collect()
}

fn kind_name(kind: ElectionKind) -> &'static str {
    match kind {
        ElectionKind::Isr => "isr",
        ElectionKind::Elr => "elr",
        ElectionKind::LastKnownLeader => "last-known-leader",
        ElectionKind::Unclean => "unclean",
    }
}

fn reason_name(reason: TruncationReason) -> &'static str {
    match reason {
        TruncationReason::OwnHighWatermark => "own-high-watermark",
        TruncationReason::LeaderEpochEndOffset => "leader-epoch-end-offset",
        TruncationReason::DivergingEpoch => "diverging-epoch",
        TruncationReason::BeyondLeaderEnd => "beyond-leader-end",
        TruncationReason::BeforeLeaderStart => "before-leader-start",
    }
}
