//! What a client tells its application of topics and partitions (Kafka's `TopicDescription` and
//! `TopicPartitionInfo`).

use std::collections::BTreeMap;

use crate::ids::{BrokerId, LeaderEpoch, TopicId};

/// A partition as a client sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// Its leader, if it has one that is known.
    pub leader: Option<BrokerId>,
    /// The epoch of that leader.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Its replicas.
    pub replicas: Vec<BrokerId>,
    /// Its in-sync replicas.
    pub in_sync: Vec<BrokerId>,
}

/// A topic as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMetadata {
    /// Its id.
    pub id: TopicId,
    /// Its partitions, by their numbers.
    pub partitions: BTreeMap<i32, PartitionMetadata>,
}

impl TopicMetadata {
    /// How many partitions it has.
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// The partitions that have a leader.
    pub fn available(&self) -> impl Iterator<Item = i32> + '_ {
        let led = self.partitions.iter().filter(|(_, partition)| partition.leader.is_some());
        led.map(|(number, _)| *number)
    }

    #[cfg(test)]
    pub(crate) fn of_leaders(leaders: impl Iterator<Item = Option<BrokerId>>) -> Self {
        let partitions = (0..).zip(leaders).map(|(number, leader)| {
            (number, PartitionMetadata { leader, ..PartitionMetadata::default() })
        });
        Self { id: TopicId::ZERO, partitions: partitions.collect() }
    }
}
