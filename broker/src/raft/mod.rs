//! The quorum of controllers: who leads, and what of the metadata log is committed.
//!
//! Mirrors Kafka's `raft` module (KIP-595): Raft's elections with Kafka's replication. Followers
//! fetch, and a fetch says what the follower has on disk; a log that parted from the leader's is
//! cut where its last epoch ends at the leader, with the same log and epoch cache that partitions
//! have. Voters are static (`controller.quorum.voters`).
//!
//! ```text
//!                 election timeout             majority grants
//!   Unattached ───────────────────► Candidate ────────────────► Leader
//!     │    ▲                         ▲   ▲                        │ no majority fetches,
//!     │    │ higher epoch            │   │ election timeout       ▼ or shutdown
//!     ▼    │ (from all states)       │   └──────────────────── Resigned
//!   Voted ─┴─────────────────────────┤
//!                                    │ fetch timeout
//!   Follower ◄── BeginQuorumEpoch, or a response that names the leader of the epoch
//! ```
//!
//! | file | what it is | class of Kafka |
//! |---|---|---|
//! | `client` | requests, responses and timers | `KafkaRaftClient` |
//! | `driver` | a voter on the network | `KafkaRaftClientDriver`, `KafkaNetworkChannel` |
//! | `quorum_state` | the state and its legal transitions | `QuorumState`, `FollowerState`, … |
//! | `candidate_state`, `leader_state` | counting votes, counting replicas | the same |
//! | `quorum_state_store` | the file `quorum-state` | `FileQuorumStateStore` |
//! | `metadata_log` | the log, durable before it is acknowledged | `KafkaMetadataLog` |
//! | `request_manager` | one request at a time to each voter | `RequestManager` |
//! | `fetch_purgatory` | fetches that wait for records | `ThresholdPurgatory` |
//! | `messages`, [`wire`] | what voters say to each other | `RaftRequest`, `RaftUtil` |
//!
//! Two things differ from Kafka on purpose: nothing leaves the leader before it is on the leader's
//! disk (Kafka wakes waiting fetches a moment before the sync), and observers are only given what
//! is committed, since brokers here keep no copy of the log that they could cut.
//!
//! Not modelled: pre-vote (KIP-996), dynamic voters (KIP-853), snapshots (KIP-630). What this does
//! not know: what a record decides.

mod candidate_state;
mod client;
mod config;
mod driver;
mod fetch_purgatory;
mod leader_state;
mod messages;
mod metadata_log;
mod quorum_state;
mod quorum_state_store;
mod request_manager;
#[cfg(test)]
mod tests;
pub mod wire;

pub use client::{Context, Effect, KafkaRaftClient};
pub use config::RaftConfig;
pub use driver::{DriverConfig, KafkaRaftClientDriver, Surroundings};
pub use messages::{
    BeginQuorumEpoch, Body, EndQuorumEpoch, Fetch, Fetched, LeaderAndEpoch, OffsetAndEpoch,
    RaftRequest, RaftResponse, Replica, Vote,
};
pub use metadata_log::RaftError;
pub use request_manager::Correlation;
