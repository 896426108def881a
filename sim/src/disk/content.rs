//! What is in a file: pieces of shared bytes at their positions, zeros between them.
//!
//! A piece is the buffer of the write that made it, so the page cache, the journal and the durable
//! image of a file share one copy, and a preallocated file takes no room.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

/// The bytes of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    /// No two overlap, none is empty, none goes beyond `length`.
    pieces: BTreeMap<u64, Bytes>,
    length: u64,
    allocated: u64,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// How many bytes take room: holes do not.
    pub(super) fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Puts bytes at a position, over what is there.
    pub(super) fn write(&mut self, position: u64, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let end = position + bytes.len() as u64;
        if position < self.length {
            self.clear(position, end);
        }
        self.length = self.length.max(end);
        self.allocated += bytes.len() as u64;
        self.pieces.insert(position, bytes);
    }

    /// Cuts the file, or extends it with zeros.
    pub(super) fn truncate(&mut self, length: u64) {
        if length < self.length {
            self.clear(length, self.length);
        }
        self.length = length;
    }

    /// Up to `length` bytes: fewer only at the end of the file.
    pub(super) fn read(&self, position: u64, length: usize) -> Bytes {
        let end = position.saturating_add(length as u64).min(self.length);
        if end <= position {
            return Bytes::new();
        }
        let (at, piece) = match self.pieces.range(..=position).next_back() {
            Some((&at, piece)) if position < at + piece.len() as u64 => (at, piece),
            _ => return self.gather(position, end),
        };
        let from = index(position - at);
        let to = from + index(end - position);
        if to <= piece.len() { piece.slice(from..to) } else { self.gather(position, end) }
    }

    /// Turns one bit over. A bit beyond the end is not there.
    pub(super) fn flip(&mut self, bit: u64) {
        let position = bit / 8;
        let Some(&byte) = self.read(position, 1).first() else { return };
        self.write(position, Bytes::copy_from_slice(&[byte ^ (1 << (bit % 8))]));
    }

    fn gather(&self, position: u64, end: u64) -> Bytes {
        let mut gathered = BytesMut::zeroed(index(end - position));
        let first = self.pieces.range(..=position).next_back().map_or(position, |(&at, _)| at);
        for (&at, piece) in self.pieces.range(first..end) {
            let (from, to) = (at.max(position), (at + piece.len() as u64).min(end));
            if from < to {
                let part = &piece[index(from - at)..index(to - at)];
                gathered[index(from - position)..index(to - position)].copy_from_slice(part);
            }
        }
        gathered.freeze()
    }

    /// Makes a hole from `start` to before `end`.
    fn clear(&mut self, start: u64, end: u64) {
        while let Some((&at, piece)) = self.pieces.range(..end).next_back() {
            let piece_end = at + piece.len() as u64;
            if piece_end <= start {
                break;
            }
            let piece = piece.clone();
            self.pieces.remove(&at);
            self.allocated -= piece_end.min(end) - at.max(start);
            if at < start {
                self.pieces.insert(at, piece.slice(..index(start - at)));
            }
            if end < piece_end {
                self.pieces.insert(end, piece.slice(index(end - at)..));
            }
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset inside a buffer in memory is addressable")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Write(u64, Vec<u8>),
        Truncate(u64),
        Flip(u64),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (0..64_u64, prop::collection::vec(any::<u8>(), 0..16))
                .prop_map(|(at, bytes)| Change::Write(at, bytes)),
            (0..80_u64).prop_map(Change::Truncate),
            (0..640_u64).prop_map(Change::Flip),
        ]
    }

    fn apply_to_model(model: &mut Vec<u8>, change: &Change) {
        match change {
            Change::Write(at, bytes) if !bytes.is_empty() => {
                let (start, end) = (index(*at), index(*at) + bytes.len());
                model.resize(model.len().max(end), 0);
                model[start..end].copy_from_slice(bytes);
            }
            Change::Write(..) => {}
            Change::Truncate(length) => model.resize(index(*length), 0),
            Change::Flip(bit) => {
                if let Some(byte) = model.get_mut(index(*bit / 8)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_content_reads_as_plain_bytes_would(changes in prop::collection::vec(change(), 0..40),
                                                at in 0..90_u64, length in 0..90_usize) {
            let (mut content, mut model) = (Content::default(), Vec::new());
            for change in &changes {
                apply_to_model(&mut model, change);
                match change.clone() {
                    Change::Write(at, bytes) => content.write(at, bytes.into()),
                    Change::Truncate(length) => content.truncate(length),
                    Change::Flip(bit) => content.flip(bit),
                }
            }
            let start = index(at).min(model.len());
            let end = (start + length).min(model.len());
            prop_assert_eq!(content.len(), model.len() as u64);
            prop_assert_eq!(&content.read(at, length)[..], &model[start..end]);
            let held: usize = content.pieces.values().map(Bytes::len).sum();
            prop_assert_eq!(content.allocated(), held as u64);
        }
    }

    #[test]
    fn a_read_inside_one_write_copies_nothing() {
        let mut content = Content::default();
        let bytes = Bytes::from(vec![7; 100]);
        content.write(10, bytes.clone());
        assert_eq!(content.read(20, 30).as_ptr(), bytes[10..].as_ptr());
    }

    #[test]
    fn a_preallocated_file_takes_no_room() {
        let mut content = Content::default();
        content.truncate(10 << 30);
        assert_eq!((content.len(), content.allocated()), (10 << 30, 0));
        assert_eq!(&content.read(5 << 30, 2)[..], [0, 0]);
    }
}
