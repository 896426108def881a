//! Steps in madsim: one runtime for each run, on a thread of its own; one node for each process.
//!
//! madsim gives a process surroundings in which a stray look at a clock, or a stray draw, is at
//! least the same in every run of the seed: it intercepts the C library's clock and entropy. It has
//! no say in the order of things: at any moment at most one of its tasks has work.
//!
//! * The runtime is the first thing on a fresh thread, for the keys of std's hash maps are drawn
//!   once for each thread.
//! * A new incarnation of a process is a restarted node: always killed before.
//! * At the end every node is killed and 10 ms pass, so that the runtime frees its tasks; else each
//!   run would leak them.

use core::time::Duration;
use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    thread,
};

use madsim::{
    Config,
    runtime::{Handle, Runtime},
    task::NodeId as TaskNode,
    time::TimeHandle,
};

use crate::{
    door::Process,
    executor::{Executor, Job, panic_message},
    time::Time,
};

/// How long the runtime is left to free what the killed nodes held.
const CLEAN_UP: Duration = Duration::from_millis(10);

/// Room for deep recursion in a process, whatever the platform's default for threads is.
const STACK_BYTES: usize = 8 << 20;

/// The run itself panicked: a broken invariant of the world or of the caller, not of a process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run panicked: {message}")]
pub struct Panicked {
    /// What the panic said.
    pub message: String,
}

/// Runs `run` on a thread of its own, under a madsim runtime that is created there and torn down
/// after. `madsim_seed` must make no difference; that it makes none is worth a test.
pub fn run_on_fresh_thread<P, T, F>(madsim_seed: u64, run: F) -> Result<T, Panicked>
where
    P: Process,
    T: Send,
    F: AsyncFnOnce(&mut Madsim<P>) -> T + Send,
{
    thread::scope(|scope| {
        let spawned = thread::Builder::new()
            .name(format!("run-{madsim_seed}"))
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || run_here(madsim_seed, run));
        let thread = spawned.map_err(|error| Panicked { message: error.to_string() })?;
        let joined = thread.join();
        joined.unwrap_or_else(|panic| Err(Panicked { message: panic_message(panic.as_ref()) }))
    })
}

fn run_here<P, T, F>(madsim_seed: u64, run: F) -> Result<T, Panicked>
where
    P: Process,
    F: AsyncFnOnce(&mut Madsim<P>) -> T,
{
    let runtime = Runtime::with_seed_and_config(madsim_seed, Config::default());
    let twins = Twins::default();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut executor = Madsim::new(twins.clone());
            run(&mut executor).await
        })
    }));
    runtime.block_on(async {
        for twin in twins.take() {
            runtime.handle().kill(twin);
        }
        madsim::time::sleep(CLEAN_UP).await;
    });
    outcome.map_err(|panic| Panicked { message: panic_message(panic.as_ref()) })
}

/// The madsim nodes of a run, to be killed at its end, whichever way it ends.
type Twins = Rc<RefCell<Vec<TaskNode>>>;

/// Executes each step in the task of the node's madsim twin.
pub struct Madsim<P: Process> {
    handle: Handle,
    time: TimeHandle,
    seats: Vec<Option<Seat<P>>>,
    twins: Twins,
}

/// Where a process works: the madsim node, and the desk on which jobs are laid.
struct Seat<P: Process> {
    twin: TaskNode,
    incarnation: u32,
    desk: Arc<Desk<P>>,
}

impl<P: Process> Madsim<P> {
    fn new(twins: Twins) -> Self {
        Self { handle: Handle::current(), time: TimeHandle::current(), seats: Vec::new(), twins }
    }

    /// The desk of the incarnation that the job belongs to. A new incarnation is a new task.
    fn desk(&mut self, job: &Job<P>) -> &Arc<Desk<P>> {
        let index = job.node().index();
        if self.seats.len() <= index {
            self.seats.resize_with(index + 1, || None);
        }
        let stale = self.seats[index].as_ref().is_none_or(|s| s.incarnation != job.incarnation());
        if stale {
            let seat = self.take_seat(index, job);
            self.seats[index] = Some(seat);
        }
        let seat = self.seats[index].as_ref().expect("it was taken just now if it was not before");
        &seat.desk
    }

    fn take_seat(&self, index: usize, job: &Job<P>) -> Seat<P> {
        let twin = if let Some(seat) = &self.seats[index] {
            self.handle.kill(seat.twin);
            self.handle.restart(seat.twin);
            seat.twin
        } else {
            let twin = self.handle.create_node().name(job.name().as_ref()).build().id();
            self.twins.borrow_mut().push(twin);
            twin
        };
        let desk = Arc::new(Desk::default());
        let node = self.handle.get_node(twin).expect("the node was built before");
        drop(node.spawn(work(Arc::clone(&desk))));
        Seat { twin, incarnation: job.incarnation(), desk }
    }
}

impl<P: Process> fmt::Debug for Madsim<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Madsim").field("seats", &self.seats.len()).finish_non_exhaustive()
    }
}

impl<P: Process> Executor<P> for Madsim<P> {
    async fn execute(&mut self, job: Box<Job<P>>) -> Box<Job<P>> {
        let desk = Arc::clone(self.desk(&job));
        desk.lay(job);
        poll_fn(|context| {
            let mut papers = desk.papers();
            if let Some(job) = papers.done.take() {
                return Poll::Ready(job);
            }
            remember(&mut papers.driver, context.waker());
            Poll::Pending
        })
        .await
    }

    fn advance_to(&mut self, time: Time) {
        // madsim adds a little for each poll, so its clock may already be there.
        let ahead = Duration::from_nanos(time.0).checked_sub(self.time.elapsed());
        if let Some(ahead) = ahead {
            self.time.advance(ahead);
        }
    }
}

/// What a node's task does: jobs, as they come, for as long as it lives.
async fn work<P: Process>(desk: Arc<Desk<P>>) {
    loop {
        let mut job = poll_fn(|context| {
            let mut papers = desk.papers();
            if let Some(job) = papers.todo.take() {
                return Poll::Ready(job);
            }
            remember(&mut papers.worker, context.waker());
            Poll::Pending
        })
        .await;
        job.run();
        desk.give_back(job);
    }
}

fn remember(slot: &mut Option<Waker>, waker: &Waker) {
    if slot.as_ref().is_none_or(|known| !known.will_wake(waker)) {
        *slot = Some(waker.clone());
    }
}

struct Desk<P: Process>(Mutex<Papers<P>>);

struct Papers<P: Process> {
    todo: Option<Box<Job<P>>>,
    done: Option<Box<Job<P>>>,
    worker: Option<Waker>,
    driver: Option<Waker>,
}

impl<P: Process> Desk<P> {
    fn papers(&self) -> MutexGuard<'_, Papers<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays a job on the desk, and wakes the worker.
    fn lay(&self, job: Box<Job<P>>) {
        let mut papers = self.papers();
        papers.todo = Some(job);
        if let Some(worker) = &papers.worker {
            worker.wake_by_ref();
        }
    }

    /// Gives a job that was done back to the driver.
    fn give_back(&self, job: Box<Job<P>>) {
        let mut papers = self.papers();
        papers.done = Some(job);
        if let Some(driver) = &papers.driver {
            driver.wake_by_ref();
        }
    }
}

impl<P: Process> Default for Desk<P> {
    fn default() -> Self {
        Self(Mutex::new(Papers { todo: None, done: None, worker: None, driver: None }))
    }
}
