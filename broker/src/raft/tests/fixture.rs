//! One voter, controller-1001, whose peers are played by the test.

use std::collections::BTreeSet;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::lossy_disk::LossyDisk;
use crate::{
    config::{Millis, ServerConfig},
    host::{Instant, Now, Timestamp},
    ids::{ControllerId, LeaderEpoch, Offset},
    net::RequestId,
    protocol::{
        ErrorCode,
        batch::{BatchBuilder, stamp},
    },
    raft::{
        BeginQuorumEpoch, Body, Context, Correlation, Effect, Fetch, Fetched, KafkaRaftClient,
        LeaderAndEpoch, OffsetAndEpoch, RaftConfig, RaftError, RaftRequest, RaftResponse, Replica,
        Vote,
    },
};

pub(super) const LOCAL: ControllerId = ControllerId(1001);
pub(super) const B: ControllerId = ControllerId(1002);
pub(super) const C: ControllerId = ControllerId(1003);

/// A voter and what it has said.
#[derive(Debug)]
pub(super) struct Fixture {
    pub(super) client: KafkaRaftClient,
    pub(super) disk: LossyDisk,
    pub(super) millis: u64,
    voters: BTreeSet<ControllerId>,
    requests: u64,
}

impl Fixture {
    /// A voter of three on an empty disk.
    pub(super) fn new() -> Self {
        Self::on(LossyDisk::default(), &[LOCAL, B, C])
    }

    /// A voter on a disk.
    pub(super) fn on(mut disk: LossyDisk, voters: &[ControllerId]) -> Self {
        let voters: BTreeSet<_> = voters.iter().copied().collect();
        let client = open(&voters, 0, &mut disk);
        Self { client, disk, millis: 0, voters, requests: 0 }
    }

    /// The power fails and comes back.
    pub(super) fn lose_power(&mut self) {
        self.disk.lose_power();
        self.client = open(&self.voters, self.millis, &mut self.disk);
    }

    /// Does something with the voter; what it wants done is returned.
    pub(super) fn with<T>(
        &mut self,
        act: impl FnOnce(&mut KafkaRaftClient, &mut Context<'_>) -> Result<T, RaftError>,
    ) -> (T, Vec<Effect>) {
        let mut effects = Vec::new();
        let now = at(self.millis);
        let mut cx = Context { now, disk: &mut self.disk, effects: &mut effects };
        let result = act(&mut self.client, &mut cx).unwrap();
        (result, effects)
    }

    /// Time passes, and what is due is done.
    pub(super) fn wait(&mut self, millis: u64) -> Vec<(ControllerId, Correlation, RaftRequest)> {
        self.millis += millis;
        sent(self.with(KafkaRaftClient::poll).1)
    }

    /// Asks it something; the answer, if there is one at once.
    pub(super) fn ask(&mut self, request: RaftRequest) -> Option<RaftResponse> {
        self.requests += 1;
        let id = RequestId(self.requests);
        let ((), effects) = self.with(|client, cx| client.handle(id, request, cx));
        effects.into_iter().find_map(|effect| match effect {
            Effect::Respond { id: answered, response } if answered == id => Some(response),
            Effect::Respond { .. } | Effect::Send { .. } => None,
        })
    }

    /// Answers what it asked.
    pub(super) fn answer(
        &mut self,
        from: ControllerId,
        correlation: Correlation,
        response: RaftResponse,
    ) -> Vec<Effect> {
        self.with(|client, cx| client.on_response(from, correlation, response, cx)).1
    }

    /// Stands for election. Its requests for votes.
    pub(super) fn stand(&mut self) -> Vec<(ControllerId, Correlation, RaftRequest)> {
        self.wait(2_000)
    }

    /// Stands for election and wins it by the vote of B. Returns the epoch.
    pub(super) fn win(&mut self) -> LeaderEpoch {
        let asked = self.stand();
        let (_, correlation, _) = asked.into_iter().find(|(to, ..)| *to == B).unwrap();
        self.elect(correlation)
    }

    fn elect(&mut self, correlation: Correlation) -> LeaderEpoch {
        let epoch = self.epoch();
        self.answer(B, correlation, vote_response(epoch, true));
        assert_eq!(self.client.leading(), Some(epoch));
        epoch
    }

    /// Becomes a follower of B. Returns its first fetch.
    pub(super) fn follow_b(&mut self, epoch: i32) -> (Correlation, Fetch) {
        let begin = BeginQuorumEpoch { epoch: LeaderEpoch(epoch), leader: B };
        self.requests += 1;
        let id = RequestId(self.requests);
        let request = RaftRequest::BeginQuorumEpoch(begin);
        let ((), effects) = self.with(|client, cx| client.handle(id, request, cx));
        fetch_of(&sent(effects))
    }

    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.client.leader_and_epoch().epoch
    }

    /// Appends a record, if it leads.
    pub(super) fn append(&mut self) -> Option<Offset> {
        self.with(|client, cx| {
            let base = client.append(&record(), cx)?;
            client.poll(cx)?;
            Ok(base)
        })
        .0
    }
}

fn open(voters: &BTreeSet<ControllerId>, millis: u64, disk: &mut LossyDisk) -> KafkaRaftClient {
    let config = RaftConfig { id: LOCAL, voters: voters.clone(), server: ServerConfig::default() };
    KafkaRaftClient::open(config, ChaCha8Rng::seed_from_u64(1), at(millis), disk).unwrap()
}

pub(super) fn at(millis: u64) -> Now {
    let wall = Timestamp(i64::try_from(millis).unwrap());
    Now { monotonic: Instant(millis * 1_000_000), wall }
}

pub(super) fn record() -> crate::protocol::batch::RecordBatch {
    let mut batch = BatchBuilder::new(None);
    batch.append(Timestamp(0), None, Some(b"record"), &[]);
    batch.build()
}

/// One record as a leader has it.
pub(super) fn record_at(offset: i64, epoch: i32) -> bytes::Bytes {
    stamp(&record(), Offset(offset), LeaderEpoch(epoch)).into_bytes()
}

pub(super) fn sent(effects: Vec<Effect>) -> Vec<(ControllerId, Correlation, RaftRequest)> {
    let sent = effects.into_iter().filter_map(|effect| match effect {
        Effect::Send { to, correlation, request } => Some((to, correlation, request)),
        Effect::Respond { .. } => None,
    });
    sent.collect()
}

/// The fetch that was sent to B.
pub(super) fn fetch_of(sent: &[(ControllerId, Correlation, RaftRequest)]) -> (Correlation, Fetch) {
    match sent {
        [(B, correlation, RaftRequest::Fetch(fetch))] => (*correlation, fetch.clone()),
        other => panic!("not one fetch to B: {other:?}"),
    }
}

pub(super) fn end(epoch: i32, offset: i64) -> OffsetAndEpoch {
    OffsetAndEpoch { epoch: LeaderEpoch(epoch), offset: Offset(offset) }
}

pub(super) fn vote(candidate: ControllerId, epoch: i32, log_end: OffsetAndEpoch) -> RaftRequest {
    RaftRequest::Vote(Vote { epoch: LeaderEpoch(epoch), candidate, log_end })
}

pub(super) fn vote_response(epoch: LeaderEpoch, granted: bool) -> RaftResponse {
    let leader = LeaderAndEpoch { leader: None, epoch };
    RaftResponse { error: ErrorCode::None, leader, body: Body::Vote { granted } }
}

/// A fetch by a voter.
pub(super) fn fetch_by(voter: ControllerId, epoch: LeaderEpoch, at: OffsetAndEpoch) -> RaftRequest {
    RaftRequest::Fetch(Fetch {
        replica: Replica::Voter(voter),
        epoch: Some(epoch),
        offset: at.offset,
        last_fetched_epoch: Some(at.epoch),
        max_wait: Millis(0),
        max_bytes: 1 << 20,
    })
}

/// What B answers to a fetch.
pub(super) fn fetched(epoch: i32, fetched: Fetched) -> RaftResponse {
    let leader = LeaderAndEpoch { leader: Some(B), epoch: LeaderEpoch(epoch) };
    RaftResponse { error: ErrorCode::None, leader, body: Body::Fetch(fetched) }
}

/// Records, and what is committed.
pub(super) fn records(records: bytes::Bytes, high_watermark: i64) -> Fetched {
    let high_watermark = Offset(high_watermark);
    Fetched { diverging: None, high_watermark, log_start: Offset::ZERO, records }
}
