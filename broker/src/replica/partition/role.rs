//! How a partition becomes led or followed by this broker.
//!
//! Mirrors `Partition.makeLeader` and `makeFollower`. Records are applied in order, but some may be
//! skipped over, and an answer of the controller may have told of a record before it came: that is
//! why the partition epochs are compared.

use super::{Leadership, Partition, Setting};
use crate::{
    host::event::PartitionEvent,
    ids::{BrokerId, LeaderEpoch},
    log::LogError,
    metadata::PartitionRegistration,
    replica::{
        effect::Context,
        isr::Isr,
        rules::{PendingIsrOnKnownRecord, Reconcile, Switch},
    },
};

/// What a broker is to a partition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PartitionRole {
    /// It believes that it leads.
    Leader(Leadership),
    /// It follows, or waits for a leader.
    Follower(Following),
}

/// What a follower knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Following {
    /// Whom it follows, if there is a leader.
    pub(crate) leader: Option<BrokerId>,
    /// The last epoch in which its log was found to agree with the leader's.
    pub(crate) reconciled: Option<LeaderEpoch>,
    /// Whether it is still to be found out what must be cut to agree with that leader.
    pub(crate) reconciliation: Reconciliation,
}

/// Whether a follower still has to find out what it must cut from its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reconciliation {
    /// It has.
    #[default]
    Due,
    /// It has cut what the protocol has it cut.
    Done,
}

/// What a record has made of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewRole {
    /// Nothing: the record is older than what is known.
    Stale,
    /// It leads; whether its high watermark moved.
    Leads {
        /// The high watermark moved.
        high_watermark_moved: bool,
    },
    /// It follows as before, in the same epoch.
    Unchanged,
    /// It follows in a new epoch, and goes on fetching where it is.
    FollowsOn,
    /// It follows in a new epoch, and begins anew with its leader.
    FollowsAnew,
}

impl Partition {
    /// Applies a record about the partition.
    pub(crate) fn apply(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        registration: &PartitionRegistration,
    ) -> Result<NewRole, LogError> {
        if Some(registration.partition_epoch) < self.partition_epoch {
            return Ok(NewRole::Stale);
        }
        if registration.leader == Some(setting.broker) {
            let high_watermark_moved = self.become_leader(ctx, setting, registration)?;
            return Ok(NewRole::Leads { high_watermark_moved });
        }
        Ok(self.become_follower(ctx, setting, registration))
    }

    fn become_leader(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        registration: &PartitionRegistration,
    ) -> Result<bool, LogError> {
        let is_new_epoch = self.leader_epoch < Some(registration.leader_epoch);
        let is_news = self.partition_epoch < Some(registration.partition_epoch);
        let log_end = self.log.log_end_offset();
        let mut leadership = match &mut self.role {
            PartitionRole::Leader(leadership) => std::mem::take(leadership),
            PartitionRole::Follower(_) => Leadership::default(),
        };
        let others = |id: &BrokerId| *id != setting.broker;
        leadership.followers.assign(registration.replicas.iter().copied().filter(others));
        let keeps_pending = match setting.rules.pending_isr_on_known_record {
            PendingIsrOnKnownRecord::Keep => !is_news,
            PendingIsrOnKnownRecord::Drop => false,
        };
        if !keeps_pending {
            leadership.isr = Isr::committed_as(registration.isr.clone());
        }
        if is_new_epoch {
            let began = (ctx.now.monotonic, log_end);
            let on_reelection = setting.rules.follower_state_on_reelection;
            leadership.followers.begin_epoch(&registration.isr, began, on_reelection);
            leadership.leader_epoch_start_offset = log_end;
            match setting.rules.epoch_entry_on_election {
                Switch::Off => {}
                Switch::On => {
                    self.log.assign_epoch_start(registration.leader_epoch, log_end, ctx.disk)?;
                }
            }
        }
        self.role = PartitionRole::Leader(leadership);
        self.adopt(registration);
        if is_new_epoch {
            self.tell_leader(ctx, registration);
        } else if is_news {
            self.tell_isr(ctx, registration);
        }
        Ok(self.advance_high_watermark(ctx, setting))
    }

    fn tell_leader(&self, ctx: &mut Context<'_>, registration: &PartitionRegistration) {
        ctx.event(PartitionEvent::BecameLeader {
            partition: self.name.clone(),
            topic_id: self.topic_id,
            leader_epoch: registration.leader_epoch,
            partition_epoch: registration.partition_epoch,
            log_end_offset: self.log.log_end_offset(),
            isr: registration.isr.clone(),
        });
    }

    fn tell_isr(&self, ctx: &mut Context<'_>, registration: &PartitionRegistration) {
        ctx.event(PartitionEvent::IsrAdopted {
            partition: self.name.clone(),
            leader_epoch: registration.leader_epoch,
            partition_epoch: registration.partition_epoch,
            isr: registration.isr.clone(),
        });
    }

    fn become_follower(
        &mut self,
        ctx: &mut Context<'_>,
        setting: &Setting,
        registration: &PartitionRegistration,
    ) -> NewRole {
        let is_new_epoch = self.leader_epoch < Some(registration.leader_epoch);
        let role = match setting.rules.reconcile {
            _ if !is_new_epoch => NewRole::Unchanged,
            Reconcile::LeaderIdChange if self.last_leader == registration.leader => {
                NewRole::FollowsOn
            }
            Reconcile::LeaderIdChange | Reconcile::EveryEpoch | Reconcile::EveryFetch => {
                NewRole::FollowsAnew
            }
        };
        let (reconciled, before) = match &self.role {
            PartitionRole::Leader(_) => (None, Reconciliation::Due),
            PartitionRole::Follower(following) => (following.reconciled, following.reconciliation),
        };
        let leader = registration.leader;
        // While nobody leads there is nobody to agree with, and the log stays as it is.
        let begins_anew = role == NewRole::FollowsAnew && leader.is_some();
        let reconciliation = if begins_anew { Reconciliation::Due } else { before };
        self.role = PartitionRole::Follower(Following { leader, reconciled, reconciliation });
        self.adopt(registration);
        if is_new_epoch {
            ctx.event(PartitionEvent::BecameFollower {
                partition: self.name.clone(),
                leader_epoch: registration.leader_epoch,
                leader: registration.leader,
                log_end_offset: self.log.log_end_offset(),
            });
        }
        role
    }

    fn adopt(&mut self, registration: &PartitionRegistration) {
        self.leader_epoch = Some(registration.leader_epoch);
        self.partition_epoch = Some(registration.partition_epoch);
        self.last_leader = registration.leader.or(self.last_leader);
    }
}
