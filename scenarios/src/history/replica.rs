//! The model of one replica's log, made of events only.
//!
//! What was taken away is remembered with when and why: the contract asks it of every record that
//! is missing at the end.

use broker::{
    host::event::TruncationReason,
    ids::{BrokerId, LeaderEpoch, Offset},
};

use super::{When, batches::BatchId};

/// One replica of a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    entries: Vec<Entry>,
    losses: Vec<Loss>,
    end: Offset,
    /// The first readable offset.
    pub log_start: Offset,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// The leader epoch it has adopted, and as what.
    pub role: Option<(LeaderEpoch, Part)>,
    /// The ISR as it knows it committed, while it leads.
    pub isr_view: Vec<BrokerId>,
    /// Each time it was opened.
    pub opened: Vec<When>,
    /// How its broker's last incarnation ended, while it has not opened it again.
    pub stopped: Option<Stopped>,
    /// How the incarnation before ended, until the bytes were compared or the log grew.
    pub(super) opened_after: Option<Stopped>,
    /// The first offset that an injected fault touched while its broker ran.
    pub damaged_from: Option<Offset>,
    /// The last epoch in which it was reconciled with its leader.
    pub reconciled: Option<LeaderEpoch>,
}

/// A batch in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The batch.
    pub batch: BatchId,
    /// Its first offset.
    pub base: Offset,
    /// Its last offset.
    pub last: Offset,
    /// Since when it stands there.
    pub since: When,
    end_bytes: u64,
}

/// A batch that is no longer in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The batch.
    pub batch: BatchId,
    /// Since when it had stood there.
    pub since: When,
    /// From when on the replica does not hold it: the stop, if it was a recovery that cut it.
    pub until: When,
    /// What took it.
    pub why: Why,
}

/// What took a batch out of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Recovery, after a stop, cut it or found nothing.
    RecoveryCut {
        /// Whether the stop was a power loss.
        power: Power,
        /// Whether the disk excuses it: it was not synced, or a fault touched it.
        excuse: Excuse,
    },
    /// The disk was wiped.
    Wipe,
    /// The replica cut it to follow a leader.
    Truncated {
        /// The leader epoch in which it followed.
        leader_epoch: LeaderEpoch,
        /// Whom it followed, if it told.
        leader: Option<BrokerId>,
        /// Why it cut.
        reason: TruncationReason,
    },
    /// The replica was removed from its broker, or its topic was deleted.
    Removed,
}

/// Whether a stop took the memory of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// The host lost power.
    Lost,
    /// Only the process ended.
    Kept,
}

/// Whether a replica's disk excuses that a batch is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse {
    /// It was not synced when power went, or an injected fault touched it.
    Disk,
    /// It was safe.
    None,
}

/// As what a replica has adopted an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// As leader, with its log end at that moment.
    Leader {
        /// The leader-epoch start offset.
        start: Offset,
    },
    /// As follower.
    Follower {
        /// Of whom, if there is a leader.
        leader: Option<BrokerId>,
    },
}

/// A stopped incarnation's leavings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// When it stopped.
    pub when: When,
    /// Whether the memory of the operating system went with it.
    pub power: Power,
    /// Whether its last step was cut short, so that what it did last was not told.
    pub last_step: LastStep,
    /// The first offset that the disk did not surely have.
    pub unsynced_from: Option<Offset>,
}

/// Whether the last step of an incarnation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastStep {
    /// Everything it did was told.
    Whole,
    /// It ended at a disk operation: what it did before may not have been told.
    CutShort,
}

impl Replica {
    /// The log, oldest batch first; those below the log start are still listed.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What was taken out of the log, in order.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// The end of the log.
    pub fn log_end_offset(&self) -> Offset {
        self.end
    }

    /// The entry that holds this offset.
    pub fn at(&self, offset: Offset) -> Option<&Entry> {
        let index = self.entries.partition_point(|entry| entry.last < offset);
        self.entries.get(index).filter(|entry| entry.base <= offset)
    }

    /// Whether the batch stands in the log now.
    pub fn holds(&self, batch: BatchId, base: Offset) -> bool {
        self.at(base).is_some_and(|entry| entry.batch == batch)
    }

    /// Whether the batch stood in the log at that time.
    pub fn held(&self, batch: BatchId, base: Offset, when: When) -> bool {
        let now = self.at(base).is_some_and(|e| e.batch == batch && e.since <= when);
        let spans = |loss: &Loss| loss.batch == batch && loss.since <= when && when < loss.until;
        now || self.losses.iter().any(spans)
    }

    /// The last loss of the batch that began at or before that time.
    pub fn last_loss(&self, batch: BatchId, when: When) -> Option<&Loss> {
        self.losses.iter().rev().find(|loss| loss.batch == batch && loss.until <= when)
    }

    /// The index of the first entry whose batch ends at or above `offset`.
    pub(super) fn index_of(&self, offset: Offset) -> usize {
        self.entries.partition_point(|entry| entry.last < offset)
    }

    pub(super) fn append(&mut self, batch: BatchId, span: (Offset, Offset), bytes: u64, now: When) {
        let (base, last) = span;
        let end_bytes = self.entries.last().map_or(0, |entry| entry.end_bytes) + bytes;
        self.entries.push(Entry { batch, base, last, since: now, end_bytes });
        self.end = last.next();
    }

    /// Takes away everything from `to` on; the reason may depend on the batch's first offset.
    pub(super) fn cut(&mut self, to: Offset, until: When, why: impl Fn(Offset) -> Why) {
        let keep = self.index_of(to);
        let losses = self.entries.drain(keep..).map(|entry| Loss {
            batch: entry.batch,
            since: entry.since,
            until,
            why: why(entry.base),
        });
        self.losses.extend(losses);
        self.end = to;
        self.high_watermark = self.high_watermark.min(to);
    }

    /// The first offset in the segment `segment` whose bytes reach beyond `position` in it.
    pub(super) fn offset_at(&self, segment: Offset, position: u64) -> Offset {
        let first = self.entries.partition_point(|entry| entry.base < segment);
        let start = first.checked_sub(1).map_or(0, |before| self.entries[before].end_bytes);
        let index = self.entries.partition_point(|entry| entry.end_bytes <= start + position);
        self.entries.get(index.max(first)).map_or(self.end, |entry| entry.base)
    }

    pub(super) fn set_end(&mut self, end: Offset) {
        self.end = end;
    }
}
