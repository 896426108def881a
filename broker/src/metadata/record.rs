//! The records of the metadata log.
//!
//! Mirrors the schemas `RegisterBrokerRecord`, `PartitionChangeRecord` … of Kafka. Fields that
//! nothing here decides upon (features, log directories, security protocols, migration flags) are
//! written empty and skipped when read.

use std::sync::Arc;

use super::{BrokerRegistration, LeaderRecoveryState, PartitionRegistration};
use crate::ids::{BrokerEpoch, BrokerId, ProducerId, TopicId, TopicName};

/// One record of the metadata log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataRecord {
    /// A broker's incarnation registers (`RegisterBrokerRecord`).
    RegisterBroker(BrokerRegistration),
    /// A broker is forgotten (`UnregisterBrokerRecord`).
    UnregisterBroker {
        /// The broker.
        broker: BrokerId,
        /// The epoch that it has.
        broker_epoch: BrokerEpoch,
    },
    /// A broker is fenced, unfenced or shutting down (`BrokerRegistrationChangeRecord`).
    BrokerRegistrationChange(BrokerRegistrationChange),
    /// A topic is created (`TopicRecord`). Its partitions follow.
    Topic {
        /// Its name.
        name: TopicName,
        /// Its id.
        topic_id: TopicId,
    },
    /// A topic is deleted with all its partitions (`RemoveTopicRecord`).
    RemoveTopic {
        /// Its id.
        topic_id: TopicId,
    },
    /// A partition is created (`PartitionRecord`).
    Partition {
        /// Its topic.
        topic_id: TopicId,
        /// Its number.
        partition: i32,
        /// All about it.
        registration: PartitionRegistration,
    },
    /// A partition is changed (`PartitionChangeRecord`).
    PartitionChange(PartitionChange),
    /// A configuration value is set or removed (`ConfigRecord`).
    Config(ConfigChange),
    /// Producer ids are given away (`ProducerIdsRecord`).
    ProducerIds(ProducerIdsBlockEnd),
    /// Nothing, but the log moves on (`NoOpRecord`, KIP-835).
    NoOp,
}

/// What becomes of a broker's fencing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FencingChange {
    /// It stays as it is.
    #[default]
    Unchanged,
    /// The broker is fenced.
    Fence,
    /// The broker is unfenced.
    Unfence,
}

/// What becomes of a broker's controlled shutdown. It ends only with the incarnation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ControlledShutdownChange {
    /// It stays as it is.
    #[default]
    Unchanged,
    /// The broker is shutting down from now on.
    InControlledShutdown,
}

/// A change of a broker's registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerRegistrationChange {
    /// The broker.
    pub broker: BrokerId,
    /// The epoch that it has.
    pub broker_epoch: BrokerEpoch,
    /// What becomes of its fencing.
    pub fencing: FencingChange,
    /// What becomes of its controlled shutdown.
    pub controlled_shutdown: ControlledShutdownChange,
}

/// What becomes of a partition's leader. Anything but `Unchanged` raises the leader epoch, even if
/// the leader is the one it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaderChange {
    /// The field is not written.
    #[default]
    Unchanged,
    /// Nobody leads.
    NoLeader,
    /// This broker leads.
    Leader(BrokerId),
}

/// A change of a partition: what is none stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionChange {
    /// The topic.
    pub topic_id: TopicId,
    /// The partition's number.
    pub partition: i32,
    /// The new ISR.
    pub isr: Option<Vec<BrokerId>>,
    /// The new leader.
    pub leader: LeaderChange,
    /// The new replicas.
    pub replicas: Option<Vec<BrokerId>>,
    /// The replicas being removed.
    pub removing: Option<Vec<BrokerId>>,
    /// The replicas being added.
    pub adding: Option<Vec<BrokerId>>,
    /// The new recovery state.
    pub recovery_state: Option<LeaderRecoveryState>,
    /// The new eligible leader replicas (KIP-966).
    pub elr: Option<Vec<BrokerId>>,
    /// The new last known leader (KIP-966).
    pub last_known_elr: Option<Vec<BrokerId>>,
}

impl PartitionChange {
    /// A change of this partition that changes nothing yet.
    pub fn of(topic_id: TopicId, partition: i32) -> Self {
        Self {
            topic_id,
            partition,
            isr: None,
            leader: LeaderChange::Unchanged,
            replicas: None,
            removing: None,
            adding: None,
            recovery_state: None,
            elr: None,
            last_known_elr: None,
        }
    }

    /// Whether it changes nothing, so that no record must be written.
    pub fn is_no_op(&self) -> bool {
        *self == Self::of(self.topic_id, self.partition)
    }
}

/// What a configuration value belongs to (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigResource {
    /// A topic, named by its name.
    Topic,
    /// A broker, named by its number; empty for all.
    Broker,
}

/// A configuration value that is set, or removed if it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// What it belongs to.
    pub resource: ConfigResource,
    /// The name of that.
    pub name: Arc<str>,
    /// Kafka's key.
    pub key: Arc<str>,
    /// The value as text.
    pub value: Option<Arc<str>>,
}

/// Producer ids below `next_producer_id` are given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdsBlockEnd {
    /// The broker that the last block was given to.
    pub broker: BrokerId,
    /// Its epoch.
    pub broker_epoch: BrokerEpoch,
    /// The first id of the next block.
    pub next_producer_id: ProducerId,
}
