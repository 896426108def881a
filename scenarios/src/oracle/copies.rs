//! Copies of records on the final logs.

use broker::ids::{BrokerId, Offset};
use reports::Anomaly;

use crate::history::{BatchId, FinalRead, History, PartitionHistory, Replica, Send, SendIndex};

/// The log of a partition's last leader, as clients can read it.
pub(super) struct FinalLog<'a> {
    pub(super) partition: &'a PartitionHistory,
    pub(super) leader: BrokerId,
    pub(super) replica: &'a Replica,
    /// Where readers must stop.
    pub(super) high_watermark: Offset,
}

/// A copy of a record: the batch that holds it and its own offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyAt {
    pub(super) batch: BatchId,
    pub(super) base: Offset,
    pub(super) offset: Offset,
}

/// An anomaly's judgement, before it is tied to a record.
pub(super) struct Finding<'a> {
    pub(super) kind: &'static str,
    pub(super) rule: &'a str,
    pub(super) allowed: Allowed,
    /// What is this record's own.
    pub(super) own: String,
    /// What it shares with others.
    pub(super) cause: String,
}

/// Whether the contract allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Yes,
    No,
}

impl<'a> FinalLog<'a> {
    /// The final logs of the partitions that have a leader.
    pub(super) fn of_all(history: &'a History, read: &FinalRead) -> Vec<Self> {
        let of = |partition: &'a PartitionHistory| {
            let leader = partition.metadata.current()?.leader?;
            let replica = partition.replica(leader)?;
            let bytes = read.replicas.get(&(partition.name.clone(), leader));
            let read = bytes.and_then(|bytes| bytes.high_watermark);
            let high_watermark = read.unwrap_or(replica.high_watermark);
            Some(Self { partition, leader, replica, high_watermark })
        };
        history.partitions().values().filter_map(of).collect()
    }

    /// Whether a client can read this copy here.
    pub(super) fn shows(&self, copy: CopyAt) -> bool {
        copy.offset < self.high_watermark && self.holds(copy)
    }

    /// Whether this copy stands here. Above the high watermark it is not lost: clients wait for it.
    pub(super) fn holds(&self, copy: CopyAt) -> bool {
        self.replica.log_start <= copy.offset && self.replica.holds(copy.batch, copy.base)
    }
}

/// The copies of a record in a partition, in the order in which leaders appended them.
pub(super) fn copies(partition: &PartitionHistory, send: &Send, index: SendIndex) -> Vec<CopyAt> {
    let of_partition = send.partition.as_ref() == Some(&partition.name);
    let mut copies = Vec::new();
    for id in send.copies.iter().filter(|_| of_partition) {
        let batch = partition.batches.get(*id);
        let places = batch.records.iter().enumerate().filter(|(_, held)| **held == Some(index));
        copies.extend(places.map(|(place, _)| CopyAt {
            batch: *id,
            base: batch.base_offset,
            offset: Offset(batch.base_offset.0 + i64::try_from(place).unwrap_or(0)),
        }));
    }
    copies
}

/// The anomaly of a record of a partition.
pub(super) fn anomaly(
    partition: &PartitionHistory,
    record: Option<String>,
    offset: Option<Offset>,
    finding: Finding<'_>,
) -> Anomaly {
    let explanation = match (finding.own.is_empty(), finding.cause.is_empty()) {
        (false, false) => format!("{}; {}", finding.own, finding.cause),
        (false, true) => finding.own.clone(),
        (true, _) => finding.cause.clone(),
    };
    Anomaly {
        kind: finding.kind.to_owned(),
        topic: Some(partition.name.topic.to_string()),
        partition: Some(partition.name.partition),
        offset: offset.map(|offset| offset.0),
        record,
        allowed: finding.allowed == Allowed::Yes,
        rule: finding.rule.to_owned(),
        explanation,
        cause: finding.cause,
    }
}
