//! What a voter is told when it is made (Kafka's `QuorumConfig`).

use std::collections::BTreeSet;

use crate::{config::ServerConfig, ids::ControllerId};

/// A voter's place in the quorum.
#[derive(Clone, Debug, PartialEq)]
pub struct RaftConfig {
    /// Its own `node.id`.
    pub id: ControllerId,
    /// The ids in `controller.quorum.voters`, its own among them.
    pub voters: BTreeSet<ControllerId>,
    /// `server.properties`, of which the keys `controller.quorum.…` are read.
    pub server: ServerConfig,
}
