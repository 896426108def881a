//! The door: everything a process is told, and everything it does, passes here.
//!
//! A broker, a controller or a client is a [`Process`]: a value that takes one [`Input`] at a time
//! and the time at which it comes ([`Now`]), works on its [`Disk`], and leaves what it wants done
//! in an [`Outbox`]. It never waits: what it waits for is data (a table with deadlines), and
//! [`Process::deadline`] says when it wants to be woken.
//!
//! ```text
//!              Input                                Output
//!   started ─┐                            ┌─ open, close, listen
//!   woken ───┤                            ├─ send a frame, with its tag
//!   accepted ┤     ┌───────────────┐      ├─ answer the application
//!   established ──►│ Process::step │─────►┤
//!   failed ──┤     └───────┬───────┘      ├─ exit
//!   closed ──┤             │ calls        └─ event: what happened, for whoever watches
//!   frame ───┤           Disk
//!   command ─┘
//! ```
//!
//! A *host* owns processes and gives them their surroundings. Hosts are thin: one arm for each
//! variant of [`Output`]. The order of the outputs of one step is the order in which they happen.
//!
//! What a host promises:
//!
//! * Inputs come one at a time; a step is never entered while another of the same process runs.
//! * `Started` is the first input of an incarnation, and comes once. After a crash the process is
//!   built anew from its disk; no value survives.
//! * Frames of one connection arrive in the order in which they were sent, none twice, none
//!   missing: what cannot be delivered ends the connection.
//! * A connection that was opened gets exactly one of `Established` or `ConnectFailed`, and after
//!   `Established` at most one `Closed`. A process that closes a connection hears nothing more of
//!   it.
//! * Time never goes back on `Now::monotonic`. `Now::wall` may jump.
//!
//! What a process promises:
//!
//! * No panic for anything that a peer, a client, the network or the disk can cause.
//! * The same state, input and time give the same outputs and disk calls.

mod connection;
mod disk;
pub mod event;
mod io;
mod memory_disk;
mod process;
mod time;

pub use connection::{AcceptedId, Address, Connection, OpenedId};
pub use disk::{Disk, DiskError, DiskErrorKind, DiskOperation};
pub use event::Event;
pub use io::{ConnectFailure, ExitReason, FrameTag, Gate, Input, Outbox, Output};
pub use memory_disk::MemoryDisk;
pub use process::Process;
pub use time::{Instant, Now, Timestamp};
