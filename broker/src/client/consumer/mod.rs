//! The consumer of assigned partitions (Kafka's `KafkaConsumer` without a group).
//!
//! Each step takes in what came, answers a poll that waits, and asks for what is missing: an offset
//! to begin at, a word on the log's end, records. Records are fetched ahead: one request for each
//! leader at a time, and one answer kept for each partition.
//!
//! It reads uncommitted, whole partitions, from their leaders. Not modelled: groups and committed
//! offsets, transactions, fetch sessions (KIP-227), fetching from followers (KIP-392).

mod api;
mod collector;
mod config;
mod fetcher;
mod offsets;
mod subscription;

use std::collections::{BTreeSet, VecDeque};

use rand_chacha::ChaCha8Rng;

pub use api::{ConsumerAnswer, ConsumerCommand, ConsumerError, ConsumerRecord};
pub use config::{ConsumerConfig, OffsetReset};

use self::{
    collector::CompletedFetch,
    fetcher::Token,
    subscription::{LeaderAndEpoch, Position, ResetTarget, SubscriptionState},
};
use super::network::{ClientNetwork, Ended, fork};
use crate::{
    config::ConfigError,
    host::{
        Address, Disk, ExitReason, Input, Instant, Now, Outbox, Process,
        event::{ConsumerEvent, PositionResetReason},
    },
    ids::{BrokerId, ClientId, Offset, TopicName, TopicPartition},
    net::Outcome,
    protocol::Response,
};

/// A consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct Consumer {
    client: ClientId,
    config: ConsumerConfig,
    network: ClientNetwork<Token>,
    subscription: SubscriptionState,
    /// The metadata's version with which positions were last compared.
    metadata_version: u64,
    /// Leaders that have a fetch to answer.
    fetching: BTreeSet<BrokerId>,
    /// Answers that are not read to their end, oldest first.
    completed: VecDeque<CompletedFetch>,
    /// A poll that waits, and until when.
    poll: Option<Instant>,
    /// When something has to be asked again, if nothing happens before.
    next_check: Option<Instant>,
    rng: ChaCha8Rng,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Closed,
}

impl Consumer {
    /// A consumer that calls itself `client` and finds the cluster through `bootstrap`. `rng`
    /// draws back-offs and the nodes to ask.
    ///
    /// # Errors
    /// Settings out of their range.
    pub fn new(
        client: ClientId,
        bootstrap: Vec<Address>,
        config: ConsumerConfig,
        mut rng: ChaCha8Rng,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let keys = config.connection_keys();
        Ok(Self {
            network: ClientNetwork::new(client.clone(), bootstrap, keys, &mut rng),
            subscription: SubscriptionState::default(),
            metadata_version: 0,
            fetching: BTreeSet::new(),
            completed: VecDeque::new(),
            poll: None,
            next_check: None,
            rng: fork(&mut rng),
            stage: Stage::Open,
            client,
            config,
        })
    }

    /// The settings.
    pub fn config(&self) -> &ConsumerConfig {
        &self.config
    }

    /// The next offset to read of an assigned partition, if it has a position.
    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        self.subscription.get(partition)?.position.map(|position| position.offset)
    }

    fn on_command(&mut self, now: Now, command: ConsumerCommand, out: &mut Outbox<ConsumerAnswer>) {
        match command {
            ConsumerCommand::Assign { partitions } => self.assign(&partitions, out),
            ConsumerCommand::Seek { partition, offset } => self.seek(&partition, offset, out),
            ConsumerCommand::SeekToBeginning { partitions } => {
                self.seek_to(partitions, ResetTarget::Earliest);
            }
            ConsumerCommand::SeekToEnd { partitions } => {
                self.seek_to(partitions, ResetTarget::Latest);
            }
            ConsumerCommand::Poll { timeout } => self.poll = Some(now.monotonic.plus(timeout)),
            ConsumerCommand::Close => {
                self.close(now, out);
                out.answer(ConsumerAnswer::Closed);
            }
        }
    }

    fn assign(&mut self, partitions: &[TopicPartition], out: &mut Outbox<ConsumerAnswer>) {
        let topics: BTreeSet<TopicName> = partitions.iter().map(|p| p.topic.clone()).collect();
        self.network.metadata.want_only(&topics);
        for partition in self.subscription.assign(partitions) {
            match self.reset_target() {
                Some(target) => {
                    let reason = PositionResetReason::Initial;
                    self.subscription.request_reset(&partition, target, reason);
                }
                None => self.fail(&partition, ConsumerError::NoOffset, out),
            }
        }
    }

    fn seek(
        &mut self,
        partition: &TopicPartition,
        offset: Offset,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        let leader = self.known_leader(partition);
        let position = Position { offset, offset_epoch: None, leader };
        if self.subscription.get(partition).is_some() {
            let from = self.subscription.seek_validated(partition, position);
            self.tell_reset(partition, from, offset, PositionResetReason::Seek, out);
        }
    }

    fn seek_to(&mut self, partitions: Vec<TopicPartition>, target: ResetTarget) {
        let partitions = if partitions.is_empty() {
            self.subscription.iter().map(|(partition, _)| partition.clone()).collect()
        } else {
            partitions
        };
        for partition in partitions {
            self.subscription.request_reset(&partition, target, PositionResetReason::Seek);
        }
    }

    fn close(&mut self, now: Now, out: &mut Outbox<ConsumerAnswer>) {
        if self.poll.take().is_some() {
            out.answer(ConsumerAnswer::Records(Vec::new()));
        }
        self.network.close(now, out);
        self.stage = Stage::Closed;
    }

    fn on_ended(&mut self, now: Now, ended: Ended<Token>, out: &mut Outbox<ConsumerAnswer>) {
        match (ended.token, ended.outcome) {
            (Token::Fetch { node, asked }, outcome) => {
                self.fetching.remove(&node);
                if let Outcome::Response(Response::Fetch(response)) = outcome {
                    self.on_fetched(now, node, &asked, response, out);
                }
            }
            (Token::ListOffsets { asked }, Outcome::Response(Response::ListOffsets(response))) => {
                self.on_offsets(now, &asked, &response, out);
            }
            (
                Token::OffsetForLeaderEpoch { asked },
                Outcome::Response(Response::OffsetForLeaderEpoch(response)),
            ) => self.on_epoch_ends(now, &asked, &response, out),
            (Token::ListOffsets { asked }, _) => {
                for (partition, _) in asked {
                    self.retry_later(now, &partition);
                }
            }
            (Token::OffsetForLeaderEpoch { asked }, _) => {
                for (partition, _) in asked {
                    self.retry_later(now, &partition);
                }
            }
        }
    }

    /// Something about a partition failed in a way that may pass.
    fn retry_later(&mut self, now: Now, partition: &TopicPartition) {
        let failures = self.subscription.count_failure(partition);
        let wait = self.config.connection_keys().retry().after(failures, &mut self.rng);
        self.subscription.wait_until(partition, now.monotonic.plus(wait));
        self.network.metadata.request_update();
    }

    /// A partition cannot be read on.
    fn fail(
        &mut self,
        partition: &TopicPartition,
        error: ConsumerError,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        self.subscription.fail(partition);
        out.event(ConsumerEvent::ConsumerFailed {
            consumer: self.client.clone(),
            partition: partition.clone(),
            error: error.to_string(),
        });
        out.answer(ConsumerAnswer::Failed { partition: partition.clone(), error });
    }

    fn tell_reset(
        &self,
        partition: &TopicPartition,
        from: Option<Offset>,
        to: Offset,
        reason: PositionResetReason,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        out.event(ConsumerEvent::PositionReset {
            consumer: self.client.clone(),
            partition: partition.clone(),
            from,
            to,
            reason,
        });
    }

    /// Where `auto.offset.reset` leads; none if the application must say.
    fn reset_target(&self) -> Option<ResetTarget> {
        match self.config.auto_offset_reset {
            OffsetReset::Earliest => Some(ResetTarget::Earliest),
            OffsetReset::Latest => Some(ResetTarget::Latest),
            OffsetReset::None => None,
        }
    }

    fn known_leader(&self, partition: &TopicPartition) -> Option<LeaderAndEpoch> {
        let leader = self.network.metadata.leader(partition)?;
        Some(LeaderAndEpoch { leader, epoch: self.network.metadata.leader_epoch(partition) })
    }

    fn follow_leaders(&mut self) {
        let version = self.network.metadata.version();
        if self.metadata_version != version {
            self.metadata_version = version;
            self.subscription.follow_leaders(&self.network.metadata);
        }
    }

    fn check_at(&mut self, at: Option<Instant>) {
        self.next_check = Instant::earliest(self.next_check, at);
    }
}

impl Process for Consumer {
    type Command = ConsumerCommand;
    type Answer = ConsumerAnswer;

    fn step(
        &mut self,
        now: Now,
        input: Input<ConsumerCommand>,
        _disk: &mut dyn Disk,
        out: &mut Outbox<ConsumerAnswer>,
    ) {
        match input {
            Input::Command(command) => self.on_command(now, command, out),
            Input::ShutdownAsked => {
                self.close(now, out);
                out.exit(ExitReason::CleanShutdown);
            }
            Input::Started => self.network.metadata.request_update(),
            Input::Woken
            | Input::Accepted { .. }
            | Input::Established { .. }
            | Input::ConnectFailed { .. }
            | Input::Closed { .. }
            | Input::Frame { .. } => self.network.take(now, input, out),
        }
        if self.stage == Stage::Closed {
            return;
        }
        while let Some(ended) = self.network.next_ended(now) {
            self.on_ended(now, ended, out);
        }
        self.follow_leaders();
        self.serve_poll(now, out);
        self.next_check = None;
        self.reset_positions(now, out);
        self.validate_positions(now, out);
        self.send_fetches(now, out);
        self.network.maintain(now, out);
    }

    fn deadline(&self) -> Option<Instant> {
        if self.stage == Stage::Closed {
            return None;
        }
        // A poll without bound has no deadline.
        let poll = self.poll.filter(|until| *until < Instant(u64::MAX));
        let own = Instant::earliest(poll, self.next_check);
        Instant::earliest(self.network.deadline(), own)
    }
}

#[cfg(test)]
mod tests;
