//! In one leader epoch of a partition at most one broker leads.

use std::collections::BTreeMap;

use broker::{
    host::event::PartitionEvent,
    ids::{BrokerId, LeaderEpoch, TopicId},
};

use super::{Context, Findings};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct OneLeaderPerEpoch {
    leaders: BTreeMap<(TopicId, i32, LeaderEpoch), BrokerId>,
}

impl OneLeaderPerEpoch {
    pub(super) fn check(
        &mut self,
        context: &Context<'_>,
        broker: Option<BrokerId>,
        event: &PartitionEvent,
        findings: &mut Findings,
    ) {
        let PartitionEvent::BecameLeader { partition, topic_id, leader_epoch, .. } = event else {
            return;
        };
        let Some(broker) = broker else { return };
        let place = (*topic_id, partition.partition, *leader_epoch);
        let first = *self.leaders.entry(place).or_insert(broker);
        if first != broker {
            findings.broke("one-leader-per-epoch", context, Some(broker), || {
                format!("{broker} leads in epoch {leader_epoch}, in which {first} led")
            });
        }
    }
}
