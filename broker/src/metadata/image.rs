//! The cluster as the metadata log describes it up to some offset.
//!
//! Mirrors Kafka's `MetadataImage` with its `ClusterImage`, `TopicsImage`, `ConfigurationsImage`
//! and `ProducerIdsImage`. Its parts are shared: a clone costs a few reference counts, and a replay
//! copies only the parts that it changes and somebody else still holds.

use std::{collections::BTreeMap, sync::Arc};

use thiserror::Error;

use super::{
    BrokerRegistration, BrokerRegistrationChange, ConfigChange, ConfigResource, ConfigValueError,
    ControlledShutdownChange, FencingChange, MetadataDelta, MetadataRecord, PartitionChange,
    PartitionRegistration, ProducerIdsBlockEnd, set_topic_config,
};
use crate::{
    config::{TopicConfig, TopicOverrides},
    ids::{BrokerEpoch, BrokerId, Offset, ProducerId, TopicId, TopicName, TopicPartition},
};

/// What the records below [`MetadataImage::end_offset`] amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataImage {
    end_offset: Offset,
    brokers: Arc<BTreeMap<BrokerId, BrokerRegistration>>,
    topics: Arc<BTreeMap<TopicId, Arc<TopicImage>>>,
    /// Invariant: names exactly the topics in `topics`.
    topic_ids: Arc<BTreeMap<TopicName, TopicId>>,
    next_producer_id: ProducerId,
}

impl Default for MetadataImage {
    fn default() -> Self {
        Self {
            end_offset: Offset::ZERO,
            brokers: Arc::default(),
            topics: Arc::default(),
            topic_ids: Arc::default(),
            next_producer_id: ProducerId(0),
        }
    }
}

/// A topic with its partitions and what it says for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    /// Its name.
    pub name: TopicName,
    /// Its id.
    pub id: TopicId,
    /// Its own configuration values.
    pub overrides: TopicOverrides,
    /// Its partitions by number.
    pub partitions: BTreeMap<i32, PartitionRegistration>,
}

impl TopicImage {
    /// The configuration in force, given the `defaults` of a broker or controller.
    pub fn config(&self, defaults: &TopicConfig) -> TopicConfig {
        self.overrides.over(defaults)
    }

    /// The name of one of its partitions.
    pub fn topic_partition(&self, partition: i32) -> TopicPartition {
        TopicPartition { topic: self.name.clone(), partition }
    }
}

/// A record that cannot follow those before it. The log is not what a controller writes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// The record was replayed before.
    #[error("record at offset {offset} after the end {end_offset}")]
    OutOfOrder {
        /// Where the record stands.
        offset: Offset,
        /// Where the next one was expected.
        end_offset: Offset,
    },
    /// No such broker is registered.
    #[error("no registration of {broker} with epoch {broker_epoch}")]
    UnknownBroker {
        /// The broker.
        broker: BrokerId,
        /// The epoch that the record names.
        broker_epoch: BrokerEpoch,
    },
    /// No such topic.
    #[error("no topic {0}")]
    UnknownTopic(String),
    /// The topic exists already.
    #[error("topic {0} exists already")]
    TopicExists(TopicName),
    /// No such partition.
    #[error("topic {0} has no partition {1}")]
    UnknownPartition(TopicId, i32),
    /// The value of a configuration is none.
    #[error(transparent)]
    Config(#[from] ConfigValueError),
    /// Dynamic configuration of brokers is not modelled.
    #[error("dynamic configuration of brokers is not modelled")]
    BrokerConfig,
}

impl MetadataImage {
    /// The offset behind the last record that was replayed.
    pub fn end_offset(&self) -> Offset {
        self.end_offset
    }

    /// The brokers that are registered.
    pub fn brokers(&self) -> &BTreeMap<BrokerId, BrokerRegistration> {
        &self.brokers
    }

    /// The registration of a broker.
    pub fn broker(&self, broker: BrokerId) -> Option<&BrokerRegistration> {
        self.brokers.get(&broker)
    }

    /// The topics, by id.
    pub fn topics(&self) -> impl Iterator<Item = &TopicImage> {
        self.topics.values().map(AsRef::as_ref)
    }

    /// The topic of this id.
    pub fn topic(&self, id: TopicId) -> Option<&TopicImage> {
        self.topics.get(&id).map(AsRef::as_ref)
    }

    /// The topics, by name.
    pub fn topics_by_name(&self) -> impl Iterator<Item = &TopicImage> {
        self.topic_ids.values().filter_map(|id| self.topic(*id))
    }

    /// The topic of this name.
    pub fn topic_named(&self, name: &TopicName) -> Option<&TopicImage> {
        self.topic(*self.topic_ids.get(name)?)
    }

    /// The partition of a topic known by its id.
    pub fn partition(&self, topic_id: TopicId, partition: i32) -> Option<&PartitionRegistration> {
        self.topic(topic_id)?.partitions.get(&partition)
    }

    /// The partition of a topic known by its name.
    pub fn partition_named(&self, partition: &TopicPartition) -> Option<&PartitionRegistration> {
        self.topic_named(&partition.topic)?.partitions.get(&partition.partition)
    }

    /// The first producer id that was given to nobody.
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }

    /// Moves the end over records that say nothing here, such as control records.
    pub fn skip_to(&mut self, end_offset: Offset) {
        self.end_offset = self.end_offset.max(end_offset);
    }

    /// Takes in the record at `offset`, and notes in `delta` what it changed.
    ///
    /// # Errors
    /// The record cannot follow those before; the image is then as before.
    pub fn replay(
        &mut self,
        offset: Offset,
        record: &MetadataRecord,
        delta: &mut MetadataDelta,
    ) -> Result<(), ReplayError> {
        if offset < self.end_offset {
            return Err(ReplayError::OutOfOrder { offset, end_offset: self.end_offset });
        }
        match record {
            MetadataRecord::RegisterBroker(registration) => {
                Arc::make_mut(&mut self.brokers).insert(registration.id, registration.clone());
                delta.broker_changed(registration.id);
            }
            MetadataRecord::UnregisterBroker { broker, broker_epoch } => {
                self.registered(*broker, *broker_epoch)?;
                Arc::make_mut(&mut self.brokers).remove(broker);
                delta.broker_changed(*broker);
            }
            MetadataRecord::BrokerRegistrationChange(change) => {
                self.change_registration(*change)?;
                delta.broker_changed(change.broker);
            }
            MetadataRecord::Topic { name, topic_id } => {
                self.create_topic(name, *topic_id)?;
                delta.topic_created(*topic_id);
            }
            MetadataRecord::RemoveTopic { topic_id } => {
                let name = self.remove_topic(*topic_id)?;
                delta.topic_deleted(*topic_id, name);
            }
            MetadataRecord::Partition { topic_id, partition, registration } => {
                let topic = self.topic_mut(*topic_id)?;
                topic.partitions.insert(*partition, registration.clone());
                delta.partition_changed(*topic_id, *partition);
            }
            MetadataRecord::PartitionChange(change) => {
                self.change_partition(change)?;
                delta.partition_changed(change.topic_id, change.partition);
            }
            MetadataRecord::Config(change) => {
                let topic_id = self.change_config(change)?;
                delta.config_changed(topic_id);
            }
            MetadataRecord::ProducerIds(ProducerIdsBlockEnd { next_producer_id, .. }) => {
                self.next_producer_id = *next_producer_id;
            }
            MetadataRecord::NoOp => {}
        }
        self.end_offset = offset.next();
        Ok(())
    }

    fn registered(&self, broker: BrokerId, broker_epoch: BrokerEpoch) -> Result<(), ReplayError> {
        match self.broker(broker) {
            Some(registration) if registration.epoch == broker_epoch => Ok(()),
            Some(_) | None => Err(ReplayError::UnknownBroker { broker, broker_epoch }),
        }
    }

    fn change_registration(&mut self, change: BrokerRegistrationChange) -> Result<(), ReplayError> {
        self.registered(change.broker, change.broker_epoch)?;
        let registration = Arc::make_mut(&mut self.brokers)
            .get_mut(&change.broker)
            .expect("it was found a moment ago");
        match change.fencing {
            FencingChange::Unchanged => {}
            FencingChange::Fence => registration.fenced = true,
            FencingChange::Unfence => registration.fenced = false,
        }
        match change.controlled_shutdown {
            ControlledShutdownChange::Unchanged => {}
            ControlledShutdownChange::InControlledShutdown => {
                registration.in_controlled_shutdown = true;
            }
        }
        Ok(())
    }

    fn create_topic(&mut self, name: &TopicName, id: TopicId) -> Result<(), ReplayError> {
        if self.topic_ids.contains_key(name) || self.topics.contains_key(&id) {
            return Err(ReplayError::TopicExists(name.clone()));
        }
        let topic = TopicImage {
            name: name.clone(),
            id,
            overrides: TopicOverrides::default(),
            partitions: BTreeMap::new(),
        };
        Arc::make_mut(&mut self.topics).insert(id, Arc::new(topic));
        Arc::make_mut(&mut self.topic_ids).insert(name.clone(), id);
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<TopicName, ReplayError> {
        let name = self.topic(id).ok_or_else(|| unknown_topic(id))?.name.clone();
        Arc::make_mut(&mut self.topics).remove(&id);
        Arc::make_mut(&mut self.topic_ids).remove(&name);
        Ok(name)
    }

    fn topic_mut(&mut self, id: TopicId) -> Result<&mut TopicImage, ReplayError> {
        if !self.topics.contains_key(&id) {
            return Err(unknown_topic(id));
        }
        let topic = Arc::make_mut(&mut self.topics).get_mut(&id).expect("it was just seen");
        Ok(Arc::make_mut(topic))
    }

    fn change_partition(&mut self, change: &PartitionChange) -> Result<(), ReplayError> {
        let partition = self
            .topic_mut(change.topic_id)?
            .partitions
            .get_mut(&change.partition)
            .ok_or(ReplayError::UnknownPartition(change.topic_id, change.partition))?;
        *partition = partition.merge(change);
        Ok(())
    }

    fn change_config(&mut self, change: &ConfigChange) -> Result<TopicId, ReplayError> {
        match change.resource {
            ConfigResource::Broker => Err(ReplayError::BrokerConfig),
            ConfigResource::Topic => {
                let id = *self
                    .topic_ids
                    .get(&TopicName(Arc::clone(&change.name)))
                    .ok_or_else(|| ReplayError::UnknownTopic(change.name.to_string()))?;
                let topic = self.topic_mut(id)?;
                set_topic_config(&mut topic.overrides, &change.key, change.value.as_deref())?;
                Ok(id)
            }
        }
    }
}

fn unknown_topic(id: TopicId) -> ReplayError {
    ReplayError::UnknownTopic(id.to_string())
}
