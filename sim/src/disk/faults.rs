//! What can be done to a disk: errors, stalls, a full device, rot, and death in the middle of a
//! step.

use core::time::Duration;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    error::{DiskErrorKind, DiskOperation},
    power::Unsynced,
};
use crate::time::{Time, nanos};

/// Which paths a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// Every path.
    Any,
    /// This path only.
    Exactly(String),
    /// Those that begin so.
    StartsWith(String),
    /// Those that end so.
    EndsWith(String),
    /// Those in which this occurs.
    Contains(String),
    /// Those that match all of these.
    All(Vec<PathPattern>),
}

impl PathPattern {
    /// Whether a path is meant.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(whole) => path == whole,
            Self::StartsWith(start) => path.starts_with(start.as_str()),
            Self::EndsWith(end) => path.ends_with(end.as_str()),
            Self::Contains(part) => path.contains(part.as_str()),
            Self::All(patterns) => patterns.iter().all(|pattern| pattern.matches(path)),
        }
    }
}

/// A fault of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The next `count` of these operations on these paths fail with an I/O error and have no
    /// effect; a sync that fails marks its data clean all the same.
    Fail {
        /// Which calls.
        operations: Vec<DiskOperation>,
        /// On which paths.
        path: PathPattern,
        /// How many of them.
        count: u32,
    },
    /// No call fails any more and none is deadly; the disk has room again; stalls and slowness end.
    Heal,
    /// The device has room for so many bytes in all; without a number, for any.
    Capacity(Option<u64>),
    /// The device is full: what is there has room, nothing more.
    Fill,
    /// Whatever reaches for the device before this time has passed waits until then.
    Stall(Duration),
    /// Calls take so long from now on.
    Latency(DiskLatency),
    /// One bit of a file is turned over, on the platter and in the page cache.
    FlipBit {
        /// The file.
        path: String,
        /// Which bit, counted from the file's beginning.
        bit: u64,
    },
    /// Everything is gone: a new, empty device.
    Wipe,
    /// The process or the machine dies at an operation.
    CrashAt(CrashPoint),
}

/// How long calls take: added up, and charged to the step that made them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskLatency {
    /// `read_at`.
    pub read: Duration,
    /// `append`, `write_at`, `truncate`, and the changes of names.
    pub write: Duration,
    /// `sync` and `sync_dir`.
    pub sync: Duration,
}

impl DiskLatency {
    /// A disk that takes no time.
    pub const NONE: Self =
        Self { read: Duration::ZERO, write: Duration::ZERO, sync: Duration::ZERO };
}

impl Default for DiskLatency {
    /// Reads and writes go to the page cache; a sync goes to a flash device.
    fn default() -> Self {
        Self { sync: Duration::from_micros(200), ..Self::NONE }
    }
}

/// Where in the life of a process it dies: when it calls an operation for the n-th time. That
/// operation, and whatever comes after it in the step, has no effect.
///
/// The count begins when the point is set, and anew with each incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// Which call; without one, every call that changes the disk or syncs it.
    pub operation: Option<DiskOperation>,
    /// On which paths.
    pub path: PathPattern,
    /// The how manieth, counted from 1.
    pub nth: u64,
    /// What happens.
    pub death: Death,
}

/// How a node dies at a crash point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process is killed; its machine lives.
    Crash,
    /// The machine loses power.
    PowerOff(Unsynced),
}

/// Whether the disk, and with it the process and its outbox, is still alive within a step.
#[derive(Clone, Debug, Default)]
pub struct DeathSwitch(Option<Arc<AtomicBool>>);

impl DeathSwitch {
    /// Whether what happens now still has an effect.
    pub fn is_alive(&self) -> bool {
        // Only the thread that executes the step reads and writes it.
        self.0.as_ref().is_none_or(|dead| !dead.load(Ordering::Relaxed))
    }

    /// Whether the process may die at a call to the disk in this step.
    pub fn is_armed(&self) -> bool {
        self.0.is_some()
    }

    fn kill(&self) {
        if let Some(dead) = &self.0 {
            dead.store(true, Ordering::Relaxed);
        }
    }
}

/// The faults that are in force.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    pub(super) latency: DiskLatency,
    pub(super) capacity: Option<u64>,
    stalled_until: Time,
    failures: Vec<Failure>,
    crash_points: Vec<(CrashPoint, u64)>,
    switch: DeathSwitch,
}

#[derive(Clone, Debug)]
struct Failure {
    operations: Vec<DiskOperation>,
    path: PathPattern,
    left: u32,
}

impl Faults {
    pub(super) fn new(latency: DiskLatency) -> Self {
        Self {
            latency,
            capacity: None,
            stalled_until: Time(0),
            failures: Vec::new(),
            crash_points: Vec::new(),
            switch: DeathSwitch::default(),
        }
    }

    pub(super) fn fail(&mut self, operations: Vec<DiskOperation>, path: PathPattern, left: u32) {
        self.failures.push(Failure { operations, path, left });
    }

    pub(super) fn heal(&mut self, latency: DiskLatency) {
        self.failures.clear();
        self.crash_points.clear();
        self.capacity = None;
        self.stalled_until = Time(0);
        self.latency = latency;
    }

    pub(super) fn stall_until(&mut self, time: Time) {
        self.stalled_until = self.stalled_until.max(time);
    }

    pub(super) fn crash_at(&mut self, point: CrashPoint) {
        assert_ne!(point.nth, 0, "operations are counted from 1");
        self.crash_points.push((point, 0));
    }

    /// A step begins, alive. Its switch is its own: a clone of the disk has none of it.
    pub(super) fn begin_step(&mut self) {
        let armed = !self.crash_points.is_empty();
        self.switch = DeathSwitch(armed.then(Arc::default));
    }

    /// A new incarnation: its operations are counted from the first.
    pub(super) fn revive(&mut self) {
        for (_, seen) in &mut self.crash_points {
            *seen = 0;
        }
    }

    pub(super) fn switch(&self) -> DeathSwitch {
        self.switch.clone()
    }

    /// How long a call takes that is made at `now`.
    pub(super) fn cost(&self, operation: DiskOperation, now: Time) -> u64 {
        let latency = match operation {
            DiskOperation::Len | DiskOperation::Exists | DiskOperation::List => return 0,
            DiskOperation::ReadAt => self.latency.read,
            DiskOperation::Sync | DiskOperation::SyncDir => self.latency.sync,
            DiskOperation::Create
            | DiskOperation::Append
            | DiskOperation::WriteAt
            | DiskOperation::Truncate
            | DiskOperation::Rename
            | DiskOperation::Remove
            | DiskOperation::CreateDir
            | DiskOperation::RemoveDir => self.latency.write,
        };
        nanos(latency) + self.stalled_until.0.saturating_sub(now.0)
    }

    /// Whether a call fails by decree; that uses the decree up.
    pub(super) fn failure(
        &mut self,
        operation: DiskOperation,
        path: &str,
    ) -> Option<DiskErrorKind> {
        let mut failures = self.failures.iter_mut();
        let failure = failures.find(|failure| {
            0 < failure.left
                && failure.operations.contains(&operation)
                && failure.path.matches(path)
        })?;
        failure.left -= 1;
        Some(DiskErrorKind::Io)
    }

    /// Whether a call is where the process dies; that uses the crash point up, and throws the
    /// switch.
    pub(super) fn crash(&mut self, operation: DiskOperation, path: &str) -> Option<CrashPoint> {
        if self.crash_points.is_empty() || !self.switch.is_alive() {
            return None;
        }
        let mut fired = None;
        for (at, (point, seen)) in self.crash_points.iter_mut().enumerate() {
            let meant = match point.operation {
                Some(wanted) => wanted == operation,
                None => operation.is_mutating(),
            };
            if meant && point.path.matches(path) {
                *seen += 1;
                if *seen == point.nth && fired.is_none() {
                    fired = Some(at);
                }
            }
        }
        let (point, _) = self.crash_points.remove(fired?);
        self.switch.kill();
        Some(point)
    }
}
