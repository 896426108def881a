//! What a consumer was handed at an offset is what every later consumer is handed there.
//!
//! Mirrors `ExposedStable`, zombies included. A record whose promise is void by the contract may be
//! replaced.

use std::collections::BTreeMap;

use broker::{
    host::event::{ConsumerEvent, Delivery},
    ids::{Offset, TopicPartition},
};

use super::{Context, Findings};
use crate::{
    history::BatchId,
    oracle::{Promise, promise},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ExposedStable {
    handed: BTreeMap<TopicPartition, BTreeMap<Offset, BatchId>>,
}

impl ExposedStable {
    pub(super) fn check(
        &mut self,
        context: &Context<'_>,
        event: &ConsumerEvent,
        findings: &mut Findings,
    ) {
        let ConsumerEvent::Delivered(delivery) = event else { return };
        let Delivery { partition, offset, leader_epoch, broker, .. } = delivery;
        let Some(batch) = context.partition.batches.holding(*offset, *leader_epoch) else { return };
        if !self.handed.contains_key(partition) {
            self.handed.insert(partition.clone(), BTreeMap::new());
        }
        let handed = self.handed.get_mut(partition).expect("it was just put there");
        let Some(before) = handed.insert(*offset, batch).filter(|before| *before != batch) else {
            return;
        };
        if let Promise::Void { .. } = promise(context.partition, before) {
            return;
        }
        let epoch = context.partition.batches.get(before).leader_epoch;
        findings.broke("exposed-stable", context, Some(*broker), || {
            format!(
                "{broker} handed out a record of epoch {leader_epoch} at offset {offset}, where \
                 one of epoch {epoch} was handed out before"
            )
        });
    }

    /// The topic is gone; another one may bear its name.
    pub(super) fn forget(&mut self, topic: &str) {
        self.handed.retain(|partition, _| partition.topic.as_str() != topic);
    }
}
