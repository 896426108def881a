//! The promise on one committed copy: kept, void by a rule, or broken (rules 4.1 and 4.2).
//!
//! A copy is promised from the first time that a presumed leader's high watermark passes it, until
//! no electable replica holds it. That is excused only if each of them lost it from its disk
//! (V-disk), or if an unclean election or that of the last known leader chose a leader without it
//! (V-unclean, V-last-known). The only instants that count are changes of the record, losses, and
//! adoptions.
//!
//! Up to KIP-595 the electable replicas are the ISR. KIP-966 adds the eligible leader replicas, and
//! promises more: neither the disks nor the last known leader excuse a loss while fewer than
//! `min.insync.replicas` replicas have ended uncleanly.

use broker::{
    host::event::{ElectionKind, PartitionRecord},
    ids::{BrokerId, LeaderEpoch},
};

use super::{
    sentences,
    unclean_ends::{least_min_insync_replicas, unclean_ends},
};
use crate::history::{
    Batch, BatchId, ChangeKind, Commit, Excuse, PartitionHistory, Promised, When, Why, electable,
};

/// What became of the promise on a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The copy was never committed: nothing was promised.
    None,
    /// It holds.
    Kept,
    /// It ended by a rule.
    Void {
        /// The rule.
        rule: &'static str,
        /// When.
        when: When,
        /// How, in words.
        why: String,
    },
    /// It was broken.
    Broken {
        /// When.
        when: When,
        /// How, in words.
        why: String,
    },
}

/// What became of the promise on a copy, up to now.
pub fn promise(partition: &PartitionHistory, id: BatchId) -> Promise {
    let batch = partition.batches.get(id);
    match batch.committed {
        None => Promise::None,
        Some(commit) => Case { partition, id, batch, commit }.follow(),
    }
}

struct Case<'a> {
    partition: &'a PartitionHistory,
    id: BatchId,
    batch: &'a Batch,
    commit: Commit,
}

/// An instant at which the promise may end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Instant {
    when: When,
    kind: InstantKind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum InstantKind {
    Committed,
    Lost,
    UncleanElection(BrokerId),
    LastKnownElection(BrokerId),
    Recorded,
    Adopted(BrokerId, LeaderEpoch),
}

impl Case<'_> {
    fn follow(&self) -> Promise {
        let mut void = None;
        for instant in self.instants() {
            let holder = |broker| self.held(broker, instant.when);
            match (instant.kind, &void) {
                // The next leader to adopt its epoch settles what a void may still undo.
                (InstantKind::Adopted(leader, _), Some(_)) if holder(leader) => void = None,
                (InstantKind::Adopted(..), Some(_)) => break,
                (_, Some(_)) => {}
                (kind, None) => match self.judge(instant.when, kind) {
                    Promise::Void { rule, when, why } => {
                        void = Some(Promise::Void { rule, when, why });
                    }
                    broken @ Promise::Broken { .. } => return broken,
                    Promise::None | Promise::Kept => {}
                },
            }
        }
        void.unwrap_or(Promise::Kept)
    }

    fn instants(&self) -> Vec<Instant> {
        let from = self.commit.when;
        let mut instants = vec![Instant { when: from, kind: InstantKind::Committed }];
        let changes = self.partition.metadata.changes();
        let first = changes.partition_point(|change| change.when <= from);
        instants.extend(changes[first..].iter().map(|change| {
            let kind = match (forced(&change.kind), change.record.leader) {
                (Some(ElectionKind::Unclean), Some(leader)) => InstantKind::UncleanElection(leader),
                (Some(_), Some(leader)) => InstantKind::LastKnownElection(leader),
                (None, _) | (_, None) => InstantKind::Recorded,
            };
            Instant { when: change.when, kind }
        }));
        let adoptions = self.partition.adoptions.iter().filter(|adopted| from < adopted.when);
        instants.extend(adoptions.map(|adopted| Instant {
            when: adopted.when,
            kind: InstantKind::Adopted(adopted.broker, adopted.leader_epoch),
        }));
        for replica in self.partition.replicas.values() {
            let losses = replica.losses().iter().filter(|l| l.batch == self.id && from < l.until);
            let lost = |when| Instant { when, kind: InstantKind::Lost };
            instants.extend(losses.map(|loss| lost(loss.until)));
        }
        instants.sort_unstable();
        instants
    }

    fn judge(&self, when: When, kind: InstantKind) -> Promise {
        let Some(record) = self.partition.metadata.at(when) else { return Promise::Kept };
        match kind {
            InstantKind::Committed => self.judge_birth(record),
            InstantKind::UncleanElection(leader) if !self.held(leader, when) => {
                let epoch = record.leader_epoch;
                let why = format!(
                    "{leader} was elected unclean at {when} in epoch {epoch} without it: {}",
                    self.why_lacking(leader, when)
                );
                Promise::Void { rule: "V-unclean", when, why }
            }
            InstantKind::Adopted(leader, epoch) if !self.held(leader, when) => {
                self.judge_leader_without(leader, epoch, (record, when))
            }
            InstantKind::LastKnownElection(leader) if !self.held(leader, when) => {
                self.judge_last_known(leader, (record, when))
            }
            InstantKind::UncleanElection(_)
            | InstantKind::LastKnownElection(_)
            | InstantKind::Adopted(..)
            | InstantKind::Lost
            | InstantKind::Recorded => self.judge_holders(record, when),
        }
    }

    /// A leader of an older epoch may commit what a later leader already lacks.
    fn judge_birth(&self, record: &PartitionRecord) -> Promise {
        let Commit { when, broker, leader_epoch } = self.commit;
        let before = self.partition.adoptions.iter().rev().find(|adopted| adopted.when <= when);
        let Some(adopted) = before.filter(|adopted| leader_epoch < adopted.leader_epoch) else {
            return self.judge_holders(record, when);
        };
        if self.held(adopted.broker, when) {
            return Promise::Kept;
        }
        let late = format!(
            "{broker} committed it at {when} in epoch {leader_epoch}, when {} already led in epoch \
             {} without it",
            adopted.broker, adopted.leader_epoch
        );
        if self.forced_between(leader_epoch, when) {
            return Promise::Void { rule: "V-late", when, why: late };
        }
        match self.judge_holders(record, when) {
            void @ Promise::Void { .. } => void,
            Promise::None | Promise::Kept | Promise::Broken { .. } => {
                Promise::Broken { when, why: late }
            }
        }
    }

    fn forced_between(&self, epoch: LeaderEpoch, until: When) -> bool {
        self.partition.metadata.changes().iter().any(|change| {
            forced(&change.kind).is_some()
                && epoch < change.record.leader_epoch
                && change.when <= until
        })
    }

    fn judge_leader_without(
        &self,
        leader: BrokerId,
        epoch: LeaderEpoch,
        (record, when): (&PartitionRecord, When),
    ) -> Promise {
        match electable(record).find(|member| self.held(*member, when)) {
            None => self.judge_holders(record, when),
            Some(holder) => {
                let why = format!(
                    "{leader} leads from {when} on in epoch {epoch} without it, though {holder} \
                     held it and could be elected: {}",
                    self.why_lacking(leader, when)
                );
                Promise::Broken { when, why }
            }
        }
    }

    /// V-last-known: the last leader there was may lack it once enough have ended uncleanly.
    fn judge_last_known(
        &self,
        leader: BrokerId,
        (record, when): (&PartitionRecord, When),
    ) -> Promise {
        let cause = self.why_lacking(leader, when);
        let epoch = record.leader_epoch;
        let why = format!(
            "{leader}, the last known leader, was elected at {when} in epoch {epoch} without it \
             ({}): {cause}",
            self.counted(when)
        );
        if self.enough_unclean_ends(when) {
            Promise::Void { rule: "V-last-known", when, why }
        } else {
            Promise::Broken { when, why }
        }
    }

    /// V-disk: no electable replica holds it, and the disk of each excuses that.
    fn judge_holders(&self, record: &PartitionRecord, when: When) -> Promise {
        let counts = self.partition.promised == Promised::UntilUncleanEnds;
        let mut members = electable(record).peekable();
        let nobody = members.peek().is_none();
        if nobody && !counts || members.any(|member| self.held(member, when)) {
            return Promise::Kept;
        }
        let guilty = electable(record).find(|member| !self.disk_excused(*member, when));
        let epoch = record.leader_epoch;
        let shown = guilty.or_else(|| electable(record).next());
        let cause = shown.map_or_else(
            || "nobody could be elected".to_owned(),
            |member| self.why_lacking(member, when),
        );
        let why = format!("no electable replica held it from {when} on (epoch {epoch}): {cause}");
        match guilty {
            Some(_) => Promise::Broken { when, why },
            None if !counts => Promise::Void { rule: "V-disk", when, why },
            None => {
                let why = format!("{why}; {}", self.counted(when));
                if self.enough_unclean_ends(when) {
                    Promise::Void { rule: "V-disk", when, why }
                } else {
                    Promise::Broken { when, why }
                }
            }
        }
    }

    fn enough_unclean_ends(&self, when: When) -> bool {
        let from = self.commit.when;
        let needed = least_min_insync_replicas(self.partition, from, when);
        needed <= unclean_ends(self.partition, from, when).len()
    }

    fn counted(&self, when: When) -> String {
        let from = self.commit.when;
        let ended = unclean_ends(self.partition, from, when).len();
        let needed = least_min_insync_replicas(self.partition, from, when);
        format!("{ended} ended uncleanly, min.insync.replicas is {needed}")
    }

    fn disk_excused(&self, broker: BrokerId, when: When) -> bool {
        let replica = self.partition.replica(broker);
        let loss = replica.and_then(|replica| replica.last_loss(self.id, when));
        loss.is_some_and(|loss| match loss.why {
            Why::RecoveryCut { excuse, .. } => excuse == Excuse::Disk,
            Why::Wipe => true,
            Why::Truncated { .. } | Why::Removed => false,
        })
    }

    fn held(&self, broker: BrokerId, when: When) -> bool {
        let replica = self.partition.replica(broker);
        replica.is_some_and(|replica| replica.held(self.id, self.batch.base_offset, when))
    }

    fn why_lacking(&self, broker: BrokerId, when: When) -> String {
        sentences::why_lacking(self.partition, broker, self.id, when)
    }
}

/// The kind of an election that does not ask who holds what.
fn forced(kind: &ChangeKind) -> Option<ElectionKind> {
    match kind {
        ChangeKind::Elected { kind, .. } => match kind {
            ElectionKind::Unclean | ElectionKind::LastKnownLeader => Some(*kind),
            ElectionKind::Isr | ElectionKind::Elr => None,
        },
        ChangeKind::Created | ChangeKind::LeaderLost { .. } | ChangeKind::IsrChanged { .. } => None,
    }
}
