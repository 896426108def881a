//! Who executes a step: the process, its input and its disk go in, and come back with the outputs.
//!
//! The process travels with the [`Job`], so nothing of it hides in the executor, and any executor
//! gives the same run. [`Inline`] executes on the spot; [`crate::Madsim`] in a task of a madsim
//! node.

use std::{
    any::Any,
    future::{Future, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    disk::Disk,
    door::{Input, Outbox, Process},
    time::{Instant, Now, Time},
    world::NodeId,
};

/// One step to be executed. Its room serves the next one, when it has given up what it carried.
#[derive(Clone, Debug)]
pub struct Job<P: Process> {
    pub(crate) node: NodeId,
    pub(crate) name: Arc<str>,
    pub(crate) incarnation: u32,
    pub(crate) now: Now,
    pub(crate) input: Option<Input<P::Command>>,
    /// Here, and not in the world, while the step is executed. So is the disk.
    pub(crate) process: Option<Box<P>>,
    pub(crate) disk: Option<Box<Disk>>,
    pub(crate) out: Outbox<P>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) panic: Option<String>,
}

impl<P: Process> Job<P> {
    /// The node whose step it is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The name of the node.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Which life of the process on this node it is, counted from 1.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// Executes the step. A panic of the process is caught and becomes part of the result.
    pub fn run(&mut self) {
        let (Some(input), Some(process), Some(disk)) =
            (self.input.take(), &mut self.process, &mut self.disk)
        else {
            return;
        };
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            process.step(self.now, input, disk, &mut self.out);
            process.deadline()
        }));
        match stepped {
            Ok(deadline) => self.deadline = deadline,
            Err(payload) => self.panic = Some(panic_message(payload.as_ref())),
        }
    }
}

/// Executes steps.
pub trait Executor<P: Process> {
    /// Executes the step by [`Job::run`] and gives the job back.
    fn execute(&mut self, job: Box<Job<P>>) -> impl Future<Output = Box<Job<P>>>;

    /// The world's time is now this.
    fn advance_to(&mut self, time: Time);
}

/// Executes each step on the spot, on the thread of the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Inline {
    /// Runs a future that waits for nothing but this executor.
    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a future under the inline executor waited for something else"),
        }
    }
}

impl<P: Process> Executor<P> for Inline {
    fn execute(&mut self, mut job: Box<Job<P>>) -> impl Future<Output = Box<Job<P>>> {
        job.run();
        ready(job)
    }

    fn advance_to(&mut self, _time: Time) {}
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
