//! The cluster's metadata: the records of the metadata log, and the image made of them.
//!
//! The controller decides by appending [`MetadataRecord`]s to its log; everybody who reads the log
//! in order arrives at the same [`MetadataImage`]. What a reader must act upon is a
//! [`MetadataDelta`]: what changed since the image it acted upon last.
//!
//! Mirrors Kafka's `metadata` module: the record schemas of `common/metadata/*.json` in the framing
//! of `MetadataRecordSerde`, `MetadataImage`, `MetadataDelta`, `PartitionRegistration`,
//! `BrokerRegistration` (KIP-500, KIP-631, KIP-841, KIP-966).
//!
//! It does not know who decides, how the log is stored, or how it travels.

mod codec;
mod delta;
mod image;
mod record;
mod registration;
mod serde;
#[cfg(test)]
mod tests;
mod topic_config;

pub use codec::RecordError;
pub use delta::MetadataDelta;
pub use image::{MetadataImage, ReplayError, TopicImage};
pub use record::{
    BrokerRegistrationChange, ConfigChange, ConfigResource, ControlledShutdownChange,
    FencingChange, LeaderChange, MetadataRecord, PartitionChange, ProducerIdsBlockEnd,
};
pub use registration::{
    BrokerRegistration, IncarnationId, LeaderRecoveryState, PartitionRegistration,
};
pub use topic_config::{ConfigValueError, set_topic_config};
