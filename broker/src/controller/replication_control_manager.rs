//! Leaders and ISRs when brokers come and go.
//!
//! Mirrors Kafka's `ReplicationControlManager` (KIP-500, KIP-841): what is written when a broker is
//! fenced, unfenced, or shutting down, and when the time for unclean elections comes.

use super::{
    decision::{Cause, Decision},
    partition_change_builder::{Election, PartitionChangeBuilder, Surroundings},
};
use crate::{
    config::TopicConfig,
    host::event::FenceReason,
    ids::BrokerId,
    metadata::{
        BrokerRegistration, BrokerRegistrationChange, ControlledShutdownChange, FencingChange,
        MetadataImage, MetadataRecord, PartitionRegistration, TopicImage,
    },
    replica::Rules,
};

/// The image, and the configuration of topics that say nothing: what decisions are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) image: &'a MetadataImage,
    pub(super) defaults: &'a TopicConfig,
    pub(super) rules: Rules,
}

/// Which broker's state is about to change in the same batch.
#[derive(Clone, Copy)]
enum About {
    Leaves(BrokerId),
    /// It leaves, and what it holds is not known.
    LeavesUncleanly(BrokerId),
    Comes(BrokerId),
    Nobody,
}

impl View<'_> {
    /// A broker is fenced: it leaves the ISRs, its partitions get other leaders, and then it is
    /// fenced (`handleBrokerFenced`).
    pub(super) fn fence(self, broker: &BrokerRegistration, reason: FenceReason) -> Decision<()> {
        fenced(broker, reason, self.leave_isrs(broker.id))
    }

    /// The same for a broker that has not ended cleanly: it is not eligible any more either
    /// (`handleUncleanBrokerShutdown`, KIP-966).
    pub(super) fn fence_unclean(
        self,
        broker: &BrokerRegistration,
        reason: FenceReason,
    ) -> Decision<()> {
        let has_it =
            |p: &PartitionRegistration| p.isr.contains(&broker.id) || p.elr.contains(&broker.id);
        let about = About::LeavesUncleanly(broker.id);
        fenced(broker, reason, self.leader_and_isr_updates(about, has_it))
    }

    /// A broker is unfenced: now every partition without leader is looked at again
    /// (`handleBrokerUnfenced`).
    pub(super) fn unfence(self, broker: &BrokerRegistration) -> Decision<()> {
        let mut records =
            vec![MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChange {
                broker: broker.id,
                broker_epoch: broker.epoch,
                fencing: FencingChange::Unfence,
                controlled_shutdown: ControlledShutdownChange::Unchanged,
            })];
        let leaderless = |partition: &PartitionRegistration| partition.leader.is_none();
        records.extend(self.leader_and_isr_updates(About::Comes(broker.id), leaderless));
        Decision::of(records, ())
    }

    /// A broker wants to stop: it leaves the ISRs and its leaderships are moved, but it goes on
    /// serving until the others know (`handleBrokerInControlledShutdown`).
    pub(super) fn begin_controlled_shutdown(self, broker: &BrokerRegistration) -> Decision<()> {
        let mut records = Vec::new();
        if !broker.in_controlled_shutdown {
            records.push(MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChange {
                broker: broker.id,
                broker_epoch: broker.epoch,
                fencing: FencingChange::Unchanged,
                controlled_shutdown: ControlledShutdownChange::InControlledShutdown,
            }));
        }
        records.extend(self.leave_isrs(broker.id));
        Decision::of(records, ())
    }

    /// The changes of the partitions that have `broker` in their ISR, when it leaves.
    pub(super) fn leave_isrs(self, broker: BrokerId) -> Vec<MetadataRecord> {
        let has_it = |partition: &PartitionRegistration| partition.isr.contains(&broker);
        self.leader_and_isr_updates(About::Leaves(broker), has_it)
    }

    /// The unclean elections that are allowed and would help (`maybeElectUncleanLeaders`).
    pub(super) fn elect_unclean_leaders(self) -> Decision<()> {
        let leaderless = |partition: &PartitionRegistration| partition.leader.is_none();
        Decision::of(self.leader_and_isr_updates(About::Nobody, leaderless), ())
    }

    /// What a change of a topic's partitions depends upon besides them.
    pub(super) fn surroundings<'a>(
        self,
        topic: &TopicImage,
        is_acceptable_leader: &'a dyn Fn(BrokerId) -> bool,
    ) -> Surroundings<'a> {
        let config = topic.config(self.defaults);
        Surroundings {
            is_acceptable_leader,
            election: Election::allowed_by(config.unclean_leader_election_enable),
            min_insync_replicas: config.min_insync_replicas,
            rules: self.rules,
        }
    }

    /// Whether a broker may lead and enter ISRs.
    pub(super) fn is_active(self, broker: BrokerId) -> bool {
        self.image.broker(broker).is_some_and(BrokerRegistration::is_active)
    }

    /// The changes of the partitions that `concerned` picks (`generateLeaderAndIsrUpdates`).
    fn leader_and_isr_updates(
        self,
        about: About,
        concerned: impl Fn(&PartitionRegistration) -> bool,
    ) -> Vec<MetadataRecord> {
        let is_acceptable = |broker: BrokerId| match about {
            About::Leaves(leaving) | About::LeavesUncleanly(leaving) => {
                broker != leaving && self.is_active(broker)
            }
            About::Comes(coming) => broker == coming || self.is_active(broker),
            About::Nobody => self.is_active(broker),
        };
        let mut records = Vec::new();
        for topic in self.image.topics_by_name() {
            let around = self.surroundings(topic, &is_acceptable);
            for (number, partition) in topic.partitions.iter().filter(|(_, p)| concerned(p)) {
                let builder = PartitionChangeBuilder::new(partition, around);
                let builder = match about {
                    About::Leaves(leaving) => {
                        let stays = |b: &BrokerId| *b != leaving;
                        builder.target_isr(partition.isr.iter().copied().filter(stays).collect())
                    }
                    About::LeavesUncleanly(leaving) => builder.unclean_shutdown(leaving),
                    About::Comes(_) | About::Nobody => builder,
                };
                let change = builder.build(topic.id, *number);
                records.extend(change.map(MetadataRecord::PartitionChange));
            }
        }
        records
    }
}

/// The records after which a broker is fenced, with those of its partitions before.
fn fenced(
    broker: &BrokerRegistration,
    reason: FenceReason,
    mut records: Vec<MetadataRecord>,
) -> Decision<()> {
    if !broker.fenced {
        records.push(MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChange {
            broker: broker.id,
            broker_epoch: broker.epoch,
            fencing: FencingChange::Fence,
            controlled_shutdown: ControlledShutdownChange::Unchanged,
        }));
    }
    let cause = Cause { fencing: Some(reason), ..Cause::default() };
    Decision { records, cause, answer: () }
}
