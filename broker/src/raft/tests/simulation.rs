//! A small world for voters: a clock, a network that delays and loses, disks that forget.
//!
//! In the manner of Kafka's `RaftEventSimulationTest`: one queue of events, everything drawn from
//! one seed, the invariants looked at after each event. A flaw can be planted, to see that they
//! fire.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{invariants::Invariants, lossy_disk::LossyDisk};
use crate::{
    config::ServerConfig,
    host::{Instant, Now, Timestamp},
    ids::{ControllerId, LeaderEpoch, Offset},
    net::RequestId,
    protocol::batch::BatchBuilder,
    raft::{
        Context, Correlation, Effect, KafkaRaftClient, OffsetAndEpoch, RaftConfig, RaftError,
        RaftRequest, RaftResponse, metadata_log::KafkaMetadataLog,
    },
};

const MILLISECOND: u64 = 1_000_000;

/// What is wrong with the quorum on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// Votes and epochs do not survive a power loss.
    VoteNotPersisted,
    /// Records that were acknowledged do not survive a power loss.
    LogNotPersisted,
    /// The first voter believes that it is a majority by itself.
    MajorityMiscounted,
}

/// A voter and its disk.
#[derive(Debug)]
pub(super) struct Voter {
    pub(super) disk: LossyDisk,
    /// None while it is down.
    pub(super) client: Option<KafkaRaftClient>,
    /// What the disk holds while it is down.
    pub(super) log_end: OffsetAndEpoch,
    incarnation: u64,
    unanswered: BTreeMap<RequestId, Asked>,
}

/// By whom a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    by: ControllerId,
    incarnation: u64,
    correlation: Correlation,
}

#[derive(Debug)]
enum Event {
    Request {
        to: ControllerId,
        asked: Asked,
        request: RaftRequest,
    },
    Response {
        from: ControllerId,
        asked: Asked,
        response: Option<RaftResponse>,
    },
    /// Somebody wants a record written.
    Propose,
}

/// The world.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) voters: BTreeMap<ControllerId, Voter>,
    pub(super) invariants: Invariants,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: Instant,
    flaw: Flaw,
    queue: BTreeMap<(Instant, u64), Event>,
    cuts: BTreeSet<(ControllerId, ControllerId)>,
    numbers: u64,
}

impl Cluster {
    /// A quorum of which all voters have started.
    pub(super) fn start(voters: i32, seed: u64, flaw: Flaw) -> Self {
        let voter = |id: ControllerId| {
            let lies_about = match flaw {
                Flaw::None | Flaw::MajorityMiscounted => None,
                Flaw::VoteNotPersisted => Some("quorum-state"),
                Flaw::LogNotPersisted => Some(".log"),
            };
            let voter = Voter {
                disk: LossyDisk::lying_about(lies_about),
                client: None,
                log_end: OffsetAndEpoch { epoch: LeaderEpoch(0), offset: Offset::ZERO },
                incarnation: 0,
                unanswered: BTreeMap::new(),
            };
            (id, voter)
        };
        let mut cluster = Self {
            voters: (1..=voters).map(|n| voter(ControllerId(1000 + n))).collect(),
            invariants: Invariants::default(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            now: Instant(0),
            flaw,
            queue: BTreeMap::new(),
            cuts: BTreeSet::new(),
            numbers: 0,
        };
        for id in cluster.ids() {
            cluster.restart(id);
        }
        cluster.schedule(Event::Propose);
        cluster
    }

    pub(super) fn ids(&self) -> Vec<ControllerId> {
        self.voters.keys().copied().collect()
    }

    /// The running voters that believe that they lead.
    pub(super) fn leaders(&self) -> Vec<ControllerId> {
        let leads = |voter: &Voter| voter.client.as_ref().is_some_and(|c| c.leading().is_some());
        self.voters.iter().filter(|(_, voter)| leads(voter)).map(|(id, _)| *id).collect()
    }

    /// Starts a voter that is down.
    pub(super) fn restart(&mut self, id: ControllerId) {
        let now = self.read_clock();
        let rng = ChaCha8Rng::seed_from_u64(self.rng.random());
        let mut voters: BTreeSet<_> = self.voters.keys().copied().collect();
        if self.flaw == Flaw::MajorityMiscounted && Some(&id) == voters.first() {
            voters = BTreeSet::from([id]);
        }
        let config = RaftConfig { id, voters, server: ServerConfig::default() };
        let voter = self.voters.get_mut(&id).unwrap();
        assert!(voter.client.is_none());
        voter.incarnation += 1;
        voter.client = Some(KafkaRaftClient::open(config, rng, now, &mut voter.disk).unwrap());
        self.with(id, KafkaRaftClient::poll);
    }

    /// Ends a voter as kill -9 does.
    pub(super) fn kill(&mut self, id: ControllerId) {
        let now = self.read_clock();
        let voter = self.voters.get_mut(&id).unwrap();
        voter.client = None;
        voter.unanswered.clear();
        let mut disk = voter.disk.clone();
        let log = KafkaMetadataLog::open(now, &ServerConfig::default(), &mut disk).unwrap();
        voter.log_end = log.end();
    }

    /// Takes a voter's power.
    pub(super) fn power_off(&mut self, id: ControllerId) {
        self.voters.get_mut(&id).unwrap().disk.lose_power();
        self.kill(id);
    }

    /// Nothing passes between these, in both directions.
    pub(super) fn cut(&mut self, a: ControllerId, b: ControllerId) {
        self.cuts.extend([(a, b), (b, a)]);
    }

    /// Cuts a voter off from all others.
    pub(super) fn isolate(&mut self, id: ControllerId) {
        for other in self.ids().into_iter().filter(|other| *other != id) {
            self.cut(id, other);
        }
    }

    /// Everything passes again.
    pub(super) fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Lets the world go on until this time.
    pub(super) fn run_for(&mut self, millis: u64) {
        let end = Instant(self.now.0 + millis * MILLISECOND);
        while self.step(end) {}
        self.now = end;
    }

    /// Lets the world go on until this is so. Returns whether it came to be, within a minute.
    pub(super) fn run_until(&mut self, condition: impl Fn(&Self) -> bool) -> bool {
        let end = Instant(self.now.0 + 60_000 * MILLISECOND);
        while !condition(self) {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    /// One event, if one comes before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let deadline = |voter: &Voter| voter.client.as_ref().and_then(KafkaRaftClient::deadline);
        let wake = self.voters.iter().filter_map(|(id, voter)| Some((deadline(voter)?, *id))).min();
        let message = self.queue.keys().next().copied();
        match (wake, message) {
            (Some((at, id)), None) if at < end => self.wake(at, id),
            (Some((at, id)), Some((sent, _))) if at <= sent && at < end => self.wake(at, id),
            (_, Some(key)) if key.0 < end => {
                self.now = self.now.max(key.0);
                let event = self.queue.remove(&key).unwrap();
                self.deliver(event);
            }
            _ => return false,
        }
        true
    }

    fn wake(&mut self, at: Instant, id: ControllerId) {
        self.now = self.now.max(at);
        self.with(id, KafkaRaftClient::poll);
    }

    fn deliver(&mut self, event: Event) {
        match event {
            Event::Propose => {
                self.schedule(Event::Propose);
                for leader in self.leaders() {
                    self.propose(leader);
                }
            }
            Event::Request { to, asked, request } => self.request(to, asked, request),
            Event::Response { from, asked, response } => {
                if self.voters[&asked.by].incarnation != asked.incarnation {
                    return;
                }
                self.with(asked.by, |client, cx| match response {
                    Some(response) => client.on_response(from, asked.correlation, response, cx),
                    None => client.on_failure(from, asked.correlation, cx),
                });
            }
        }
    }

    fn propose(&mut self, leader: ControllerId) {
        self.numbers += 1;
        let value = self.numbers.to_be_bytes();
        self.with(leader, |client, cx| {
            let mut batch = BatchBuilder::new(None);
            batch.append(cx.now.wall, None, Some(&value), &[]);
            client.append(&batch.build(), cx)?;
            client.poll(cx)
        });
    }

    fn request(&mut self, to: ControllerId, asked: Asked, request: RaftRequest) {
        if self.cuts.contains(&(asked.by, to)) {
            return;
        }
        self.numbers += 1;
        let id = RequestId(self.numbers);
        let voter = self.voters.get_mut(&to).unwrap();
        if voter.client.is_none() {
            // Nobody listens there: the connection is refused.
            self.schedule(Event::Response { from: to, asked, response: None });
            return;
        }
        voter.unanswered.insert(id, asked);
        self.with(to, |client, cx| client.handle(id, request, cx));
    }

    /// Lets a voter do something, carries out what it wants, and looks at the invariants. A voter
    /// that cannot go on is down.
    fn with(
        &mut self,
        id: ControllerId,
        act: impl FnOnce(&mut KafkaRaftClient, &mut Context<'_>) -> Result<(), RaftError>,
    ) {
        let now = self.read_clock();
        let voter = self.voters.get_mut(&id).unwrap();
        let Some(client) = &mut voter.client else { return };
        let mut effects = Vec::new();
        let mut cx = Context { now, disk: &mut voter.disk, effects: &mut effects };
        if act(client, &mut cx).is_err() {
            self.kill(id);
            return;
        }
        let incarnation = voter.incarnation;
        for effect in effects {
            self.carry_out(id, incarnation, effect);
        }
        self.invariants.check(&mut self.voters);
    }

    fn carry_out(&mut self, id: ControllerId, incarnation: u64, effect: Effect) {
        match effect {
            Effect::Send { to, correlation, request } => {
                let asked = Asked { by: id, incarnation, correlation };
                self.schedule(Event::Request { to, asked, request });
            }
            Effect::Respond { id: request, response } => {
                let voter = self.voters.get_mut(&id).unwrap();
                let asked = voter.unanswered.remove(&request).expect("a request is answered once");
                if !self.cuts.contains(&(id, asked.by)) {
                    let response = Some(response);
                    self.schedule(Event::Response { from: id, asked, response });
                }
            }
        }
    }

    fn schedule(&mut self, event: Event) {
        let delay = match event {
            Event::Propose => self.rng.random_range(20..60),
            Event::Request { .. } | Event::Response { .. } => self.rng.random_range(1..30),
        };
        self.numbers += 1;
        let at = Instant(self.now.0 + delay * MILLISECOND);
        self.queue.insert((at, self.numbers), event);
    }

    fn read_clock(&self) -> Now {
        let millis = i64::try_from(self.now.0 / MILLISECOND).unwrap();
        Now { monotonic: self.now, wall: Timestamp(millis) }
    }
}
