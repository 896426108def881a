//! The variable-length numbers of records: zigzag, seven bits a byte, least significant first.
//!
//! Mirrors `ByteUtils.readVarint`, `readVarlong` and their kin.

use bytes::{Buf, BufMut, Bytes};

/// Reads a number of 32 bits; `None` if it does not end or does not fit.
pub(super) fn read_i32(from: &mut Bytes) -> Option<i32> {
    let raw = read_unsigned(from, 5)?;
    let raw = u32::try_from(raw).ok()?;
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Reads a number of 64 bits; `None` if it does not end or does not fit.
pub(super) fn read_i64(from: &mut Bytes) -> Option<i64> {
    let raw = read_unsigned(from, 10)?;
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

/// Writes a number; the same bytes for 32 and 64 bits.
pub(super) fn write(to: &mut impl BufMut, value: i64) {
    let mut raw = zigzag(value);
    while 0x80 <= raw {
        to.put_u8(raw.to_le_bytes()[0] | 0x80);
        raw >>= 7;
    }
    to.put_u8(raw.to_le_bytes()[0]);
}

/// How many bytes [`write`] takes.
pub(super) fn size(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn read_unsigned(from: &mut Bytes, max_bytes: usize) -> Option<u64> {
    let mut value = 0_u64;
    for (index, &byte) in from.iter().enumerate().take(max_bytes) {
        let bits = u64::from(byte & 0x7f);
        let shifted = bits << (7 * index);
        if shifted >> (7 * index) != bits {
            return None;
        }
        value |= shifted;
        if byte < 0x80 {
            from.advance(index + 1);
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{read_i32, read_i64, size, write};

    #[test]
    fn a_number_is_read_back_as_it_was_written_in_as_many_bytes_as_said() {
        let numbers = [0, -1, 1, 63, 64, -64, -65, 300, 1 << 20, i64::MAX, i64::MIN];
        for number in numbers {
            let mut written = Vec::new();
            write(&mut written, number);
            assert_eq!(written.len(), size(number), "{number}");
            let mut bytes = Bytes::from(written);
            assert_eq!(read_i64(&mut bytes), Some(number));
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn a_number_that_does_not_end_or_does_not_fit_is_refused() {
        assert_eq!(read_i32(&mut Bytes::from_static(&[0x80, 0x80])), None);
        assert_eq!(read_i32(&mut Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x1f])), None);
        assert_eq!(read_i32(&mut Bytes::from_static(&[0x80; 6])), None);
        let mut largest = Bytes::from_static(&[0xfe, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(read_i32(&mut largest), Some(i32::MAX));
        let mut beyond = vec![0xff; 9];
        beyond.push(0x02);
        assert_eq!(read_i64(&mut Bytes::from(beyond)), None);
    }
}
