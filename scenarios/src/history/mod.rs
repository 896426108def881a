//! The model of a run, made of events: every log, every send, every delivery, every record of the
//! controller.
//!
//! Events are all it is told while the run goes on, so that each is constant work (a logarithm
//! aside); bytes come only at restarts and at the end, and must agree with what the events said.
//! After a power loss the bytes replace the model. Acknowledgements and deliveries are taken from
//! the clients, never from brokers.
//!
//! What it does not know: what is allowed. It records; [`crate::invariants`] and [`crate::oracle`]
//! judge.

mod batches;
mod commitment;
mod decode;
mod deliveries;
mod disk;
mod facts;
mod final_read;
mod metadata;
mod partition;
mod record_id;
mod replica;
mod sends;
mod stops;
#[cfg(test)]
pub(crate) mod testing;
mod unclean;
mod verify;
mod when;

use std::collections::BTreeMap;

use broker::{
    host::event::{BrokerEvent, ControllerEvent, ElectionKind, Event, PartitionEvent},
    ids::{BrokerId, TopicId, TopicPartition},
};

pub use batches::{Batch, BatchId, Batches, Before, Commit, Origin, ProducerStamp};
pub use commitment::{Commitment, Committed, VoidRange};
pub use deliveries::{Delivered, Deliveries, Step, Stream};
pub use disk::{DiskFault, FileChange, PowerLoss, UnsyncedChange};
pub use facts::Fact;
pub use final_read::{FinalRead, ReplicaBytes};
pub(crate) use metadata::record_of;
pub use metadata::{Change, ChangeKind, Metadata, electable};
pub use partition::{Adoption, PartitionHistory};
pub use record_id::RecordId;
pub use replica::{Entry, Excuse, LastStep, Loss, Part, Power, Replica, Stopped, Why};
pub use sends::{Assignment, AttemptIndex, AttemptRecord, Completion, Send, SendIndex, Sends};
pub use stops::{CrashKind, End, Incarnation};
pub use unclean::Promised;
pub use when::When;

use partition::Surroundings;

/// The model of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    now: When,
    promised: Promised,
    partitions: BTreeMap<TopicPartition, PartitionHistory>,
    deleted: Vec<PartitionHistory>,
    sends: Sends,
    deliveries: Deliveries,
    incarnations: Vec<Incarnation>,
    leaderships: BTreeMap<TopicPartition, Vec<(When, Leadership)>>,
    errors: BTreeMap<i16, u64>,
    facts: Vec<Fact>,
}

/// Whether a partition had a leader that ran, from some moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// The leader of the controller's record serves: it has adopted its epoch.
    Led,
    /// There is none, or it does not run, or it has not adopted its epoch.
    Leaderless,
}

impl History {
    /// Takes in what `node` tells at `at` (nanoseconds since the run began).
    pub fn on_event(&mut self, at: u64, node: &str, event: &Event) {
        self.tick(at);
        match event {
            Event::Partition(event) => self.on_partition_event(node, event),
            Event::Broker(event) => self.on_broker_event(event),
            Event::Controller(event) => self.on_controller_event(event),
            Event::Producer(event) => self.sends.on_event(self.now, event),
            Event::Consumer(event) => self.deliveries.on_event(self.now, event, &self.sends),
        }
    }

    /// Whether an event is old news: a controller that starts again replays its log from the
    /// beginning, and nothing happens anew.
    pub fn is_retold(&self, event: &Event) -> bool {
        let Event::Controller(event) = event else { return false };
        if let ControllerEvent::TopicDeleted { topic_id, .. } = event {
            return !self.partitions.values().any(|partition| partition.is_of(*topic_id));
        }
        record_of(event).is_some_and(|record| {
            let same = |partition: &&PartitionHistory| partition.name == record.partition;
            let known = self.partitions.get(&record.partition).into_iter();
            let mut known = known.chain(self.deleted.iter().filter(same));
            known.any(|partition| partition.metadata.knows(record))
        })
    }

    /// What the last event changed.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// When the last event was.
    pub fn now(&self) -> When {
        self.now
    }

    /// The partitions that exist.
    pub fn partitions(&self) -> &BTreeMap<TopicPartition, PartitionHistory> {
        &self.partitions
    }

    /// The partition, if it exists.
    pub fn partition(&self, name: &TopicPartition) -> Option<&PartitionHistory> {
        self.partitions.get(name)
    }

    /// The partitions of deleted topics.
    pub fn deleted_partitions(&self) -> &[PartitionHistory] {
        &self.deleted
    }

    /// What producers were asked to send.
    pub fn sends(&self) -> &Sends {
        &self.sends
    }

    /// What consumers were handed.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// Every incarnation of every broker.
    pub fn incarnations(&self) -> &[Incarnation] {
        &self.incarnations
    }

    /// When partitions had a leader that ran, and when not.
    pub fn leaderships(&self) -> &BTreeMap<TopicPartition, Vec<(When, Leadership)>> {
        &self.leaderships
    }

    /// How often brokers answered a produce request with which error code.
    pub fn errors(&self) -> &BTreeMap<i16, u64> {
        &self.errors
    }

    fn tick(&mut self, at: u64) {
        self.now = When { at, order: self.now.order + 1 };
        self.facts.clear();
    }

    fn on_partition_event(&mut self, node: &str, event: &PartitionEvent) {
        let Some(broker) = broker_of(node) else { return };
        let name = partition_of(event);
        let partition = match self.partitions.get_mut(name) {
            Some(partition) => partition,
            None => self
                .partitions
                .entry(name.clone())
                .or_insert_with(|| PartitionHistory::new(name.clone(), self.promised)),
        };
        let (now, sends, facts) = (self.now, &mut self.sends, &mut self.facts);
        partition.on_event(event, &mut Surroundings { now, broker, sends, facts });
        let leads = |epoch| partition.metadata.is_true_leader(broker, epoch);
        if let PartitionEvent::BecameLeader { partition: name, leader_epoch, .. } = event
            && leads(*leader_epoch)
        {
            self.set_leadership(name, Leadership::Led);
        }
        if let PartitionEvent::ProduceAnswered(answered) = event
            && answered.error != 0
        {
            *self.errors.entry(answered.error).or_default() += 1;
        }
    }

    fn on_broker_event(&mut self, event: &BrokerEvent) {
        match event {
            BrokerEvent::ShutDownCleanly { broker } => self.end_incarnation(*broker, End::Clean),
            BrokerEvent::Halted { broker, .. } => self.end_incarnation(*broker, End::Halted),
            BrokerEvent::BrokerStarted { .. }
            | BrokerEvent::RegistrationAccepted { .. }
            | BrokerEvent::Serving { .. }
            | BrokerEvent::MetadataApplied { .. }
            | BrokerEvent::ControlledShutdownBegan { .. } => {}
        }
    }

    fn on_controller_event(&mut self, event: &ControllerEvent) {
        if let ControllerEvent::TopicDeleted { topic, topic_id } = event {
            self.on_topic_deleted(topic, *topic_id);
        }
        let Some((kind, record)) = metadata::change_of(event) else { return };
        let name = record.partition.clone();
        let partition = self
            .partitions
            .entry(name.clone())
            .or_insert_with(|| PartitionHistory::new(name.clone(), self.promised));
        partition.metadata.push(self.now, event);
        match (kind, record.leader) {
            (ChangeKind::Elected { kind: ElectionKind::Unclean, .. }, Some(leader)) => {
                partition.on_unclean_election(leader, record.leader_epoch);
                self.set_leadership(&name, Leadership::Leaderless);
            }
            (ChangeKind::Elected { .. } | ChangeKind::LeaderLost { .. }, _) => {
                self.set_leadership(&name, Leadership::Leaderless);
            }
            (ChangeKind::Created | ChangeKind::IsrChanged { .. }, _) => {}
        }
    }

    /// A controller that takes over may tell of it again, and then the name may be another topic's.
    fn on_topic_deleted(&mut self, topic: &str, topic_id: TopicId) {
        let of_topic = |partition: &PartitionHistory| {
            let current = partition.metadata.current();
            partition.name.topic.as_str() == topic
                && current.is_none_or(|record| record.topic_id == topic_id)
        };
        let found = self.partitions.iter().filter(|(_, partition)| of_topic(partition));
        let names: Vec<_> = found.map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some(mut partition) = self.partitions.remove(&name) {
                partition.deleted = Some(self.now);
                self.deleted.push(partition);
            }
            self.leaderships.remove(&name);
        }
    }

    fn set_leadership(&mut self, name: &TopicPartition, leadership: Leadership) {
        let steps = self.leaderships.entry(name.clone()).or_default();
        if steps.last().is_none_or(|(_, last)| *last != leadership) {
            steps.push((self.now, leadership));
        }
    }
}

/// The broker that a node's name stands for.
pub fn broker_of(node: &str) -> Option<BrokerId> {
    node.strip_prefix("broker-")?.parse().ok().map(BrokerId)
}

/// The partition that an event is about.
pub(crate) fn partition_of(event: &PartitionEvent) -> &TopicPartition {
    match event {
        PartitionEvent::Recovered(recovered) => &recovered.partition,
        PartitionEvent::Appended(appended) => &appended.partition,
        PartitionEvent::Truncated(truncated) => &truncated.partition,
        PartitionEvent::HighWatermarkMoved(moved) => &moved.partition,
        PartitionEvent::ProduceAnswered(answered) => &answered.partition,
        PartitionEvent::DuplicateSuppressed { partition, .. }
        | PartitionEvent::LogStartMoved { partition, .. }
        | PartitionEvent::BecameLeader { partition, .. }
        | PartitionEvent::BecameFollower { partition, .. }
        | PartitionEvent::Reconciled { partition, .. }
        | PartitionEvent::FollowerFetched { partition, .. }
        | PartitionEvent::IsrProposed { partition, .. }
        | PartitionEvent::IsrAdopted { partition, .. }
        | PartitionEvent::FetchRefused { partition, .. }
        | PartitionEvent::ReplicaFailed { partition, .. }
        | PartitionEvent::ReplicaRemoved { partition } => partition,
    }
}
