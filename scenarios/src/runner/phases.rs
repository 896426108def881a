//! The phases of a run, the same for every scenario:
//!
//! ```text
//! servers start ─► topics ─► clients warm up ─► load with faults ─► heal ─► recover ─► final read
//!                  (SETUP, fixed)               (duration)                 (bound)
//! ```
//!
//! The load begins at a fixed time, so that a changed configuration moves no fault and no send.

use core::time::Duration;

use broker::host::{
    Event,
    event::{BrokerEvent, ConsumerEvent},
};
use sim::{Executor, Time};

use super::{
    health::{Recovery, recovery},
    play::{Broken, Play},
};
use crate::cluster::{AppCommand, Node};

/// The load begins at the first multiple of this at which the cluster is ready.
const SETUP: Duration = Duration::from_secs(5);
/// A cluster that is not ready after so many of them will not be.
const SETUPS_MAX: u32 = 24;
/// How long the final reader has.
const FINAL_READ_MAX: Duration = Duration::from_secs(120);
/// What back-offs and elections may take besides the configured times.
const BACK_OFFS: Duration = Duration::from_secs(10);

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Played {
    /// What was not well when the bound had passed; none if everything recovered.
    pub(super) unrecovered: Option<String>,
    /// How long the recovery took from the heal on.
    pub(super) recovered_after: Duration,
}

impl Play {
    /// Plays all phases.
    pub(super) async fn play(
        &mut self,
        executor: &mut impl Executor<Node>,
    ) -> Result<Played, Broken> {
        self.set_up(executor).await?;
        self.load(executor).await?;
        self.heal_everything()?;
        let healed = self.world.now();
        let bound = healed.plus(self.recovery_max());
        let recovered =
            self.until(bound, executor, |play| recovery(play) == Recovery::Complete).await?;
        let recovered_after = self.world.now().since(healed);
        let unrecovered = match recovery(self) {
            Recovery::Complete => None,
            Recovery::Waits(what) => Some(what),
        };
        debug_assert_eq!(recovered, unrecovered.is_none());
        if unrecovered.is_none() {
            self.read_everything(executor).await?;
        }
        Ok(Played { unrecovered, recovered_after })
    }

    async fn set_up(&mut self, executor: &mut impl Executor<Node>) -> Result<(), Broken> {
        let limit = Time::at(SETUP * SETUPS_MAX);
        self.start(&self.cast.controllers())?;
        self.start(&self.cast.brokers())?;
        let brokers = self.cast.brokers().len();
        self.require(limit, executor, "every broker serves", |play| play.serving == brokers)
            .await?;
        self.start(&self.cast.admin())?;
        self.require(limit, executor, "the topics exist", Self::topics_done).await?;
        if let Some(failure) = self.topics_failure() {
            return Err(Broken::Setup(failure));
        }
        self.start(&self.cast.producers())?;
        self.start(&self.cast.consumers())?;
        self.require(limit, executor, "every producer is warm", Self::is_warm).await?;
        let ready = self.world.now();
        let begin = (1..=SETUPS_MAX).map(|setups| Time::at(SETUP * setups)).find(|at| ready <= *at);
        let begin = begin.expect("it was ready within that many");
        self.until(begin, executor, |_| false).await?;
        Ok(())
    }

    async fn load(&mut self, executor: &mut impl Executor<Node>) -> Result<(), Broken> {
        self.arm();
        for producer in self.cast.producers() {
            self.world.command_at(producer, self.began, AppCommand::Begin);
        }
        let end = self.began.plus(self.scenario.duration.0);
        self.until(end, executor, |_| false).await?;
        Ok(())
    }

    /// A fresh consumer reads every partition from its beginning to its high watermark.
    async fn read_everything(&mut self, executor: &mut impl Executor<Node>) -> Result<(), Broken> {
        self.start(&self.cast.final_reader())?;
        let limit = self.world.now().plus(FINAL_READ_MAX);
        self.require(limit, executor, "the final read is done", Self::is_read).await
    }

    async fn require(
        &mut self,
        limit: Time,
        executor: &mut impl Executor<Node>,
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) -> Result<(), Broken> {
        if self.until(limit, executor, done).await? {
            return Ok(());
        }
        Err(Broken::Limit(format!("at {} it is still not so that {what}", self.world.now())))
    }

    /// How long recovery may take: every session must be able to end, every follower to come back,
    /// every send to end.
    pub(super) fn recovery_max(&self) -> Duration {
        let config = &self.scenario.cluster.config;
        let producers = self.scenario.producers.iter();
        let delivery = producers.map(|producer| producer.config.delivery_timeout());
        config.broker_session_timeout_ms.duration()
            + config.replica_lag_time_max_ms.duration() * 3 / 2
            + delivery.max().unwrap_or_default()
            + BACK_OFFS
    }

    /// What every event means for the phases.
    pub(super) fn on_event_for_phases(&mut self, event: &Event, is_final_reader: bool) {
        match event {
            Event::Broker(BrokerEvent::Serving { .. }) => self.serving += 1,
            Event::Consumer(ConsumerEvent::Delivered(delivery)) if is_final_reader => {
                let read = self.fresh.entry(delivery.partition.clone()).or_default();
                read.push((delivery.offset, delivery.value.clone()));
            }
            _ => {}
        }
    }
}
