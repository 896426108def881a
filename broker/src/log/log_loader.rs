//! Opening a log: reading what is on disk, and repairing what an unclean end left.
//!
//! Mirrors `LogLoader` and `UnifiedLog.rebuildProducerState`. After a clean shutdown the files are
//! trusted. After any other end every segment from the recovery point on is read, batch for batch:
//! indexes, newer leader epochs and producer state are rebuilt from it, and at the first batch that
//! is damaged, out of order or cut off the log ends; later segments go. Kafka leaves a hole where a
//! segment ends too early on the boundary of a batch; here the log ends there, too.
//!
//! Whatever the end was, afterwards each producer's window holds exactly its last batch.
//!
//! What this does not know: the other logs of the directory and their checkpoints.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    LogError,
    batch_scanner::BatchScanner,
    leader_epoch_file_cache::LeaderEpochFileCache,
    local_log::{LocalLog, remove_if_there},
    log_file_utils::{CLEANED, DELETED, INDEX, LOG, TIME_INDEX, offset_of, path_of},
    log_segment::{LogSegment, NewEntries},
    log_segments::LogSegments,
    offset_index::OffsetIndex,
    partition_metadata_file,
    producer_state_entry::ProducerBatch,
    producer_state_manager::{Expiry, ProducerStateManager},
    time_index::TimeIndex,
    unified_log::{Parts, UnifiedLog},
};
use crate::{
    config::{Millis, TopicConfig},
    host::{Disk, DiskError, Now, event::Recovered},
    ids::{Offset, TopicPartition},
    protocol::batch::RecordBatch,
};

/// Whether the files of a log may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The shutdown was clean.
    Files,
    /// Only what lies below the recovery point.
    BelowRecoveryPoint,
}

/// What must be known to open a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogParameters {
    /// The directory of the partition. It is created if it is not there.
    pub directory: Arc<str>,
    /// The partition.
    pub partition: TopicPartition,
    /// The configuration in force.
    pub config: TopicConfig,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: Millis,
    /// Whether its files may be trusted.
    pub trust: Trust,
    /// The recovery point of the checkpoint; 0 if it names none.
    pub recovery_point: Offset,
    /// The log start of the checkpoint; 0 if it names none.
    pub log_start_offset: Offset,
    /// The high watermark of the checkpoint; the log start if it names none.
    pub high_watermark: Option<Offset>,
}

impl UnifiedLog {
    /// Opens a log, or begins one if there is none.
    ///
    /// # Errors
    /// If the disk fails, or a file that cannot be rebuilt holds nonsense.
    pub fn load(
        parameters: LogParameters,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<(Self, Recovered), LogError> {
        disk.create_dir(&parameters.directory)?;
        Loader::open(&parameters, now, disk)?.load(parameters, disk)
    }
}

/// Why and how much recovery cut from the end of a log.
#[derive(Clone, Debug)]
struct Cut {
    bytes: u64,
    reason: String,
}

/// A segment of which the indexes were usable or not.
struct Found {
    segment: LogSegment,
    usable: bool,
}

struct Loader {
    directory: Arc<str>,
    now: Now,
    expiry: Expiry,
    log_start_offset: Offset,
    epochs: LeaderEpochFileCache,
    producers: ProducerStateManager,
    cut: Option<Cut>,
}

impl Loader {
    fn open(parameters: &LogParameters, now: Now, disk: &mut dyn Disk) -> Result<Self, LogError> {
        let directory = Arc::clone(&parameters.directory);
        Ok(Self {
            now,
            expiry: Expiry::new(now.wall, parameters.producer_id_expiration_ms.duration()),
            log_start_offset: parameters.log_start_offset,
            epochs: LeaderEpochFileCache::load(&directory, disk)?,
            producers: ProducerStateManager::open(&directory, disk)?,
            directory,
            cut: None,
        })
    }

    fn load(
        mut self,
        parameters: LogParameters,
        disk: &mut dyn Disk,
    ) -> Result<(UnifiedLog, Recovered), LogError> {
        let config = &parameters.config;
        let found = self.find_segments(config, disk)?;
        let mut segments = self.recover(found, &parameters, disk)?;
        let log_end = segments.last().map(|segment| segment.next_offset);
        if log_end.is_some_and(|end| end < self.log_start_offset) {
            drop_segments(&segments, disk)?;
            self.epochs.clear(disk)?;
            self.producers.truncate_fully_and_start_at(self.log_start_offset, disk)?;
            segments.clear();
        }
        if segments.is_empty() {
            let start = self.log_start_offset;
            segments.push(LogSegment::create(&self.directory, start, config, self.now, disk)?);
        }
        let segments = LogSegments::new(segments);
        let log_end = segments.active().next_offset;
        self.log_start_offset = self.log_start_offset.max(segments.first().base_offset());
        self.epochs.truncate_from_end(log_end, disk)?;
        self.epochs.truncate_from_start(self.log_start_offset, disk)?;
        self.reload_producers(&segments, log_end, disk)?;
        let recovery_point = match parameters.trust {
            Trust::Files if self.cut.is_none() => log_end,
            Trust::Files | Trust::BelowRecoveryPoint => parameters.recovery_point.min(log_end),
        };
        let topic_id = partition_metadata_file::read(disk, &self.directory)?;
        let local = LocalLog::new(self.directory, parameters.config, segments, recovery_point);
        let mut log = UnifiedLog::from_parts(Parts {
            partition: parameters.partition,
            topic_id,
            local,
            epochs: self.epochs,
            producers: self.producers,
            producer_id_expiration: parameters.producer_id_expiration_ms.duration(),
            log_start_offset: self.log_start_offset,
        });
        if let Some(high_watermark) = parameters.high_watermark {
            log.update_high_watermark(high_watermark);
        }
        let recovered = told(&log, parameters.trust, self.cut);
        Ok((log, recovered))
    }

    /// Reads the segments' indexes and removes files that wait for that.
    fn find_segments(
        &self,
        config: &TopicConfig,
        disk: &mut dyn Disk,
    ) -> Result<Vec<Found>, LogError> {
        let names = disk.list(&self.directory)?;
        let bases: BTreeSet<_> = names.iter().filter_map(|name| offset_of(name, LOG)).collect();
        for name in &names {
            let index = offset_of(name, INDEX).or_else(|| offset_of(name, TIME_INDEX));
            let orphan = index.is_some_and(|base| !bases.contains(&base));
            if orphan || name.ends_with(DELETED) || name.ends_with(CLEANED) {
                remove_if_there(&format!("{}/{name}", self.directory), disk)?;
            }
        }
        bases.into_iter().map(|base| self.find_segment(base, config, disk)).collect()
    }

    fn find_segment(
        &self,
        base: Offset,
        config: &TopicConfig,
        disk: &mut dyn Disk,
    ) -> Result<Found, LogError> {
        let (directory, bytes_max) = (&*self.directory, config.segment_index_bytes);
        let path = path_of(directory, base, LOG);
        let size = u32::try_from(disk.len(&path)?).unwrap_or(u32::MAX);
        let index = path_of(directory, base, INDEX);
        let offsets = OffsetIndex::load(Arc::clone(&index), base, bytes_max, disk)?;
        let offsets = offsets.filter(|offsets| offsets.last_position() <= size);
        let time_path = path_of(directory, base, TIME_INDEX);
        let times = TimeIndex::load(Arc::clone(&time_path), base, bytes_max, disk)?;
        let usable = offsets.is_some() && times.is_some();
        let offsets = offsets.map_or_else(|| OffsetIndex::create(index, base, bytes_max, disk), Ok);
        let times = times.map_or_else(|| TimeIndex::create(time_path, base, bytes_max, disk), Ok);
        let mut segment = LogSegment::with(path, base, offsets?, times?, config, self.now);
        segment.size = size;
        Ok(Found { segment, usable })
    }

    /// Checks and repairs the segments that may not be trusted. Returns those that are left.
    fn recover(
        &mut self,
        found: Vec<Found>,
        parameters: &LogParameters,
        disk: &mut dyn Disk,
    ) -> Result<Vec<LogSegment>, LogError> {
        let bases: Vec<_> = found.iter().map(|found| found.segment.base_offset()).collect();
        let first_doubtful = match parameters.trust {
            Trust::Files => found.len(),
            Trust::BelowRecoveryPoint => {
                bases.partition_point(|base| *base <= parameters.recovery_point).saturating_sub(1)
            }
        };
        let mut segments: Vec<LogSegment> = Vec::new();
        let mut rest = found.into_iter();
        for (index, Found { mut segment, usable }) in rest.by_ref().enumerate() {
            let end = segments.last().map_or(segment.base_offset(), |last| last.next_offset);
            if first_doubtful < index && segment.base_offset() != end {
                let base = segment.base_offset();
                let reason = format!("segment {base} does not begin at the log end {end}");
                self.drop_cut(&[segment], reason, disk)?;
                break;
            }
            if first_doubtful <= index || !usable {
                self.replay(&segments, segment.base_offset(), disk)?;
                self.recover_segment(&mut segment, disk)?;
            } else if let Some(next) = bases.get(index + 1) {
                segment.next_offset = *next;
            } else {
                segment.read_tail(disk)?;
            }
            segments.push(segment);
            if self.cut.is_some() {
                break;
            }
        }
        let later: Vec<_> = rest.map(|found| found.segment).collect();
        if let Some(Cut { reason, .. }) = self.cut.clone() {
            self.drop_cut(&later, reason, disk)?;
        }
        Ok(segments)
    }

    /// Reads a segment from its start and rebuilds what is derived from it. Cuts it at the first
    /// batch that is not valid.
    fn recover_segment(
        &mut self,
        segment: &mut LogSegment,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let size = segment.size;
        segment.forget();
        let path = Arc::clone(segment.path());
        let mut scanner = BatchScanner::new(&path, 0, size);
        let mut entries = NewEntries::default();
        let mut reason = None;
        while let Some(batch) = scanner.next_batch(disk)? {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    reason = Some(format!("at position {}: {error}", segment.size));
                    break;
                }
            };
            let header = batch.header();
            if header.base_offset < segment.next_offset || segment.overflows(header.last_offset()) {
                let (at, base, next) = (segment.size, header.base_offset, segment.next_offset);
                reason = Some(format!("at position {at}: batch {base} cannot follow at {next}"));
                break;
            }
            segment.note(&header, &mut entries);
            self.take_in(&batch, disk)?;
        }
        segment.rebuild_indexes(entries, disk)?;
        if let Some(reason) = reason {
            disk.truncate(segment.path(), u64::from(segment.size))?;
            self.note_cut(u64::from(size - segment.size), reason);
        }
        segment.unsynced = true;
        segment.read_first_timestamp(disk)?;
        self.producers.update_map_end_offset(segment.next_offset);
        Ok(())
    }

    fn take_in(&mut self, batch: &RecordBatch, disk: &mut dyn Disk) -> Result<(), DiskError> {
        let header = batch.header();
        if let Some(batch) = ProducerBatch::of(&header) {
            self.producers.update(&batch);
        }
        match header.leader_epoch {
            Some(epoch) if self.epochs.latest_epoch() < Some(epoch) => {
                self.epochs.assign(epoch, header.base_offset, disk)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn replay(
        &mut self,
        segments: &[LogSegment],
        end: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let (start, expiry) = (self.log_start_offset, self.expiry);
        self.producers.truncate_and_reload(start, end, expiry, disk)?;
        replay(&mut self.producers, segments, end, disk)
    }

    /// Brings producer state to the log end, writes it, and forgets what a snapshot does not hold:
    /// the state is the same as if it had been loaded from that snapshot.
    fn reload_producers(
        &mut self,
        segments: &LogSegments,
        log_end: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let bases = segments.all().iter().map(LogSegment::base_offset).collect();
        self.producers.remove_stray_snapshots(&bases, disk)?;
        self.replay(segments.all(), log_end, disk)?;
        self.producers.take_snapshot(disk)?;
        self.producers.keep_last_batches();
        Ok(())
    }

    fn drop_cut(
        &mut self,
        segments: &[LogSegment],
        reason: String,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        let bytes = segments.iter().map(|segment| u64::from(segment.size)).sum();
        self.note_cut(bytes, reason);
        drop_segments(segments, disk)
    }

    fn note_cut(&mut self, bytes: u64, reason: String) {
        let cut = self.cut.get_or_insert(Cut { bytes: 0, reason });
        cut.bytes += bytes;
    }
}

/// Removes segments, newest first, so that a crash in between leaves no hole.
fn drop_segments(segments: &[LogSegment], disk: &mut dyn Disk) -> Result<(), DiskError> {
    for segment in segments.iter().rev() {
        remove_if_there(segment.path(), disk)?;
        remove_if_there(segment.offset_index.path(), disk)?;
        remove_if_there(segment.time_index.path(), disk)?;
    }
    Ok(())
}

/// Brings producer state to `end` of a log whose end was just cut to it or just loaded.
pub(super) fn rebuild_producer_state(
    producers: &mut ProducerStateManager,
    segments: &[LogSegment],
    (start, end): (Offset, Offset),
    expiry: Expiry,
    disk: &mut dyn Disk,
) -> Result<(), LogError> {
    // Without producers before the cut there are none after it: nothing needs to be read.
    let was_empty = producers.len() == 0 && end <= producers.map_end_offset();
    producers.truncate_and_reload(start, end, expiry, disk)?;
    if was_empty {
        producers.update_map_end_offset(end);
    } else {
        replay(producers, segments, end, disk)?;
    }
    Ok(producers.take_snapshot(disk)?)
}

/// Takes in the batches between the map end and `end`.
fn replay(
    producers: &mut ProducerStateManager,
    segments: &[LogSegment],
    end: Offset,
    disk: &mut dyn Disk,
) -> Result<(), LogError> {
    let from = producers.map_end_offset();
    let overlaps = |segment: &&LogSegment| from < segment.next_offset;
    for segment in segments.iter().filter(overlaps) {
        let Some(first) = segment.find(from, disk)? else { continue };
        let mut scanner = segment.scan(first.position);
        while let Some(found) = scanner.next_header(disk)? {
            if end <= found.header.base_offset {
                break;
            }
            if let Some(batch) = ProducerBatch::of(&found.header) {
                producers.update(&batch);
            }
        }
    }
    producers.update_map_end_offset(end);
    Ok(())
}

fn told(log: &UnifiedLog, trust: Trust, cut: Option<Cut>) -> Recovered {
    Recovered {
        partition: log.partition().clone(),
        clean: trust == Trust::Files,
        log_start_offset: log.log_start_offset(),
        log_end_offset: log.log_end_offset(),
        high_watermark: log.high_watermark(),
        recovery_point: log.recovery_point(),
        cut_bytes: cut.as_ref().map_or(0, |cut| cut.bytes),
        cut_reason: cut.map(|cut| cut.reason),
    }
}
