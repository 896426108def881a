//! Appending: a leader gives offsets and epoch, a follower keeps those of its leader.
//!
//! Mirrors `UnifiedLog.append`. In both, the epoch cache learns of a new epoch before its first
//! bytes are written, and producer state follows behind the bytes.
//!
//! What this does not know: which replica may append; see `replica`.

use bytes::Bytes;

use super::UnifiedLog;
use crate::{
    host::{Disk, DiskError, Now, Timestamp},
    ids::{LeaderEpoch, Offset},
    log::{
        AppendError, FollowerAppendError,
        batch_scanner::has_offset,
        log_segment::Incoming,
        log_validator,
        producer_append_info::{self, Verdict},
        producer_state_entry::ProducerBatch,
    },
    protocol::batch::{BatchError, RecordBatch, batches, stamp},
};

/// How far an offset may lie from the base of its segment.
const SPAN_MAX: i64 = i32::MAX as i64;

/// What became of a client's batch.
#[derive(Clone, Debug, PartialEq)]
pub enum LeaderAppend {
    /// It was appended.
    Appended {
        /// The batch as it stands in the log, with offset and epoch.
        batch: RecordBatch,
    },
    /// It was appended before, and was not again.
    Duplicate {
        /// Where its first record stands.
        base_offset: Offset,
        /// Where its last record stands.
        last_offset: Offset,
        /// Its greatest timestamp.
        timestamp: Timestamp,
    },
}

impl UnifiedLog {
    /// Appends what a client sent: exactly one batch. It gets the next offsets and the leader's
    /// epoch.
    ///
    /// # Errors
    /// `Invalid` if the batch breaks a rule; nothing was appended then.
    pub fn append_as_leader(
        &mut self,
        now: Now,
        records: Bytes,
        leader_epoch: LeaderEpoch,
        disk: &mut dyn Disk,
    ) -> Result<LeaderAppend, AppendError> {
        self.usable()?;
        let batch = log_validator::validate(records, &self.local.config)?;
        let batch = stamp(&batch, self.log_end_offset(), leader_epoch);
        let result = self.append_stamped(now, batch, leader_epoch, disk);
        self.noted(result)
    }

    fn append_stamped(
        &mut self,
        now: Now,
        batch: RecordBatch,
        leader_epoch: LeaderEpoch,
        disk: &mut dyn Disk,
    ) -> Result<LeaderAppend, AppendError> {
        self.epochs.assign(leader_epoch, self.log_end_offset(), disk)?;
        if let Some(sent) = ProducerBatch::of(&batch.header()) {
            let known = self.producers.get(sent.producer_id);
            match producer_append_info::judge(known, &sent)? {
                Verdict::New => {}
                Verdict::Duplicate(known) => {
                    return Ok(LeaderAppend::Duplicate {
                        base_offset: known.base_offset(),
                        last_offset: known.last_offset,
                        timestamp: known.timestamp,
                    });
                }
            }
        }
        self.append_set(now, core::slice::from_ref(&batch), batch.bytes(), disk)?;
        self.maybe_flush(disk)?;
        Ok(LeaderAppend::Appended { batch })
    }

    /// Appends what the leader sent, with its offsets and epochs. A batch that is cut off at the
    /// end is left out: a fetch may end anywhere.
    ///
    /// # Errors
    /// All but `Storage` leave the log as it was.
    pub fn append_as_follower(
        &mut self,
        now: Now,
        records: Bytes,
        disk: &mut dyn Disk,
    ) -> Result<Vec<RecordBatch>, FollowerAppendError> {
        self.usable()?;
        let batches = parse(records.clone())?;
        self.check_order(&batches)?;
        let result = self.append_copies(now, &batches, records, disk);
        self.noted(result.map_err(FollowerAppendError::from))?;
        Ok(batches)
    }

    fn check_order(&self, batches: &[RecordBatch]) -> Result<(), FollowerAppendError> {
        let Some(first) = batches.first() else { return Ok(()) };
        if first.base_offset() < self.log_end_offset() {
            return Err(FollowerAppendError::UnexpectedOffset {
                first: first.base_offset(),
                last: first.last_offset(),
                log_end: self.log_end_offset(),
            });
        }
        let mut end = self.log_end_offset();
        for batch in batches {
            // No index can point over a gap of 2^31 offsets, and no leader leaves one.
            let reachable = batch.last_offset().since(end) <= SPAN_MAX;
            if batch.base_offset() < end || !reachable {
                return Err(FollowerAppendError::OutOfOrder);
            }
            end = batch.next_offset();
        }
        Ok(())
    }

    /// Appends batches in runs, each of which fits a segment. Kafka refuses a set that is larger
    /// than `segment.bytes`, and the follower is stuck.
    fn append_copies(
        &mut self,
        now: Now,
        batches: &[RecordBatch],
        mut records: Bytes,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        for batch in batches {
            if let Some(epoch) = batch.leader_epoch() {
                self.epochs.assign(epoch, batch.base_offset(), disk)?;
            }
        }
        let mut rest = batches;
        while !rest.is_empty() {
            let (count, size) = self.run(rest);
            let (run, others) = rest.split_at(count);
            self.append_set(now, run, &records.split_to(size), disk)?;
            rest = others;
        }
        self.maybe_flush(disk)
    }

    /// How many batches from the front fit one segment, at least one, and their size.
    fn run(&self, batches: &[RecordBatch]) -> (usize, usize) {
        let (mut count, mut size) = (1, batches[0].size());
        let log_end = self.log_end_offset();
        for batch in &batches[1..] {
            let fits = size + batch.size() <= self.local.config.segment_bytes as usize
                && batch.last_offset().since(log_end) <= SPAN_MAX;
            if !fits {
                break;
            }
            count += 1;
            size += batch.size();
        }
        (count, size)
    }

    fn append_set(
        &mut self,
        now: Now,
        set: &[RecordBatch],
        bytes: &[u8],
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let last = set.last().expect("a set has a batch");
        let newest = set.iter().map(RecordBatch::max_timestamp).max();
        let incoming = Incoming {
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            max_timestamp: newest.unwrap_or(Timestamp::NONE),
            last_offset: last.last_offset(),
        };
        if self.local.must_roll(incoming, now) {
            self.roll(now, disk)?;
        }
        self.local.append(set, bytes, now, disk)?;
        for batch in set.iter().filter_map(|batch| ProducerBatch::of(&batch.header())) {
            self.producers.update(&batch);
        }
        self.producers.update_map_end_offset(self.log_end_offset());
        Ok(())
    }

    /// Begins a new segment, with a snapshot of producer state at its base.
    pub(super) fn roll(&mut self, now: Now, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.local.roll(now, disk)?;
        self.producers.update_map_end_offset(self.log_end_offset());
        self.producers.take_snapshot(disk)
    }

    fn maybe_flush(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        match self.local.config.flush_messages {
            Some(limit) if limit <= self.local.unflushed_messages() => self.flush_parts(disk),
            Some(_) | None => Ok(()),
        }
    }
}

fn parse(records: Bytes) -> Result<Vec<RecordBatch>, FollowerAppendError> {
    let mut found = Vec::new();
    for batch in batches(records) {
        match batch {
            Ok(batch) if has_offset(&batch.header()) => found.push(batch),
            Err(BatchError::Short { .. }) => break,
            Ok(_impossible) => return Err(FollowerAppendError::Corrupt),
            Err(_damaged) => return Err(FollowerAppendError::Corrupt),
        }
    }
    Ok(found)
}
