//! Checks every length in a body against the bytes behind it, without allocating.
//!
//! The codec allocates by the length that an array announces, so a frame of twelve bytes could ask
//! for gigabytes. A body is therefore walked along its [`Shape`] first: when the walk arrives exactly
//! at the end of the frame, every element announced is there, and so is every byte. Kafka bounds the
//! same by the size of the request (`socket.request.max.bytes`) and by the checks of its generated
//! readers ("Tried to allocate a collection of size …").

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
    /// The frame holds more elements than [`MAX_ELEMENTS`].
    TooManyElements,
    /// A variable-length number does not end, or does not fit 32 bits.
    BadVarint,
    /// A tagged field is longer or shorter than its size says.
    TagSizeMismatch,
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
    let flexible = flexible_from <= version;
    let mut walk = Walk { rest: bytes, version, flexible, elements: 0 };
    walk.shape(shape)?;
    if walk.rest.is_empty() { Ok(()) } else { Err(bad("body", WhatIsWrong::TrailingBytes)) }
}

/// Walks over the tagged fields of a flexible header, of which none is known, and gives what is
/// behind them.
pub(super) fn skip_header_tags(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut walk = Walk { rest: bytes, version: 0, flexible: true, elements: 0 };
    walk.tags(&[])?;
    Ok(walk.rest)
}

const fn bad(field: &'static str, what: WhatIsWrong) -> Malformed {
    Malformed { field, what }
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    elements: usize,
}

impl Walk<'_> {
    fn shape(&mut self, shape: &Shape) -> Result<(), Malformed> {
        for field in shape.fields {
            if field.is_in(self.version) {
                self.field(field)?;
            }
        }
        if self.flexible { self.tags(shape.tags) } else { Ok(()) }
    }

    fn field(&mut self, field: &Field) -> Result<(), Malformed> {
        let name = field.name;
        match field.kind {
            Kind::Fixed(size) => self.skip(name, size),
            Kind::Str => {
                let length = if self.flexible { self.compact(name)? } else { self.short(name)? };
                self.skip(name, length.unwrap_or(0))
            }
            Kind::Bytes => {
                let length = self.length(name)?.unwrap_or(0);
                self.skip(name, length)
            }
            Kind::FixedArray(size) => {
                let count = self.count(name)?;
                // No overflow: a count is never larger than the frame.
                self.skip(name, count * size)
            }
            Kind::StrArray => {
                let element = all(name, Kind::Str);
                (0..self.count(name)?).try_for_each(|_| self.field(&element))
            }
            Kind::Array(shape) => (0..self.count(name)?).try_for_each(|_| self.shape(shape)),
            Kind::Struct(shape) => self.shape(shape),
        }
    }

    /// Tagged fields. A known one must be as long as its size says, because the codec reads it by
    /// its shape; an unknown one is opaque.
    fn tags(&mut self, known: &[(u32, Field)]) -> Result<(), Malformed> {
        for _ in 0..self.varint("tagged fields")? {
            self.count_elements("tagged fields", 1)?;
            let tag = self.varint("tag")?;
            let size = self.varint("tag size")? as usize;
            let end = self.rest.len().checked_sub(size);
            let end = end.ok_or(bad("tagged field", WhatIsWrong::LengthBeyondFrame))?;
            match known.iter().find(|(its, field)| *its == tag && field.is_in(self.version)) {
                None => self.rest = &self.rest[size..],
                Some((_, field)) => {
                    self.field(field)?;
                    if self.rest.len() != end {
                        return Err(bad(field.name, WhatIsWrong::TagSizeMismatch));
                    }
                }
            }
        }
        Ok(())
    }

    fn skip(&mut self, name: &'static str, size: usize) -> Result<(), Malformed> {
        match self.rest.get(size..) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(bad(name, WhatIsWrong::Truncated)),
        }
    }

    /// How many elements an array has; 0 if it is null. Each takes at least one byte.
    fn count(&mut self, name: &'static str) -> Result<usize, Malformed> {
        let count = self.length(name)?.unwrap_or(0);
        if self.rest.len() < count {
            return Err(bad(name, WhatIsWrong::LengthBeyondFrame));
        }
        self.count_elements(name, count)?;
        Ok(count)
    }

    fn count_elements(&mut self, name: &'static str, more: usize) -> Result<(), Malformed> {
        self.elements += more;
        if self.elements <= MAX_ELEMENTS {
            Ok(())
        } else {
            Err(bad(name, WhatIsWrong::TooManyElements))
        }
    }

    /// The length of bytes or of an array; `None` for null.
    fn length(&mut self, name: &'static str) -> Result<Option<usize>, Malformed> {
        if self.flexible {
            return self.compact(name);
        }
        let (head, rest) =
            self.rest.split_first_chunk().ok_or(bad(name, WhatIsWrong::Truncated))?;
        self.rest = rest;
        signed_length(name, i32::from_be_bytes(*head))
    }

    /// The length of a text in a version that is not flexible.
    fn short(&mut self, name: &'static str) -> Result<Option<usize>, Malformed> {
        let (head, rest) =
            self.rest.split_first_chunk().ok_or(bad(name, WhatIsWrong::Truncated))?;
        self.rest = rest;
        signed_length(name, i32::from(i16::from_be_bytes(*head)))
    }

    /// A compact length: one more than the length, 0 for null.
    fn compact(&mut self, name: &'static str) -> Result<Option<usize>, Malformed> {
        Ok((self.varint(name)? as usize).checked_sub(1))
    }

    fn varint(&mut self, name: &'static str) -> Result<u32, Malformed> {
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
        let what =
            if self.rest.len() < 5 { WhatIsWrong::Truncated } else { WhatIsWrong::BadVarint };
        Err(bad(name, what))
    }
}

fn signed_length(name: &'static str, length: i32) -> Result<Option<usize>, Malformed> {
    match usize::try_from(length) {
        Ok(length) => Ok(Some(length)),
        Err(_) if length == -1 => Ok(None),
        Err(_) => Err(bad(name, WhatIsWrong::NegativeLength)),
    }
}
