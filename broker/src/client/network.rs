//! The connections of a client, with the metadata that says where they lead (Kafka's
//! `NetworkClient` with its `DefaultMetadataUpdater`).
//!
//! One connection for each broker; before any broker is known, one for each bootstrap address.
//! Requests for metadata, and others that any broker can answer, go to the node that has the least
//! in flight. A connection that ends makes the metadata suspect.
//!
//! What it does not know: what its owner asks, and why.

use core::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{keys::ConnectionKeys, metadata::ClientMetadata};
use crate::{
    host::{Address, Connection, Input, Instant, Now, OpenedId, Outbox},
    ids::{BrokerId, ClientId, TopicName},
    net::{ClientSettings, NetworkClient, Outcome, Outgoing, Readiness},
    protocol::{
        Request, Response,
        messages::{MetadataRequest, metadata_request::MetadataRequestTopic, wire_topic},
        versions,
    },
};

/// Whom a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// An address that the client was given, by its place in the list.
    Bootstrap(usize),
    /// A broker that metadata told of.
    Broker(BrokerId),
}

/// Whether there is a node for a request that any can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// This one.
    Ready(Peer),
    /// A connection to one is being made.
    Connecting,
    /// All have failed lately: not before this moment.
    BackingOff(Instant),
}

/// A request has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended<T> {
    /// Who was asked.
    pub(crate) peer: Peer,
    /// What the owner gave with it.
    pub(crate) token: T,
    /// Its correlation id.
    pub(crate) correlation: i32,
    /// How it ended.
    pub(crate) outcome: Outcome,
}

/// The connections of a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClientNetwork<T> {
    client: NetworkClient<Peer, Token<T>>,
    bootstrap: Vec<Address>,
    request_timeout: Duration,
    rng: ChaCha8Rng,
    /// What is known of the cluster.
    pub(crate) metadata: ClientMetadata,
    /// When metadata can be asked for, if nothing happens before.
    next_update: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token<T> {
    Metadata,
    Owner(T),
}

impl<T> ClientNetwork<T> {
    pub(crate) fn new(
        client: ClientId,
        bootstrap: Vec<Address>,
        keys: ConnectionKeys,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let settings = ClientSettings {
            reconnect_backoff: keys.reconnect_backoff.duration(),
            reconnect_backoff_max: keys.reconnect_backoff_max.duration(),
            connection_setup_timeout: keys.connection_setup_timeout.duration(),
        };
        let max_age = keys.metadata_max_age.duration();
        Self {
            client: NetworkClient::new(client, settings, fork(rng)),
            bootstrap,
            request_timeout: keys.request_timeout.duration(),
            metadata: ClientMetadata::new(max_age, keys.retry(), fork(rng)),
            rng: fork(rng),
            next_update: None,
        }
    }

    /// Takes an input that concerns connections or time. Others are the owner's.
    pub(crate) fn take<C, A>(&mut self, now: Now, input: Input<C>, out: &mut Outbox<A>) {
        let at = now.monotonic;
        match input {
            Input::Established { connection } => self.client.on_established(connection, out),
            Input::ConnectFailed { connection, failure: _ } => {
                self.client.on_connect_failed(at, connection);
                self.metadata.request_update();
            }
            Input::Closed { connection: Connection::Opened(connection) } => {
                self.client.on_closed(at, connection);
                self.metadata.request_update();
            }
            Input::Frame { connection: Connection::Opened(connection), frame } => {
                self.client.on_frame(at, connection, frame, out);
            }
            Input::Woken
            | Input::Started
            | Input::Accepted { .. }
            | Input::Closed { connection: Connection::Accepted(_) }
            | Input::Frame { connection: Connection::Accepted(_), .. }
            | Input::ShutdownAsked
            | Input::Command(_) => {}
        }
        self.client.on_time(at, out);
    }

    /// The next request of the owner that has ended, oldest first. Answers about metadata are
    /// taken in on the way.
    pub(crate) fn next_ended(&mut self, now: Now) -> Option<Ended<T>> {
        while let Some(ended) = self.client.next_completion() {
            let silent = !matches!(ended.outcome, Outcome::Response(_));
            match ended.token {
                Token::Metadata => self.on_metadata(now.monotonic, ended.outcome),
                Token::Owner(token) => {
                    if silent {
                        self.metadata.request_update();
                    }
                    let (peer, correlation) = (ended.key, ended.correlation);
                    return Some(Ended { peer, token, correlation, outcome: ended.outcome });
                }
            }
        }
        None
    }

    /// Asks for metadata if that is due. The last thing an owner does in a step.
    pub(crate) fn maintain<A>(&mut self, now: Now, out: &mut Outbox<A>) {
        self.next_update = self.metadata.next_update();
        if self.next_update.is_none_or(|due| now.monotonic < due) {
            return;
        }
        self.next_update = match self.least_loaded(now, out) {
            Node::Ready(node) => {
                let request = Request::Metadata(metadata_request(self.metadata.wanted().iter()));
                let timeout = self.request_timeout;
                self.post(now, node, &request, timeout, Token::Metadata, out);
                self.metadata.requested();
                None
            }
            Node::Connecting => None,
            Node::BackingOff(until) => Some(until),
        };
    }

    /// Whether a request to `broker` would leave at once. Begins to connect if it would not.
    pub(crate) fn ready<A>(
        &mut self,
        now: Now,
        broker: BrokerId,
        out: &mut Outbox<A>,
    ) -> Option<Readiness> {
        let address = self.metadata.brokers().get(&broker)?;
        Some(self.client.ready(now.monotonic, &Peer::Broker(broker), address, out))
    }

    /// The connection to `broker`, if one stands.
    pub(crate) fn connection(&self, broker: BrokerId) -> Option<OpenedId> {
        self.client.connection(&Peer::Broker(broker))
    }

    /// How many requests to `broker` are not answered.
    pub(crate) fn in_flight(&self, broker: BrokerId) -> usize {
        self.client.in_flight(&Peer::Broker(broker))
    }

    /// Whom to ask what any node can answer: of those connected the one with the least in flight.
    /// If none is, begins to connect to one.
    pub(crate) fn least_loaded<A>(&mut self, now: Now, out: &mut Outbox<A>) -> Node {
        let nodes = self.nodes();
        let states: Vec<(Peer, Option<Readiness>)> = nodes
            .into_iter()
            .map(|node| (node, self.client.readiness(now.monotonic, &node)))
            .collect();
        let connected = states.iter().filter(|(_, state)| *state == Some(Readiness::Ready));
        if let Some((node, _)) = connected.min_by_key(|(node, _)| self.client.in_flight(node)) {
            return Node::Ready(*node);
        }
        if states.iter().any(|(_, state)| *state == Some(Readiness::Connecting)) {
            return Node::Connecting;
        }
        if let Some((node, _)) = states.iter().find(|(_, state)| state.is_none()) {
            let address = self.address(*node).expect("a node has an address").clone();
            self.client.ready(now.monotonic, node, &address, out);
            return Node::Connecting;
        }
        let ends = states.iter().filter_map(|(_, state)| match state {
            Some(Readiness::BackingOff(until)) => Some(*until),
            Some(Readiness::Ready | Readiness::Connecting) | None => None,
        });
        ends.min().map_or(Node::Connecting, Node::BackingOff)
    }

    /// Sends a request of the owner. Returns its correlation id.
    pub(crate) fn send<A>(
        &mut self,
        now: Now,
        peer: Peer,
        request: &Request,
        token: T,
        out: &mut Outbox<A>,
    ) -> i32 {
        self.post(now, peer, request, self.request_timeout, Token::Owner(token), out)
    }

    /// Sends a request that gets no answer. Returns its correlation id.
    pub(crate) fn send_without_answer<A>(
        &mut self,
        broker: BrokerId,
        request: &Request,
        out: &mut Outbox<A>,
    ) -> Option<i32> {
        let version = versions::client_version(request.api());
        self.client.send_without_answer(&Peer::Broker(broker), version, request, out)
    }

    /// Closes all connections.
    pub(crate) fn close<A>(&mut self, now: Now, out: &mut Outbox<A>) {
        let known: Vec<Peer> = (0..self.bootstrap.len())
            .map(Peer::Bootstrap)
            .chain(self.metadata.brokers().keys().copied().map(Peer::Broker))
            .collect();
        for peer in known {
            self.client.close(now.monotonic, &peer, out);
        }
    }

    /// When there is something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.client.deadline(), self.next_update)
    }

    fn on_metadata(&mut self, now: Instant, outcome: Outcome) {
        match outcome {
            Outcome::Response(Response::Metadata(response)) => {
                if response.brokers.is_empty() {
                    self.metadata.failed(now);
                } else {
                    self.metadata.updated(now, &response);
                }
            }
            Outcome::Response(_) | Outcome::Disconnected | Outcome::TimedOut | Outcome::NotSent => {
                self.metadata.failed(now);
            }
        }
    }

    fn post<A>(
        &mut self,
        now: Now,
        peer: Peer,
        request: &Request,
        timeout: Duration,
        token: Token<T>,
        out: &mut Outbox<A>,
    ) -> i32 {
        let to = self.address(peer).expect("only known nodes are asked").clone();
        let version = versions::client_version(request.api());
        let outgoing = Outgoing { to: &to, version, request, timeout, token };
        self.client.send(now.monotonic, &peer, outgoing, out)
    }

    /// All nodes, beginning at one that is drawn.
    fn nodes(&mut self) -> Vec<Peer> {
        let mut nodes: Vec<Peer> =
            self.metadata.brokers().keys().copied().map(Peer::Broker).collect();
        if nodes.is_empty() {
            nodes = (0..self.bootstrap.len()).map(Peer::Bootstrap).collect();
        }
        if 1 < nodes.len() {
            let first = self.rng.next_u32() as usize % nodes.len();
            nodes.rotate_left(first);
        }
        nodes
    }

    fn address(&self, peer: Peer) -> Option<&Address> {
        match peer {
            Peer::Bootstrap(place) => self.bootstrap.get(place),
            Peer::Broker(broker) => self.metadata.brokers().get(&broker),
        }
    }
}

/// A generator of its own for a part, so that the draws of one do not change those of another.
pub(crate) fn fork(rng: &mut ChaCha8Rng) -> ChaCha8Rng {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    ChaCha8Rng::from_seed(seed)
}

/// Asks for these topics, and for the brokers. None is created by being asked for.
fn metadata_request<'a>(topics: impl Iterator<Item = &'a TopicName>) -> MetadataRequest {
    let topics =
        topics.map(|topic| MetadataRequestTopic::default().with_name(Some(wire_topic(topic))));
    MetadataRequest::default()
        .with_topics(Some(topics.collect()))
        .with_allow_auto_topic_creation(false)
}
