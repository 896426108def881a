//! Where the replicas of a new topic go.
//!
//! Mirrors Kafka's `StripedReplicaPlacer` without its racks and without its dice: partition `p`
//! begins at the `p`-th unfenced broker and goes round in the order of ids, so the first partition
//! of every topic is led by the first broker. Fenced brokers are taken only when the others do not
//! suffice, and never as leader; brokers that are shutting down are not taken.

use crate::{ids::BrokerId, metadata::MetadataImage};

/// Why replicas cannot be placed, in Kafka's words.
pub(super) type PlacementError = String;

/// The replicas of partitions 0 to `partitions` − 1.
pub(super) fn place(
    image: &MetadataImage,
    partitions: usize,
    replication_factor: usize,
) -> Result<Vec<Vec<BrokerId>>, PlacementError> {
    let usable = || image.brokers().values().filter(|b| !b.in_controlled_shutdown);
    let unfenced: Vec<_> = usable().filter(|b| !b.fenced).map(|b| b.id).collect();
    let fenced: Vec<_> = usable().filter(|b| b.fenced).map(|b| b.id).collect();
    let total = unfenced.len() + fenced.len();
    if total < replication_factor {
        return Err(format!(
            "The target replication factor of {replication_factor} cannot be reached because only \
             {total} broker(s) are registered."
        ));
    }
    if unfenced.is_empty() {
        return Err("All brokers are currently fenced.".to_owned());
    }
    let from = |list: &[BrokerId], first: usize| -> Vec<BrokerId> {
        let start = if list.is_empty() { 0 } else { first % list.len() };
        list[start..].iter().chain(&list[..start]).copied().collect()
    };
    let replicas = |partition| {
        let order = from(&unfenced, partition).into_iter().chain(from(&fenced, partition));
        order.take(replication_factor).collect()
    };
    Ok((0..partitions).map(replicas).collect())
}
