//! The model of one partition: its batches, its replicas' logs, its records at the controller.

use std::collections::BTreeMap;

use broker::{
    host::event::{
        AppendOrigin, Appended, HighWatermarkMoved, PartitionEvent, ProduceAnswered, Recovered,
        Role, Truncated,
    },
    ids::{BrokerId, LeaderEpoch, Offset, TopicId, TopicPartition},
};

use super::{
    When,
    batches::{Batches, Before, NewBatch, Origin},
    commitment::Commitment,
    decode,
    facts::Fact,
    metadata::Metadata,
    replica::{Excuse, LastStep, Part, Power, Replica, Why},
    sends::{SendIndex, Sends},
    unclean::Promised,
};

/// One partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionHistory {
    /// Its name.
    pub name: TopicPartition,
    /// Its batches.
    pub batches: Batches,
    /// Its replicas.
    pub replicas: BTreeMap<BrokerId, Replica>,
    /// Its records at the controller.
    pub metadata: Metadata,
    /// What was committed.
    pub commitment: Commitment,
    /// The leaders that adopted their epoch while the controller named them.
    pub adoptions: Vec<Adoption>,
    /// The truncations, in order.
    pub truncations: Vec<(When, BrokerId, Truncated)>,
    /// What is promised on its committed records.
    pub promised: Promised,
    /// When which of its brokers ended uncleanly, in order.
    pub unclean_ends: Vec<(When, BrokerId)>,
    /// When its topic was deleted, if it was.
    pub deleted: Option<When>,
}

/// A leader adopted its epoch while the controller named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// When.
    pub when: When,
    /// The leader.
    pub broker: BrokerId,
    /// The epoch.
    pub leader_epoch: LeaderEpoch,
    /// The end of its log at that moment.
    pub start: Offset,
}

/// What applying an event needs from around the partition.
pub(super) struct Surroundings<'a> {
    pub(super) now: When,
    pub(super) broker: BrokerId,
    pub(super) sends: &'a mut Sends,
    pub(super) facts: &'a mut Vec<Fact>,
}

impl PartitionHistory {
    /// Whether it is a partition of this very topic, not of another with its name.
    pub(super) fn is_of(&self, topic_id: TopicId) -> bool {
        self.metadata.current().is_some_and(|record| record.topic_id == topic_id)
    }

    pub(super) fn new(name: TopicPartition, promised: Promised) -> Self {
        Self {
            name,
            batches: Batches::default(),
            replicas: BTreeMap::new(),
            metadata: Metadata::default(),
            commitment: Commitment::default(),
            adoptions: Vec::new(),
            truncations: Vec::new(),
            promised,
            unclean_ends: Vec::new(),
            deleted: None,
        }
    }

    /// The replica of a broker, if it has one.
    pub fn replica(&self, broker: BrokerId) -> Option<&Replica> {
        self.replicas.get(&broker)
    }

    pub(super) fn on_event(&mut self, event: &PartitionEvent, ctx: &mut Surroundings<'_>) {
        match event {
            PartitionEvent::Recovered(recovered) => self.on_recovered(recovered, ctx),
            PartitionEvent::Appended(appended) => self.on_appended(appended, ctx),
            PartitionEvent::Truncated(truncated) => self.on_truncated(truncated, ctx),
            PartitionEvent::HighWatermarkMoved(moved) => self.on_high_watermark(moved, ctx),
            PartitionEvent::LogStartMoved { to, .. } => {
                let replica = self.replicas.entry(ctx.broker).or_default();
                replica.log_start = *to;
                if replica.log_end_offset() < *to {
                    replica.set_end(*to);
                }
            }
            PartitionEvent::BecameLeader { leader_epoch, log_end_offset, isr, .. } => {
                self.replicas.entry(ctx.broker).or_default().isr_view.clone_from(isr);
                self.on_became_leader(*leader_epoch, *log_end_offset, ctx);
            }
            PartitionEvent::BecameFollower { leader_epoch, leader, .. } => {
                let replica = self.replicas.entry(ctx.broker).or_default();
                replica.role = Some((*leader_epoch, Part::Follower { leader: *leader }));
            }
            PartitionEvent::IsrAdopted { isr, .. } => {
                self.replicas.entry(ctx.broker).or_default().isr_view.clone_from(isr);
            }
            PartitionEvent::Reconciled { leader_epoch, .. } => {
                let replica = self.replicas.entry(ctx.broker).or_default();
                replica.reconciled = Some(*leader_epoch);
            }
            PartitionEvent::ProduceAnswered(answered) => self.on_answered(answered, ctx),
            PartitionEvent::ReplicaRemoved { .. } => {
                if let Some(replica) = self.replicas.get_mut(&ctx.broker) {
                    replica.cut(Offset::ZERO, ctx.now, |_| Why::Removed);
                }
            }
            PartitionEvent::DuplicateSuppressed { .. }
            | PartitionEvent::FollowerFetched { .. }
            | PartitionEvent::IsrProposed { .. }
            | PartitionEvent::FetchRefused { .. }
            | PartitionEvent::ReplicaFailed { .. } => {}
        }
    }

    fn on_recovered(&mut self, recovered: &Recovered, ctx: &mut Surroundings<'_>) {
        let replica = self.replicas.entry(ctx.broker).or_default();
        let (model_end, log_end) = (replica.log_end_offset(), recovered.log_end_offset);
        let stopped = replica.stopped.take();
        let power = stopped.map_or(Power::Kept, |stop| stop.power);
        let excused_from = stopped.and_then(|stop| stop.unsynced_from).unwrap_or(Offset(i64::MAX));
        let cut_short = stopped.is_some_and(|stop| stop.last_step == LastStep::CutShort);
        if log_end < model_end {
            let first_lost = replica.at(log_end).map_or(log_end, |entry| entry.base);
            if first_lost < excused_from && !cut_short {
                ctx.facts.push(Fact::OpenedOtherwise { broker: ctx.broker, model_end, log_end });
            }
            let until = stopped.map_or(ctx.now, |stop| stop.when);
            replica.cut(log_end, until, |base| Why::RecoveryCut {
                power,
                excuse: if excused_from <= base { Excuse::Disk } else { Excuse::None },
            });
        } else if model_end < log_end {
            // A truncation that was not synced comes undone with the power.
            let excused = cut_short || excused_from <= model_end;
            if !excused && !replica.opened.is_empty() {
                ctx.facts.push(Fact::OpenedOtherwise { broker: ctx.broker, model_end, log_end });
            }
            replica.set_end(log_end);
        }
        replica.opened_after = stopped;
        replica.damaged_from = None;
        if cut_short {
            self.commitment.raise_highest(recovered.high_watermark);
        }
        replica.log_start = recovered.log_start_offset;
        replica.high_watermark = recovered.high_watermark;
        replica.opened.push(ctx.now);
        replica.role = None;
        replica.reconciled = None;
    }

    fn on_appended(&mut self, appended: &Appended, ctx: &mut Surroundings<'_>) {
        let origin = match appended.origin {
            AppendOrigin::Follower => None,
            AppendOrigin::Leader => {
                let attempt = appended.request.as_ref().and_then(|request| {
                    ctx.sends.find_attempt(&request.client, request.correlation, &self.name)
                });
                Some(Origin { when: ctx.now, broker: ctx.broker, attempt })
            }
        };
        if let Some(replica) = self.replicas.get_mut(&ctx.broker) {
            replica.opened_after = None;
        }
        let new = NewBatch::of(appended, origin);
        self.append(&new, &appended.batch, ctx);
    }

    /// Puts a batch at the end of the broker's log.
    pub(super) fn append(&mut self, new: &NewBatch, bytes: &[u8], ctx: &mut Surroundings<'_>) {
        let before = self.before(ctx.broker, new.base_offset);
        let known = self.batches.find(new.base_offset, new.leader_epoch, new.crc);
        let batch = known.unwrap_or_else(|| {
            let records = records_of(new, bytes, ctx.sends);
            let batch = self.batches.intern(new, before, || records);
            for send in self.batches.get(batch).records.iter().flatten() {
                ctx.sends.note_copy(*send, batch);
            }
            if let Some(attempt) = new.origin.and_then(|origin| origin.attempt) {
                ctx.sends.note_append(attempt, batch);
            }
            batch
        });
        ctx.facts.push(Fact::Appended { broker: ctx.broker, batch, after: before });
        if self.batches.get(batch).before == Before::Unknown {
            self.batches.set_before(batch, before);
        }
        let replica = self.replicas.entry(ctx.broker).or_default();
        if new.base_offset < replica.log_end_offset() {
            replica.cut(new.base_offset, ctx.now, |_| Why::Removed);
        }
        replica.append(batch, (new.base_offset, new.last_offset), new.size, ctx.now);
    }

    fn before(&self, broker: BrokerId, base: Offset) -> Before {
        if base == Offset::ZERO {
            return Before::Nothing;
        }
        let last = self.replicas.get(&broker).and_then(|replica| replica.at(Offset(base.0 - 1)));
        last.map_or(Before::Unknown, |entry| Before::Batch(entry.batch))
    }

    fn on_truncated(&mut self, truncated: &Truncated, ctx: &mut Surroundings<'_>) {
        let replica = self.replicas.entry(ctx.broker).or_default();
        let leader = match replica.role {
            Some((_, Part::Follower { leader })) => leader,
            Some((_, Part::Leader { .. })) | None => None,
        };
        let (leader_epoch, reason) = (truncated.leader_epoch, truncated.reason);
        // Everything is gone where the log starts anew above its old end.
        let emptied = truncated.from <= truncated.log_start_offset;
        let to = if emptied { Offset::ZERO } else { truncated.to };
        let first = replica.index_of(to);
        let last = replica.entries().last().copied();
        let went = self.commitment.first_of(&replica.entries()[first..]);
        replica.cut(to, ctx.now, |_| Why::Truncated { leader_epoch, leader, reason });
        replica.set_end(truncated.to);
        replica.log_start = truncated.log_start_offset;
        self.truncations.push((ctx.now, ctx.broker, truncated.clone()));
        if let (Some(first), Some(_)) = (went, last) {
            ctx.facts.push(Fact::CommittedCut { broker: ctx.broker, first });
        }
    }

    fn on_high_watermark(&mut self, moved: &HighWatermarkMoved, ctx: &mut Surroundings<'_>) {
        self.replicas.entry(ctx.broker).or_default().high_watermark = moved.to;
        match moved.role {
            Role::Follower => {}
            Role::Leader => self.commit(moved.leader_epoch, moved.to, ctx),
        }
    }

    fn commit(&mut self, epoch: LeaderEpoch, to: Offset, ctx: &mut Surroundings<'_>) {
        let Some(replica) = self.replicas.get(&ctx.broker) else { return };
        let commit =
            super::batches::Commit { when: ctx.now, broker: ctx.broker, leader_epoch: epoch };
        self.commitment.advance(replica, to, commit, &mut self.batches, ctx.facts);
    }

    fn on_became_leader(
        &mut self,
        leader_epoch: LeaderEpoch,
        start: Offset,
        ctx: &mut Surroundings<'_>,
    ) {
        let replica = self.replicas.entry(ctx.broker).or_default();
        replica.role = Some((leader_epoch, Part::Leader { start }));
        replica.reconciled = Some(leader_epoch);
        let high_watermark = replica.high_watermark;
        if self.metadata.is_true_leader(ctx.broker, leader_epoch) {
            let (when, broker) = (ctx.now, ctx.broker);
            self.adoptions.push(Adoption { when, broker, leader_epoch, start });
            let missing = self.commitment.void_missing(replica, leader_epoch);
            if !missing.is_empty() {
                ctx.facts.push(Fact::AdoptedWithout { broker, leader_epoch, missing });
            }
        }
        self.commit(leader_epoch, high_watermark, ctx);
    }

    /// An unclean election ends the promise on what the new leader lacks.
    pub(super) fn on_unclean_election(&mut self, leader: BrokerId, epoch: LeaderEpoch) {
        if let Some(replica) = self.replicas.get(&leader) {
            self.commitment.void_missing(replica, epoch);
        }
    }

    fn on_answered(&self, answered: &ProduceAnswered, ctx: &mut Surroundings<'_>) {
        let request = &answered.request;
        let attempt = ctx.sends.find_attempt(&request.client, request.correlation, &self.name);
        if let Some(attempt) = attempt {
            ctx.sends.note_answer(attempt, answered.error);
        }
    }
}

/// The sends whose records a batch holds: from its bytes, or else from the request that brought it.
fn records_of(new: &NewBatch, bytes: &[u8], sends: &Sends) -> Vec<Option<SendIndex>> {
    if let Some(values) = decode::values(bytes) {
        return values.iter().map(|value| value.and_then(|value| sends.of_value(value))).collect();
    }
    let attempt = new.origin.and_then(|origin| origin.attempt);
    attempt.map_or_else(Vec::new, |index| {
        sends.attempt(index).sends.iter().copied().map(Some).collect()
    })
}
