//! All partitions of a broker, the requests for them, and what waits.
//!
//! Mirrors `ReplicaManager`. Whatever changes a partition says so here, and who waits for that
//! change is looked at in the same step. A log that fails is the end: there is one log directory,
//! and a broker whose last directory failed halts (KIP-112).

mod apply;
mod fetch;
mod following;
mod offsets;
mod produce;
mod tasks;
mod truncating;
mod waiting;

use std::collections::BTreeMap;

use super::{
    alter_partition::{AlterPartitionItem, AlterPartitionManager, Submitted},
    cluster_view::ClusterView,
    delayed_fetch::DelayedFetch,
    delayed_produce::DelayedProduce,
    effect::{AlterPartitionTicket, Context, Effect, NetFailure},
    fetcher::{FetchSizes, Fetchers},
    follower_states::SeenIncarnation,
    isr::IsrProposal,
    partition::{AfterAnswer, Partition, PartitionRole, Setting},
    purgatory::Purgatory,
    rules::Rules,
};
use crate::{
    config::ServerConfig,
    host::{Instant, event::PartitionEvent},
    ids::{BrokerEpoch, BrokerId, ClientId, LeaderEpoch, TopicPartition},
    log::{Loaded, LogError, LogManager, UnifiedLog},
    net::RequestId,
    protocol::{ErrorCode, messages::AlterPartitionResponse},
};

/// A request of a client or a broker, as far as it must be known to answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// How to answer it.
    pub id: RequestId,
    /// Who sent it.
    pub client: ClientId,
    /// Its number with that client.
    pub correlation: i32,
    /// The version of its API.
    pub version: i16,
}

/// The replicas of a broker.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaManager {
    setting: Setting,
    config: ServerConfig,
    logs: LogManager,
    /// Logs that were found at the start and of which no metadata has spoken yet.
    unclaimed: BTreeMap<TopicPartition, UnifiedLog>,
    partitions: BTreeMap<TopicPartition, Partition>,
    produces: Purgatory<DelayedProduce>,
    fetches: Purgatory<DelayedFetch>,
    alter_partition: AlterPartitionManager,
    fetchers: Fetchers,
    fetch_sizes: FetchSizes,
    next_shrink: Instant,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// Replicas that are out of sync or have no leader stop.
    InControlledShutdown,
    /// Nothing is done any more.
    Ended,
}

/// A log failed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LogFailure {
    partition: Option<TopicPartition>,
    error: LogError,
}

impl LogFailure {
    fn of(partition: &TopicPartition) -> impl Fn(LogError) -> Self {
        let partition = Some(partition.clone());
        move |error| Self { partition: partition.clone(), error }
    }

    fn of_directory(error: LogError) -> Self {
        Self { partition: None, error }
    }
}

impl ReplicaManager {
    /// The replicas of `broker`, with the logs that were found on its disk. Tells how each was
    /// recovered.
    pub fn new(
        ctx: &mut Context<'_>,
        broker: BrokerId,
        config: &ServerConfig,
        rules: Rules,
        loaded: Loaded,
    ) -> Self {
        let lag_max = config.replica_lag_time_max_ms.duration();
        let mut unclaimed = BTreeMap::new();
        for (partition, (log, recovered)) in loaded.logs {
            ctx.event(PartitionEvent::Recovered(recovered));
            unclaimed.insert(partition, log);
        }
        Self {
            setting: Setting {
                broker,
                broker_epoch: None,
                rules,
                cluster: ClusterView::default(),
                lag_max,
            },
            config: config.clone(),
            logs: loaded.manager,
            unclaimed,
            partitions: BTreeMap::new(),
            produces: Purgatory::default(),
            fetches: Purgatory::default(),
            alter_partition: AlterPartitionManager::default(),
            fetchers: Fetchers::default(),
            fetch_sizes: FetchSizes::from(config),
            next_shrink: ctx.now.monotonic.plus(lag_max / 2),
            life: Life::Running,
        }
    }

    /// The controller accepted this broker's registration: fetches and ISR changes carry its epoch
    /// from now on.
    pub fn registered(&mut self, epoch: BrokerEpoch) {
        self.setting.broker_epoch = Some(epoch);
    }

    /// The log of a partition, if this broker has a replica.
    pub fn log(&self, partition: &TopicPartition) -> Option<&UnifiedLog> {
        self.partitions.get(partition).map(Partition::log).or_else(|| self.unclaimed.get(partition))
    }

    /// The logs of all replicas of this broker.
    pub fn logs(&self) -> impl Iterator<Item = &UnifiedLog> {
        self.partitions.values().map(Partition::log).chain(self.unclaimed.values())
    }

    /// The leader epoch in which this broker believes to lead a partition.
    pub fn leads(&self, partition: &TopicPartition) -> Option<LeaderEpoch> {
        self.partitions.get(partition).filter(|one| one.is_leader())?.leader_epoch()
    }

    /// The connection of a request is gone: nobody waits for its answer.
    pub fn connection_closed(&mut self, request: RequestId) {
        self.produces.remove(request);
        self.fetches.remove(request);
    }

    /// The controller answered, or will not.
    pub fn on_alter_partition_completed(
        &mut self,
        ctx: &mut Context<'_>,
        ticket: AlterPartitionTicket,
        outcome: Result<&AlterPartitionResponse, NetFailure>,
    ) {
        if self.life == Life::Ended {
            return;
        }
        let result = self.settle(ctx, ticket, outcome);
        self.guard(ctx, result);
    }

    fn settle(
        &mut self,
        ctx: &mut Context<'_>,
        ticket: AlterPartitionTicket,
        outcome: Result<&AlterPartitionResponse, NetFailure>,
    ) -> Result<(), LogFailure> {
        let answers = self.alter_partition.on_completed(ctx.now.monotonic, ticket, outcome);
        for (name, item, answer) in answers {
            let Some(partition) = self.partitions.get_mut(&name) else { continue };
            match partition.on_answer(ctx, &self.setting, &item.proposal, answer) {
                AfterAnswer::Nothing => {}
                AfterAnswer::HighWatermarkMoved => self.complete_waiting(ctx, &name)?,
                AfterAnswer::AskAgain => self.submit(&name, item.proposal),
            }
        }
        self.send_alter_partition(ctx);
        Ok(())
    }

    /// Hands a proposal on to the controller.
    fn propose(&mut self, ctx: &mut Context<'_>, name: &TopicPartition, proposal: IsrProposal) {
        self.submit(name, proposal);
        self.send_alter_partition(ctx);
    }

    fn submit(&mut self, name: &TopicPartition, proposal: IsrProposal) {
        let Some(partition) = self.partitions.get_mut(name) else { return };
        let item = alter_partition_item(partition, &self.setting, proposal);
        match self.alter_partition.submit(name, item) {
            Submitted::Taken => {}
            Submitted::NotAttempted => partition.withdraw_proposal(),
        }
    }

    fn send_alter_partition(&mut self, ctx: &mut Context<'_>) {
        let (broker, epoch) = (self.setting.broker, self.setting.broker_epoch);
        let next = self.alter_partition.next_request(ctx.now.monotonic, broker, epoch);
        if let Some((ticket, request)) = next {
            ctx.effect(Effect::AlterPartition { request, ticket });
        }
    }

    /// Halts if a log failed.
    fn guard(&mut self, ctx: &mut Context<'_>, result: Result<(), LogFailure>) {
        let Err(failure) = result else { return };
        let error = failure.error.to_string();
        if let Some(partition) = failure.partition {
            ctx.event(PartitionEvent::ReplicaFailed { partition, error: error.clone() });
        }
        self.life = Life::Ended;
        ctx.effect(Effect::Halt(error));
    }
}

/// Why a partition that has no replica on this broker cannot be served.
fn not_here(setting: &Setting, partition: &TopicPartition) -> ErrorCode {
    if setting.cluster.contains(&partition.topic, partition.partition) {
        ErrorCode::NotLeaderOrFollower
    } else {
        ErrorCode::UnknownTopicOrPartition
    }
}

/// A proposal with the incarnations that the leader knows of (KIP-903).
fn alter_partition_item(
    partition: &Partition,
    setting: &Setting,
    proposal: IsrProposal,
) -> AlterPartitionItem {
    let incarnation = |member: &BrokerId| match partition.role() {
        PartitionRole::Leader(_) if *member == setting.broker => setting.broker_epoch,
        PartitionRole::Leader(leadership) => {
            match leadership.followers.get(*member).map(|state| state.incarnation) {
                Some(SeenIncarnation::Said(epoch)) => Some(epoch),
                Some(SeenIncarnation::Never | SeenIncarnation::Unsaid) | None => None,
            }
        }
        PartitionRole::Follower(_) => None,
    };
    let incarnations = proposal.isr.iter().map(incarnation).collect();
    AlterPartitionItem { topic_id: partition.topic_id(), proposal, incarnations }
}
