//! KIP-966's count: how many of those who could be elected ended uncleanly while a copy was
//! promised, and how many have to.

use std::collections::BTreeMap;

use broker::ids::BrokerId;

use crate::history::{PartitionHistory, When, electable};

/// The brokers that could be elected at some time between commitment and `until`, and that ended
/// uncleanly since they last entered the ISR, or since the commitment if they were in it then.
/// Whether their disks lost anything does not count.
pub(super) fn unclean_ends(
    partition: &PartitionHistory,
    committed: When,
    until: When,
) -> Vec<BrokerId> {
    let mut counts_from: BTreeMap<BrokerId, When> = BTreeMap::new();
    let mut isr: &[BrokerId] = &[];
    if let Some(record) = partition.metadata.at(committed) {
        counts_from.extend(electable(record).map(|member| (member, committed)));
        isr = &record.isr;
    }
    let changes = partition.metadata.changes();
    let first = changes.partition_point(|change| change.when <= committed);
    for change in changes[first..].iter().take_while(|change| change.when <= until) {
        for member in electable(&change.record) {
            let enters = change.record.isr.contains(&member) && !isr.contains(&member);
            let from = counts_from.entry(member).or_insert(change.when);
            *from = if enters { change.when } else { *from };
        }
        isr = &change.record.isr;
    }
    let ended = |member: BrokerId, from: When| {
        let mut ends = partition.unclean_ends.iter();
        ends.any(|(when, broker)| *broker == member && from < *when && *when <= until)
    };
    counts_from.into_iter().filter(|(m, from)| ended(*m, *from)).map(|(m, _)| m).collect()
}

/// The least `min.insync.replicas` that was in force between commitment and `until`.
pub(super) fn least_min_insync_replicas(
    partition: &PartitionHistory,
    committed: When,
    until: When,
) -> usize {
    let changes = partition.metadata.changes();
    let first = changes.partition_point(|change| change.when <= committed);
    let later = changes[first..].iter().take_while(|change| change.when <= until);
    let records = later.map(|change| &change.record).chain(partition.metadata.at(committed));
    let least = records.map(|record| record.min_insync_replicas).min().unwrap_or(1);
    usize::try_from(least).unwrap_or(usize::MAX)
}
