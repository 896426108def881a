//! What a client knows of the cluster, and when it asks again (Kafka's `Metadata`, `MetadataCache`
//! and `ProducerMetadata`; KIP-320 for the epochs, KIP-951 for leaders named in answers).
//!
//! A leader is known with its epoch, and that only moves forward: what an old broker says late does
//! not undo what is known. An update is asked for when something failed, when a topic is not known,
//! or when the last one is older than `metadata.max.age.ms`; between two requests there is always a
//! back-off, which doubles while they fail or bring nothing new.
//!
//! What it does not know: connections. `ClientNetwork` sends the requests.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;

use super::{
    backoff::ExponentialBackoff,
    metadata_view::{PartitionMetadata, TopicMetadata},
};
use crate::{
    host::{Address, Instant},
    ids::{BrokerId, LeaderEpoch, TopicName, TopicPartition},
    protocol::{
        ErrorCode,
        messages::{MetadataResponse, broker_of, topic_id_of, topic_of},
    },
};

/// What a client knows of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClientMetadata {
    brokers: BTreeMap<BrokerId, Address>,
    topics: BTreeMap<TopicName, TopicMetadata>,
    wanted: BTreeSet<TopicName>,
    max_age: Duration,
    backoff: ExponentialBackoff,
    rng: ChaCha8Rng,
    update: Update,
    /// No request before.
    not_before: Instant,
    /// When the last answer came.
    refreshed: Option<Instant>,
    /// Requests in a row that failed.
    failures: u32,
    /// Answers in a row that brought nothing new.
    equivalent: u32,
    /// Counts the changes.
    version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Update {
    NotNeeded,
    Needed,
    InFlight,
    /// Something failed after the request had left: its answer may be too old.
    NeededAfterAnswer,
}

impl ClientMetadata {
    pub(crate) fn new(max_age: Duration, backoff: ExponentialBackoff, rng: ChaCha8Rng) -> Self {
        Self {
            brokers: BTreeMap::new(),
            topics: BTreeMap::new(),
            wanted: BTreeSet::new(),
            max_age,
            backoff,
            rng,
            update: Update::NotNeeded,
            not_before: Instant(0),
            refreshed: None,
            failures: 0,
            equivalent: 0,
            version: 0,
        }
    }

    /// Counts what was learned: with the same number nothing has changed.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The brokers that are known.
    pub(crate) fn brokers(&self) -> &BTreeMap<BrokerId, Address> {
        &self.brokers
    }

    /// A topic, if it is known.
    pub(crate) fn topic(&self, topic: &TopicName) -> Option<&TopicMetadata> {
        self.topics.get(topic)
    }

    /// A partition, if it is known.
    pub(crate) fn partition(&self, partition: &TopicPartition) -> Option<&PartitionMetadata> {
        self.topics.get(&partition.topic)?.partitions.get(&partition.partition)
    }

    /// The leader of a partition, if it has one whose address is known.
    pub(crate) fn leader(&self, partition: &TopicPartition) -> Option<BrokerId> {
        self.partition(partition)?.leader.filter(|leader| self.brokers.contains_key(leader))
    }

    /// The epoch of a partition's leader.
    pub(crate) fn leader_epoch(&self, partition: &TopicPartition) -> Option<LeaderEpoch> {
        self.partition(partition)?.leader_epoch
    }

    /// The topics to ask for.
    pub(crate) fn wanted(&self) -> &BTreeSet<TopicName> {
        &self.wanted
    }

    /// Asks for this topic from now on. One that was not asked for is asked for without back-off.
    pub(crate) fn want(&mut self, topic: &TopicName) {
        if self.wanted.insert(topic.clone()) {
            self.not_before = Instant(0);
            self.request_update();
        }
    }

    /// Asks for these topics and no others from now on.
    pub(crate) fn want_only(&mut self, topics: &BTreeSet<TopicName>) {
        self.wanted.retain(|topic| topics.contains(topic));
        for topic in topics {
            self.want(topic);
        }
    }

    /// Something failed, or is missing: asks for an update as soon as the back-off allows.
    pub(crate) fn request_update(&mut self) {
        self.update = match self.update {
            Update::NotNeeded | Update::Needed => Update::Needed,
            Update::InFlight | Update::NeededAfterAnswer => Update::NeededAfterAnswer,
        };
    }

    /// When the next request may leave; none while one is in flight.
    pub(crate) fn next_update(&self) -> Option<Instant> {
        match self.update {
            Update::InFlight | Update::NeededAfterAnswer => None,
            Update::Needed => Some(self.not_before),
            Update::NotNeeded => {
                self.refreshed.map(|at| at.plus(self.max_age).max(self.not_before))
            }
        }
    }

    /// A request has left.
    pub(crate) fn requested(&mut self) {
        self.update = Update::InFlight;
    }

    /// The request was not answered.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.update = Update::Needed;
        let wait = self.backoff.after(self.failures, &mut self.rng);
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.plus(wait);
    }

    /// The request was answered.
    pub(crate) fn updated(&mut self, now: Instant, response: &MetadataResponse) {
        self.version += 1;
        let before = self.leaders();
        let complete = self.merge(response);
        let again = !complete || self.update == Update::NeededAfterAnswer;
        self.update = if again { Update::Needed } else { Update::NotNeeded };
        self.refreshed = Some(now);
        self.failures = 0;
        self.equivalent = if before == self.leaders() { self.equivalent + 1 } else { 0 };
        let wait = self.backoff.after(self.equivalent.saturating_sub(1), &mut self.rng);
        let new_topic_waits = self.wanted.iter().any(|topic| !asked_for(topic, response));
        self.not_before = if new_topic_waits { now } else { now.plus(wait) };
    }

    /// An answer named a newer leader (KIP-951).
    pub(crate) fn learn_leader(
        &mut self,
        partition: &TopicPartition,
        leader: BrokerId,
        epoch: LeaderEpoch,
        address: Option<Address>,
    ) {
        self.version += 1;
        if let Some(address) = address {
            self.brokers.insert(leader, address);
        }
        let known = self
            .topics
            .get_mut(&partition.topic)
            .and_then(|topic| topic.partitions.get_mut(&partition.partition));
        if let Some(known) = known
            && known.leader_epoch < Some(epoch)
        {
            known.leader = Some(leader);
            known.leader_epoch = Some(epoch);
        }
    }

    /// Takes what is new. Says whether nothing is missing of what was asked for.
    fn merge(&mut self, response: &MetadataResponse) -> bool {
        self.brokers = response
            .brokers
            .iter()
            .map(|broker| {
                let port = u16::try_from(broker.port).unwrap_or(0);
                (BrokerId(broker.node_id.0), Address::new(&broker.host, port))
            })
            .collect();
        let mut complete = true;
        for topic in &response.topics {
            let Some(name) = topic.name.as_ref().map(topic_of) else { continue };
            if topic.error_code != ErrorCode::None.code() {
                complete = false;
                continue;
            }
            let id = topic_id_of(topic.topic_id);
            let known = self.topics.remove(&name).filter(|known| known.id == id);
            let mut merged = TopicMetadata { id, partitions: BTreeMap::new() };
            for partition in &topic.partitions {
                let number = partition.partition_index;
                complete &= partition.error_code == ErrorCode::None.code();
                let old = known.as_ref().and_then(|known| known.partitions.get(&number));
                let new = PartitionMetadata {
                    leader: broker_of(partition.leader_id),
                    leader_epoch: LeaderEpoch::from_wire(partition.leader_epoch),
                    replicas: partition.replica_nodes.iter().map(|id| BrokerId(id.0)).collect(),
                    in_sync: partition.isr_nodes.iter().map(|id| BrokerId(id.0)).collect(),
                };
                let newest = match old {
                    Some(old) if new.leader_epoch < old.leader_epoch => old.clone(),
                    Some(_) | None => new,
                };
                merged.partitions.insert(number, newest);
            }
            self.topics.insert(name, merged);
        }
        complete
    }

    /// What tells one state of knowledge from another.
    fn leaders(&self) -> Vec<(TopicName, i32, Option<BrokerId>, Option<LeaderEpoch>)> {
        let topics = self.topics.iter();
        topics
            .flat_map(|(name, topic)| {
                topic.partitions.iter().map(|(number, partition)| {
                    (name.clone(), *number, partition.leader, partition.leader_epoch)
                })
            })
            .collect()
    }
}

/// Whether an answer says anything about a topic.
fn asked_for(topic: &TopicName, response: &MetadataResponse) -> bool {
    let mut named = response.topics.iter().filter_map(|answered| answered.name.as_ref());
    named.any(|name| name.0.as_str() == topic.as_str())
}

#[cfg(test)]
mod tests;
