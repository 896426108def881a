//! What the controller has decided, before it is true.
//!
//! Mirrors Kafka's `ControllerResult`: the records to write and the answer to give when they are on
//! disk. Decisions are made from the image alone; that they come true is the business of
//! [`super::Controller`].

use crate::{host::event::FenceReason, metadata::MetadataRecord};

/// Records, and what may be said once they are durable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decision<T> {
    /// What to append, as one batch: all of it or nothing.
    pub(super) records: Vec<MetadataRecord>,
    /// What the records do not say.
    pub(super) cause: Cause,
    /// The answer.
    pub(super) answer: T,
}

/// Why the records were written, as far as they do not say it themselves and the events must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cause {
    /// Why a broker is fenced, if one is.
    pub(super) fencing: Option<FenceReason>,
    /// How the incarnation before ended, if a new one is registered.
    pub(super) previous_incarnation: Option<PreviousIncarnation>,
    /// Who asked for elections allowed unclean ones.
    pub(super) unclean_election_asked: bool,
}

/// How the incarnation before ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PreviousIncarnation {
    /// There was none, or it is known to have shut down cleanly.
    Clean,
    /// Nobody knows that it did.
    Unclean,
}

impl<T> Decision<T> {
    /// Nothing to write.
    pub(super) fn answer(answer: T) -> Self {
        Self::of(Vec::new(), answer)
    }

    /// Records that explain themselves.
    pub(super) fn of(records: Vec<MetadataRecord>, answer: T) -> Self {
        Self { records, cause: Cause::default(), answer }
    }
}
