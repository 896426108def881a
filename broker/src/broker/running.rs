//! A broker that runs: its parts, and how one step goes through them.

use core::time::Duration;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    BrokerConfig,
    channels::{Channel, Token},
    controller_node_provider::ControllerNodeProvider,
    drawn_uuid,
    forwarding::Forwarding,
    lifecycle::{BrokerState, Identity, Lifecycle, LifecycleChange},
    metadata_loader::{Loaded as LoadedMetadata, MetadataLoader},
    producer_ids::ProducerIds,
    surroundings::Surroundings,
};
use crate::{
    host::{AcceptedId, ExitReason, Instant, event::BrokerEvent},
    ids::{BrokerId, ClientId},
    log::{LastShutdown, Loaded},
    net::{ClientSettings, NetworkClient, Outgoing, RequestServer},
    protocol::{
        Request,
        versions::{self, Listener},
    },
    replica::{Effect, ReplicaManager},
};

/// `controller.quorum.request.timeout.ms`.
const METADATA_FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether a broker goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    GoesOn,
    Ended,
}

/// The parts of a broker that runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Running {
    pub(super) broker: BrokerId,
    pub(super) config: BrokerConfig,
    pub(super) lifecycle: Lifecycle,
    pub(super) metadata: MetadataLoader,
    pub(super) controllers: ControllerNodeProvider,
    pub(super) replicas: ReplicaManager,
    pub(super) producer_ids: ProducerIds,
    pub(super) forwarding: Forwarding,
    pub(super) server: RequestServer,
    pub(super) network: NetworkClient<Channel, Token>,
    /// What replication wants done. Empty between steps.
    pub(super) effects: Vec<Effect>,
    listening: Listening,
    /// When something is to be done, if nothing happens before: as it was after the last step.
    deadline: Option<Instant>,
    pub(super) fate: Fate,
}

/// Whether the broker accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listening {
    NotYet,
    Since,
}

impl Running {
    /// Begins to run on the logs that were found.
    pub(super) fn begin(
        config: BrokerConfig,
        loaded: Loaded,
        mut rng: ChaCha8Rng,
        around: &mut Surroundings<'_>,
    ) -> Self {
        let broker = config.broker;
        let previous_broker_epoch = match loaded.last_shutdown {
            LastShutdown::Clean { broker_epoch } => broker_epoch,
            LastShutdown::Unclean => None,
        };
        around.out.event(BrokerEvent::BrokerStarted { broker, previous_broker_epoch });
        let identity = Identity {
            broker,
            address: config.address.clone(),
            incarnation: drawn_uuid(&mut rng),
            previous_broker_epoch,
        };
        let mut effects = Vec::new();
        let ctx = &mut around.context(&mut effects);
        let replicas = ReplicaManager::new(ctx, broker, &config.server, config.rules, loaded);
        let name = ClientId::from(broker.to_string().as_str());
        let mut running = Self {
            lifecycle: Lifecycle::new(identity, &config.server, around.now.monotonic),
            metadata: MetadataLoader::new(broker),
            controllers: ControllerNodeProvider::new(config.controllers.clone()),
            replicas,
            producer_ids: ProducerIds::default(),
            forwarding: Forwarding::default(),
            server: RequestServer::new(Listener::Broker),
            network: NetworkClient::new(
                name,
                ClientSettings {
                    // As `NodeToControllerChannelManagerImpl` has it: no doubling. Fetchers have a
                    // back-off of their own.
                    reconnect_backoff_max: ClientSettings::default().reconnect_backoff,
                    ..ClientSettings::default()
                },
                ChaCha8Rng::from_rng(&mut rng),
            ),
            effects,
            listening: Listening::NotYet,
            deadline: None,
            fate: Fate::GoesOn,
            broker,
            config,
        };
        running.settle(around);
        running
    }

    /// Does all that can be done now.
    pub(super) fn settle(&mut self, around: &mut Surroundings<'_>) -> Fate {
        self.on_time(around);
        loop {
            self.perform_effects(around);
            if self.fate == Fate::Ended {
                return Fate::Ended;
            }
            if let Some(completion) = self.network.next_completion() {
                self.on_completion(completion, around);
            } else if let Some(incoming) = self.server.next(around.out) {
                self.on_request(incoming, around);
            } else if self.effects.is_empty() {
                break;
            }
        }
        self.send_what_is_due(around);
        self.deadline = self.earliest_deadline();
        Fate::GoesOn
    }

    /// When something is to be done, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn earliest_deadline(&self) -> Option<Instant> {
        [
            self.network.deadline(),
            self.replicas.deadline(),
            self.lifecycle.deadline(),
            self.metadata.deadline(),
            self.forwarding.deadline(),
            self.producer_ids.deadline().filter(|_| self.lifecycle.epoch().is_some()),
        ]
        .into_iter()
        .fold(None, Instant::earliest)
    }

    /// A client's connection is gone: what is parked for it is dropped.
    pub(super) fn on_client_gone(&mut self, connection: AcceptedId) {
        if let Some(abandoned) = self.server.on_closed(connection) {
            self.producer_ids.forget(abandoned);
            self.forwarding.forget(abandoned);
            self.replicas.connection_closed(abandoned);
        }
    }

    /// An operator asks the broker to end.
    pub(super) fn begin_shutdown(&mut self, around: &mut Surroundings<'_>) {
        if !self.config.server.controlled_shutdown_enable {
            return self.on_lifecycle(LifecycleChange::MayStop, around);
        }
        let before = self.lifecycle.state();
        let change = self.lifecycle.begin_shutdown(around.now.monotonic);
        if before == BrokerState::Running {
            around.out.event(BrokerEvent::ControlledShutdownBegan { broker: self.broker });
            self.replicas.prepare_shutdown();
        }
        self.on_lifecycle(change, around);
    }

    pub(super) fn on_lifecycle(&mut self, change: LifecycleChange, around: &mut Surroundings<'_>) {
        let broker = self.broker;
        match change {
            LifecycleChange::None => {}
            LifecycleChange::Registered(broker_epoch) => {
                self.replicas.registered(broker_epoch);
                around.out.event(BrokerEvent::RegistrationAccepted { broker, broker_epoch });
                self.on_metadata_moved(around);
            }
            LifecycleChange::Unfenced => {
                if self.listening == Listening::NotYet {
                    self.listening = Listening::Since;
                    around.out.listen(self.config.address.port);
                    around.out.event(BrokerEvent::Serving { broker });
                }
            }
            LifecycleChange::MayStop => self.stop(around),
            LifecycleChange::GaveUp => self.give_up(around),
        }
    }

    /// The answer to a metadata fetch came.
    pub(super) fn on_metadata(&mut self, loaded: LoadedMetadata, around: &mut Surroundings<'_>) {
        match loaded {
            LoadedMetadata::Nothing => {}
            LoadedMetadata::Moved => self.on_metadata_moved(around),
            LoadedMetadata::Broken(error) => self.halt(error, around),
        }
    }

    /// The broker cannot go on: it dies without cleaning up.
    pub(super) fn halt(&mut self, error: String, around: &mut Surroundings<'_>) {
        around.out.event(BrokerEvent::Halted { broker: self.broker, error });
        around.out.exit(ExitReason::Halted);
        self.fate = Fate::Ended;
    }

    /// Sends a request to the controller, on the connection for its purpose.
    pub(super) fn send_to_controller(
        &mut self,
        token: Token,
        request: &Request,
        timeout: Duration,
        around: &mut Surroundings<'_>,
    ) {
        let to = self.controllers.address().clone();
        let version = versions::inter_broker_version(request.api());
        self.send(Outgoing { to: &to, version, request, timeout, token }, around);
    }

    pub(super) fn send(&mut self, outgoing: Outgoing<'_, Token>, around: &mut Surroundings<'_>) {
        let channel = outgoing.token.channel();
        self.network.send(around.now.monotonic, &channel, outgoing, around.out);
    }

    fn on_time(&mut self, around: &mut Surroundings<'_>) {
        let now = around.now.monotonic;
        if self.deadline.is_none_or(|at| now < at) {
            return;
        }
        let change = self.lifecycle.on_time(now);
        self.on_lifecycle(change, around);
        if self.fate == Fate::Ended {
            return;
        }
        if self.network.deadline().is_some_and(|at| at <= now) {
            self.network.on_time(now, around.out);
        }
        self.forward_again(around);
        if self.replicas.deadline().is_some_and(|at| at <= now) {
            self.replicas.on_time(&mut around.context(&mut self.effects));
        }
    }

    fn send_what_is_due(&mut self, around: &mut Surroundings<'_>) {
        let now = around.now.monotonic;
        let timeout = self.config.server.controller_socket_timeout_ms.duration();
        if let Some(due) = self.lifecycle.poll(now, self.metadata.end_offset()) {
            self.send_to_controller(Token::Lifecycle, &due.request, due.timeout, around);
        }
        if let Some(request) = self.metadata.poll(now, self.lifecycle.epoch()) {
            self.send_to_controller(Token::Metadata, &request, METADATA_FETCH_TIMEOUT, around);
        }
        if let Some(epoch) = self.lifecycle.epoch()
            && let Some(request) = self.producer_ids.poll(now, self.broker, epoch)
        {
            self.send_to_controller(Token::ProducerIds, &request, timeout, around);
        }
    }

    /// The image has moved on, or the broker was registered. It acts upon the metadata only from
    /// when its own registration is part of it, as Kafka does.
    fn on_metadata_moved(&mut self, around: &mut Surroundings<'_>) {
        let before = self.lifecycle.state();
        self.lifecycle.on_metadata(around.now.monotonic, self.metadata.end_offset());
        match self.lifecycle.state() {
            BrokerState::Registering | BrokerState::CatchingUp => return,
            BrokerState::Fenced
            | BrokerState::Running
            | BrokerState::ShuttingDown
            | BrokerState::Stopped => {}
        }
        let delta = self.metadata.take_delta();
        let image = self.metadata.image();
        let ctx = &mut around.context(&mut self.effects);
        self.replicas.apply(ctx, image, &delta);
        if before == BrokerState::CatchingUp {
            self.replicas.remove_strays(ctx);
        }
        let (broker, end_offset) = (self.broker, image.end_offset());
        let event = BrokerEvent::MetadataApplied { broker, end_offset };
        self.effects.push(Effect::Event(Box::new(event.into())));
    }

    /// Ends because nobody registers it (`RegistrationTimeoutEvent`). Nothing was served, and what
    /// the disk holds is in order.
    fn give_up(&mut self, around: &mut Surroundings<'_>) {
        self.replicas.shutdown(&mut around.context(&mut self.effects));
        self.perform_effects(around);
        if self.fate == Fate::GoesOn {
            let error = "it could not register with the controller in time".to_owned();
            around.out.event(BrokerEvent::Halted { broker: self.broker, error });
            around.out.exit(ExitReason::CannotStart);
            self.fate = Fate::Ended;
        }
    }

    /// Ends cleanly: everything is brought to the disk, with the marker last.
    fn stop(&mut self, around: &mut Surroundings<'_>) {
        self.perform_effects(around);
        self.server.close_all(around.out);
        self.replicas.shutdown(&mut around.context(&mut self.effects));
        self.perform_effects(around);
        if self.fate == Fate::GoesOn {
            around.out.event(BrokerEvent::ShutDownCleanly { broker: self.broker });
            around.out.exit(ExitReason::CleanShutdown);
            self.fate = Fate::Ended;
        }
    }
}
