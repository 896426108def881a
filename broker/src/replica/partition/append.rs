//! A client's batch at the leader: whether it is taken, and when enough replicas have it.
//!
//! Mirrors `Partition.appendRecordsToLeader` and `checkEnoughReplicasReachOffset`.

use bytes::Bytes;

use super::{Partition, PartitionRole, Setting};
use crate::{
    config::Acks,
    host::event::{AppendOrigin, Appended, PartitionEvent, RequestRef},
    ids::{LeaderEpoch, Offset},
    log::{AppendError, LeaderAppend, LogError},
    protocol::{
        ErrorCode,
        batch::{BatchHeader, RecordBatch},
    },
    replica::effect::Context,
};

/// A batch that is in the log, be it appended now or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Produced {
    /// The offset of its first record.
    pub(crate) base_offset: Offset,
    /// The offset of its last record.
    pub(crate) last_offset: Offset,
    /// Whether the high watermark moved with it, which it does if the leader is alone in the ISR.
    pub(crate) high_watermark_moved: bool,
}

/// Why a batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProduceRefusal {
    /// Nothing was appended; the client gets this code.
    Refused(ErrorCode),
    /// The log failed.
    Storage(LogError),
}

/// What an answer to a client rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProduceSnapshot {
    /// The leader epoch.
    pub(crate) leader_epoch: LeaderEpoch,
    /// The high watermark.
    pub(crate) high_watermark: Offset,
    /// The size of the maximal ISR; 0 if this broker does not lead.
    pub(crate) isr_size: u32,
    /// The effective `min.insync.replicas`; 0 if this broker does not lead.
    pub(crate) min_insync_replicas: u32,
}

impl ProduceSnapshot {
    /// For a partition of which this broker has no replica.
    pub(crate) const NO_REPLICA: Self = Self {
        leader_epoch: LeaderEpoch(-1),
        high_watermark: Offset(-1),
        isr_size: 0,
        min_insync_replicas: 0,
    };
}

impl Partition {
    pub(super) fn min_insync_replicas(&self) -> u32 {
        self.log.config().min_insync_replicas
    }

    /// Appends a client's batch.
    pub(crate) fn append_as_leader(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        (records, acks): (Bytes, Acks),
        request: &RequestRef,
    ) -> Result<Produced, ProduceRefusal> {
        let PartitionRole::Leader(leadership) = &self.role else {
            return Err(ProduceRefusal::Refused(ErrorCode::NotLeaderOrFollower));
        };
        let min_isr = leadership.effective_min_isr(self.min_insync_replicas());
        if acks == Acks::All && leadership.isr.committed().len() < min_isr {
            return Err(ProduceRefusal::Refused(ErrorCode::NotEnoughReplicas));
        }
        let leader_epoch = self.leader_epoch.unwrap_or_default();
        let sequence = BatchHeader::read(&records).ok();
        match self.log.append_as_leader(ctx.now, records, leader_epoch, ctx.disk) {
            Ok(LeaderAppend::Appended { batch }) => {
                ctx.event(self.appended(AppendOrigin::Leader, &batch, Some(request.clone())));
                let (base_offset, last_offset) = (batch.base_offset(), batch.last_offset());
                let high_watermark_moved = self.advance_high_watermark(ctx, setting);
                Ok(Produced { base_offset, last_offset, high_watermark_moved })
            }
            Ok(LeaderAppend::Duplicate { base_offset, last_offset, .. }) => {
                self.tell_duplicate(ctx, base_offset, sequence, request);
                Ok(Produced { base_offset, last_offset, high_watermark_moved: false })
            }
            Err(AppendError::Invalid { code, .. }) => Err(ProduceRefusal::Refused(code)),
            Err(AppendError::Storage(error)) => Err(ProduceRefusal::Storage(error)),
        }
    }

    fn tell_duplicate(
        &self,
        ctx: &mut Context<'_>,
        base_offset: Offset,
        sent: Option<BatchHeader>,
        request: &RequestRef,
    ) {
        let told = sent.and_then(|header| {
            Some(PartitionEvent::DuplicateSuppressed {
                partition: self.name.clone(),
                base_offset,
                producer_id: header.producer_id?,
                producer_epoch: header.producer_epoch,
                base_sequence: header.base_sequence,
                request: Some(request.clone()),
            })
        });
        if let Some(event) = told {
            ctx.event(event);
        }
    }
}

impl Partition {
    pub(super) fn appended(
        &self,
        origin: AppendOrigin,
        batch: &RecordBatch,
        request: Option<RequestRef>,
    ) -> PartitionEvent {
        let header = batch.header();
        let idempotent = header.producer_id.is_some();
        PartitionEvent::Appended(Appended {
            partition: self.name.clone(),
            origin,
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            leader_epoch: header.leader_epoch.unwrap_or_default(),
            crc: header.crc,
            producer_id: header.producer_id,
            producer_epoch: idempotent.then_some(header.producer_epoch),
            base_sequence: idempotent.then_some(header.base_sequence),
            request,
            batch: batch.bytes().clone(),
        })
    }

    /// Whether a batch that ends before `required` has reached its replicas: none while it has not,
    /// then the code for the client.
    pub(crate) fn has_enough(&self, required: Offset) -> Option<ErrorCode> {
        let PartitionRole::Leader(leadership) = &self.role else {
            return Some(ErrorCode::NotLeaderOrFollower);
        };
        if self.log.high_watermark() < required {
            return None;
        }
        let min_isr = leadership.effective_min_isr(self.min_insync_replicas());
        if min_isr <= leadership.isr.maximal_size() {
            Some(ErrorCode::None)
        } else {
            Some(ErrorCode::NotEnoughReplicasAfterAppend)
        }
    }

    /// What an answer given now rests on.
    pub(crate) fn produce_snapshot(&self) -> ProduceSnapshot {
        let (isr_size, min_isr) = match &self.role {
            PartitionRole::Leader(leadership) => (
                leadership.isr.maximal_size(),
                leadership.effective_min_isr(self.min_insync_replicas()),
            ),
            PartitionRole::Follower(_) => (0, 0),
        };
        let small = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        ProduceSnapshot {
            leader_epoch: self.leader_epoch.unwrap_or(LeaderEpoch(-1)),
            high_watermark: self.log.high_watermark(),
            isr_size: small(isr_size),
            min_insync_replicas: small(min_isr),
        }
    }
}
