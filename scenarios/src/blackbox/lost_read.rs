//! `lost-read`: a value was read, and the last reader has not met it, although it began to read at
//! or before the place.
//!
//! Not Jepsen's, which never asks again for what was read once; here the last reader has read all
//! there is, so that its silence is proof.

use std::collections::{BTreeMap, BTreeSet};

use broker::ids::{Offset, TopicPartition};

use super::{Anomaly, Case, FinalReader, Finding, client_history::Read, values::ValueId};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    let FinalReader::ReadAll(last) = case.final_reader else { return };
    let Some(streams) = case.history.readers.get(last) else { return };
    for (partition, reads) in streams {
        let begins = reads.iter().find_map(|read| match read {
            Read::Begins(offset) => Some(*offset),
            Read::Handed { .. } => None,
        });
        let met: BTreeSet<ValueId> = handed(reads).map(|(value, _)| value).collect();
        for (value, offset) in read_by_anybody(case, partition) {
            let behind = begins.is_none_or(|begins| begins <= offset);
            if behind && !met.contains(&value) {
                let value = case.history.values.get(value).clone();
                let anomaly = Anomaly::LostRead { value, offset };
                all.push(Finding { partition: partition.clone(), anomaly });
            }
        }
    }
}

/// The values that were read, each with the last offset at which it was.
fn read_by_anybody(case: &Case<'_>, partition: &TopicPartition) -> BTreeMap<ValueId, Offset> {
    let streams = case.history.readers.values().filter_map(|streams| streams.get(partition));
    let mut read = BTreeMap::new();
    for (value, offset) in streams.flat_map(|reads| handed(reads)) {
        if case.history.values.is_name(value) {
            let last = read.entry(value).or_insert(offset);
            *last = offset.max(*last);
        }
    }
    read
}

fn handed(reads: &[Read]) -> impl Iterator<Item = (ValueId, Offset)> {
    reads.iter().filter_map(|read| match read {
        Read::Begins(_) => None,
        Read::Handed { moment: _, offset, value } => Some((*value, *offset)),
    })
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_value_that_was_read_and_is_gone_at_the_end_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "b")]);
        clients.read_all(&[(0, "a")]);
        assert_eq!(clients.count("lost-read"), 1);
    }

    #[test]
    fn a_value_that_is_met_again_or_stood_before_the_beginning_is_none() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "b")]);
        assert_eq!(clients.count("lost-read"), 0);
        clients.read_all(&[(1, "b")]);
        assert_eq!(clients.count("lost-read"), 0);
    }
}
