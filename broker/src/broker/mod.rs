//! A broker (Kafka's `BrokerServer`).
//!
//! ```text
//!            Started                        ShutdownAsked, controller agrees
//!  Unborn ────────────► Running ───────────────────────────────────────────► Ended
//!          logs opened    │ registers, follows the metadata log, is unfenced,
//!                         │ listens, serves
//!                         └── its log directory fails ─────────────────────► Ended
//! ```
//!
//! A broker accepts no connection before it is registered, has caught up with the metadata log and
//! was unfenced once.
//!
//! This is a shell: replication is the replica manager's, the wire is [`crate::net`]'s. It carries
//! their effects and completions to and fro, and decides nothing about records.

mod apis;
mod channels;
mod config;
mod controller_node_provider;
mod effects;
mod forwarding;
mod lifecycle;
mod metadata_loader;
mod producer_ids;
mod running;
mod surroundings;

use std::convert::Infallible;

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

pub use config::BrokerConfig;

use self::{running::Running, surroundings::Surroundings};
use crate::{
    host::{
        Connection, Disk, ExitReason, Input, Instant, Now, Outbox, Process, event::BrokerEvent,
    },
    ids::TopicPartition,
    log::{LogManager, MarkerDeletion, UnifiedLog},
};

/// The log directory, relative to the disk.
pub const LOG_DIRECTORY: &str = "data";

/// The marker of a clean shutdown goes for good, so that no power loss brings it back.
const MARKER: MarkerDeletion = MarkerDeletion::Synced;

/// A broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    config: BrokerConfig,
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq)]
enum Stage {
    Unborn,
    Running(Box<Running>),
    Ended,
}

impl Broker {
    /// A broker that has not started. It knows what is on its disk only once it does.
    pub fn new(config: BrokerConfig) -> Self {
        Self { config, stage: Stage::Unborn }
    }

    /// One of its logs, while it runs.
    pub fn log(&self, partition: &TopicPartition) -> Option<&UnifiedLog> {
        match &self.stage {
            Stage::Running(running) => running.replicas.log(partition),
            Stage::Unborn | Stage::Ended => None,
        }
    }

    /// What it was told at its start.
    pub fn config(&self) -> &BrokerConfig {
        &self.config
    }

    fn start(&mut self, mut around: Surroundings<'_>) {
        let server = &self.config.server;
        match LogManager::load(around.now, LOG_DIRECTORY, server, MARKER, around.disk) {
            Ok(loaded) => {
                let rng = ChaCha8Rng::from_seed(self.config.seed);
                let running = Running::begin(self.config.clone(), loaded, rng, &mut around);
                self.stage = match running.fate {
                    running::Fate::GoesOn => Stage::Running(Box::new(running)),
                    running::Fate::Ended => Stage::Ended,
                };
            }
            Err(error) => {
                let broker = self.config.broker;
                around.out.event(BrokerEvent::Halted { broker, error: error.to_string() });
                around.out.exit(ExitReason::CannotStart);
                self.stage = Stage::Ended;
            }
        }
    }
}

impl Process for Broker {
    type Command = Infallible;
    type Answer = Infallible;

    fn step(
        &mut self,
        now: Now,
        input: Input<Infallible>,
        disk: &mut dyn Disk,
        out: &mut Outbox<Infallible>,
    ) {
        let mut around = Surroundings { now, disk, out };
        if matches!(input, Input::Started) {
            return self.start(around);
        }
        let Stage::Running(running) = &mut self.stage else { return };
        match input {
            Input::Started | Input::Woken => {}
            Input::Accepted { connection, peer } => running.server.on_accepted(connection, peer),
            Input::Established { connection } => {
                running.network.on_established(connection, around.out);
            }
            Input::ConnectFailed { connection, .. } => {
                running.network.on_connect_failed(now.monotonic, connection);
            }
            Input::Closed { connection: Connection::Opened(connection) } => {
                running.network.on_closed(now.monotonic, connection);
            }
            Input::Closed { connection: Connection::Accepted(connection) } => {
                running.on_client_gone(connection);
            }
            Input::Frame { connection: Connection::Opened(connection), frame } => {
                running.network.on_frame(now.monotonic, connection, frame, around.out);
            }
            Input::Frame { connection: Connection::Accepted(connection), frame } => {
                running.server.on_frame(connection, frame);
            }
            Input::ShutdownAsked => running.begin_shutdown(&mut around),
            Input::Command(never) => match never {},
        }
        if running.settle(&mut around) == running::Fate::Ended {
            self.stage = Stage::Ended;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Running(running) => running.deadline(),
            Stage::Unborn | Stage::Ended => None,
        }
    }
}

/// 16 drawn bytes that make a UUID.
fn drawn_uuid(rng: &mut ChaCha8Rng) -> [u8; 16] {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests;
