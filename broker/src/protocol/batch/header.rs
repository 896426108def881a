//! The 61 bytes at the head of a batch.
//!
//! Mirrors the offsets and checks of `DefaultRecordBatch` (KIP-98). Reading a header allocates
//! nothing and does not touch the records.

use crate::{
    host::Timestamp,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence},
};

/// The size of the header, in bytes.
pub const HEADER_SIZE: usize = 61;

/// The least value of the length field: the part of the header that stands behind it.
pub const MIN_BATCH_LENGTH: i32 = 49;

/// Base offset and length: what stands before the bytes that the length counts.
const LOG_OVERHEAD: usize = 12;

/// The only format that is spoken.
const MAGIC: u8 = 2;

pub(super) const BASE_OFFSET: usize = 0;
pub(super) const LENGTH: usize = 8;
pub(super) const LEADER_EPOCH: usize = 12;
pub(super) const MAGIC_AT: usize = 16;
pub(super) const CRC: usize = 17;
pub(super) const ATTRIBUTES: usize = 21;
pub(super) const LAST_OFFSET_DELTA: usize = 23;
pub(super) const BASE_TIMESTAMP: usize = 27;
pub(super) const MAX_TIMESTAMP: usize = 35;
pub(super) const PRODUCER_ID: usize = 43;
pub(super) const PRODUCER_EPOCH: usize = 51;
pub(super) const BASE_SEQUENCE: usize = 53;
pub(super) const RECORD_COUNT: usize = 57;

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// They end within the batch.
    #[error("the bytes end within the batch: {size} are there")]
    Short {
        /// How many there are.
        size: usize,
    },
    /// The format is not v2.
    #[error("record format {magic} is not spoken")]
    BadMagic {
        /// The format.
        magic: u8,
    },
    /// The length is too small for a header, or not the number of bytes given.
    #[error("the batch length {length} cannot be")]
    BadLength {
        /// The value of the length field.
        length: i32,
    },
    /// The checksum does not match.
    #[error("the CRC is {computed:#010x}, the header says {stored:#010x}")]
    BadCrc {
        /// What the header says.
        stored: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// The number of records is negative, or larger than the offsets that the batch takes.
    #[error("{count} records cannot take {offsets} offsets")]
    BadCount {
        /// The number of records.
        count: i32,
        /// The last offset delta plus one.
        offsets: i64,
    },
    /// The base offset is negative, or so large that the batch would pass the last offset.
    #[error("the base offset {base_offset} cannot be")]
    BadBaseOffset {
        /// The base offset.
        base_offset: i64,
    },
}

/// Compression, timestamp type and kind of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

/// How records are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard (KIP-110).
    Zstd,
    /// A code that is not assigned.
    Unknown(u8),
}

/// Who gave the records their timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer.
    CreateTime,
    /// The broker, when it appended: all records have the batch's largest timestamp.
    LogAppendTime,
}

impl Attributes {
    const COMPRESSION: i16 = 0b111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;

    /// How its records are compressed.
    pub fn compression(self) -> Compression {
        match self.0 & Self::COMPRESSION {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            code => Compression::Unknown(code.to_be_bytes()[1]),
        }
    }

    /// Who gave the records their timestamps.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether it is part of a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether it holds a control record.
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the moment from which tombstones may be removed (KIP-534).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    pub(super) fn with_control(self) -> Self {
        Self(self.0 | Self::CONTROL)
    }

    pub(super) fn with_log_append_time(self) -> Self {
        Self(self.0 | Self::LOG_APPEND_TIME)
    }
}

/// The header of a batch, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record; 0 in a batch that comes from a producer.
    pub base_offset: Offset,
    /// How many bytes follow the length field.
    pub length: i32,
    /// The epoch of the leader that appended it, if one has.
    pub leader_epoch: Option<LeaderEpoch>,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Compression, timestamp type and kind.
    pub attributes: Attributes,
    /// The last offset less the base offset.
    pub last_offset_delta: i32,
    /// The timestamp that the records' timestamps are relative to.
    pub base_timestamp: Timestamp,
    /// The largest timestamp of its records.
    pub max_timestamp: Timestamp,
    /// The idempotent producer that made it, if one did.
    pub producer_id: Option<ProducerId>,
    /// The producer's epoch; −1 without a producer.
    pub producer_epoch: ProducerEpoch,
    /// The sequence of the first record; −1 without a producer.
    pub base_sequence: Sequence,
    /// How many records it holds.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the beginning of `bytes`. The CRC is not checked, nor that the rest of
    /// the batch is there.
    ///
    /// # Errors
    ///
    /// [`BatchError::Short`], [`BatchError::BadLength`], [`BatchError::BadMagic`],
    /// [`BatchError::BadCount`] or [`BatchError::BadBaseOffset`].
    pub fn read(bytes: &[u8]) -> Result<Self, BatchError> {
        let Some(bytes) = bytes.first_chunk::<HEADER_SIZE>() else {
            return Err(BatchError::Short { size: bytes.len() });
        };
        let header = Self::read_fields(bytes);
        if header.length < MIN_BATCH_LENGTH {
            return Err(BatchError::BadLength { length: header.length });
        }
        let magic = bytes[MAGIC_AT];
        if magic != MAGIC {
            return Err(BatchError::BadMagic { magic });
        }
        header.check_count()?;
        header.check_offsets()?;
        Ok(header)
    }

    /// How many bytes the batch takes, header included.
    pub fn size(&self) -> usize {
        LOG_OVERHEAD + usize::try_from(self.length).expect("a length below 49 is not read")
    }

    /// The offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.base_offset.plus(i64::from(self.last_offset_delta))
    }

    /// The offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.last_offset().next()
    }

    /// The sequence of the last record, which wraps; −1 without a producer.
    pub fn last_sequence(&self) -> Sequence {
        if self.base_sequence.0 < 0 {
            self.base_sequence
        } else {
            self.base_sequence.plus(self.last_offset_delta)
        }
    }

    /// Whether there is a record for each offset, as in every batch that was not compacted. A
    /// leader requires it of what producers send (`LogValidator`).
    pub fn is_dense(&self) -> bool {
        i64::from(self.record_count) == i64::from(self.last_offset_delta) + 1
    }

    /// Checks the CRC of the whole batch, of which this is the header.
    pub(super) fn check_body(&self, batch: &[u8]) -> Result<(), BatchError> {
        let computed = crc32c::crc32c(&batch[ATTRIBUTES..]);
        if computed == self.crc {
            Ok(())
        } else {
            Err(BatchError::BadCrc { stored: self.crc, computed })
        }
    }

    fn read_fields(bytes: &[u8; HEADER_SIZE]) -> Self {
        let producer_id = i64::from_be_bytes(field(bytes, PRODUCER_ID));
        Self {
            base_offset: Offset(i64::from_be_bytes(field(bytes, BASE_OFFSET))),
            length: i32::from_be_bytes(field(bytes, LENGTH)),
            leader_epoch: LeaderEpoch::from_wire(i32::from_be_bytes(field(bytes, LEADER_EPOCH))),
            crc: u32::from_be_bytes(field(bytes, CRC)),
            attributes: Attributes(i16::from_be_bytes(field(bytes, ATTRIBUTES))),
            last_offset_delta: i32::from_be_bytes(field(bytes, LAST_OFFSET_DELTA)),
            base_timestamp: Timestamp(i64::from_be_bytes(field(bytes, BASE_TIMESTAMP))),
            max_timestamp: Timestamp(i64::from_be_bytes(field(bytes, MAX_TIMESTAMP))),
            producer_id: (0 <= producer_id).then_some(ProducerId(producer_id)),
            producer_epoch: ProducerEpoch(i16::from_be_bytes(field(bytes, PRODUCER_EPOCH))),
            base_sequence: Sequence(i32::from_be_bytes(field(bytes, BASE_SEQUENCE))),
            record_count: i32::from_be_bytes(field(bytes, RECORD_COUNT)),
        }
    }

    /// A compacted batch has fewer records than offsets, never more.
    fn check_count(&self) -> Result<(), BatchError> {
        let offsets = i64::from(self.last_offset_delta) + 1;
        if 0 <= self.record_count && i64::from(self.record_count) <= offsets && 1 <= offsets {
            Ok(())
        } else {
            Err(BatchError::BadCount { count: self.record_count, offsets })
        }
    }

    /// The base offset stands outside the CRC, so it can be anything.
    fn check_offsets(&self) -> Result<(), BatchError> {
        let base_offset = self.base_offset.0;
        if 0 <= base_offset && base_offset < i64::MAX - i64::from(self.last_offset_delta) {
            Ok(())
        } else {
            Err(BatchError::BadBaseOffset { base_offset })
        }
    }
}

/// The bytes of a field of the header.
pub(super) fn field<const N: usize>(bytes: &[u8], position: usize) -> [u8; N] {
    *bytes[position..].first_chunk().expect("a batch is longer than its header")
}

/// Overwrites a field of the header.
pub(super) fn put<const N: usize>(bytes: &mut [u8], position: usize, value: [u8; N]) {
    bytes[position..position + N].copy_from_slice(&value);
}

/// Writes what makes the bytes a batch: the length, the format, and the CRC of all the rest.
pub(super) fn seal(bytes: &mut [u8]) {
    let length = bytes.len() - LOG_OVERHEAD;
    let length = i32::try_from(length).expect("a batch is smaller than 2 GiB");
    put(bytes, LENGTH, length.to_be_bytes());
    put(bytes, MAGIC_AT, [MAGIC]);
    put_crc(bytes);
}

/// Computes the CRC anew.
pub(super) fn put_crc(bytes: &mut [u8]) {
    let crc = crc32c::crc32c(&bytes[ATTRIBUTES..]);
    put(bytes, CRC, crc.to_be_bytes());
}
