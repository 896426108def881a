//! The stage: the world with its machines, and how a process is made for each.

use core::time::Duration;
use std::collections::BTreeMap;

use broker::{
    broker::{Broker, BrokerConfig},
    client::{
        admin::{Admin, NewTopic},
        consumer::{Consumer, ConsumerConfig, OffsetReset},
        producer::Producer,
    },
    config::TopicOverrides,
    controller::{Controller, ControllerConfig},
    host::Address,
    ids::{BrokerId, CLUSTER_ID, ClientId, ControllerId, TopicPartition},
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sim::{Draws, LinkProfile, NodeId, Ratio, Time, World};

use crate::{
    cluster::{
        Node,
        apps::{ConsumerApp, ProducerApp, TopicsApp, Workload},
    },
    format::{self, Scenario},
    history::broker_of,
};

/// The port of brokers.
const BROKER_PORT: u16 = 9092;
/// The port of controllers.
const CONTROLLER_PORT: u16 = 9093;
/// The node that creates the topics.
const ADMIN: &str = "admin";
/// The node that reads everything at the end.
pub(super) const FINAL_READER: &str = "final-reader";

/// What a machine is for.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Controller(ControllerId),
    Broker(BrokerId),
    Topics,
    Producer(usize),
    Consumer(usize),
    FinalReader,
}

/// Who is who in a world.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    parts: Vec<(NodeId, Part)>,
    addresses: Vec<(ControllerId, Address)>,
    bootstrap: Vec<Address>,
}

/// A world with the machines of a scenario, in which nothing runs yet.
pub(super) fn build(scenario: &Scenario, seed: u64, time_max: Duration) -> (World<Node>, Cast) {
    let config = sim::Config {
        link: link(&scenario.network),
        time_max: Time::at(time_max),
        ..sim::Config::default()
    };
    let mut world = World::new(seed, config);
    let mut cast = Cast { parts: Vec::new(), addresses: Vec::new(), bootstrap: Vec::new() };
    for number in 0..scenario.cluster.controllers {
        let id = ControllerId(1001 + i32::try_from(number).expect("the format allows up to 100"));
        cast.addresses.push((id, Address::new(&id.to_string(), CONTROLLER_PORT)));
        cast.add(&mut world, &id.to_string(), Part::Controller(id));
    }
    for number in 0..scenario.cluster.brokers {
        let id = BrokerId(1 + i32::try_from(number).expect("the format allows up to 100"));
        cast.bootstrap.push(Address::new(&id.to_string(), BROKER_PORT));
        cast.add(&mut world, &id.to_string(), Part::Broker(id));
    }
    cast.add(&mut world, ADMIN, Part::Topics);
    for (index, producer) in scenario.producers.iter().enumerate() {
        cast.add(&mut world, &producer.name, Part::Producer(index));
    }
    for (index, consumer) in scenario.consumers.iter().enumerate() {
        cast.add(&mut world, &consumer.name, Part::Consumer(index));
    }
    cast.add(&mut world, FINAL_READER, Part::FinalReader);
    (world, cast)
}

impl Cast {
    fn add(&mut self, world: &mut World<Node>, name: &str, part: Part) {
        self.parts.push((world.add_node(name), part));
    }

    fn part(&self, node: NodeId) -> &Part {
        &self.parts[node.index()].1
    }

    /// The nodes whose part is one of these.
    fn nodes(&self, is: impl Fn(&Part) -> bool) -> Vec<NodeId> {
        self.parts.iter().filter(|(_, part)| is(part)).map(|(node, _)| *node).collect()
    }

    pub(super) fn controllers(&self) -> Vec<NodeId> {
        self.nodes(|part| matches!(part, Part::Controller(_)))
    }

    pub(super) fn brokers(&self) -> Vec<NodeId> {
        self.nodes(|part| matches!(part, Part::Broker(_)))
    }

    pub(super) fn producers(&self) -> Vec<NodeId> {
        self.nodes(|part| matches!(part, Part::Producer(_)))
    }

    pub(super) fn consumers(&self) -> Vec<NodeId> {
        self.nodes(|part| matches!(part, Part::Consumer(_)))
    }

    pub(super) fn admin(&self) -> Vec<NodeId> {
        self.nodes(|part| matches!(part, Part::Topics))
    }

    pub(super) fn final_reader(&self) -> Vec<NodeId> {
        self.nodes(|part| matches!(part, Part::FinalReader))
    }

    pub(super) fn is_final_reader(&self, node: NodeId) -> bool {
        matches!(self.part(node), Part::FinalReader)
    }

    /// The broker on a node, if one is.
    pub(super) fn broker(&self, node: NodeId) -> Option<BrokerId> {
        match self.part(node) {
            Part::Broker(id) => Some(*id),
            Part::Controller(_)
            | Part::Topics
            | Part::Producer(_)
            | Part::Consumer(_)
            | Part::FinalReader => None,
        }
    }

    /// Whether a scenario can name the node.
    pub(super) fn is_of_scenario(&self, node: NodeId) -> bool {
        !matches!(self.part(node), Part::Topics | Part::FinalReader)
    }

    /// A process for a node, new, for its next incarnation. What it draws depends on the seed, its
    /// name and the number of its incarnation.
    pub(super) fn process(
        &self,
        scenario: &Scenario,
        world: &World<Node>,
        node: NodeId,
    ) -> Result<Node, String> {
        let name: &str = world.name(node);
        let seed = process_seed(world.draws(), name, world.incarnation(node) + 1);
        let rng = ChaCha8Rng::from_seed(seed);
        let client = ClientId::from(name);
        Ok(match self.part(node) {
            Part::Controller(id) => {
                let config = ControllerConfig {
                    id: *id,
                    port: CONTROLLER_PORT,
                    voters: self.addresses.iter().cloned().collect(),
                    cluster_id: CLUSTER_ID.to_owned(),
                    server: scenario.cluster.config.clone(),
                    rules: scenario.cluster.replication_rules(),
                };
                Node::Controller(Box::new(Controller::new(config, rng)))
            }
            Part::Broker(id) => Node::Broker(Box::new(Broker::new(BrokerConfig {
                broker: *id,
                address: Address::new(name, BROKER_PORT),
                controllers: self.addresses.clone(),
                server: scenario.cluster.config.clone(),
                rules: scenario.cluster.replication_rules(),
                seed,
            }))),
            Part::Topics => {
                let admin = Admin::new(client, self.bootstrap.clone(), rng);
                Node::Topics(Box::new(TopicsApp::new(admin, new_topics(scenario)?)))
            }
            Part::Producer(index) => {
                let producer = &scenario.producers[*index];
                let config = producer.config.clone();
                let machine = Producer::new(client, self.bootstrap.clone(), config, rng)
                    .map_err(|error| format!("producers[{index}].config: {error}"))?;
                let workload = workload(scenario, producer);
                Node::Producer(Box::new(ProducerApp::new(machine, workload)))
            }
            Part::Consumer(index) => {
                let consumer = &scenario.consumers[*index];
                let config = consumer.config.clone();
                let machine = Consumer::new(client, self.bootstrap.clone(), config, rng)
                    .map_err(|error| format!("consumers[{index}].config: {error}"))?;
                let partitions =
                    consumer.assign.iter().filter_map(|name| TopicPartition::parse(name));
                Node::Consumer(Box::new(ConsumerApp::new(machine, partitions.collect())))
            }
            Part::FinalReader => {
                let config = ConsumerConfig {
                    auto_offset_reset: OffsetReset::Earliest,
                    ..Default::default()
                };
                let machine = Consumer::new(client, self.bootstrap.clone(), config, rng)
                    .map_err(|error| error.to_string())?;
                Node::Consumer(Box::new(ConsumerApp::new(machine, all_partitions(scenario))))
            }
        })
    }
}

/// 32 drawn bytes for one incarnation of one process.
fn process_seed(draws: Draws, name: &str, incarnation: u32) -> [u8; 32] {
    let mut stream = draws.stream("process", &format!("{name} {incarnation}"));
    let mut seed = [0; 32];
    for chunk in seed.chunks_exact_mut(8) {
        chunk.copy_from_slice(&stream.word().to_le_bytes());
    }
    seed
}

fn link(network: &format::Network) -> LinkProfile {
    let (shortest, longest) = network.latency.ends();
    LinkProfile {
        latency: shortest..=longest,
        bandwidth: network.bandwidth.map(|bandwidth| bandwidth.0),
        loss: network.loss.map_or(Ratio::ZERO, ratio),
    }
}

/// A share as the world has it.
pub(super) fn ratio(share: format::Share) -> Ratio {
    Ratio::new(share.millionths, 1_000_000)
}

fn new_topics(scenario: &Scenario) -> Result<Vec<NewTopic>, String> {
    scenario.topics.iter().map(new_topic).collect()
}

fn new_topic(topic: &format::Topic) -> Result<NewTopic, String> {
    let brokers = |names: &Vec<String>| names.iter().filter_map(|name| broker_of(name)).collect();
    Ok(NewTopic {
        name: topic.name.as_str().into(),
        partitions: topic.partitions.and_then(|count| i32::try_from(count).ok()),
        replication_factor: topic.replication_factor.and_then(|count| i16::try_from(count).ok()),
        assignment: topic.assignment.as_ref().map(|all| all.iter().map(brokers).collect()),
        configs: config_texts(&topic.config)?,
    })
}

/// Values of a topic as Kafka's requests carry them.
pub(super) fn config_texts(config: &TopicOverrides) -> Result<BTreeMap<String, String>, String> {
    let overrides = serde_json::to_value(config).map_err(|error| error.to_string())?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let configs = overrides.as_object().cloned().unwrap_or_default();
    Ok(configs.into_iter().map(|(key, value)| (key, text(value))).collect())
}

fn workload(scenario: &Scenario, producer: &format::Producer) -> Workload {
    Workload {
        name: producer.name.clone(),
        topic: producer.topic.as_str().into(),
        partitions: partitions(scenario, &producer.topic),
        partition: producer.partition.and_then(|partition| i32::try_from(partition).ok()),
        keys: producer.key,
        records: records(producer),
        start: producer.start.0,
        every: producer.every.0,
        size: usize::try_from(producer.size).unwrap_or(usize::MAX),
    }
}

/// How many records a producer sends before it is told to stop.
fn records(producer: &format::Producer) -> u64 {
    let Some(stop) = producer.stop else { return producer.records };
    let time = stop.0.saturating_sub(producer.start.0).as_nanos();
    let every = producer.every.0.as_nanos().max(1);
    producer.records.min(u64::try_from(time.div_ceil(every)).unwrap_or(u64::MAX))
}

fn partitions(scenario: &Scenario, name: &str) -> i32 {
    let topic = scenario.topics.iter().find(|topic| topic.name == name);
    let count = topic.map_or(1, |topic| topic.partition_count(&scenario.cluster.config));
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Every partition of every topic.
pub(super) fn all_partitions(scenario: &Scenario) -> Vec<TopicPartition> {
    let of_topic = |topic: &format::Topic| {
        let name = topic.name.clone();
        (0..partitions(scenario, &name)).map(move |number| TopicPartition::new(&name, number))
    };
    scenario.topics.iter().flat_map(of_topic).collect()
}
