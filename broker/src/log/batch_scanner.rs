//! Walks over the batches in the file of a segment.
//!
//! Mirrors `FileLogInputStream`. The file is read in pieces, so that a walk costs no more memory
//! than one piece or one batch.
//!
//! What this does not know: where to begin and when to stop; see `log_segment`.

use bytes::Bytes;
use thiserror::Error;

use super::LogError;
use crate::{
    host::Disk,
    ids::Offset,
    protocol::batch::{BatchError, BatchHeader, RecordBatch},
};

/// How much is read at once to look at headers.
const HEADERS_BYTES: u32 = 8 * 1024;
/// How much is read at once to look at whole batches.
const BATCHES_BYTES: u32 = 128 * 1024;
/// The size of a batch's header.
const HEADER_SIZE: u32 = 61;
/// No offset is larger: with any number of records behind it, it can still be counted on.
const OFFSET_MAX: Offset = Offset(i64::MAX >> 1);

/// A walk over the part of a file between two positions.
#[derive(Debug)]
pub(super) struct BatchScanner<'a> {
    path: &'a str,
    position: u32,
    end: u32,
    piece: Bytes,
    piece_start: u32,
}

/// Why what stands in a file is no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Damage {
    /// It is not one, by itself.
    #[error(transparent)]
    Batch(BatchError),
    /// The file ends within it.
    #[error("the file ends within the batch")]
    Cut,
    /// Its offset, which the CRC does not cover, cannot be.
    #[error("the offset {0} cannot be")]
    Offset(Offset),
}

/// Whether the offset of a batch, which stands outside the CRC, leaves room for more behind it.
pub(super) fn has_offset(header: &BatchHeader) -> bool {
    header.base_offset <= OFFSET_MAX
}

/// A batch's header, and the position of the batch in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundHeader {
    pub(super) position: u32,
    pub(super) header: BatchHeader,
}

impl<'a> BatchScanner<'a> {
    /// Walks from `position`, where a batch must begin, to `end`.
    pub(super) fn new(path: &'a str, position: u32, end: u32) -> Self {
        Self { path, position, end, piece: Bytes::new(), piece_start: position }
    }

    /// The position behind the last batch that was found.
    pub(super) fn position(&self) -> u32 {
        self.position
    }

    /// The next header; none at the end.
    ///
    /// # Errors
    /// `Corrupt` if what stands there is no batch.
    pub(super) fn next_header(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<Option<FoundHeader>, LogError> {
        if self.position == self.end {
            return Ok(None);
        }
        self.fill(HEADER_SIZE, HEADERS_BYTES, disk)?;
        let (header, size) = self.header().map_err(|damage| self.corrupt(damage))?;
        let found = FoundHeader { position: self.position, header };
        self.position += size;
        Ok(Some(found))
    }

    /// The next batch, whole and checked; none at the end.
    ///
    /// # Errors
    /// The inner error says why what stands there is no valid batch; the walk ends there.
    pub(super) fn next_batch(
        &mut self,
        disk: &mut dyn Disk,
    ) -> Result<Option<Result<RecordBatch, Damage>>, LogError> {
        if self.position == self.end {
            return Ok(None);
        }
        self.fill(HEADER_SIZE, BATCHES_BYTES, disk)?;
        let size = match self.header() {
            Ok((_, size)) => size,
            Err(damage) => return Ok(Some(Err(damage))),
        };
        self.fill(size, BATCHES_BYTES, disk)?;
        let start = (self.position - self.piece_start) as usize;
        let stop = self.piece.len().min(start + size as usize);
        let batch = RecordBatch::new(self.piece.slice(start..stop)).map_err(Damage::Batch);
        if batch.is_ok() {
            self.position += size;
        }
        Ok(Some(batch))
    }

    /// Sees to it that `needed` bytes, or all there are, stand in the piece.
    fn fill(&mut self, needed: u32, piece: u32, disk: &mut dyn Disk) -> Result<(), LogError> {
        let left = self.end - self.position;
        if needed.min(left) as usize <= self.ahead().len() {
            return Ok(());
        }
        let length = needed.max(piece).min(left) as usize;
        self.piece = disk.read_at(self.path, u64::from(self.position), length)?;
        self.piece_start = self.position;
        Ok(())
    }

    fn ahead(&self) -> &[u8] {
        self.piece.get((self.position - self.piece_start) as usize..).unwrap_or_default()
    }

    /// The header ahead, and the size of its batch, which lies within the file.
    fn header(&self) -> Result<(BatchHeader, u32), Damage> {
        let header = BatchHeader::read(self.ahead()).map_err(Damage::Batch)?;
        if !has_offset(&header) {
            return Err(Damage::Offset(header.base_offset));
        }
        match u32::try_from(header.size()) {
            Ok(size) if size <= self.end - self.position => Ok((header, size)),
            Ok(_) | Err(_) => Err(Damage::Cut),
        }
    }

    fn corrupt(&self, damage: Damage) -> LogError {
        let reason = format!("no batch at position {}: {damage}", self.position);
        LogError::Corrupt { path: self.path.to_owned(), reason }
    }
}
