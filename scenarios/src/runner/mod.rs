//! One run: a scenario and a seed in, everything there is to know about it out.
//!
//! ```text
//! Resolved + seed ─► stage ─► Play: phases, director, watch ─► final read ─► oracle ─► Report
//! ```
//!
//! A run lives on a thread of its own, under a madsim runtime of its own: nothing of it outlives
//! it, and any number of runs can go on at once.

mod director;
mod expectations;
mod faults;
mod health;
mod inspect;
mod messages;
mod operations;
mod phases;
mod play;
mod replica_bytes;
mod report;
mod stage;
mod targets;
#[cfg(test)]
mod tests;
mod words;

use core::time::Duration;

use sim::{Madsim, run_on_fresh_thread};

use crate::{
    cli::{Failure, Run, Runner, Tracing},
    cluster::Node,
    format::{Ending, Fault, Period, Resolved},
    plan::{self, PlannedFault},
};

use self::{director::Director, play::Play};

/// What the world may take besides the load: set-up, recovery and the final read.
const TIME_MAX_BESIDES: Duration = Duration::from_secs(1_800);

/// Runs scenarios in the simulated world.
#[derive(Clone, Copy, Debug, Default)]
pub struct Simulation;

impl Runner for Simulation {
    fn run(&self, resolved: &Resolved, seed: u64, tracing: Tracing) -> Result<Run, Failure> {
        run_with(resolved, Seeds { world: seed, madsim: seed }, tracing)
    }
}

/// The seed of a run, and that of the runtime under it, which must make no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// Everything that is drawn comes from this one.
    pub world: u64,
    /// madsim's own.
    pub madsim: u64,
}

/// Runs a scenario.
///
/// # Errors
/// The run found no answer: the program is wrong.
pub fn run_with(resolved: &Resolved, seeds: Seeds, tracing: Tracing) -> Result<Run, Failure> {
    let run = async |executor: &mut Madsim<Node>| {
        let scenario = resolved.scenario.clone();
        let time_max = TIME_MAX_BESIDES + scenario.duration.0;
        let (mut world, cast) = stage::build(&scenario, seeds.world, time_max);
        if tracing == Tracing::Entries {
            world.keep_trace();
        }
        let drawn = plan::chaos(&scenario, world.draws()).into_iter().map(scripted);
        let director = Director::new(scenario.faults.iter().cloned(), drawn);
        let mut play = Play::new(scenario, world, cast, director);
        let played = play.play(executor).await;
        report::report(play, &played, resolved, seeds.world)
    };
    let finished = run_on_fresh_thread(seeds.madsim, run);
    finished.unwrap_or_else(|panicked| Err(panicked.to_string())).map_err(Failure::Internal)
}

/// A planned fault as the director takes it.
fn scripted(planned: PlannedFault) -> Fault {
    let lasts = match planned.action.ending() {
        Ending::Undone => Some(Period(planned.lasts)),
        Ending::Momentary => None,
    };
    Fault {
        at: Some(Period(planned.at)),
        when: None,
        point: None,
        action: planned.action,
        lasts,
        until: None,
        permanent: false,
    }
}
