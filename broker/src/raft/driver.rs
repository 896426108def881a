//! A voter on the network: its requests on connections, its answers in Kafka's messages.
//!
//! Mirrors `KafkaRaftClientDriver` and `KafkaNetworkChannel`. To each voter there are two
//! connections: a fetch that waits at the leader must not hold up a vote. Whoever owns this serves
//! the port; requests of voters and observers come in with [`KafkaRaftClientDriver::handle`], and
//! their answers, now or later, with [`Surroundings::answers`].
//!
//! It does not know what is written to the log.

use core::time::Duration;
use std::collections::BTreeMap;

use bytes::Bytes;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    client::{Context, Effect, KafkaRaftClient},
    config::RaftConfig,
    messages::RaftRequest,
    metadata_log::RaftError,
    request_manager::Correlation,
    wire::{refusal, request_of_wire, request_to_wire, response_of_wire, response_to_wire},
};
use crate::{
    host::{Address, Disk, Instant, Now, OpenedId, Outbox},
    ids::{ClientId, ControllerId, Offset},
    net::{ClientSettings, NetworkClient, Outcome, Outgoing, RequestId},
    protocol::{RequestFrame, Response, batch::RecordBatch, versions::inter_broker_version},
};

/// The longest wait before a voter is tried again (`KafkaRaftManager.buildNetworkClient`).
const RECONNECT_BACKOFF_MAX: Duration = Duration::from_millis(500);

/// What a voter on the network is told when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverConfig {
    /// Its place in the quorum.
    pub raft: RaftConfig,
    /// Where the voters are: the other half of `controller.quorum.voters`.
    pub addresses: BTreeMap<ControllerId, Address>,
    /// The id of the cluster. Voters that name another are refused.
    pub cluster_id: String,
}

/// A voter on the network.
#[derive(Clone, Debug, PartialEq)]
pub struct KafkaRaftClientDriver {
    config: DriverConfig,
    client: KafkaRaftClient,
    network: NetworkClient<Route, Sent>,
    /// The requests that are not answered yet, and their versions.
    unanswered: BTreeMap<RequestId, i16>,
}

/// A connection to a voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    to: ControllerId,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Fetch,
    Election,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    to: ControllerId,
    correlation: Correlation,
}

/// Where a step takes place.
#[expect(missing_debug_implementations, reason = "a disk need not be printable")]
pub struct Surroundings<'a, A> {
    /// When.
    pub now: Now,
    /// The voter's disk.
    pub disk: &'a mut dyn Disk,
    /// What goes to the network.
    pub out: &'a mut Outbox<A>,
    /// Requests and how they must be answered, in order.
    pub answers: &'a mut Vec<(RequestId, Response)>,
}

impl KafkaRaftClientDriver {
    /// Opens what is on disk. `rng` must differ from incarnation to incarnation.
    ///
    /// # Errors
    /// If the disk fails, or a file that cannot be rebuilt holds nonsense.
    pub fn open(
        config: DriverConfig,
        mut rng: ChaCha8Rng,
        now: Now,
        disk: &mut dyn Disk,
    ) -> Result<Self, RaftError> {
        let name = ClientId(format!("raft-client-{}", config.raft.id.0).into());
        let settings = ClientSettings {
            reconnect_backoff_max: RECONNECT_BACKOFF_MAX,
            ..ClientSettings::default()
        };
        let network = NetworkClient::new(name, settings, ChaCha8Rng::from_rng(&mut rng));
        let client = KafkaRaftClient::open(config.raft.clone(), rng, now, disk)?;
        Ok(Self { config, client, network, unanswered: BTreeMap::new() })
    }

    /// The voter.
    pub fn client(&self) -> &KafkaRaftClient {
        &self.client
    }

    /// The voter, to read its log.
    pub fn client_mut(&mut self) -> &mut KafkaRaftClient {
        &mut self.client
    }

    /// Does what is due. Must be called after it was opened, and at its deadlines.
    ///
    /// # Errors
    /// If the disk fails: the process must end then.
    pub fn on_time<A>(&mut self, around: &mut Surroundings<'_, A>) -> Result<(), RaftError> {
        self.network.on_time(around.now.monotonic, around.out);
        self.act(around, KafkaRaftClient::poll)?;
        self.complete(around)
    }

    /// When [`Self::on_time`] must be called next.
    pub fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.client.deadline(), self.network.deadline())
    }

    /// Takes a request to the quorum: `Vote`, `BeginQuorumEpoch`, `EndQuorumEpoch` or `Fetch`. A
    /// request of another kind is left to the owner.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn handle<A>(
        &mut self,
        id: RequestId,
        frame: &RequestFrame,
        around: &mut Surroundings<'_, A>,
    ) -> Result<(), RaftError> {
        let DriverConfig { raft, cluster_id, .. } = &self.config;
        match request_of_wire(&frame.body, frame.version, &raft.voters, cluster_id) {
            Ok(request) => {
                self.unanswered.insert(id, frame.version);
                self.act(around, |client, cx| client.handle(id, request, cx))?;
            }
            Err(error) => around.answers.extend(refusal(frame.api, error).map(|no| (id, no))),
        }
        self.complete(around)
    }

    /// Nobody waits for the answer to this request any more.
    pub fn forget(&mut self, id: RequestId) {
        self.unanswered.remove(&id);
        self.client.forget(id);
    }

    /// See [`KafkaRaftClient::append`].
    ///
    /// # Errors
    /// If the disk fails.
    pub fn append<A>(
        &mut self,
        batch: &RecordBatch,
        around: &mut Surroundings<'_, A>,
    ) -> Result<Option<Offset>, RaftError> {
        self.act(around, |client, cx| client.append(batch, cx))
    }

    /// See [`KafkaRaftClient::shut_down`].
    ///
    /// # Errors
    /// If the disk fails.
    pub fn shut_down<A>(&mut self, around: &mut Surroundings<'_, A>) -> Result<(), RaftError> {
        self.act(around, KafkaRaftClient::shut_down)
    }

    /// A connection that it opened stands.
    pub fn on_established<A>(&mut self, connection: OpenedId, around: &mut Surroundings<'_, A>) {
        self.network.on_established(connection, around.out);
    }

    /// A connection that it opened could not be made, or has ended.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn on_closed<A>(
        &mut self,
        connection: OpenedId,
        around: &mut Surroundings<'_, A>,
    ) -> Result<(), RaftError> {
        self.network.on_closed(around.now.monotonic, connection);
        self.complete(around)
    }

    /// A frame came on a connection that it opened.
    ///
    /// # Errors
    /// If the disk fails, or the leader contradicts what is committed.
    pub fn on_frame<A>(
        &mut self,
        connection: OpenedId,
        frame: Bytes,
        around: &mut Surroundings<'_, A>,
    ) -> Result<(), RaftError> {
        self.network.on_frame(around.now.monotonic, connection, frame, around.out);
        self.complete(around)
    }

    /// Hands the voter what became of its requests.
    fn complete<A>(&mut self, around: &mut Surroundings<'_, A>) -> Result<(), RaftError> {
        while let Some(completion) = self.network.next_completion() {
            let Sent { to, correlation } = completion.token;
            let answer = match completion.outcome {
                Outcome::Response(response) => response_of_wire(response),
                Outcome::Disconnected | Outcome::TimedOut | Outcome::NotSent => None,
            };
            self.act(around, |client, cx| match answer {
                Some(response) => client.on_response(to, correlation, response, cx),
                None => client.on_failure(to, correlation, cx),
            })?;
        }
        Ok(())
    }

    /// Lets the voter do something and carries out what it wants.
    fn act<T, A>(
        &mut self,
        around: &mut Surroundings<'_, A>,
        act: impl FnOnce(&mut KafkaRaftClient, &mut Context<'_>) -> Result<T, RaftError>,
    ) -> Result<T, RaftError> {
        let mut effects = Vec::new();
        let mut cx = Context { now: around.now, disk: around.disk, effects: &mut effects };
        let result = act(&mut self.client, &mut cx)?;
        for effect in effects {
            match effect {
                Effect::Send { to, correlation, request } => {
                    self.send(Sent { to, correlation }, &request, around);
                }
                Effect::Respond { id, response } => {
                    if let Some(version) = self.unanswered.remove(&id) {
                        around.answers.push((id, response_to_wire(&response, version)));
                    }
                }
            }
        }
        Ok(result)
    }

    fn send<A>(&mut self, sent: Sent, request: &RaftRequest, around: &mut Surroundings<'_, A>) {
        let purpose = match request {
            RaftRequest::Fetch(_) => Purpose::Fetch,
            RaftRequest::Vote(_)
            | RaftRequest::BeginQuorumEpoch(_)
            | RaftRequest::EndQuorumEpoch(_) => Purpose::Election,
        };
        let request = request_to_wire(request, sent.to, &self.config.cluster_id);
        let timeout = self.config.raft.server.controller_quorum_request_timeout_ms.duration();
        let outgoing = Outgoing {
            to: self.config.addresses.get(&sent.to).expect("every voter has an address"),
            version: inter_broker_version(request.api()),
            request: &request,
            timeout,
            token: sent,
        };
        let route = Route { to: sent.to, purpose };
        self.network.send(around.now.monotonic, &route, outgoing, around.out);
    }
}
