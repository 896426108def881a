//! The version order: the offsets of a partition that clients know, and the values they bear.

use std::collections::{BTreeMap, BTreeSet};

use broker::ids::{Offset, TopicPartition};

use super::{
    ClientHistory,
    client_history::{Read, Told},
    values::ValueId,
};

/// The version orders of all partitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct VersionOrders {
    partitions: BTreeMap<TopicPartition, VersionOrder>,
}

/// The version order of one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct VersionOrder {
    /// The values that each offset bears.
    pub(super) values: BTreeMap<Offset, BTreeSet<ValueId>>,
    /// The offsets that bear each value.
    pub(super) offsets: BTreeMap<ValueId, BTreeSet<Offset>>,
    /// The values that somebody was handed.
    pub(super) read: BTreeSet<ValueId>,
    /// How far readers have come: the last of the first offsets of the values that were read.
    pub(super) bound: Option<Offset>,
    /// The offsets, in order.
    dense: Vec<Offset>,
}

impl VersionOrders {
    pub(super) fn of(history: &ClientHistory) -> Self {
        let mut orders = Self::default();
        for (name, reads) in history.readers.values().flatten() {
            let order = orders.partitions.entry(name.clone()).or_default();
            for read in reads {
                if let Read::Handed { moment: _, offset, value } = read {
                    order.note(*offset, *value);
                    order.read.insert(*value);
                }
            }
        }
        for sent in &history.sends {
            if let (Some(name), Some(Told::Acked(Some(offset)))) = (&sent.partition, sent.told) {
                orders.partitions.entry(name.clone()).or_default().note(offset, sent.value);
            }
        }
        for order in orders.partitions.values_mut() {
            order.dense = order.values.keys().copied().collect();
            order.bound = order.read.iter().filter_map(|value| order.earliest(*value)).max();
        }
        orders
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &VersionOrder)> {
        self.partitions.iter()
    }

    pub(super) fn get(&self, name: &TopicPartition) -> Option<&VersionOrder> {
        self.partitions.get(name)
    }
}

impl VersionOrder {
    fn note(&mut self, offset: Offset, value: ValueId) {
        self.values.entry(offset).or_default().insert(value);
        self.offsets.entry(value).or_default().insert(offset);
    }

    /// The index of an offset that stands in the order.
    pub(super) fn index(&self, offset: Offset) -> usize {
        self.dense.partition_point(|known| *known < offset)
    }

    /// The first offset that bears the value.
    pub(super) fn earliest(&self, value: ValueId) -> Option<Offset> {
        self.offsets.get(&value)?.first().copied()
    }

    /// The last offset that bears the value.
    pub(super) fn latest(&self, value: ValueId) -> Option<Offset> {
        self.offsets.get(&value)?.last().copied()
    }
}
