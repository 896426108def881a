//! The director: it knows what is to go wrong, when, and how it is undone.
//!
//! A fault waits for its time or its event, begins, and ends after its time or at its event. Whom
//! it meets is settled when it begins, and what is undone is what was done, on the same nodes. A
//! fault that never begins, or that finds nobody, fails the run: the scenario does not show what it
//! says. What is drawn from the seed says nothing, so it may find nobody.

use std::sync::Arc;

use broker::host::Event;
use sim::Time;

use crate::format::{Fault, Point, Trigger, Until};

/// A number for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FaultId(pub(super) usize);

/// Who wants a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It stands in the scenario.
    Written,
    /// The seed made it: nobody relies on it.
    Drawn,
}

/// What an alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    Begin(FaultId),
    End(FaultId),
}

/// The faults of a run and how far they are.
#[derive(Clone, Debug)]
pub(super) struct Director {
    faults: Vec<Scripted>,
    /// Faults that wait for an event to begin or to end; so that most events cost nothing.
    watching: Vec<FaultId>,
}

#[derive(Clone, Debug)]
struct Scripted {
    fault: Arc<Fault>,
    origin: Origin,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// It begins at an alarm.
    WaitsForTime,
    /// It begins at an event.
    WaitsForEvent(Trigger),
    /// It lasts until an alarm, or until everything heals.
    Lasts,
    /// It lasts until an event.
    LastsUntil(Trigger),
    Over,
}

/// What an event sets off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fired {
    pub(super) fault: FaultId,
    pub(super) what: Change,
    pub(super) point: Point,
}

/// Whether a fault begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Begins,
    Ends,
}

impl Director {
    /// A director of these faults, none of which waits yet.
    pub(super) fn new(
        written: impl IntoIterator<Item = Fault>,
        drawn: impl IntoIterator<Item = Fault>,
    ) -> Self {
        let scripted = |(fault, origin)| {
            let fault = Arc::new(fault);
            Scripted { fault, origin, stage: Stage::WaitsForTime }
        };
        let written = written.into_iter().map(|fault| (fault, Origin::Written));
        let drawn = drawn.into_iter().map(|fault| (fault, Origin::Drawn));
        Self { faults: written.chain(drawn).map(scripted).collect(), watching: Vec::new() }
    }

    /// The load begins at `begin`: what waits for an event watches from now on. Returns the times
    /// of the others.
    pub(super) fn arm(&mut self, begin: Time) -> Vec<(Time, Cue)> {
        let mut alarms = Vec::new();
        for (index, scripted) in self.faults.iter_mut().enumerate() {
            let id = FaultId(index);
            if let Some(at) = scripted.fault.at {
                alarms.push((begin.plus(at.0), Cue::Begin(id)));
            } else if let Some(when) = &scripted.fault.when {
                scripted.stage = Stage::WaitsForEvent(Trigger::new(when.clone()));
                self.watching.push(id);
            }
            if let Some(Until::At(until)) = &scripted.fault.until {
                alarms.push((begin.plus(until.at.0), Cue::End(id)));
            }
        }
        alarms
    }

    /// Looks at an event. Returns what it sets off.
    pub(super) fn observe(&mut self, node: &str, event: &Event) -> Vec<Fired> {
        let mut fired = Vec::new();
        for &id in &self.watching {
            let scripted = &mut self.faults[id.0];
            let (trigger, what) = match &mut scripted.stage {
                Stage::WaitsForEvent(trigger) => (trigger, Change::Begins),
                Stage::LastsUntil(trigger) => (trigger, Change::Ends),
                Stage::WaitsForTime | Stage::Lasts | Stage::Over => continue,
            };
            if trigger.observe(node, event) {
                let point = match what {
                    Change::Begins => scripted.fault.point.unwrap_or_default(),
                    Change::Ends => Point::BeforeOutputs,
                };
                fired.push(Fired { fault: id, what, point });
            }
        }
        if !fired.is_empty() {
            self.watching.retain(|id| !fired.iter().any(|fired| fired.fault == *id));
        }
        fired
    }

    /// What a fault says.
    pub(super) fn fault(&self, id: FaultId) -> Arc<Fault> {
        Arc::clone(&self.faults[id.0].fault)
    }

    /// Who wants a fault.
    pub(super) fn origin(&self, id: FaultId) -> Origin {
        self.faults[id.0].origin
    }

    /// A fault has begun at `now`. Returns when it ends, if it ends at a time of its own.
    pub(super) fn on_begun(&mut self, id: FaultId, now: Time) -> Option<(Time, Cue)> {
        let scripted = &mut self.faults[id.0];
        if let Some(Until::When(when)) = &scripted.fault.until {
            scripted.stage = Stage::LastsUntil(Trigger::new(when.clone()));
            self.watching.push(id);
        } else {
            scripted.stage = Stage::Lasts;
        }
        let lasts = scripted.fault.lasts?;
        Some((now.plus(lasts.0), Cue::End(id)))
    }

    /// Whether a fault lasts now.
    pub(super) fn lasts(&self, id: FaultId) -> bool {
        matches!(self.faults[id.0].stage, Stage::Lasts | Stage::LastsUntil(_))
    }

    /// A fault is over.
    pub(super) fn on_over(&mut self, id: FaultId) {
        self.faults[id.0].stage = Stage::Over;
        self.watching.retain(|watching| *watching != id);
    }

    /// The faults that last.
    pub(super) fn lasting(&self) -> Vec<FaultId> {
        (0..self.faults.len()).map(FaultId).filter(|id| self.lasts(*id)).collect()
    }

    /// The faults that never began.
    pub(super) fn never_began(&self) -> Vec<FaultId> {
        let waits = |stage: &Stage| matches!(stage, Stage::WaitsForTime | Stage::WaitsForEvent(_));
        let faults = self.faults.iter().enumerate();
        faults.filter(|(_, scripted)| waits(&scripted.stage)).map(|(at, _)| FaultId(at)).collect()
    }
}
