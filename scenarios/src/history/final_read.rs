//! What the runner reads after everything else, from disks and through the front door.

use std::collections::BTreeMap;

use broker::ids::{BrokerId, ClientId, Offset, TopicPartition};
use bytes::Bytes;

/// The bytes of a replica's log, as they stand on its disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaBytes {
    /// The first readable offset.
    pub log_start: Offset,
    /// The high watermark its broker has; none if it does not run.
    pub high_watermark: Option<Offset>,
    /// All segments, one behind the other.
    pub log: Bytes,
}

/// What the runner reads at the end of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalRead {
    /// Each replica: for one whose broker never came back, what its next recovery would yield.
    pub replicas: BTreeMap<(TopicPartition, BrokerId), ReplicaBytes>,
    /// What a fresh consumer got of each partition: offset and value, in order.
    pub fresh: BTreeMap<TopicPartition, Vec<(Offset, Bytes)>>,
    /// Fresh consumers are no workload: their deliveries are left out of the counts.
    pub fresh_consumers: Vec<ClientId>,
}
