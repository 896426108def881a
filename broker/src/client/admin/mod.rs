//! The admin client (Kafka's `KafkaAdminClient`), as far as a test bed needs one: it creates topics,
//! says where their partitions are, and does what operators do to them.
//!
//! Any broker is asked; in a `KRaft` cluster brokers pass on what the controller has to do. One
//! operation runs at a time. What may pass is tried again until the operation's time is over.
//! Beyond Kafka's retriable codes that is `INVALID_REPLICATION_FACTOR`, which a cluster answers as
//! long as not enough of its brokers have registered.

mod api;
mod operations;

use std::collections::{BTreeMap, VecDeque};

use rand_chacha::ChaCha8Rng;

pub use api::{AdminAnswer, AdminCommand, AdminError, NewTopic};
pub use operations::AdminOperation;

use operations::Settled;

use super::{
    ConnectionKeys, TopicMetadata,
    network::{ClientNetwork, Ended, Node, fork},
};
use crate::{
    config::Millis,
    host::{Address, Disk, ExitReason, Input, Instant, Now, Outbox, Process},
    ids::{BrokerId, ClientId, TopicName},
    net::Outcome,
    protocol::{
        ErrorCode, Request, Response,
        messages::{
            CreateTopicsRequest, CreateTopicsResponse, WireString,
            create_topics_request::{
                CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
            },
            topic_id_of, topic_of, wire_broker, wire_string, wire_topic,
        },
    },
};

/// Kafka's defaults for the settings that clients share.
const KEYS: ConnectionKeys = ConnectionKeys {
    retry_backoff: Millis(100),
    retry_backoff_max: Millis(1_000),
    request_timeout: Millis(30_000),
    metadata_max_age: Millis(300_000),
    reconnect_backoff: Millis(50),
    reconnect_backoff_max: Millis(1_000),
    connection_setup_timeout: Millis(10_000),
};

/// An admin client.
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    network: ClientNetwork<Token>,
    /// What was asked for, the running operation first.
    operations: VecDeque<Operation>,
    next_operation: u64,
    next_check: Option<Instant>,
    rng: ChaCha8Rng,
    stage: Stage,
}

/// A request belongs to the operation of this number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token(u64);

#[derive(Clone, Debug, PartialEq)]
struct Operation {
    number: u64,
    task: Task,
    until: Instant,
    progress: Progress,
    failures: u32,
}

#[derive(Clone, Debug, PartialEq)]
enum Task {
    /// The topics that are not settled.
    Create(Vec<NewTopic>),
    Describe {
        topics: Vec<TopicName>,
        known_version: Option<u64>,
    },
    Operate(AdminOperation),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Progress {
    /// It may be asked for from this moment on.
    Waiting(Instant),
    InFlight,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Closed,
}

impl Admin {
    /// An admin client that calls itself `client` and finds the cluster through `bootstrap`.
    pub fn new(client: ClientId, bootstrap: Vec<Address>, mut rng: ChaCha8Rng) -> Self {
        Self {
            network: ClientNetwork::new(client, bootstrap, KEYS, &mut rng),
            operations: VecDeque::new(),
            next_operation: 0,
            next_check: None,
            rng: fork(&mut rng),
            stage: Stage::Open,
        }
    }

    fn on_command(&mut self, now: Now, command: AdminCommand, out: &mut Outbox<AdminAnswer>) {
        let (task, timeout) = match command {
            AdminCommand::CreateTopics { topics, timeout } => (Task::Create(topics), timeout),
            AdminCommand::DescribeTopics { topics, timeout } => {
                (Task::Describe { topics, known_version: None }, timeout)
            }
            AdminCommand::Operate { operation, timeout } => (Task::Operate(operation), timeout),
            AdminCommand::Close => {
                self.close(now, out);
                out.answer(AdminAnswer::Closed);
                return;
            }
        };
        let operation = Operation {
            number: self.next_operation,
            task,
            until: now.monotonic.plus(timeout),
            progress: Progress::Waiting(now.monotonic),
            failures: 0,
        };
        self.next_operation += 1;
        self.operations.push_back(operation);
    }

    fn close(&mut self, now: Now, out: &mut Outbox<AdminAnswer>) {
        for operation in std::mem::take(&mut self.operations) {
            give_up(operation.task, &AdminError::Closed, out);
        }
        self.network.close(now, out);
        self.stage = Stage::Closed;
    }

    fn on_ended(&mut self, now: Now, ended: Ended<Token>, out: &mut Outbox<AdminAnswer>) {
        // An operation whose time was over is gone.
        let running = self.operations.front_mut();
        let Some(operation) = running.filter(|running| ended.token == Token(running.number)) else {
            return;
        };
        let wait = KEYS.retry().after(operation.failures, &mut self.rng);
        operation.failures += 1;
        operation.progress = Progress::Waiting(now.monotonic.plus(wait));
        let is_settled = match (&mut operation.task, ended.outcome) {
            (Task::Create(open), Outcome::Response(Response::CreateTopics(response))) => {
                settle_created(open, &response, out);
                open.is_empty()
            }
            (Task::Operate(task), Outcome::Response(response)) => {
                settle_operated(task, &response, out)
            }
            _ => false,
        };
        if is_settled {
            self.operations.pop_front();
        }
    }

    /// Begins or goes on with the first operation.
    fn run(&mut self, now: Now, out: &mut Outbox<AdminAnswer>) {
        self.next_check = None;
        while let Some(operation) = self.operations.front() {
            if operation.until <= now.monotonic {
                let late = self.operations.pop_front().expect("it was just looked at");
                give_up(late.task, &AdminError::TimedOut, out);
                continue;
            }
            self.next_check = Some(operation.until);
            let done = match operation.task {
                Task::Create(_) | Task::Operate(_) => self.run_request(now, out),
                Task::Describe { .. } => self.run_describe(out),
            };
            if done == Done::NotYet {
                return;
            }
            self.operations.pop_front();
            self.next_check = None;
        }
    }

    fn run_request(&mut self, now: Now, out: &mut Outbox<AdminAnswer>) -> Done {
        let Some(operation) = self.operations.front() else { return Done::Yes };
        let number = operation.number;
        match operation.progress {
            Progress::InFlight => return Done::NotYet,
            Progress::Waiting(until) if now.monotonic < until => {
                self.next_check = Instant::earliest(self.next_check, Some(until));
                return Done::NotYet;
            }
            Progress::Waiting(_) => {}
        }
        let request = match &operation.task {
            Task::Create(topics) => Request::CreateTopics(create_request(topics)),
            Task::Operate(task) => task.request(KEYS.request_timeout.to_wire()),
            Task::Describe { .. } => return Done::Yes,
        };
        match self.network.least_loaded(now, out) {
            Node::Ready(node) => {
                self.network.send(now, node, &request, Token(number), out);
                if let Some(operation) = self.operations.front_mut() {
                    operation.progress = Progress::InFlight;
                }
            }
            Node::Connecting => {}
            Node::BackingOff(until) => {
                self.next_check = Instant::earliest(self.next_check, Some(until));
            }
        }
        Done::NotYet
    }

    /// Asks for metadata that is newer than the operation, and gives what it says.
    fn run_describe(&mut self, out: &mut Outbox<AdminAnswer>) -> Done {
        let version = self.network.metadata.version();
        let Some(operation) = self.operations.front_mut() else { return Done::Yes };
        let Task::Describe { topics, known_version } = &mut operation.task else {
            return Done::Yes;
        };
        let Some(known) = *known_version else {
            *known_version = Some(version);
            for topic in topics {
                self.network.metadata.want(topic);
            }
            self.network.metadata.request_update();
            return Done::NotYet;
        };
        if version <= known {
            return Done::NotYet;
        }
        let described = topics
            .iter()
            .filter_map(|name| Some((name.clone(), self.network.metadata.topic(name)?.clone())));
        let described: BTreeMap<TopicName, TopicMetadata> = described.collect();
        out.answer(AdminAnswer::TopicsDescribed(Ok(described)));
        Done::Yes
    }
}

impl Process for Admin {
    type Command = AdminCommand;
    type Answer = AdminAnswer;

    fn step(
        &mut self,
        now: Now,
        input: Input<AdminCommand>,
        _disk: &mut dyn Disk,
        out: &mut Outbox<AdminAnswer>,
    ) {
        match input {
            Input::Command(command) => self.on_command(now, command, out),
            Input::ShutdownAsked => {
                self.close(now, out);
                out.exit(ExitReason::CleanShutdown);
            }
            Input::Started => self.network.metadata.request_update(),
            Input::Woken
            | Input::Accepted { .. }
            | Input::Established { .. }
            | Input::ConnectFailed { .. }
            | Input::Closed { .. }
            | Input::Frame { .. } => self.network.take(now, input, out),
        }
        if self.stage == Stage::Closed {
            return;
        }
        while let Some(ended) = self.network.next_ended(now) {
            self.on_ended(now, ended, out);
        }
        self.run(now, out);
        self.network.maintain(now, out);
    }

    fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Open => Instant::earliest(self.network.deadline(), self.next_check),
            Stage::Closed => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Yes,
    NotYet,
}

/// Tells of the topics that are settled and takes them out.
fn settle_created(
    open: &mut Vec<NewTopic>,
    response: &CreateTopicsResponse,
    out: &mut Outbox<AdminAnswer>,
) {
    for answer in &response.topics {
        let name = topic_of(&answer.name);
        let error = ErrorCode::from_code(answer.error_code);
        if error.is_retriable() || error == ErrorCode::InvalidReplicationFactor {
            continue;
        }
        if !open.iter().any(|topic| topic.name == name) {
            continue;
        }
        open.retain(|topic| topic.name != name);
        let result = if error == ErrorCode::None {
            Ok(topic_id_of(answer.topic_id))
        } else {
            let said = answer.error_message.as_ref().map(WireString::as_str);
            let said = said.filter(|message| !message.is_empty());
            let message = said.unwrap_or(error.name()).to_owned();
            Err(AdminError::Refused { error: error.code(), message })
        };
        out.answer(AdminAnswer::TopicCreated { name, result });
    }
}

/// Tells what came of an operation. Says whether anything did.
fn settle_operated(
    operation: &AdminOperation,
    response: &Response,
    out: &mut Outbox<AdminAnswer>,
) -> bool {
    let result = match operation.settle(response) {
        Settled::Again => return false,
        Settled::Done => Ok(()),
        Settled::Refused(error, message) => {
            Err(AdminError::Refused { error: error.code(), message })
        }
    };
    out.answer(AdminAnswer::Operated { operation: operation.clone(), result });
    true
}

fn give_up(task: Task, error: &AdminError, out: &mut Outbox<AdminAnswer>) {
    match task {
        Task::Create(topics) => {
            for topic in topics {
                let result = Err(error.clone());
                out.answer(AdminAnswer::TopicCreated { name: topic.name, result });
            }
        }
        Task::Describe { .. } => out.answer(AdminAnswer::TopicsDescribed(Err(error.clone()))),
        Task::Operate(operation) => {
            out.answer(AdminAnswer::Operated { operation, result: Err(error.clone()) });
        }
    }
}

fn create_request(topics: &[NewTopic]) -> CreateTopicsRequest {
    let topics = topics.iter().map(|topic| {
        let configs = topic.configs.iter().map(|(key, value)| {
            CreatableTopicConfig::default()
                .with_name(wire_string(key))
                .with_value(Some(wire_string(value)))
        });
        let assignments: Vec<_> =
            topic.assignment.iter().flatten().zip(0..).map(assigned).collect();
        // Kafka refuses both numbers beside an assignment.
        let number = |said: Option<i32>| {
            if assignments.is_empty() { said.unwrap_or(-1) } else { -1 }
        };
        let replicas = i16::try_from(number(topic.replication_factor.map(i32::from)));
        CreatableTopic::default()
            .with_name(wire_topic(&topic.name))
            .with_num_partitions(number(topic.partitions))
            .with_replication_factor(replicas.expect("it was a smaller number before"))
            .with_assignments(assignments)
            .with_configs(configs.collect())
    });
    CreateTopicsRequest::default()
        .with_topics(topics.collect())
        .with_timeout_ms(KEYS.request_timeout.to_wire())
}

/// The brokers that hold a partition, for the wire.
fn assigned((brokers, partition): (&Vec<BrokerId>, i32)) -> CreatableReplicaAssignment {
    CreatableReplicaAssignment::default()
        .with_partition_index(partition)
        .with_broker_ids(brokers.iter().map(|broker| wire_broker(Some(*broker))).collect())
}

#[cfg(test)]
mod tests;
