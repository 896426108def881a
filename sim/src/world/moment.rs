//! What a world tells the one who drives it.

use crate::{
    disk::{CrashPoint, PowerLossReport},
    door::{ExitReason, Process},
    time::Time,
    world::NodeId,
};

/// A moment of a run: the world stands still until it is asked to go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment<P: Process> {
    /// A process took an input. Its disk is as it is after the step; its outputs have not left. Now
    /// is the time for faults that keep them from leaving.
    Stepped(Stepped<P>),
    /// The outputs of a node's last step have left.
    Left(Left<P>),
    /// A time came at which the caller wanted to be called.
    Alarm {
        /// The caller's token.
        token: u64,
    },
    /// The time came up to which the world was asked to go.
    Reached,
    /// The run is over. Asked again, the world says the same again.
    Ended(Ending),
}

/// A process took an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped<P: Process> {
    /// Where.
    pub node: NodeId,
    /// Which life of the process, counted from 1.
    pub incarnation: u32,
    /// What it told, in order.
    pub events: Vec<P::Event>,
    /// Where in the step the process died, if a crash point lay in it. Its events up to there are
    /// told; its outputs are lost. Boxed: there is a moment for each input, and rarely a death.
    pub died: Option<Box<Died>>,
}

/// A process died in the middle of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Died {
    /// The crash point.
    pub point: CrashPoint,
    /// What was lost, if the machine lost power.
    pub power_loss: Option<PowerLossReport>,
}

/// The outputs of a step have left.
#[derive(Clone, Debug, PartialEq)]
pub struct Left<P: Process> {
    /// Where.
    pub node: NodeId,
    /// What the application was answered, in order.
    pub answers: Vec<P::Answer>,
    /// Why the process ended itself, if it did.
    pub exit: Option<ExitReason>,
}

/// Why a run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more will happen by itself.
    Quiet,
    /// Its time is over.
    TimeLimit {
        /// How much it had.
        max: Time,
    },
    /// It had as many inputs as it may have.
    InputLimit {
        /// How many.
        max: u64,
    },
    /// Too many inputs came at one time: processes wake themselves, or each other, without end.
    Livelock {
        /// When.
        at: Time,
    },
    /// A process panicked.
    Panicked {
        /// Where.
        node: NodeId,
        /// What the panic said.
        message: String,
    },
}
