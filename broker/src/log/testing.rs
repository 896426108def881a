//! What the tests of this module share: batches, times, and a disk that fails where it is told to.
//!
//! Mirrors `LogTestUtils` and `LogConfig` in Kafka's tests. What this does not know: logs at work.

use bytes::Bytes;

use super::{LogParameters, Trust, UnifiedLog};
use crate::{
    config::{Millis, ServerConfig, TopicConfig},
    host::{
        Disk, DiskError, DiskErrorKind, DiskOperation, Instant, MemoryDisk, Now, Timestamp,
        event::Recovered,
    },
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TopicPartition},
    protocol::batch::{BatchBuilder, BatchProducer, RecordBatch, stamp},
};

pub(super) const DIRECTORY: &str = "data/orders-0";

/// Both clocks at this many milliseconds.
pub(super) fn at(millis: u64) -> Now {
    Now { monotonic: Instant(millis * 1_000_000), wall: Timestamp(millis.try_into().unwrap()) }
}

/// A batch without producer, its records stamped `millis` and with one byte of value.
pub(super) fn plain(records: usize, millis: i64) -> Bytes {
    build(None, records, millis, b"x")
}

/// A batch without producer, with one record of this many bytes.
pub(super) fn sized(value: usize) -> Bytes {
    build(None, 1, 0, &vec![b'v'; value])
}

/// A batch of producer 7.
pub(super) fn numbered(epoch: i16, base_sequence: i32, records: usize) -> Bytes {
    produced(7, epoch, base_sequence, records, 0)
}

pub(super) fn produced(id: i64, epoch: i16, first: i32, records: usize, millis: i64) -> Bytes {
    let producer = BatchProducer {
        id: ProducerId(id),
        epoch: ProducerEpoch(epoch),
        base_sequence: Sequence(first),
    };
    build(Some(producer), records, millis, b"x")
}

fn build(producer: Option<BatchProducer>, records: usize, millis: i64, value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(producer);
    for _ in 0..records {
        builder.append(Timestamp(millis), None, Some(value), &[]);
    }
    builder.build().into_bytes()
}

/// The same batch as a leader would send it.
pub(super) fn stamped(batch: Bytes, base_offset: i64, epoch: i32) -> Bytes {
    let batch = RecordBatch::new(batch).unwrap();
    stamp(&batch, Offset(base_offset), LeaderEpoch(epoch)).into_bytes()
}

/// Small segments and dense indexes, so that little data makes many of both.
pub(super) fn small() -> TopicConfig {
    let defaults = ServerConfig::default().topic_defaults();
    TopicConfig { segment_bytes: 300, index_interval_bytes: 100, ..defaults }
}

pub(super) fn parameters(config: TopicConfig) -> LogParameters {
    LogParameters {
        directory: DIRECTORY.into(),
        partition: TopicPartition::new("orders", 0),
        config,
        producer_id_expiration_ms: Millis(86_400_000),
        trust: Trust::BelowRecoveryPoint,
        recovery_point: Offset::ZERO,
        log_start_offset: Offset::ZERO,
        high_watermark: None,
    }
}

/// Opens the log as after a kill -9 with nothing in the checkpoints.
pub(super) fn open(config: TopicConfig, disk: &mut dyn Disk) -> (UnifiedLog, Recovered) {
    UnifiedLog::load(parameters(config), at(0), disk).unwrap()
}

/// All that can be read, from the log start to the log end.
pub(super) fn content(log: &mut UnifiedLog, disk: &mut dyn Disk) -> Vec<RecordBatch> {
    use super::{Isolation::LogEnd, MinOneBatch};
    let (mut found, mut from) = (Vec::new(), log.log_start_offset());
    loop {
        let data = log.read(from, 1_000, LogEnd, MinOneBatch::Yes, disk).unwrap();
        let batches = crate::protocol::batch::batches(data.records).collect::<Result<Vec<_>, _>>();
        let batches = batches.unwrap();
        let Some(last) = batches.last() else { return found };
        from = last.next_offset();
        found.extend(batches);
    }
}

/// A disk that fails one call, or all from one mutating call on (a crash).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FaultyDisk {
    pub(super) disk: MemoryDisk,
    /// The kind of call that fails, always.
    pub(crate) fails: Option<DiskOperation>,
    /// How many mutating calls still work.
    pub(super) crashes_after: Option<u32>,
    pub(super) mutations: u32,
    /// The calls to sync, in order.
    pub(super) syncs: Vec<String>,
}

impl FaultyDisk {
    pub(super) fn crashing(disk: MemoryDisk, after: u32) -> Self {
        Self { disk, crashes_after: Some(after), ..Self::default() }
    }

    fn look(&self, operation: DiskOperation, path: &str) -> Result<(), DiskError> {
        let dead = self.crashes_after.is_some_and(|last| last <= self.mutations);
        if dead || self.fails == Some(operation) {
            return Err(DiskError { operation, path: path.to_owned(), kind: DiskErrorKind::Io });
        }
        Ok(())
    }

    fn change(&mut self, operation: DiskOperation, path: &str) -> Result<(), DiskError> {
        self.look(operation, path)?;
        self.mutations += 1;
        Ok(())
    }
}

macro_rules! changes {
    ($($name:ident($operation:ident $(, $argument:ident: $kind:ty)*);)*) => {$(
        fn $name(&mut self, path: &str $(, $argument: $kind)*) -> Result<(), DiskError> {
            self.change(DiskOperation::$operation, path)?;
            self.disk.$name(path $(, $argument)*)
        }
    )*};
}

macro_rules! looks {
    ($($name:ident($operation:ident $(, $argument:ident: $kind:ty)*) -> $result:ty;)*) => {$(
        fn $name(&mut self, path: &str $(, $argument: $kind)*) -> Result<$result, DiskError> {
            self.look(DiskOperation::$operation, path)?;
            self.disk.$name(path $(, $argument)*)
        }
    )*};
}

impl Disk for FaultyDisk {
    changes! {
        create(Create);
        append(Append, bytes: &[u8]);
        write_at(WriteAt, position: u64, bytes: &[u8]);
        truncate(Truncate, length: u64);
        rename(Rename, to: &str);
        remove(Remove);
        create_dir(CreateDir);
        remove_dir(RemoveDir);
    }

    looks! {
        read_at(ReadAt, position: u64, length: usize) -> Bytes;
        len(Len) -> u64;
        exists(Exists) -> bool;
        list(List) -> Vec<String>;
    }

    fn sync(&mut self, path: &str) -> Result<(), DiskError> {
        self.look(DiskOperation::Sync, path)?;
        self.syncs.push(path.to_owned());
        self.disk.sync(path)
    }

    fn sync_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.look(DiskOperation::SyncDir, path)?;
        self.syncs.push(path.to_owned());
        self.disk.sync_dir(path)
    }
}
