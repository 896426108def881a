//! What replication asks of the metadata: which brokers are alive, and which topics there are.
//!
//! Mirrors the few questions that `Partition`, `Replica` and `ReplicaManager` put to Kafka's
//! `KRaftMetadataCache` (`getAliveBrokerEpoch`, `isBrokerFenced`, `isBrokerShuttingDown`,
//! `contains`, `topicIdsToNames`). Does not answer who leads: that is in the partitions.

use super::{
    follower_states::SeenIncarnation,
    rules::{Rules, Switch},
};
use crate::{
    ids::{BrokerEpoch, BrokerId, TopicId, TopicName},
    metadata::{BrokerRegistration, MetadataImage},
};

/// The metadata that this broker has applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ClusterView {
    image: MetadataImage,
}

impl ClusterView {
    /// Goes on to a later image.
    pub(super) fn adopt(&mut self, image: &MetadataImage) {
        self.image.clone_from(image);
    }

    /// The name of a topic.
    pub(super) fn topic_name(&self, id: TopicId) -> Option<&TopicName> {
        self.image.topic(id).map(|topic| &topic.name)
    }

    /// Whether the topic has this partition.
    pub(super) fn contains(&self, topic: &TopicName, partition: i32) -> bool {
        self.image.topic_named(topic).is_some_and(|topic| topic.partitions.contains_key(&partition))
    }

    /// Whether a broker is registered, fenced or not.
    pub(super) fn is_registered(&self, broker: BrokerId) -> bool {
        self.image.broker(broker).is_some()
    }

    /// The epoch of a broker that is registered and not fenced.
    pub(super) fn alive_epoch(&self, broker: BrokerId) -> Option<BrokerEpoch> {
        self.image
            .broker(broker)
            .filter(|registration| !registration.fenced)
            .map(|registration| registration.epoch)
    }

    /// Whether a replica may join the ISR (KIP-841, KIP-903): it is neither fenced nor shutting
    /// down, and it was this incarnation that fetched.
    pub(super) fn is_eligible(
        &self,
        broker: BrokerId,
        seen: SeenIncarnation,
        rules: &Rules,
    ) -> bool {
        match rules.isr_eligibility {
            Switch::Off => true,
            Switch::On => {
                self.image.broker(broker).is_some_and(|registration| may_join(registration, seen))
            }
        }
    }
}

fn may_join(registration: &BrokerRegistration, seen: SeenIncarnation) -> bool {
    let is_this_incarnation = match seen {
        SeenIncarnation::Never => false,
        SeenIncarnation::Unsaid => true,
        SeenIncarnation::Said(epoch) => epoch == registration.epoch,
    };
    registration.is_active() && is_this_incarnation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::testing::registration;

    fn fetched_as(epoch: i64) -> SeenIncarnation {
        SeenIncarnation::Said(BrokerEpoch(epoch))
    }

    #[test]
    fn only_an_active_broker_may_join() {
        let active = registration(2, 9);
        assert!(may_join(&active, fetched_as(9)));
        let fenced = BrokerRegistration { fenced: true, ..active.clone() };
        assert!(!may_join(&fenced, fetched_as(9)));
        let leaving = BrokerRegistration { in_controlled_shutdown: true, ..active };
        assert!(!may_join(&leaving, fetched_as(9)));
    }

    #[test]
    fn what_an_older_incarnation_fetched_lets_nobody_join() {
        let active = registration(2, 9);
        assert!(!may_join(&active, fetched_as(8)));
        assert!(!may_join(&active, SeenIncarnation::Never));
        assert!(may_join(&active, SeenIncarnation::Unsaid));
    }
}
