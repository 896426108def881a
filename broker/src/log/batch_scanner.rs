//! Walks over the batches in the file of a segment.
//!
//! Mirrors `FileLogInputStream`. The file is read in pieces, so that a walk costs no more memory
//! than one piece or one batch.
//!
//! What this does not know: where to begin and when to stop; see `log_segment`.

use bytes::Bytes;

use super::LogError;
use crate::{
    host::Disk,
    protocol::batch::{BatchError, BatchHeader, RecordBatch, batches},
};

/// How much is read at once to look at headers.
const HEADERS_BYTES: u32 = 8 * 1024;
/// How much is read at once to look at whole batches.
const BATCHES_BYTES: u32 = 128 * 1024;
/// The size of a batch's header.
const HEADER_SIZE: u32 = 61;

/// A walk over the part of a file between two positions.
#[derive(Debug)]
pub(super) struct BatchScanner<'a> {
    path: &'a str,
    position: u32,
    end: u32,
    piece: Bytes,
    piece_start: u32,
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
        let header = BatchHeader::read(self.ahead()).map_err(|error| self.corrupt(error))?;
        let size = u32::try_from(header.size()).unwrap_or(u32::MAX);
        if self.end - self.position < size {
            return Err(self.corrupt(BatchError::Short));
        }
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
    ) -> Result<Option<Result<RecordBatch, BatchError>>, LogError> {
        if self.position == self.end {
            return Ok(None);
        }
        self.fill(HEADER_SIZE, BATCHES_BYTES, disk)?;
        let size = match BatchHeader::read(self.ahead()) {
            Ok(header) => u32::try_from(header.size()).unwrap_or(u32::MAX),
            Err(error) => return Ok(Some(Err(error))),
        };
        if self.end - self.position < size {
            return Ok(Some(Err(BatchError::Short)));
        }
        self.fill(size, BATCHES_BYTES, disk)?;
        let start = (self.position - self.piece_start) as usize;
        let stop = self.piece.len().min(start + size as usize);
        let batch = batches(self.piece.slice(start..stop)).next().unwrap_or(Err(BatchError::Short));
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

    fn corrupt(&self, error: BatchError) -> LogError {
        let reason = format!("no batch at position {}: {error}", self.position);
        LogError::Corrupt { path: self.path.to_owned(), reason }
    }
}
