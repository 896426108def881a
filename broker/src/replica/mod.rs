//! The replication of partitions: the heart of the project.
//!
//! A partition has a leader and followers. Followers fetch; what a follower asks for tells the
//! leader what it has; below the high watermark is what all in-sync replicas have. Mirrors the
//! packages `kafka.cluster` and `kafka.server` as far as they replicate (KIP-16, KIP-101, KIP-279,
//! KIP-320, KIP-497, KIP-595, KIP-841, KIP-903).
//!
//! | here | in Kafka | what it is |
//! |---|---|---|
//! | [`ReplicaManager`] | `ReplicaManager` | all partitions of a broker; requests come here |
//! | `partition` | `Partition` | one partition: leader or follower |
//! | `isr` | `PartitionState` | the in-sync replicas and the change that is asked for |
//! | `follower_states` | `Replica` | what a leader knows of its followers |
//! | `high_watermark` | `maybeIncrementLeaderHW` | how far is committed |
//! | `purgatory`, `delayed_produce`, `delayed_fetch` | the classes of these names | who waits |
//! | `alter_partition` | `AlterPartitionManager` | ISR changes on their way |
//! | `fetcher` | `AbstractFetcherThread`, `ReplicaFetcherThread` | what is fetched from whom |
//! | [`rules`] | – | in what the protocols and their bugs differ |
//!
//! It does not know connections, registration, heartbeats, or how metadata comes.

mod alter_partition;
mod cluster_view;
mod delayed_fetch;
mod delayed_produce;
mod effect;
mod fetcher;
mod follower_states;
mod high_watermark;
mod isr;
mod manager;
mod partition;
mod purgatory;
pub mod rules;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use effect::{AlterPartitionTicket, Context, Effect, FetcherTicket, NetFailure};
pub use manager::{Received, ReplicaManager};
pub use rules::Rules;
