//! What changed in the image since somebody last looked.
//!
//! Mirrors Kafka's `MetadataDelta` with `ClusterDelta`, `TopicsDelta` and `ConfigurationsDelta`. It
//! names what changed and not how: who acts upon it reads the image. Thus several changes of one
//! partition in one batch of records are one change, and what lay between them is never seen; that
//! is what Kafka's `MetadataLoader` does, and it is part of the behaviour under test.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{BrokerId, TopicId, TopicName};

/// The names of what changed between two images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataDelta {
    brokers: BTreeSet<BrokerId>,
    created_topics: BTreeSet<TopicId>,
    deleted_topics: BTreeMap<TopicId, TopicName>,
    partitions: BTreeSet<(TopicId, i32)>,
    configs: BTreeSet<TopicId>,
}

impl MetadataDelta {
    /// The brokers whose registration changed or went.
    pub fn brokers(&self) -> &BTreeSet<BrokerId> {
        &self.brokers
    }

    /// The topics that are new.
    pub fn created_topics(&self) -> &BTreeSet<TopicId> {
        &self.created_topics
    }

    /// The topics that are gone, with the names they had. One that came and went is not among them.
    pub fn deleted_topics(&self) -> &BTreeMap<TopicId, TopicName> {
        &self.deleted_topics
    }

    /// The partitions that are new or changed. Those of deleted topics are not among them.
    pub fn partitions(&self) -> &BTreeSet<(TopicId, i32)> {
        &self.partitions
    }

    /// The topics whose configuration changed.
    pub fn configs(&self) -> &BTreeSet<TopicId> {
        &self.configs
    }

    /// Whether nothing changed that anybody must act upon.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn broker_changed(&mut self, broker: BrokerId) {
        self.brokers.insert(broker);
    }

    pub(super) fn topic_created(&mut self, topic: TopicId) {
        self.created_topics.insert(topic);
    }

    pub(super) fn partition_changed(&mut self, topic: TopicId, partition: i32) {
        self.partitions.insert((topic, partition));
    }

    pub(super) fn config_changed(&mut self, topic: TopicId) {
        self.configs.insert(topic);
    }

    pub(super) fn topic_deleted(&mut self, topic: TopicId, name: TopicName) {
        self.partitions.retain(|(of, _)| *of != topic);
        self.configs.remove(&topic);
        if !self.created_topics.remove(&topic) {
            self.deleted_topics.insert(topic, name);
        }
    }
}
