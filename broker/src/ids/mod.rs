//! The names of things: offsets, epochs, nodes, partitions.
//!
//! One type for each quantity, so that an epoch cannot be passed for an offset. None implements
//! `Hash`: a hash map over them, whose order would differ from run to run, does not compile.

mod epochs;
mod nodes;
mod offset;
mod producers;
mod topics;

pub use epochs::{BrokerEpoch, ControllerEpoch, LeaderEpoch, PartitionEpoch};
pub use nodes::{BrokerId, ClientId, ControllerId};
pub use offset::Offset;
pub use producers::{ProducerEpoch, ProducerId, SendId, Sequence};
pub use topics::{TopicId, TopicName, TopicPartition};

/// `cluster.id` of every cluster: 16 bytes in Base64, as Kafka's are.
pub const CLUSTER_ID: &str = "aGlnaHdhdGVyIGNsdXN0ZQ";
