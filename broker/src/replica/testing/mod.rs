//! Two or three replica managers and a hand that carries what they say: for tests.
//!
//! Nothing moves by itself. A test says whom the metadata reaches, whose requests arrive, whose
//! answers come back; [`Cluster::carry`] lets everything through until nobody says anything more.

mod make;

use std::collections::{BTreeMap, VecDeque};

pub(super) use make::{
    disk_starting_at, idempotent_batch, image_of, now_at, partition, prepared_disk, registration,
};

use super::{
    AlterPartitionTicket, Context, Effect, FetcherTicket, NetFailure, Received, ReplicaManager,
    rules::{Protocol, Rules},
};
use crate::{
    config::{Millis, ServerConfig},
    host::{Event, MemoryDisk, Now, event::PartitionEvent},
    ids::{BrokerEpoch, BrokerId, ClientId, LeaderEpoch, Offset, TopicId},
    log::{LogManager, MarkerDeletion, UnifiedLog},
    metadata::{MetadataDelta, MetadataImage, MetadataRecord, PartitionRegistration},
    net::RequestId,
    protocol::{
        Request, Response,
        messages::{AlterPartitionRequest, ProduceRequest, produce_request, wire_topic},
    },
};

pub(super) const DATA: &str = "data";
pub(super) const TOPIC: TopicId = TopicId([7; 16]);

/// How a client's request ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Answer(Response),
    Closed,
    Done,
}

/// A broker, as far as it replicates.
pub(super) struct Node {
    pub(super) manager: ReplicaManager,
    pub(super) disk: MemoryDisk,
    pub(super) events: Vec<PartitionEvent>,
    pub(super) halted: Option<String>,
    delta: MetadataDelta,
}

/// The brokers, the controller's record of `orders-0`, and what is on its way.
pub(super) struct Cluster {
    pub(super) now: Now,
    pub(super) rules: Rules,
    pub(super) config: ServerConfig,
    pub(super) registration: PartitionRegistration,
    pub(super) to_leader: VecDeque<(i32, BrokerId, Request, FetcherTicket)>,
    pub(super) to_follower: VecDeque<(i32, FetcherTicket, Result<Response, NetFailure>)>,
    pub(super) to_controller: VecDeque<(i32, AlterPartitionTicket, AlterPartitionRequest)>,
    image: MetadataImage,
    nodes: BTreeMap<i32, Node>,
    serving: BTreeMap<RequestId, (i32, FetcherTicket)>,
    outcomes: BTreeMap<RequestId, Outcome>,
    requests: u64,
}

impl Cluster {
    /// Brokers `1..=brokers` of which the first leads `orders-0` in epoch 0, everybody in the ISR.
    /// Everybody has the metadata; nobody has fetched.
    pub(super) fn new(protocol: Protocol, brokers: i32) -> Self {
        let mut cluster = Self::before_metadata(protocol, brokers);
        cluster.publish_all();
        cluster
    }

    pub(super) fn before_metadata(protocol: Protocol, brokers: i32) -> Self {
        let config = ServerConfig { replica_lag_time_max_ms: Millis(2_000), ..Default::default() };
        let ids: Vec<_> = (1..=brokers).map(BrokerId).collect();
        let mut cluster = Self {
            now: now_at(0),
            rules: protocol.rules(),
            config,
            registration: PartitionRegistration::create(ids.clone(), ids),
            to_leader: VecDeque::new(),
            to_follower: VecDeque::new(),
            to_controller: VecDeque::new(),
            image: MetadataImage::default(),
            nodes: BTreeMap::new(),
            serving: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            requests: 0,
        };
        for id in 1..=brokers {
            cluster.start(id, MemoryDisk::new());
        }
        for id in 1..=brokers {
            cluster.record(&MetadataRecord::RegisterBroker(registration(id, i64::from(id))));
        }
        let name = partition().topic;
        cluster.record(&MetadataRecord::Topic { name, topic_id: TOPIC });
        cluster.record_partition();
        cluster
    }

    /// Starts a broker, or a new incarnation of it, with this disk. The metadata comes later.
    pub(super) fn start(&mut self, id: i32, mut disk: MemoryDisk) {
        let deletion = MarkerDeletion::Synced;
        let loaded = LogManager::load(self.now, DATA, &self.config, deletion, &mut disk).unwrap();
        let mut effects = Vec::new();
        let mut ctx = Context { now: self.now, disk: &mut disk, effects: &mut effects };
        let mut manager =
            ReplicaManager::new(&mut ctx, BrokerId(id), &self.config, self.rules, loaded);
        manager.registered(BrokerEpoch(i64::from(id)));
        let delta = self.whole_delta();
        let (events, halted) = (Vec::new(), None);
        self.nodes.insert(id, Node { manager, disk, events, halted, delta });
        self.sort_out(id, effects);
    }

    /// Everything in the image is news to a broker that starts.
    fn whole_delta(&self) -> MetadataDelta {
        let (mut copy, mut delta) = (MetadataImage::default(), MetadataDelta::default());
        let mut offset = Offset::ZERO;
        let mut replay = |record: MetadataRecord| {
            copy.replay(offset, &record, &mut delta).unwrap();
            offset = offset.next();
        };
        for broker in self.image.brokers().values() {
            replay(MetadataRecord::RegisterBroker(broker.clone()));
        }
        for topic in self.image.topics() {
            replay(MetadataRecord::Topic { name: topic.name.clone(), topic_id: topic.id });
            for (index, registration) in &topic.partitions {
                replay(MetadataRecord::Partition {
                    topic_id: topic.id,
                    partition: *index,
                    registration: registration.clone(),
                });
            }
        }
        delta
    }

    /// Kills a broker and starts it again from its disk.
    pub(super) fn restart(&mut self, id: i32) {
        let disk = self.nodes.remove(&id).unwrap().disk;
        self.start(id, disk);
    }

    /// Replaces the rules everywhere: for ablations.
    pub(super) fn with_rules(protocol: Protocol, brokers: i32, change: fn(&mut Rules)) -> Self {
        let mut cluster = Self::before_metadata(protocol, brokers);
        change(&mut cluster.rules);
        for id in 1..=brokers {
            cluster.restart(id);
        }
        cluster.publish_all();
        cluster
    }

    pub(super) fn node(&self, id: i32) -> &Node {
        &self.nodes[&id]
    }

    pub(super) fn node_mut(&mut self, id: i32) -> &mut Node {
        self.nodes.get_mut(&id).unwrap()
    }

    pub(super) fn log(&self, id: i32) -> &UnifiedLog {
        self.node(id).manager.log(&partition()).unwrap()
    }

    /// High watermark and log end of a broker.
    pub(super) fn offsets(&self, id: i32) -> (i64, i64) {
        (self.log(id).high_watermark().0, self.log(id).log_end_offset().0)
    }

    /// Appends a record to the metadata log. Nobody has read it yet.
    pub(super) fn record(&mut self, record: &MetadataRecord) {
        let offset = self.image.end_offset();
        for node in self.nodes.values_mut() {
            self.image.clone().replay(offset, record, &mut node.delta).unwrap();
        }
        self.image.replay(offset, record, &mut MetadataDelta::default()).unwrap();
    }

    fn record_partition(&mut self) {
        let registration = self.registration.clone();
        self.record(&MetadataRecord::Partition { topic_id: TOPIC, partition: 0, registration });
    }

    /// The controller elects a leader, in a new epoch.
    pub(super) fn elect(&mut self, leader: Option<i32>, isr: &[i32]) {
        self.registration.leader = leader.map(BrokerId);
        self.registration.leader_epoch = self.registration.leader_epoch.next();
        self.change_isr(isr);
    }

    /// The controller changes the ISR.
    pub(super) fn change_isr(&mut self, isr: &[i32]) {
        self.registration.isr = isr.iter().copied().map(BrokerId).collect();
        self.registration.partition_epoch = self.registration.partition_epoch.next();
        self.record_partition();
    }

    /// A broker applies all metadata there is.
    pub(super) fn publish(&mut self, id: i32) {
        let image = self.image.clone();
        let delta = std::mem::take(&mut self.node_mut(id).delta);
        self.step(id, |manager, ctx| manager.apply(ctx, &image, &delta));
    }

    pub(super) fn publish_all(&mut self) {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        for id in ids {
            self.publish(id);
        }
    }

    /// One step of a broker.
    pub(super) fn step(
        &mut self,
        id: i32,
        act: impl FnOnce(&mut ReplicaManager, &mut Context<'_>),
    ) {
        let now = self.now;
        let mut effects = Vec::new();
        let node = self.node_mut(id);
        act(&mut node.manager, &mut Context { now, disk: &mut node.disk, effects: &mut effects });
        self.sort_out(id, effects);
    }

    fn sort_out(&mut self, id: i32, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Respond(request, response) => match self.serving.remove(&request) {
                    Some((to, ticket)) => self.to_follower.push_back((to, ticket, Ok(response))),
                    None => drop(self.outcomes.insert(request, Outcome::Answer(response))),
                },
                Effect::CloseConnection(request) => {
                    self.outcomes.insert(request, Outcome::Closed);
                }
                Effect::Done(request) => drop(self.outcomes.insert(request, Outcome::Done)),
                Effect::ToLeader { leader, request, ticket } => {
                    self.to_leader.push_back((id, leader, request, ticket));
                }
                Effect::FetcherEnded { leader } => {
                    self.to_leader.retain(|(from, to, ..)| (*from, *to) != (id, leader));
                }
                Effect::AlterPartition { request, ticket } => {
                    self.to_controller.push_back((id, ticket, request));
                }
                Effect::Event(event) => match *event {
                    Event::Partition(event) => self.node_mut(id).events.push(event),
                    other => panic!("not an event of replication: {other:?}"),
                },
                Effect::Halt(error) => self.node_mut(id).halted = Some(error),
            }
        }
    }

    fn received(&mut self, version: i16) -> Received {
        self.requests += 1;
        Received {
            id: RequestId(self.requests),
            client: ClientId::from("p1"),
            correlation: i32::try_from(self.requests).unwrap(),
            version,
        }
    }

    /// Sends a request with one record to a broker.
    pub(super) fn produce(&mut self, to: i32, acks: i16) -> RequestId {
        let data = make::one_record();
        self.produce_batch(to, acks, data)
    }

    pub(super) fn produce_batch(&mut self, to: i32, acks: i16, batch: bytes::Bytes) -> RequestId {
        let data = produce_request::PartitionProduceData::default().with_records(Some(batch));
        let topic = produce_request::TopicProduceData::default()
            .with_name(wire_topic(&partition().topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(acks)
            .with_timeout_ms(1_000)
            .with_topic_data(vec![topic]);
        let received = self.received(11);
        self.step(to, |manager, ctx| manager.produce(ctx, &received, request));
        received.id
    }

    /// Sends any request that is answered, and gives its number.
    pub(super) fn ask(&mut self, to: i32, version: i16, request: Request) -> RequestId {
        let received = self.received(version);
        self.step(to, |manager, ctx| match request {
            Request::Fetch(request) => manager.fetch(ctx, &received, &request),
            Request::ListOffsets(request) => manager.list_offsets(ctx, &received, &request),
            Request::OffsetForLeaderEpoch(request) => {
                manager.offset_for_leader_epoch(ctx, &received, &request);
            }
            other => panic!("replication does not serve {other:?}"),
        });
        received.id
    }

    pub(super) fn outcome(&self, request: RequestId) -> Option<&Outcome> {
        self.outcomes.get(&request)
    }

    /// The next request to a leader from `follower` arrives.
    pub(super) fn carry_request(&mut self, follower: i32) {
        let at = self.to_leader.iter().position(|(from, ..)| *from == follower).unwrap();
        let (from, leader, request, ticket) = self.to_leader.remove(at).unwrap();
        let id = RequestId(self.requests + 1);
        self.serving.insert(id, (from, ticket));
        self.ask(leader.0, 17, request);
    }

    /// The next answer to `follower` arrives.
    pub(super) fn carry_answer(&mut self, follower: i32) {
        let at = self.to_follower.iter().position(|(to, ..)| *to == follower).unwrap();
        let (to, ticket, answer) = self.to_follower.remove(at).unwrap();
        self.step(to, |manager, ctx| manager.on_leader_completed(ctx, ticket, answer));
    }

    /// The next request of `follower` and its answer arrive.
    pub(super) fn round(&mut self, follower: i32) {
        self.carry_request(follower);
        self.carry_answer(follower);
    }

    /// Everything between these brokers arrives, until everybody waits.
    pub(super) fn carry(&mut self, among: &[i32]) {
        for _ in 0..200 {
            let asks = |(from, to, ..): &(i32, BrokerId, Request, FetcherTicket)| {
                among.contains(from) && among.contains(&to.0)
            };
            if let Some((from, ..)) = self.to_leader.iter().find(|one| asks(one)) {
                let from = *from;
                self.carry_request(from);
            } else if let Some((to, ..)) =
                self.to_follower.iter().find(|(to, ..)| among.contains(to))
            {
                let to = *to;
                self.carry_answer(to);
            } else {
                return;
            }
        }
        panic!("the brokers do not come to rest");
    }

    /// Time passes; who wanted to be woken is, at the moment he named.
    pub(super) fn advance(&mut self, ms: u64) {
        let until = now_at(self.now.wall.0.unsigned_abs() + ms);
        loop {
            let due = self
                .nodes
                .iter()
                .filter_map(|(id, node)| Some((node.manager.deadline()?, *id)))
                .filter(|(due, _)| *due <= until.monotonic)
                .min();
            let Some((due, id)) = due else { break };
            self.now.monotonic = self.now.monotonic.max(due);
            self.step(id, ReplicaManager::on_time);
        }
        self.now = until;
    }

    /// The events of a broker that `pick` knows something to say about.
    pub(super) fn events<T>(&self, id: i32, pick: fn(&PartitionEvent) -> Option<T>) -> Vec<T> {
        self.node(id).events.iter().filter_map(pick).collect()
    }

    pub(super) fn leads(&self, id: i32) -> Option<LeaderEpoch> {
        self.node(id).manager.leads(&partition())
    }
}
