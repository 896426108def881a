//! The values of a run, each with a number.
//!
//! A value that was sent once names its record. One that was sent several times (a warm-up) or that
//! nobody sent names none: it takes its place in the version order and is asked nothing else.

use std::collections::BTreeMap;

use bytes::Bytes;

/// The number of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ValueId(usize);

/// All values that clients sent or were handed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values {
    ids: BTreeMap<Bytes, ValueId>,
    all: Vec<(Bytes, u64)>,
}

impl Values {
    /// The number of a value that a producer is asked to send.
    pub(super) fn sent(&mut self, value: &Bytes) -> ValueId {
        let id = self.seen(value);
        self.all[id.0].1 += 1;
        id
    }

    /// The number of a value that a consumer is handed.
    pub(super) fn seen(&mut self, value: &Bytes) -> ValueId {
        if let Some(id) = self.ids.get(value) {
            return *id;
        }
        let id = ValueId(self.all.len());
        self.ids.insert(value.clone(), id);
        self.all.push((value.clone(), 0));
        id
    }

    /// The value of this number.
    pub(super) fn get(&self, id: ValueId) -> &Bytes {
        &self.all[id.0].0
    }

    /// Whether it names one record.
    pub(super) fn is_name(&self, id: ValueId) -> bool {
        self.all[id.0].1 == 1
    }
}
