//! Reading a partition for a follower or a consumer, and finding where their logs diverge.
//!
//! Mirrors `Partition.fetchRecords`, `readRecords`, `localLogWithEpochOrThrow`,
//! `fetchOffsetForTimestamp` and `lastOffsetForLeaderEpoch` (KIP-207, KIP-320, KIP-595). Reading
//! changes nothing: what a follower's fetch says about it is counted elsewhere.

use bytes::Bytes;

use super::{Partition, PartitionRole, Setting};
use crate::{
    host::Timestamp,
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset},
    log::{Isolation, LogError, MinOneBatch, ReadError},
    protocol::ErrorCode,
    replica::{effect::Context, rules::Switch},
};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A follower: it reads to the log end, and only from the leader.
    Follower {
        /// Which broker.
        id: BrokerId,
        /// Its incarnation, if it says.
        incarnation: Option<BrokerEpoch>,
    },
    /// A consumer that may read from any replica (KIP-392).
    Consumer,
    /// A consumer that knows of leaders only.
    OldConsumer,
}

impl Reader {
    fn isolation(self) -> Isolation {
        match self {
            Self::Follower { .. } => Isolation::LogEnd,
            Self::Consumer | Self::OldConsumer => Isolation::HighWatermark,
        }
    }

    fn needs(self) -> Needs {
        match self {
            Self::Follower { .. } | Self::OldConsumer => Needs::Leader,
            Self::Consumer => Needs::AnyReplica,
        }
    }
}

/// Who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// The leader only.
    Leader,
    /// Any replica.
    AnyReplica,
}

/// What a fetch asks of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadRequest {
    /// The first offset wanted. May be negative: peers can send anything.
    pub(crate) fetch_offset: Offset,
    /// The leader epoch that the reader knows, if it says.
    pub(crate) current_leader_epoch: Option<LeaderEpoch>,
    /// The epoch of the reader's last record, if it says.
    pub(crate) last_fetched_epoch: Option<LeaderEpoch>,
    /// Where the reader's log starts, if it is a follower.
    pub(crate) log_start_offset: Option<Offset>,
    /// How much it wants of this partition.
    pub(crate) max_bytes: u32,
}

/// How much may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadLimit {
    /// How many bytes at most.
    pub(crate) max_bytes: u32,
    /// Whether one batch may exceed that.
    pub(crate) min_one_batch: MinOneBatch,
}

/// What a read gave. The offsets are those before the read (KAFKA-7104).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartitionRead {
    /// Whole batches.
    pub(crate) records: Bytes,
    /// Set if the reader's log diverges from this one; there are no records then.
    pub(crate) diverging: Option<(LeaderEpoch, Offset)>,
    /// The high watermark.
    pub(crate) high_watermark: Offset,
    /// The log start.
    pub(crate) log_start_offset: Offset,
    /// The log end.
    pub(crate) log_end_offset: Offset,
}

/// Why a partition was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadRefusal {
    /// The reader gets this code.
    Refused(ErrorCode),
    /// The log failed.
    Storage(LogError),
}

impl From<ErrorCode> for ReadRefusal {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

impl From<ReadError> for ReadRefusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::OutOfRange { .. } => Self::Refused(ErrorCode::OffsetOutOfRange),
            ReadError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Whether a fetch that waits can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It must be answered now, whatever there is to read.
    AnswerNow,
    /// So many bytes are there for it.
    Bytes(u64),
}

impl Partition {
    /// Checks the epoch that a peer believes in, if there is a fence, and whether this broker may
    /// answer.
    ///
    /// # Errors
    /// `FENCED_LEADER_EPOCH` if the peer is behind, `UNKNOWN_LEADER_EPOCH` if it is ahead,
    /// `NOT_LEADER_OR_FOLLOWER` if the leader is needed and this broker is not.
    pub(crate) fn check_leader_epoch(
        &self,
        fence: Switch,
        known: Option<LeaderEpoch>,
        needs: Needs,
    ) -> Result<(), ErrorCode> {
        match (fence, known) {
            (Switch::On, Some(known)) if Some(known) < self.leader_epoch => {
                return Err(ErrorCode::FencedLeaderEpoch);
            }
            (Switch::On, Some(known)) if self.leader_epoch < Some(known) => {
                return Err(ErrorCode::UnknownLeaderEpoch);
            }
            (Switch::On | Switch::Off, _) => {}
        }
        match needs {
            Needs::Leader if !self.is_leader() => Err(ErrorCode::NotLeaderOrFollower),
            Needs::Leader | Needs::AnyReplica => Ok(()),
        }
    }

    /// Reads for a fetch.
    pub(crate) fn read(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        (reader, asked): (Reader, &ReadRequest),
        limit: ReadLimit,
    ) -> Result<PartitionRead, ReadRefusal> {
        let fence = setting.rules.fetch_epoch_fence;
        self.check_leader_epoch(fence, asked.current_leader_epoch, reader.needs())?;
        self.check_assigned(reader, asked)?;
        let mut read = PartitionRead {
            records: Bytes::new(),
            diverging: self.divergence(asked)?,
            high_watermark: self.log.high_watermark(),
            log_start_offset: self.log.log_start_offset(),
            log_end_offset: self.log.log_end_offset(),
        };
        if read.diverging.is_none() {
            let max_bytes = asked.max_bytes.min(limit.max_bytes);
            let (from, isolation) = (asked.fetch_offset, reader.isolation());
            let data = self.log.read(from, max_bytes, isolation, limit.min_one_batch, ctx.disk)?;
            read.records = data.records;
        }
        Ok(read)
    }

    /// A follower must be in the assignment (KAFKA-13837).
    fn check_assigned(&self, reader: Reader, asked: &ReadRequest) -> Result<(), ErrorCode> {
        let (Reader::Follower { id, .. }, PartitionRole::Leader(leadership)) = (reader, &self.role)
        else {
            return Ok(());
        };
        if leadership.followers.get(id).is_some() {
            return Ok(());
        }
        // The metadata of one of the two is old. Which, only an epoch can tell.
        Err(match asked.current_leader_epoch {
            Some(_) => ErrorCode::UnknownLeaderEpoch,
            None => ErrorCode::NotLeaderOrFollower,
        })
    }

    /// The greatest epoch of this log not above the reader's, and its end, if the reader's log
    /// goes beyond that.
    fn divergence(&self, asked: &ReadRequest) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
        let Some(last_fetched) = asked.last_fetched_epoch else { return Ok(None) };
        let Some((epoch, end)) = self.log.end_offset_for_epoch(last_fetched) else {
            return Err(ErrorCode::OffsetOutOfRange);
        };
        if asked.fetch_offset < self.log.log_start_offset() {
            // Comes before the divergence, or the follower would cut itself for ever (KAFKA-12996).
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let diverges = epoch < last_fetched || end < asked.fetch_offset;
        Ok(diverges.then_some((epoch, end)))
    }

    /// Whether a fetch that waits for bytes can be answered (`DelayedFetch.tryComplete`).
    pub(crate) fn readiness(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        (reader, asked): (Reader, &ReadRequest),
        min_bytes: u64,
    ) -> Result<Readiness, LogError> {
        let fence = setting.rules.fetch_epoch_fence;
        let refused =
            self.check_leader_epoch(fence, asked.current_leader_epoch, reader.needs()).is_err();
        if refused || self.divergence(asked) != Ok(None) {
            return Ok(Readiness::AnswerNow);
        }
        let readable = match reader.isolation() {
            Isolation::LogEnd => self.log.log_end_offset(),
            Isolation::HighWatermark => self.log.high_watermark(),
        };
        let is_in_log = self.log.log_start_offset() <= asked.fetch_offset
            && asked.fetch_offset <= self.log.log_end_offset();
        if is_in_log && readable <= asked.fetch_offset {
            return Ok(Readiness::Bytes(0));
        }
        if is_in_log && min_bytes <= 1 {
            // There is something: how much need not be looked up.
            return Ok(Readiness::Bytes(u64::from(asked.max_bytes.min(1))));
        }
        match self.log.available_bytes(asked.fetch_offset, reader.isolation(), ctx.disk) {
            Ok(bytes) => Ok(Readiness::Bytes(bytes.min(u64::from(asked.max_bytes)))),
            // The log was cut below what the fetch asks for.
            Err(ReadError::OutOfRange { .. }) => Ok(Readiness::AnswerNow),
            Err(ReadError::Storage(error)) => Err(error),
        }
    }

    /// Where a leader epoch ends here; none if this log cannot tell.
    pub(crate) fn end_offset_for_epoch(
        &self,
        setting: &Setting,
        known: Option<LeaderEpoch>,
        epoch: LeaderEpoch,
    ) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
        self.check_leader_epoch(setting.rules.reconcile_epoch_fence, known, Needs::Leader)?;
        Ok(self.log.end_offset_for_epoch(epoch))
    }

    /// The first record at or after a point in time, the first or the end: as `ListOffsets` asks.
    pub(crate) fn offset_for(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        asked: &OffsetQuery,
    ) -> Result<Option<FoundOffset>, ReadRefusal> {
        let fence = setting.rules.fetch_epoch_fence;
        self.check_leader_epoch(fence, asked.current_leader_epoch, Needs::Leader)?;
        let last_fetchable = match asked.isolation {
            Isolation::LogEnd => self.log.log_end_offset(),
            Isolation::HighWatermark => self.log.high_watermark(),
        };
        match asked.sought {
            Sought::Latest => {
                self.check_caught_up(last_fetchable)?;
                let leader_epoch = self.leader_epoch;
                Ok(Some(FoundOffset { timestamp: None, offset: last_fetchable, leader_epoch }))
            }
            Sought::Earliest => {
                let offset = self.log.log_start_offset();
                let leader_epoch = self.log.epoch_for_offset(offset);
                Ok(Some(FoundOffset { timestamp: None, offset, leader_epoch }))
            }
            Sought::AtOrAfter(time) => {
                let found = self
                    .log
                    .offset_for_timestamp(time, ctx.disk)
                    .map_err(ReadRefusal::Storage)?
                    .filter(|found| found.offset < last_fetchable);
                if found.is_none() {
                    self.check_caught_up(last_fetchable)?;
                }
                Ok(found.map(|found| FoundOffset {
                    timestamp: Some(found.timestamp),
                    offset: found.offset,
                    leader_epoch: found.leader_epoch,
                }))
            }
        }
    }

    /// A new leader does not know yet how far its predecessor's high watermark was: until it does,
    /// "latest" would go back (KIP-207).
    fn check_caught_up(&self, last_fetchable: Offset) -> Result<(), ErrorCode> {
        match &self.role {
            PartitionRole::Leader(leadership)
                if last_fetchable < leadership.leader_epoch_start_offset =>
            {
                Err(ErrorCode::OffsetNotAvailable)
            }
            PartitionRole::Leader(_) | PartitionRole::Follower(_) => Ok(()),
        }
    }
}

/// What `ListOffsets` asks of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetQuery {
    /// The leader epoch that the asker knows, if it says.
    pub(crate) current_leader_epoch: Option<LeaderEpoch>,
    /// What it seeks.
    pub(crate) sought: Sought,
    /// Up to where it may see.
    pub(crate) isolation: Isolation,
}

/// Which offset is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// The end.
    Latest,
    /// The first.
    Earliest,
    /// The first record that is not older.
    AtOrAfter(Timestamp),
}

/// An offset that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundOffset {
    /// The record's timestamp, if one was sought.
    pub(crate) timestamp: Option<Timestamp>,
    /// The offset.
    pub(crate) offset: Offset,
    /// The record's leader epoch.
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}
