//! One partition on this broker: its log, what this broker is to it, and the metadata it adopted.
//!
//! Mirrors Kafka's `Partition`. A broker is leader or follower of a partition; what it must know
//! for either is in [`Leadership`] and [`Following`], and both work on the same log. Does not know
//! other partitions, requests, or who waits.

mod append;
mod follower;
mod leader;
mod read;
mod role;

use core::time::Duration;

pub(crate) use append::{ProduceRefusal, ProduceSnapshot, Produced};
pub(crate) use follower::{Agreement, FollowerFailure, LeaderData};
pub(crate) use leader::{AfterAnswer, AlterPartitionAnswer, Leadership};
pub(crate) use read::{
    FoundOffset, OffsetQuery, PartitionRead, ReadLimit, ReadRefusal, ReadRequest, Reader,
    Readiness, Sought,
};
pub(crate) use role::{Following, NewRole, PartitionRole, Reconciliation};

use super::{cluster_view::ClusterView, effect::Context, rules::Rules};
use crate::{
    host::event::{HighWatermarkMoved, PartitionEvent, Role},
    ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionEpoch, TopicId, TopicPartition},
    log::UnifiedLog,
};

/// What holds for all partitions of a broker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// This broker.
    pub(crate) broker: BrokerId,
    /// Its incarnation, once it is registered.
    pub(crate) broker_epoch: Option<BrokerEpoch>,
    /// The rules in force.
    pub(crate) rules: Rules,
    /// The metadata that was applied.
    pub(crate) cluster: ClusterView,
    /// `replica.lag.time.max.ms`.
    pub(crate) lag_max: Duration,
}

/// A partition that has a replica on this broker.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_field_names, reason = "a partition epoch is an epoch of the partition")]
pub(crate) struct Partition {
    name: TopicPartition,
    topic_id: TopicId,
    log: UnifiedLog,
    /// None until the first record about the partition was applied, as the epochs below.
    leader_epoch: Option<LeaderEpoch>,
    partition_epoch: Option<PartitionEpoch>,
    /// Who led when somebody led last: what `Reconcile::LeaderIdChange` compares with.
    last_leader: Option<BrokerId>,
    role: PartitionRole,
}

impl Partition {
    /// A partition of which no record was applied yet.
    pub(crate) fn new(name: TopicPartition, topic_id: TopicId, log: UnifiedLog) -> Self {
        let role = PartitionRole::Follower(Following::default());
        Self {
            name,
            topic_id,
            log,
            leader_epoch: None,
            partition_epoch: None,
            last_leader: None,
            role,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &TopicPartition {
        &self.name
    }

    /// Its topic's id.
    pub(crate) fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// Its log.
    pub(crate) fn log(&self) -> &UnifiedLog {
        &self.log
    }

    /// Its log, for upkeep that has nothing to do with replication.
    pub(crate) fn log_mut(&mut self) -> &mut UnifiedLog {
        &mut self.log
    }

    /// The leader epoch it adopted last.
    pub(crate) fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.leader_epoch
    }

    /// What this broker is to it.
    pub(crate) fn role(&self) -> &PartitionRole {
        &self.role
    }

    /// Whether this broker believes that it leads.
    pub(crate) fn is_leader(&self) -> bool {
        matches!(self.role, PartitionRole::Leader(_))
    }

    /// Tells that the high watermark moved, if it did.
    fn tell_high_watermark(&self, ctx: &mut Context<'_>, moved: Option<(Offset, Offset)>) -> bool {
        let Some((from, to)) = moved else { return false };
        let role = match self.role {
            PartitionRole::Leader(_) => Role::Leader,
            PartitionRole::Follower(_) => Role::Follower,
        };
        ctx.event(PartitionEvent::HighWatermarkMoved(HighWatermarkMoved {
            partition: self.name.clone(),
            role,
            leader_epoch: self.leader_epoch.unwrap_or_default(),
            from,
            to,
            log_end_offset: self.log.log_end_offset(),
        }));
        true
    }
}
