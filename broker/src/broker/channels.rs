//! The connections that a broker opens, and what it remembers of each request on them.
//!
//! A parked request holds up its connection, so there is one for each purpose, as in Kafka: one
//! for each leader it fetches from (`ReplicaFetcherThread`), and to the controller one for
//! heartbeats and registration, one for `AlterPartition`, one for what it forwards
//! (`NodeToControllerChannelManager`), and one for the metadata log (`KafkaRaftClient`).

use crate::{
    ids::BrokerId,
    net::RequestId,
    replica::{AlterPartitionTicket, FetcherTicket},
};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    /// Registration and heartbeats.
    Lifecycle,
    /// The metadata log.
    Metadata,
    /// ISR changes.
    AlterPartition,
    /// Requests of clients that the controller must answer, and blocks of producer ids.
    Forwarding,
    /// Replication from this leader.
    Fetcher(BrokerId),
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token {
    /// Registration or heartbeat.
    Lifecycle,
    /// A fetch of the metadata log.
    Metadata,
    /// An ISR change.
    AlterPartition(AlterPartitionTicket),
    /// A client's request, to be answered with what the controller answers.
    Forwarded(RequestId),
    /// A block of producer ids.
    ProducerIds,
    /// A request to a leader.
    ToLeader(BrokerId, FetcherTicket),
}

impl Token {
    /// On which connection the request goes.
    pub(super) fn channel(self) -> Channel {
        match self {
            Self::Lifecycle => Channel::Lifecycle,
            Self::Metadata => Channel::Metadata,
            Self::AlterPartition(_) => Channel::AlterPartition,
            Self::Forwarded(_) | Self::ProducerIds => Channel::Forwarding,
            Self::ToLeader(leader, _) => Channel::Fetcher(leader),
        }
    }
}
