//! The controller: who is registered, who leads, who is in sync.
//!
//! Mirrors Kafka's `QuorumController` and its managers (KIP-500, KIP-631). The log and the
//! decisions are kept apart: a decision is made from the image alone ([`decision`]), then its
//! records are appended to the metadata log and synced, then replayed into the image, and only when
//! a majority of the quorum ([`crate::raft`]) has them is anything answered, served or told. What a
//! broker has seen of the metadata log, no power loss takes back. A controller that leads the
//! quorum no more forgets what it thought, and answers that another is in charge.
//!
//! ```text
//!   request ──► View / Registrar ──► Decision { records, answer }
//!                    ▲                     │
//!                    │                     ▼
//!               MetadataImage ◄── replay ── append, sync (quorum)
//!                                          │ high watermark
//!                                          ▼
//!                           events, answer, waiting fetches
//! ```
//!
//! | file | what it decides | class of Kafka |
//! |---|---|---|
//! | `quorum_controller` | nothing: the order of things | `QuorumController`, `ControllerApis` |
//! | `cluster_control_manager` | registrations, broker epochs | `ClusterControlManager` |
//! | `broker_heartbeat_manager` | sessions, who may stop | `BrokerHeartbeatManager` |
//! | `replication_control_manager` | when brokers come or go | `ReplicationControlManager` |
//! | `partition_change_builder` | one partition's ISR and leader | `PartitionChangeBuilder` |
//! | `alter_partition` | a leader's wish for another ISR | the same |
//! | `create_topics`, `create_partitions`, `delete_topics` | topics that come and go | the same |
//! | `elect_leaders` | preferred and unclean elections, balance | the same |
//! | `reassignments` | partitions that move | the same |
//! | `alter_configs` | values of topics | `ConfigurationControlManager` |
//! | `command` | what only a testbed asks | none |
//! | `replica_placer` | where replicas go | `StripedReplicaPlacer` |
//! | `producer_id_control_manager` | blocks of producer ids | `ProducerIdControlManager` |
//! | `quorum` | whether it is in charge | `QuorumMetaLogListener` |
//! | `deferred_event_queue` | what waits for the quorum | `DeferredEventQueue` |
//! | `metadata_log` | records in batches | `RecordsBatchReader` |
//!
//! Not modelled: snapshots of the log, racks in placement.

mod alter_configs;
mod alter_partition;
mod broker_heartbeat_manager;
mod cluster_control_manager;
mod command;
mod create_partitions;
mod create_topics;
mod decision;
mod deferred_event_queue;
mod delete_topics;
mod elect_leaders;
mod events;
mod metadata_log;
mod partition_change_builder;
mod producer_id_control_manager;
mod quorum;
mod quorum_controller;
mod reassignments;
mod replica_placer;
mod replication_control_manager;
mod requests;
#[cfg(test)]
mod tests;

pub use command::ControllerCommand;
pub use quorum_controller::{Controller, ControllerConfig};
