//! The world: a seeded clock, network, disk, faults and trace for processes that are values.
//!
//! A [`World`] runs [`Process`]es: state machines that take one [`Input`] at a time and leave what
//! they want done in an [`Outbox`]. Everything between them is simulated here: connections with
//! latency, cuts and resets ([`network`]), disks that forget what was not synced ([`disk`]), clocks
//! that drift ([`Clock`]), processes that are killed and machines that lose power ([`World`]).
//!
//! ```text
//!             ┌──────────────────────────── World ───────────────────────────┐
//!             │  queue by (time, sequence)     links, connections, rules      │
//!   advance() │  nodes: process, clock, disk   draws by (concern, key)        │
//!  ──────────►│  trace: running hash           faults                         │
//!  ◄──────────│                                                               │
//!   Moment    └──────────────┬───────────────────────────────▲───────────────┘
//!                            │ Job: process + input + disk   │ the same + outputs
//!                            ▼                               │
//!                        Executor: madsim node's task, or inline
//! ```
//!
//! Three promises hold it together:
//!
//! * **One queue.** Every thing that will happen stands in one queue, ordered by time and then by
//!   the order in which it was put there. madsim gives each process a node and a task to run in,
//!   and a clock; its timers and its random ready queue decide nothing.
//! * **A draw is a function of (seed, concern, key, ordinal)** ([`Draws`]): one more draw in one
//!   place moves no draw in any other.
//! * **The world is a value.** It can be cloned between two [`Moment`]s, looked into, and gone on
//!   with.
//!
//! ```
//! use sim::{Config, Disk, Input, Instant, Moment, Now, Outbox, Process, Time, World};
//!
//! /// Says how often it was asked.
//! #[derive(Clone, Debug, PartialEq)]
//! struct Parrot(u32);
//!
//! impl Process for Parrot {
//!     type Command = ();
//!     type Answer = u32;
//!     type Event = String;
//!     type Tag = ();
//!
//!     fn step(&mut self, _: Now, input: Input<()>, _: &mut Disk, out: &mut Outbox<Self>) {
//!         if input == Input::Command(()) {
//!             self.0 += 1;
//!             out.event(format!("asked {}", self.0));
//!             out.answer(self.0);
//!         }
//!     }
//!
//!     fn deadline(&self) -> Option<Instant> {
//!         None
//!     }
//! }
//!
//! let mut world = World::new(42, Config::default());
//! let node = world.add_node("parrot");
//! world.start(node, Parrot(0));
//! world.command_at(node, Time(5), ());
//! world.command_at(node, Time(9), ());
//! let mut answers = Vec::new();
//! loop {
//!     match world.advance_inline_until(Time::NEVER) {
//!         // The second answer never leaves: the process is killed before.
//!         Moment::Stepped(step) if step.events == ["asked 2"] => world.crash(node),
//!         Moment::Left(left) => answers.extend(left.answers),
//!         Moment::Stepped(_) | Moment::Alarm { .. } | Moment::Reached => {}
//!         Moment::Ended(_) => break,
//!     }
//! }
//! assert_eq!(answers, [1]);
//! ```
//!
//! What this crate does not know: what the processes are for. Frames are bytes with a tag of the
//! process's own type, and events are opaque but for their serialised form.

// `rustdoc` does not get the flags of the build; what it documents and tests is built with them.
#[cfg(not(any(madsim, doc, doctest)))]
compile_error!(
    "this crate simulates only under madsim's cfg: build inside the repository, whose \
     .cargo/config.toml sets it, or pass RUSTFLAGS=\"--cfg madsim\" (note that RUSTFLAGS in the \
     environment replaces the flags of .cargo/config.toml, so it must carry the cfg itself)"
);

#[cfg(test)]
extern crate self as sim;

mod clock;
pub mod disk;
mod door;
mod draws;
mod executor;

pub mod network;
mod on_madsim;
mod queue;
mod time;
mod trace;
pub mod world;

#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use disk::{Disk, DiskError, DiskErrorKind, DiskOperation};
pub use door::{
    AcceptedId, Address, ConnectFailure, Connection, ExitReason, Input, OpenedId, Outbox, Output,
    Process,
};
pub use draws::{Draws, Ratio, Stream};
pub use executor::{Executor, Inline, Job};
pub use network::{FrameInfo, LinkProfile, RuleAction, RuleId};
pub use on_madsim::{Madsim, Panicked, run_on_fresh_thread};
pub use time::{Instant, Now, Time, Timestamp};
pub use trace::{Trace, TraceEntry, TraceHash, first_difference};
pub use world::{Config, Ending, Moment, NodeId, World};
