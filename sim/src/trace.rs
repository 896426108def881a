//! The trace: everything that happened, in order, as one running hash.
//!
//! Every input, output, event and fault is written as canonical bytes and hashed (xxh3, 128 bits)
//! together with its time and node. Two runs are the same if and only if their hashes are. The
//! entries themselves are kept only on request: then the first difference of two runs can be shown.

use std::{fmt, sync::Arc};

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use crate::{time::Time, world::NodeId};

/// Bytes are gathered up to this many before they are hashed.
const PENDING_MAX: usize = 2_048;

/// Each thing begins with its kind, its time and its node.
const HEAD: usize = 1 + 8 + 8;

/// The hash of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TraceHash(pub u128);

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What happened, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceEntry {
    /// When.
    pub time: Time,
    /// To the node of which name; none if to the network or the run.
    pub node: Option<Arc<str>>,
    /// What.
    pub detail: String,
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{} {node} {}", self.time, self.detail),
            None => write!(f, "{} - {}", self.time, self.detail),
        }
    }
}

/// The first place where two traces differ: the index, and what each has there.
pub fn first_difference<'a>(
    left: &'a [TraceEntry],
    right: &'a [TraceEntry],
) -> Option<(usize, Option<&'a TraceEntry>, Option<&'a TraceEntry>)> {
    let common = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let (l, r) = (left.get(common), right.get(common));
    if l.is_none() && r.is_none() { None } else { Some((common, l, r)) }
}

/// What kind of thing happened. The numbers stand in the hashed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Input = 1,
    Output = 2,
    Event = 3,
    Fault = 4,
}

/// Everything that happened so far.
#[derive(Clone)]
pub struct Trace {
    hasher: Box<Xxh3>,
    pending: Vec<u8>,
    length: u64,
    entries: Option<Vec<TraceEntry>>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { hasher: Box::new(Xxh3::new()), pending: Vec::new(), length: 0, entries: None }
    }

    /// Keeps the entries from now on, not only their hash.
    pub fn keep_entries(&mut self) {
        self.entries.get_or_insert_default();
    }

    /// The entries, if they are kept; else none.
    pub fn entries(&self) -> &[TraceEntry] {
        self.entries.as_deref().unwrap_or_default()
    }

    /// How many things happened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of all that happened so far.
    pub fn hash(&self) -> TraceHash {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.pending);
        TraceHash(hasher.digest128())
    }

    /// Writes one thing: `bytes` fills in its canonical form, `detail` says it in words.
    pub(crate) fn record(
        &mut self,
        kind: Kind,
        time: Time,
        node: Option<(NodeId, &Arc<str>)>,
        bytes: impl FnOnce(&mut Line<'_>),
        detail: impl FnOnce() -> String,
    ) {
        self.length += 1;
        let mut head = [0; HEAD];
        let (kinds, rest) = head.split_at_mut(1);
        let (times, nodes) = rest.split_at_mut(8);
        kinds[0] = kind as u8;
        times.copy_from_slice(&time.0.to_le_bytes());
        let number = node.map_or(u64::MAX, |(node, _)| u64::from(node.0));
        nodes.copy_from_slice(&number.to_le_bytes());
        self.pending.extend_from_slice(&head);
        bytes(&mut Line { bytes: &mut self.pending });
        if PENDING_MAX <= self.pending.len() {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
        if let Some(entries) = &mut self.entries {
            let node = node.map(|(_, name)| Arc::clone(name));
            entries.push(TraceEntry { time, node, detail: detail() });
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (length, hash) = (self.length, self.hash());
        f.debug_struct("Trace")
            .field("length", &length)
            .field("hash", &hash)
            .finish_non_exhaustive()
    }
}

/// The canonical bytes of one entry, being written.
pub(crate) struct Line<'a> {
    bytes: &'a mut Vec<u8>,
}

impl Line<'_> {
    pub(crate) fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        let written = postcard::serialize_with_flavor(value, Appended(self.bytes));
        written.expect("a value that goes into the trace has a length and writes to memory");
    }
}

/// A postcard flavor that appends to a buffer of ours, slices at once.
struct Appended<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Appended<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        // Most are variable-length numbers of a byte or two: a call to copy them costs more.
        if data.len() <= 2 {
            self.0.extend(data.iter().copied());
        } else {
            self.0.extend_from_slice(data);
        }
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(numbers: &[u64]) -> Trace {
        let mut trace = Trace::new();
        trace.keep_entries();
        for &number in numbers {
            let bytes = |line: &mut Line<'_>| line.number(number);
            trace.record(Kind::Fault, Time(number), None, bytes, || number.to_string());
        }
        trace
    }

    #[test]
    fn equal_traces_have_equal_hashes_and_no_difference() {
        let numbers: Vec<u64> = (0..500).collect();
        let (a, b) = (trace(&numbers), trace(&numbers));
        assert_eq!(a.hash(), b.hash());
        assert_eq!(a.length(), 500);
        assert_eq!(first_difference(a.entries(), b.entries()), None);
    }

    #[test]
    fn the_first_difference_is_found_and_changes_the_hash() {
        let (a, b) = (trace(&[1, 2, 3]), trace(&[1, 4, 3]));
        assert_ne!(a.hash(), b.hash());
        let (at, left, right) = first_difference(a.entries(), b.entries()).unwrap();
        assert_eq!((at, left.unwrap().detail.as_str()), (1, "2"));
        assert_eq!(right.unwrap().to_string(), "0.000000004s - 4");
        let shorter = trace(&[1, 2]);
        assert!(first_difference(a.entries(), shorter.entries()).unwrap().2.is_none());
    }
}
