//! The application that creates the scenario's topics before anything else, and does later what
//! operators do to them.

use core::time::Duration;

use broker::{
    client::admin::{Admin, AdminAnswer, AdminCommand, NewTopic},
    host::{Disk, Input, Instant, Now, Outbox, Process},
};

use super::{for_client, pass};
use crate::cluster::AppCommand;

/// How long it tries.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An admin client with topics to create.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicsApp {
    admin: Admin,
    topics: Vec<NewTopic>,
    left: usize,
    failure: Option<String>,
    /// How many operations have come to an end.
    operated: usize,
    refusals: Vec<Refusal>,
}

/// An operation that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its number among the operations that were asked for, from 0.
    pub number: usize,
    /// What it was, and why it was not done.
    pub why: String,
}

impl TopicsApp {
    /// An application that has not started.
    pub fn new(admin: Admin, topics: Vec<NewTopic>) -> Self {
        let left = topics.len();
        Self { admin, left, topics, failure: None, operated: 0, refusals: Vec::new() }
    }

    /// Whether all topics are there.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Why a topic could not be created, if one could not.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// What could not be done of what was asked for later.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// How many operations were done or refused. They end in the order in which they were asked
    /// for.
    pub fn operated(&self) -> usize {
        self.operated
    }
}

impl Process for TopicsApp {
    type Command = AppCommand;
    type Answer = ();

    fn step(
        &mut self,
        now: Now,
        input: Input<AppCommand>,
        disk: &mut dyn Disk,
        out: &mut Outbox<()>,
    ) {
        let started = matches!(input, Input::Started);
        let mut answers = Vec::new();
        if let Input::Command(AppCommand::Admin(operation)) = &input {
            let operation = operation.clone();
            let operate = AdminCommand::Operate { operation, timeout: TIMEOUT };
            answers.extend(pass(&mut self.admin, now, Input::Command(operate), disk, out));
        }
        if let Some(input) = for_client(input) {
            answers.extend(pass(&mut self.admin, now, input, disk, out));
        }
        if started {
            let topics = self.topics.clone();
            let create = AdminCommand::CreateTopics { topics, timeout: TIMEOUT };
            answers.extend(pass(&mut self.admin, now, Input::Command(create), disk, out));
        }
        for answer in answers {
            match answer {
                AdminAnswer::TopicCreated { result: Ok(_), .. } => self.left -= 1,
                AdminAnswer::TopicCreated { name, result: Err(error) } => {
                    self.failure = Some(format!("topic {name}: {error}"));
                }
                AdminAnswer::Operated { operation, result } => {
                    if let Err(error) = result {
                        let why = format!("{}: {error}", operation.name());
                        self.refusals.push(Refusal { number: self.operated, why });
                    }
                    self.operated += 1;
                }
                AdminAnswer::TopicsDescribed(_) | AdminAnswer::Closed => {}
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.admin.deadline()
    }
}
