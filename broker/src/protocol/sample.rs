//! Frames made from the shapes alone, for tests: every field that a version has is there and is not
//! its default, so that what the codec reads and writes can be held against the shapes.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    api::ApiKey,
    walk::{Field, Kind, Shape},
};

/// A frame and what must be known to read it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) direction: Direction,
    pub(crate) frame: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}

pub(crate) const CORRELATION: i32 = 77;
pub(crate) const CLIENT: &str = "sampler";

/// A request and a response of every API at every version that is spoken.
pub(crate) fn all(seed: u64) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut samples = Vec::new();
    for &api in ApiKey::ALL {
        for version in api.api().versions.clone() {
            for direction in [Direction::Request, Direction::Response] {
                let frame = frame(api, version, direction, &mut rng);
                samples.push(Sample { api, version, direction, frame });
            }
        }
    }
    samples
}

fn frame(api: ApiKey, version: i16, direction: Direction, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let flexible = api.api().flexible <= version;
    let mut out = Vec::new();
    let header_has_tags = match direction {
        Direction::Request => {
            out.extend(api.code().to_be_bytes());
            out.extend(version.to_be_bytes());
            out.extend(CORRELATION.to_be_bytes());
            out.extend(i16::try_from(CLIENT.len()).unwrap().to_be_bytes());
            out.extend(CLIENT.as_bytes());
            flexible
        }
        Direction::Response => {
            out.extend(CORRELATION.to_be_bytes());
            flexible && api != ApiKey::ApiVersions
        }
    };
    if header_has_tags {
        out.push(0);
    }
    let shape = match direction {
        Direction::Request => api.api().request,
        Direction::Response => api.api().response,
    };
    Sampler { rng, version, flexible }.shape(shape, &mut out);
    out
}

struct Sampler<'a> {
    rng: &'a mut ChaCha8Rng,
    version: i16,
    flexible: bool,
}

impl Sampler<'_> {
    fn shape(&mut self, shape: &Shape, out: &mut Vec<u8>) {
        let version = self.version;
        for field in shape.fields.iter().filter(|field| field.is_in(version)) {
            self.field(field, out);
        }
        if !self.flexible {
            return;
        }
        let tags: Vec<_> =
            shape.tags.iter().filter(|(_, field)| field.is_in(self.version)).collect();
        varint(tags.len(), out);
        for (tag, field) in tags {
            let mut value = Vec::new();
            self.field(field, &mut value);
            varint(*tag as usize, out);
            varint(value.len(), out);
            out.extend(value);
        }
    }

    fn field(&mut self, field: &Field, out: &mut Vec<u8>) {
        match field.kind {
            // A boolean is written as 1, whatever byte it was read from.
            Kind::Fixed(1) => out.push(1),
            Kind::Fixed(size) => self.bytes(size, out),
            Kind::Str => self.text(out),
            Kind::Bytes => {
                let size = self.rng.random_range(1..=300);
                self.length(size, out);
                self.bytes(size, out);
            }
            Kind::FixedArray(size) => {
                let count = self.count(out);
                self.bytes(count * size, out);
            }
            Kind::StrArray => (0..self.count(out)).for_each(|_| self.text(out)),
            Kind::Array(shape) => (0..self.count(out)).for_each(|_| self.shape(shape, out)),
            Kind::Struct(shape) => self.shape(shape, out),
        }
    }

    /// Bytes from 1 to 100, so that no number is a default: those are 0, −1, or an extreme.
    fn bytes(&mut self, size: usize, out: &mut Vec<u8>) {
        for _ in 0..size {
            out.push(self.rng.random_range(1..=100));
        }
    }

    fn text(&mut self, out: &mut Vec<u8>) {
        let size = self.rng.random_range(1..=6);
        if self.flexible {
            varint(size + 1, out);
        } else {
            out.extend(i16::try_from(size).unwrap().to_be_bytes());
        }
        for _ in 0..size {
            out.push(self.rng.random_range(b'a'..=b'z'));
        }
    }

    fn count(&mut self, out: &mut Vec<u8>) -> usize {
        let count = self.rng.random_range(1..=2);
        self.length(count, out);
        count
    }

    fn length(&mut self, length: usize, out: &mut Vec<u8>) {
        if self.flexible {
            varint(length + 1, out);
        } else {
            out.extend(i32::try_from(length).unwrap().to_be_bytes());
        }
    }
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while 0x80 <= value {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
