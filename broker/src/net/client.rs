//! The opening end of connections (Kafka's `NetworkClient`, `InFlightRequests` and
//! `ClusterConnectionStates`).
//!
//! There is one connection for each key, and a key is whatever the owner keeps apart: a broker uses
//! different ones for fetching from a leader and for its heartbeats, so that a parked request holds
//! up nothing else.
//!
//! * Requests on a connection are answered in order. An answer out of order ends the connection.
//! * When a request is not answered in time, its connection is closed: what comes later on it could
//!   not be told apart from an answer to another request.
//! * When a connection ends, what was in flight on it ends **oldest first**. A producer that puts
//!   each failed batch back at the head of its queue therefore sends them again in reverse order.
//! * After a failure the next connection is opened only after a back-off, which doubles.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Debug,
};

use bytes::Bytes;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{
    host::{Address, Connection, FrameTag, Instant, OpenedId, Outbox},
    ids::ClientId,
    protocol::{ApiKey, Request, Response, decode_response, encode_request},
};

/// The settings of a [`NetworkClient`], with Kafka's defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// `reconnect.backoff.ms`: the wait after the first failure.
    pub reconnect_backoff: Duration,
    /// `reconnect.backoff.max.ms`: the longest wait.
    pub reconnect_backoff_max: Duration,
    /// `socket.connection.setup.timeout.ms`: how long a connection may take to stand.
    pub connection_setup_timeout: Duration,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            connection_setup_timeout: Duration::from_secs(10),
        }
    }
}

/// A request has ended, one way or another.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion<K, T> {
    /// The peer.
    pub key: K,
    /// What the owner gave with it.
    pub token: T,
    /// Its correlation id.
    pub correlation: i32,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Response(Response),
    /// It was sent, and the connection ended before an answer came.
    Disconnected,
    /// It was sent, and no answer came in time.
    TimedOut,
    /// It never left: no connection could be made, or none in time.
    NotSent,
}

/// Whether a request to a peer would leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// A connection stands.
    Ready,
    /// A connection is being made.
    Connecting,
    /// The last connection failed or ended: none is opened before this moment.
    BackingOff(Instant),
}

/// A request and where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing<'a, T> {
    /// Where the peer is. A change of it ends the connection to the old place.
    pub to: &'a Address,
    /// The version to encode it in.
    pub version: i16,
    /// What it says.
    pub request: &'a Request,
    /// How long the owner waits for its end.
    pub timeout: Duration,
    /// What the owner wants back with its end.
    pub token: T,
}

/// The connections to peers and what is in flight on them.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkClient<K, T> {
    client: ClientId,
    settings: ClientSettings,
    rng: ChaCha8Rng,
    peers: BTreeMap<K, Peer<T>>,
    keys: BTreeMap<OpenedId, K>,
    completions: VecDeque<Completion<K, T>>,
    connections: u64,
    correlation: i32,
}

impl<K: Clone + Debug + Ord, T> NetworkClient<K, T> {
    /// A client without connections. `rng` draws the jitter of back-offs.
    pub fn new(client: ClientId, settings: ClientSettings, rng: ChaCha8Rng) -> Self {
        Self {
            client,
            settings,
            rng,
            peers: BTreeMap::new(),
            keys: BTreeMap::new(),
            completions: VecDeque::new(),
            connections: 0,
            correlation: 0,
        }
    }

    /// Opens a connection to a peer if there is none and its back-off is over, and says how it
    /// stands. An owner that must not queue (Kafka's `Sender`) asks this before it sends.
    pub fn ready<A>(
        &mut self,
        now: Instant,
        key: &K,
        to: &Address,
        out: &mut Outbox<A>,
    ) -> Readiness {
        self.connect(now, key, to, out);
        match self.peers[key].state {
            State::Connected { .. } => Readiness::Ready,
            State::Connecting { .. } => Readiness::Connecting,
            State::Disconnected { not_before } => Readiness::BackingOff(not_before),
        }
    }

    /// How the connection to a peer stands, without opening one: none if there is none and one
    /// could be opened.
    pub fn readiness(&self, now: Instant, key: &K) -> Option<Readiness> {
        match self.peers.get(key)?.state {
            State::Connected { .. } => Some(Readiness::Ready),
            State::Connecting { .. } => Some(Readiness::Connecting),
            State::Disconnected { not_before } if now < not_before => {
                Some(Readiness::BackingOff(not_before))
            }
            State::Disconnected { .. } => None,
        }
    }

    /// How many requests to a peer have not ended.
    pub fn in_flight(&self, key: &K) -> usize {
        self.peers.get(key).map_or(0, |peer| peer.in_flight.len() + peer.waiting.len())
    }

    /// The connection to a peer, if one stands.
    pub fn connection(&self, key: &K) -> Option<OpenedId> {
        match self.peers.get(key)?.state {
            State::Connected { connection } => Some(connection),
            State::Connecting { .. } | State::Disconnected { .. } => None,
        }
    }

    /// Sends a request, as soon as a connection stands. It ends in exactly one [`Completion`], at
    /// the latest when its timeout is over. Returns its correlation id.
    pub fn send<A>(
        &mut self,
        now: Instant,
        key: &K,
        outgoing: Outgoing<'_, T>,
        out: &mut Outbox<A>,
    ) -> i32 {
        let correlation = self.next_correlation();
        let (frame, tag) = encode(&self.client, outgoing.version, correlation, outgoing.request);
        self.connect(now, key, outgoing.to, out);
        let sent = InFlight {
            token: outgoing.token,
            api: outgoing.request.api(),
            version: outgoing.version,
            correlation,
            deadline: now.plus(outgoing.timeout),
        };
        let peer = self.peers.get_mut(key).expect("connect has made it");
        if let State::Connected { connection } = peer.state {
            out.send(Connection::Opened(connection), frame, tag);
            peer.in_flight.push_back(sent);
        } else {
            peer.waiting.push_back((sent, frame, tag));
        }
        peer.set_deadline();
        correlation
    }

    /// Sends a request that gets no answer (a Produce with acks=0). It has no completion: it is
    /// done when it has left. Returns its correlation id, or none if no connection stands: such a
    /// request cannot wait.
    pub fn send_without_answer<A>(
        &mut self,
        key: &K,
        version: i16,
        request: &Request,
        out: &mut Outbox<A>,
    ) -> Option<i32> {
        let State::Connected { connection } = self.peers.get(key)?.state else { return None };
        let correlation = self.next_correlation();
        let (frame, tag) = encode(&self.client, version, correlation, request);
        out.send(Connection::Opened(connection), frame, tag);
        Some(correlation)
    }

    /// The next request that has ended, in the order in which they ended.
    pub fn next_completion(&mut self) -> Option<Completion<K, T>> {
        self.completions.pop_front()
    }

    /// A connection stands: what waited for it leaves.
    pub fn on_established<A>(&mut self, connection: OpenedId, out: &mut Outbox<A>) {
        let Some(peer) = self.keys.get(&connection).and_then(|key| self.peers.get_mut(key)) else {
            return;
        };
        peer.state = State::Connected { connection };
        peer.failures = 0;
        for (sent, frame, tag) in peer.waiting.drain(..) {
            out.send(Connection::Opened(connection), frame, tag);
            peer.in_flight.push_back(sent);
        }
        peer.set_deadline();
    }

    /// A connection could not be made: what waited for it will not leave.
    pub fn on_connect_failed(&mut self, now: Instant, connection: OpenedId) {
        self.end(now, connection);
    }

    /// A connection ended.
    pub fn on_closed(&mut self, now: Instant, connection: OpenedId) {
        self.end(now, connection);
    }

    /// A frame came: the answer to the oldest request in flight, or nonsense, which ends the
    /// connection.
    pub fn on_frame<A>(
        &mut self,
        now: Instant,
        connection: OpenedId,
        frame: Bytes,
        out: &mut Outbox<A>,
    ) {
        let Some(key) = self.keys.get(&connection) else { return };
        let peer = self.peers.get_mut(key).expect("a numbered connection has its peer");
        let answer = peer.in_flight.front().and_then(|oldest| {
            let (correlation, response) =
                decode_response(oldest.api, oldest.version, frame).ok()?;
            (correlation == oldest.correlation).then_some(response)
        });
        let Some(response) = answer else {
            out.close(Connection::Opened(connection));
            self.end(now, connection);
            return;
        };
        let answered = peer.in_flight.pop_front().expect("it was just looked at");
        peer.set_deadline();
        self.completions.push_back(answered.ends(key, Outcome::Response(response)));
    }

    /// Ends what has waited too long, and opens connections whose back-off is over.
    pub fn on_time<A>(&mut self, now: Instant, out: &mut Outbox<A>) {
        let due: Vec<K> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.deadline.is_some_and(|deadline| deadline <= now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.on_peer_due(now, &key, out);
        }
    }

    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        debug_assert!(self.peers.values().all(|peer| peer.deadline == peer.earliest()));
        self.peers.values().filter_map(|peer| peer.deadline).min()
    }

    /// Closes the connection to a peer, if there is one. What is in flight ends as disconnected.
    pub fn close<A>(&mut self, now: Instant, key: &K, out: &mut Outbox<A>) {
        let Some(connection) = self.peers.get(key).and_then(Peer::connection) else { return };
        out.close(Connection::Opened(connection));
        self.end(now, connection);
    }

    /// Gives a peer up: all that it was asked ends, sent or not.
    pub fn leave<A>(&mut self, now: Instant, key: &K, out: &mut Outbox<A>) {
        self.close(now, key, out);
        if let Some(left) = self.peers.remove(key) {
            self.abandon(key, left);
        }
    }

    fn next_correlation(&mut self) -> i32 {
        let correlation = self.correlation;
        self.correlation = self.correlation.checked_add(1).unwrap_or(0);
        correlation
    }

    /// Makes sure that a connection to `key` stands, is being made, or waits for its back-off.
    fn connect<A>(&mut self, now: Instant, key: &K, to: &Address, out: &mut Outbox<A>) {
        match self.peers.get(key) {
            None => {
                self.peers.insert(key.clone(), Peer::new(to.clone()));
            }
            Some(peer) if peer.address != *to => {
                self.close(now, key, out);
                let anew = Peer::new(to.clone());
                let moved = self.peers.insert(key.clone(), anew).expect("it was there");
                self.abandon(key, moved);
            }
            Some(_) => {}
        }
        let peer = self.peers.get_mut(key).expect("it was made above");
        let State::Disconnected { not_before } = peer.state else { return };
        if now < not_before {
            return;
        }
        let connection = OpenedId(self.connections);
        self.connections += 1;
        let deadline = now.plus(self.settings.connection_setup_timeout);
        peer.state = State::Connecting { connection, deadline };
        peer.set_deadline();
        self.keys.insert(connection, key.clone());
        out.open(connection, peer.address.clone());
    }

    fn on_peer_due<A>(&mut self, now: Instant, key: &K, out: &mut Outbox<A>) {
        let peer = self.peers.get_mut(key).expect("it was just listed");
        let (late, waiting): (VecDeque<_>, VecDeque<_>) =
            peer.waiting.drain(..).partition(|(sent, ..)| sent.deadline <= now);
        peer.waiting = waiting;
        peer.set_deadline();
        for (sent, ..) in late {
            self.completions.push_back(sent.ends(key, Outcome::NotSent));
        }
        let unanswered = peer.in_flight.iter().any(|sent| sent.deadline <= now);
        let unmade = matches!(peer.state, State::Connecting { deadline, .. } if deadline <= now);
        if unanswered || unmade {
            let connection = peer.connection().expect("something is in flight or being made");
            out.close(Connection::Opened(connection));
            self.end(now, connection);
        } else if !peer.waiting.is_empty() {
            let address = peer.address.clone();
            self.connect(now, key, &address, out);
        }
    }

    /// Forgets a connection, and ends what was on it, oldest first.
    fn end(&mut self, now: Instant, connection: OpenedId) {
        let Some(key) = self.keys.remove(&connection) else { return };
        let peer = self.peers.get_mut(&key).expect("a numbered connection has its peer");
        let backoff = self.settings.backoff(peer.failures, &mut self.rng);
        peer.failures = peer.failures.saturating_add(1);
        peer.state = State::Disconnected { not_before: now.plus(backoff) };
        for sent in peer.in_flight.drain(..) {
            let late = sent.deadline <= now;
            let outcome = if late { Outcome::TimedOut } else { Outcome::Disconnected };
            self.completions.push_back(sent.ends(&key, outcome));
        }
        for (sent, ..) in peer.waiting.drain(..) {
            self.completions.push_back(sent.ends(&key, Outcome::NotSent));
        }
        peer.set_deadline();
    }

    /// Ends what waited for a peer that has moved.
    fn abandon(&mut self, key: &K, moved: Peer<T>) {
        for (sent, ..) in moved.waiting {
            self.completions.push_back(sent.ends(key, Outcome::NotSent));
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Peer<T> {
    address: Address,
    state: State,
    /// How many connections in a row have failed or ended.
    failures: u32,
    /// What leaves when a connection stands. Invariant: empty while one does.
    waiting: VecDeque<(InFlight<T>, Bytes, FrameTag)>,
    /// What is not answered yet, oldest first.
    in_flight: VecDeque<InFlight<T>>,
    /// When the client has something to do for it. Owners ask with every input, and it changes with
    /// few of them; so it is kept, and set anew whenever one of the above has changed.
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Disconnected { not_before: Instant },
    Connecting { connection: OpenedId, deadline: Instant },
    Connected { connection: OpenedId },
}

#[derive(Clone, Debug, PartialEq)]
struct InFlight<T> {
    token: T,
    api: ApiKey,
    version: i16,
    correlation: i32,
    deadline: Instant,
}

impl<T> Peer<T> {
    fn new(address: Address) -> Self {
        Self {
            address,
            state: State::Disconnected { not_before: Instant(0) },
            failures: 0,
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            deadline: None,
        }
    }

    fn connection(&self) -> Option<OpenedId> {
        match self.state {
            State::Disconnected { .. } => None,
            State::Connecting { connection, .. } | State::Connected { connection } => {
                Some(connection)
            }
        }
    }

    fn set_deadline(&mut self) {
        self.deadline = self.earliest();
    }

    fn earliest(&self) -> Option<Instant> {
        let requests = self.in_flight.iter().chain(self.waiting.iter().map(|(sent, ..)| sent));
        let earliest = requests.map(|sent| sent.deadline).min();
        let connection = match self.state {
            State::Connecting { deadline, .. } => Some(deadline),
            State::Disconnected { not_before } if !self.waiting.is_empty() => Some(not_before),
            State::Disconnected { .. } | State::Connected { .. } => None,
        };
        Instant::earliest(earliest, connection)
    }
}

impl<T> InFlight<T> {
    fn ends<K: Clone>(self, key: &K, outcome: Outcome) -> Completion<K, T> {
        let Self { token, correlation, .. } = self;
        Completion { key: key.clone(), token, correlation, outcome }
    }
}

impl ClientSettings {
    /// The wait after `failures` earlier ones: doubling, with 20 % of jitter to either side.
    fn backoff(&self, failures: u32, rng: &mut ChaCha8Rng) -> Duration {
        let doubled = self.reconnect_backoff.saturating_mul(1 << failures.min(16));
        doubled.min(self.reconnect_backoff_max) * (80 + rng.next_u32() % 41) / 100
    }
}

fn encode(
    client: &ClientId,
    version: i16,
    correlation: i32,
    request: &Request,
) -> (Bytes, FrameTag) {
    encode_request(version, correlation, client, request).unwrap_or_else(|error| {
        panic!("{:?} v{version} has a field set that it does not know: {error}", request.api())
    })
}

#[cfg(test)]
mod tests;
