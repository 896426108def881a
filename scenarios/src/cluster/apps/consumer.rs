//! An application that reads its partitions and asks for more, for ever.

use core::time::Duration;

use broker::{
    client::consumer::{Consumer, ConsumerAnswer, ConsumerCommand},
    host::{Disk, Input, Instant, Now, Outbox, Process},
    ids::TopicPartition,
};

use super::{for_client, pass};
use crate::cluster::AppCommand;

/// A consumer with assigned partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerApp {
    consumer: Consumer,
    partitions: Vec<TopicPartition>,
}

impl ConsumerApp {
    /// An application that has not started.
    pub fn new(consumer: Consumer, partitions: Vec<TopicPartition>) -> Self {
        Self { consumer, partitions }
    }

    /// What it reads.
    pub fn partitions(&self) -> &[TopicPartition] {
        &self.partitions
    }

    /// The consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    fn step_client(
        &mut self,
        now: Now,
        input: Input<ConsumerCommand>,
        disk: &mut dyn Disk,
        out: &mut Outbox<()>,
    ) {
        let mut answers = pass(&mut self.consumer, now, input, disk, out);
        while let Some(answer) = answers.pop() {
            match answer {
                // Every delivery was told as an event; the application only asks for more.
                ConsumerAnswer::Records(_) => {
                    let poll = Input::Command(ConsumerCommand::Poll { timeout: Duration::MAX });
                    answers.extend(pass(&mut self.consumer, now, poll, disk, out));
                }
                ConsumerAnswer::Failed { .. } | ConsumerAnswer::Closed => {}
            }
        }
    }
}

impl Process for ConsumerApp {
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
        if let Some(input) = for_client(input) {
            self.step_client(now, input, disk, out);
        }
        if started {
            let partitions = self.partitions.clone();
            let assign = Input::Command(ConsumerCommand::Assign { partitions });
            self.step_client(now, assign, disk, out);
            let poll = Input::Command(ConsumerCommand::Poll { timeout: Duration::MAX });
            self.step_client(now, poll, disk, out);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.consumer.deadline()
    }
}
