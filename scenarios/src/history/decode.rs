//! The values of the records in a batch of bytes: what stands in a log, read without its broker.
//!
//! Mirrors the reading half of `DefaultRecordBatch` and `DefaultRecord` (magic 2). It is kept apart
//! from the broker's own reader on purpose: what is judged is not asked. It knows no compression: a
//! compressed batch has no values here, and its records are taken from the request that brought it.

use broker::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence};
use bytes::Bytes;

use super::batches::{NewBatch, ProducerStamp};

const HEADER: usize = 61;
const COMPRESSION: i16 = 0x07;
const CONTROL: i16 = 0x20;

/// The values of the records of one batch, in order; none if the bytes are no plain batch.
pub(super) fn values(batch: &[u8]) -> Option<Vec<Option<&[u8]>>> {
    let attributes = i16::from_be_bytes(field(batch, 21)?);
    if attributes & (COMPRESSION | CONTROL) != 0 {
        return None;
    }
    let count = usize::try_from(i32::from_be_bytes(field(batch, 57)?)).ok()?;
    let mut reader = Reader { bytes: batch.get(HEADER..)? };
    (0..count).map(|_| reader.record()).collect::<Result<_, Torn>>().ok()
}

/// The headers of the batches that stand one behind the other in `log`; none where the bytes are
/// no whole batches.
pub(super) fn batches(log: &Bytes) -> Option<Vec<(NewBatch, Bytes)>> {
    let mut all = Vec::new();
    let mut rest = log.clone();
    while !rest.is_empty() {
        let length = usize::try_from(i32::from_be_bytes(field(&rest, 8)?)).ok()?;
        let size = length.checked_add(12)?;
        if size < HEADER || rest.len() < size {
            return None;
        }
        let batch = rest.split_to(size);
        all.push((header(&batch)?, batch));
    }
    Some(all)
}

fn header(batch: &[u8]) -> Option<NewBatch> {
    let base = i64::from_be_bytes(field(batch, 0)?);
    let last_delta = i32::from_be_bytes(field(batch, 23)?);
    let id = ProducerId(i64::from_be_bytes(field(batch, 43)?));
    let epoch = ProducerEpoch(i16::from_be_bytes(field(batch, 51)?));
    let base_sequence = Sequence(i32::from_be_bytes(field(batch, 53)?));
    Some(NewBatch {
        base_offset: Offset(base),
        last_offset: Offset(base.checked_add(i64::from(last_delta))?),
        leader_epoch: LeaderEpoch(i32::from_be_bytes(field(batch, 12)?)),
        crc: u32::from_be_bytes(field(batch, 17)?),
        size: batch.len() as u64,
        stamp: (0 <= id.0).then_some(ProducerStamp { id, epoch, base_sequence }),
        origin: None,
    })
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

struct Reader<'a> {
    bytes: &'a [u8],
}

/// The bytes end before the record does, or are none.
struct Torn;

impl<'a> Reader<'a> {
    /// The value of the next record, if it has one.
    fn record(&mut self) -> Result<Option<&'a [u8]>, Torn> {
        let length = usize::try_from(self.varint()?).map_err(|_| Torn)?;
        let mut record = Reader { bytes: self.take(length)? };
        record.take(1)?;
        record.varint()?;
        record.varint()?;
        record.field()?;
        record.field()
    }

    /// A key or a value: −1 says null.
    fn field(&mut self) -> Result<Option<&'a [u8]>, Torn> {
        match usize::try_from(self.varint()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn varint(&mut self) -> Result<i64, Torn> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(Torn)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Torn> {
        let (head, tail) = self.bytes.split_at_checked(count).ok_or(Torn)?;
        self.bytes = tail;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use broker::{
        host::Timestamp,
        ids::{LeaderEpoch, Offset},
        protocol::batch::{BatchBuilder, stamp},
    };
    use bytes::Bytes;

    use super::{batches, values};
    use crate::history::testing::batch_bytes;

    #[test]
    fn values_are_read_from_a_plain_batch() {
        let batch = batch_bytes(5, 0, None, &[b"p1:0", b"p1:1"]);
        assert_eq!(values(&batch), Some(vec![Some(&b"p1:0"[..]), Some(&b"p1:1"[..])]));
    }

    #[test]
    fn the_brokers_own_batches_are_read_alike() {
        let mut builder = BatchBuilder::new(None);
        for value in [&b"p1:0"[..], b"p1:1"] {
            builder.append(Timestamp(5), Some(b"key"), Some(value), &[]);
        }
        let batch = stamp(&builder.build(), Offset(40), LeaderEpoch(3));
        let all = batches(batch.bytes()).unwrap();
        let (header, bytes) = &all[0];
        assert_eq!((header.base_offset, header.last_offset), (Offset(40), Offset(41)));
        assert_eq!((header.leader_epoch, header.crc), (LeaderEpoch(3), batch.crc()));
        assert_eq!(values(bytes), Some(vec![Some(&b"p1:0"[..]), Some(&b"p1:1"[..])]));
    }

    #[test]
    fn a_log_is_read_batch_by_batch_and_a_torn_one_is_no_log() {
        let mut log = batch_bytes(5, 0, None, &[b"p1:0", b"p1:1"]).to_vec();
        log.extend_from_slice(&batch_bytes(7, 2, None, &[b"p1:2"]));
        let read = batches(&Bytes::from(log.clone())).unwrap();
        assert_eq!(read.iter().map(|(b, _)| b.last_offset.0).collect::<Vec<_>>(), [6, 7]);
        log.pop();
        assert_eq!(batches(&Bytes::from(log)), None);
    }
}
