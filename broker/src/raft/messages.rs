//! What voters and observers say to each other.
//!
//! Mirrors `RaftRequest`, `RaftResponse`, `OffsetAndEpoch` and `LeaderAndEpoch`, and of the wire's
//! messages `Vote`, `BeginQuorumEpoch`, `EndQuorumEpoch` (KIP-595) and `Fetch` what concerns one
//! partition. It does not know how they are written.

use bytes::Bytes;

use crate::{
    config::Millis,
    ids::{ControllerId, LeaderEpoch, Offset},
    protocol::ErrorCode,
};

/// A place in a log: how logs are compared. The one with the later epoch at its end is ahead, and
/// of the same epoch the longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetAndEpoch {
    /// The epoch of the last record before the offset; 0 if there is none.
    pub epoch: LeaderEpoch,
    /// The offset.
    pub offset: Offset,
}

/// An epoch, and its leader if one is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaderAndEpoch {
    /// Who leads.
    pub leader: Option<ControllerId>,
    /// In which epoch.
    pub epoch: LeaderEpoch,
}

/// Who fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replica {
    /// A voter: its fetch says that everything before the offset is on its disk.
    Voter(ControllerId),
    /// Anybody else, whose copy counts for nothing.
    Observer,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub enum RaftRequest {
    /// A candidate asks for a vote.
    Vote(Vote),
    /// A new leader makes itself known.
    BeginQuorumEpoch(BeginQuorumEpoch),
    /// A leader resigns.
    EndQuorumEpoch(EndQuorumEpoch),
    /// A replica asks for records.
    Fetch(Fetch),
}

/// A candidate asks for a vote.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    /// The epoch that it would lead.
    pub epoch: LeaderEpoch,
    /// Who asks.
    pub candidate: ControllerId,
    /// The end of its log.
    pub log_end: OffsetAndEpoch,
}

/// A new leader makes itself known.
#[derive(Clone, Debug, PartialEq)]
pub struct BeginQuorumEpoch {
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Who leads.
    pub leader: ControllerId,
}

/// A leader resigns.
#[derive(Clone, Debug, PartialEq)]
pub struct EndQuorumEpoch {
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Who led.
    pub leader: ControllerId,
    /// The other voters, the one whose log is longest first: in this order they should try.
    pub preferred_successors: Vec<ControllerId>,
}

/// A replica asks for records.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// Who asks.
    pub replica: Replica,
    /// The epoch in which it believes the leader to be; not checked if it says none.
    pub epoch: Option<LeaderEpoch>,
    /// Up to where it has the log, and the epoch of its last record; without an epoch the logs are
    /// not compared.
    pub offset: Offset,
    /// The epoch of its last record.
    pub last_fetched_epoch: Option<LeaderEpoch>,
    /// How long the leader may wait for records.
    pub max_wait: Millis,
    /// How many bytes of records it wants, if one batch is not more.
    pub max_bytes: u32,
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct RaftResponse {
    /// Why not, if not.
    pub error: ErrorCode,
    /// What the sender knows of the quorum.
    pub leader: LeaderAndEpoch,
    /// The rest.
    pub body: Body,
}

/// What the responses have for themselves.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// To `Vote`.
    Vote {
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// To `BeginQuorumEpoch`.
    BeginQuorumEpoch,
    /// To `EndQuorumEpoch`.
    EndQuorumEpoch,
    /// To `Fetch`.
    Fetch(Fetched),
}

/// What a fetch brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// The logs part: the replica's last epoch ends here in the leader's log.
    pub diverging: Option<OffsetAndEpoch>,
    /// The first offset that the leader does not know to be committed.
    pub high_watermark: Offset,
    /// The first offset of the leader's log.
    pub log_start: Offset,
    /// Batches.
    pub records: Bytes,
}
