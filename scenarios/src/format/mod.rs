//! The format of scenario files.
//!
//! ```text
//! text ─► Document ─► variant, --set ─► choices ─► schema ─► types ─► checks ─► Resolved
//!         (places)                      (drawn)   (validate)                    (a run)
//! ```
//!
//! Every step that refuses names a key path ([`Issue`]); the [`Document`] knows where that stands
//! and makes it one message with file, line, column and the nearest valid word ([`FileError`]). The
//! types document the format: the schema, the messages and `highwater list` quote them.
//!
//! What it does not know: how a scenario is run.

mod action;
mod chaos;
mod checks;
mod choice;
mod document;
pub mod events;
pub mod expect;
mod fault;
mod file;
mod formats;
mod issue;
mod messages;
mod names;
mod path;
mod scenario;
mod schema;
mod target;
mod trigger;
pub mod units;
mod validate;
mod workload;

#[cfg(test)]
mod tests;

pub use action::{
    Action, AddPartitions, All, ChangingOperation, Clock, Crash, CrashAtOperation, Cut, Delay,
    DiskBitFlip, DiskCall, DiskError, DiskFull, DiskSlow, DiskStall, DiskWipe, DropWithReset,
    Elect, ElectPreferred, Ending, Groups, Heal, Healed, Hold, Isolate, Loss, Pause, PowerOff,
    Reassign, Reset, SetConfig, Shutdown, SlowLink, Start, Throttle, Unsynced, WantedConfig,
    WantedLeader, WantedPartitions, WantedReplicas,
};
pub use chaos::{Chaos, ChaosKind, TargetClass, Weights};
pub use choice::Chooser;
pub use document::Document;
pub use expect::{
    Bounds, Count, Except, Expect, PeriodBounds, Verdict, VerdictExpectation, Verdicts, verdict_of,
};
pub use fault::{Fault, Point, Until, UntilTime, When};
pub use file::{BASE, Override, Resolved, ScenarioFile, Selection};
pub use issue::{FileError, Issue, Part, Source, nearest};
pub use messages::Messages;
pub use path::{KeyPath, Step};
pub use scenario::{Cluster, Network, Protocol, RuleOverrides, Scenario, Topic, Variant};
pub use schema::{checked as checked_schema, published as published_schema};
pub use target::{Target, Targets};
pub use trigger::Trigger;
pub use units::{Bandwidth, Direction, Period, PeriodRange, Share, SignedPeriod};
pub use validate::Validator as Describer;
pub use workload::{Consumer, Keys, Producer};
