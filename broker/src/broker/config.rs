//! What a broker is told at its start, besides `server.properties`.

use crate::{
    config::ServerConfig,
    host::Address,
    ids::{BrokerId, ControllerId},
    replica::Rules,
};

/// A broker's place in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerConfig {
    /// `node.id`.
    pub broker: BrokerId,
    /// `listeners`: where it accepts connections, also from other brokers.
    pub address: Address,
    /// `controller.quorum.voters`.
    pub controllers: Vec<(ControllerId, Address)>,
    /// `server.properties`.
    pub server: ServerConfig,
    /// The protocol of replication.
    pub rules: Rules,
    /// Of this incarnation alone: what it draws (its incarnation id, jitter) comes from here.
    pub seed: [u8; 32],
}
