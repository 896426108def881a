//! Checks every length in a body against the bytes behind it, without allocating.
//!
//! The codec allocates by the length that an array announces, so a frame of twelve bytes could ask
//! for gigabytes. A body is therefore walked along its [`Shape`] first: when the walk arrives
//! exactly at the end of the frame, every element announced is there, and so is every byte. Kafka
//! bounds the same by the size of the request (`socket.request.max.bytes`) and by the checks of its
//! generated readers ("Tried to allocate a collection of size …").

#[cfg(test)]
mod tests;

use std::{fmt, ops::RangeInclusive};

/// What a body, or a struct within one, is made of.
pub(super) struct Shape {
    /// The fields in their order.
    pub(super) fields: &'static [Field],
    /// The tagged fields (KIP-482), each with its tag.
    pub(super) tags: &'static [(u32, Field)],
}

/// A field and the versions that have it.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) first: i16,
    pub(super) last: i16,
    pub(super) kind: Kind,
}

/// How a field is written. Lengths are compact in flexible versions.
pub(super) enum Kind {
    /// So many bytes.
    Fixed(usize),
    /// Text, or null.
    Str,
    /// Bytes, or null.
    Bytes,
    /// An array of elements of so many bytes each, or null.
    FixedArray(usize),
    /// An array of texts, or null.
    StrArray,
    /// An array of structs, or null.
    Array(&'static Shape),
    /// A struct.
    Struct(&'static Shape),
}

pub(super) const BOOL: Kind = Kind::Fixed(1);
pub(super) const I8: Kind = Kind::Fixed(1);
pub(super) const I16: Kind = Kind::Fixed(2);
pub(super) const I32: Kind = Kind::Fixed(4);
pub(super) const I64: Kind = Kind::Fixed(8);
pub(super) const UUID: Kind = Kind::Fixed(16);
pub(super) const INT32S: Kind = Kind::FixedArray(4);
pub(super) const UUIDS: Kind = Kind::FixedArray(16);
pub(super) const STRINGS: Kind = Kind::StrArray;

/// A field of every version.
pub(super) const fn all(name: &'static str, kind: Kind) -> Field {
    Field { name, first: 0, last: i16::MAX, kind }
}

/// A field of the versions from `first` on.
pub(super) const fn since(first: i16, name: &'static str, kind: Kind) -> Field {
    Field { name, first, last: i16::MAX, kind }
}

/// A field of these versions only.
pub(super) const fn span(versions: RangeInclusive<i16>, name: &'static str, kind: Kind) -> Field {
    Field { name, first: *versions.start(), last: *versions.end(), kind }
}

impl Field {
    pub(super) fn is_in(&self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }
}

/// Where and why a body is not what its version says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The field, by the name in Kafka's schema.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: WhatIsWrong,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhatIsWrong {
    /// The frame ends within it.
    Truncated,
    /// It announces a negative length other than −1.
    NegativeLength,
    /// It announces more than the bytes that are left can hold.
    LengthBeyondFrame,
    /// The frame holds more than 2²⁰ elements of arrays and tagged fields.
    TooManyElements,
    /// A variable-length number does not end, or does not fit 32 bits.
    BadVarint,
    /// A tagged field is longer or shorter than its size says.
    TagSizeMismatch,
    /// A tag is larger than 2³¹−1; the codec would lose the field.
    BadTag,
    /// Bytes are left behind the body.
    TrailingBytes,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            WhatIsWrong::Truncated => "the frame ends within it",
            WhatIsWrong::NegativeLength => "its length is negative",
            WhatIsWrong::LengthBeyondFrame => "it announces more than the frame holds",
            WhatIsWrong::TooManyElements => "the frame holds too many elements",
            WhatIsWrong::BadVarint => "its variable-length number is malformed",
            WhatIsWrong::TagSizeMismatch => "its size is not the one that its tag announces",
            WhatIsWrong::BadTag => "its number is too large",
            WhatIsWrong::TrailingBytes => "bytes are left behind the body",
        };
        write!(f, "{}: {what}", self.field)
    }
}

/// The most elements of arrays and tagged fields that one frame may hold. It bounds what decoding
/// allocates, since an element takes more room in memory than the two bytes it can be on the wire.
pub(super) const MAX_ELEMENTS: usize = 1 << 20;

/// Checks that `bytes` is a body of this shape, whole and with nothing behind it.
pub(super) fn check(
    bytes: &[u8],
    shape: &Shape,
    version: i16,
    flexible_from: i16,
) -> Result<(), Malformed> {
    let mut walk = Walk::new(bytes, version, flexible_from <= version);
    let walked = walk.shape(shape).and_then(|()| {
        if walk.rest.is_empty() { Ok(()) } else { walk.fail("body", WhatIsWrong::TrailingBytes) }
    });
    walked.map_err(|Refused| walk.fault)
}

/// Walks over the tagged fields of a flexible header, of which none is known, and gives what is
/// behind them.
pub(super) fn skip_header_tags(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut walk = Walk::new(bytes, 0, true);
    match walk.tags(&[]) {
        Ok(()) => Ok(walk.rest),
        Err(Refused) => Err(walk.fault),
    }
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    elements: usize,
    /// What is wrong, once a step was refused. It stays here so that the steps, of which there is
    /// one for each field of each frame, return next to nothing.
    fault: Malformed,
}

/// A step could not be made: [`Walk::fault`] says why.
struct Refused;

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8], version: i16, flexible: bool) -> Self {
        let fault = Malformed { field: "", what: WhatIsWrong::Truncated };
        Self { rest: bytes, version, flexible, elements: 0, fault }
    }

    #[cold]
    fn fail<T>(&mut self, field: &'static str, what: WhatIsWrong) -> Result<T, Refused> {
        self.fault = Malformed { field, what };
        Err(Refused)
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), Refused> {
        for field in shape.fields {
            if field.is_in(self.version) {
                self.field(field)?;
            }
        }
        if self.flexible { self.tags(shape.tags) } else { Ok(()) }
    }

    fn field(&mut self, field: &Field) -> Result<(), Refused> {
        let name = field.name;
        match field.kind {
            Kind::Fixed(size) => self.skip(name, size),
            Kind::Str => self.text(name),
            Kind::Bytes => {
                let length = self.length(name)?;
                self.skip(name, length)
            }
            Kind::FixedArray(size) => {
                let count = self.count(name)?;
                // No overflow: a count is never larger than the frame.
                self.skip(name, count * size)
            }
            Kind::StrArray => (0..self.count(name)?).try_for_each(|_| self.text(name)),
            Kind::Array(shape) => (0..self.count(name)?).try_for_each(|_| self.shape(shape)),
            Kind::Struct(shape) => self.shape(shape),
        }
    }

    /// Tagged fields. A known one must be as long as its size says, because the codec reads it by
    /// its shape; an unknown one is opaque.
    fn tags(&mut self, known: &[(u32, Field)]) -> Result<(), Refused> {
        for _ in 0..self.varint("tagged fields")? {
            self.tag(known)?;
        }
        Ok(())
    }

    fn tag(&mut self, known: &[(u32, Field)]) -> Result<(), Refused> {
        self.count_elements("tagged fields", 1)?;
        let tag = self.varint("tag")?;
        if i32::MAX.cast_unsigned() < tag {
            return self.fail("tag", WhatIsWrong::BadTag);
        }
        let size = self.varint("tag size")? as usize;
        let Some(end) = self.rest.len().checked_sub(size) else {
            return self.fail("tagged field", WhatIsWrong::LengthBeyondFrame);
        };
        match known.iter().find(|(its, field)| *its == tag && field.is_in(self.version)) {
            None => self.skip("tagged field", size),
            Some((_, field)) => {
                self.field(field)?;
                if self.rest.len() == end {
                    Ok(())
                } else {
                    self.fail(field.name, WhatIsWrong::TagSizeMismatch)
                }
            }
        }
    }

    fn skip(&mut self, name: &'static str, size: usize) -> Result<(), Refused> {
        match self.rest.get(size..) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => self.fail(name, WhatIsWrong::Truncated),
        }
    }

    fn text(&mut self, name: &'static str) -> Result<(), Refused> {
        let length = if self.flexible {
            self.compact(name)?
        } else {
            let raw = i16::from_be_bytes(self.take(name)?);
            self.signed(name, i32::from(raw))?
        };
        self.skip(name, length)
    }

    /// How many elements an array has. Each takes at least one byte.
    fn count(&mut self, name: &'static str) -> Result<usize, Refused> {
        let count = self.length(name)?;
        if self.rest.len() < count {
            return self.fail(name, WhatIsWrong::LengthBeyondFrame);
        }
        self.count_elements(name, count)?;
        Ok(count)
    }

    fn count_elements(&mut self, name: &'static str, more: usize) -> Result<(), Refused> {
        self.elements += more;
        if self.elements <= MAX_ELEMENTS {
            Ok(())
        } else {
            self.fail(name, WhatIsWrong::TooManyElements)
        }
    }

    /// The length of bytes or of an array; 0 for null, which takes no bytes either.
    fn length(&mut self, name: &'static str) -> Result<usize, Refused> {
        if self.flexible {
            return self.compact(name);
        }
        let raw = i32::from_be_bytes(self.take(name)?);
        self.signed(name, raw)
    }

    /// A length of a version that is not flexible: −1 for null.
    fn signed(&mut self, name: &'static str, raw: i32) -> Result<usize, Refused> {
        match usize::try_from(raw) {
            Ok(length) => Ok(length),
            Err(_) if raw == -1 => Ok(0),
            Err(_) => self.fail(name, WhatIsWrong::NegativeLength),
        }
    }

    /// A length of a flexible version: one more than the length, 0 for null.
    fn compact(&mut self, name: &'static str) -> Result<usize, Refused> {
        Ok((self.varint(name)? as usize).saturating_sub(1))
    }

    fn take<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], Refused> {
        match self.rest.split_first_chunk() {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(*head)
            }
            None => self.fail(name, WhatIsWrong::Truncated),
        }
    }

    fn varint(&mut self, name: &'static str) -> Result<u32, Refused> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u32::from(*byte))
            }
            _ => self.long_varint(name),
        }
    }

    fn long_varint(&mut self, name: &'static str) -> Result<u32, Refused> {
        let mut value = 0_u32;
        for (index, &byte) in self.rest.iter().enumerate().take(5) {
            value |= u32::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                if index == 4 && 0x0f < byte {
                    break;
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        let is_cut = self.rest.len() < 5;
        self.fail(name, if is_cut { WhatIsWrong::Truncated } else { WhatIsWrong::BadVarint })
    }
}
