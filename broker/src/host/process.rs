//! What a host can run.

use std::fmt::Debug;

use super::{Disk, Input, Instant, Now, Outbox};

/// A state machine behind the door.
///
/// Processes are values: they can be cloned, compared and printed. That is what makes looking into
/// a run, going on from a copy of it, and checking all orders possible.
pub trait Process: Clone + Debug + PartialEq {
    /// What an application asks of it: send, poll, seek. A process without one takes
    /// [`std::convert::Infallible`].
    type Command;

    /// What an application is answered.
    type Answer;

    /// Takes one input at `now`. Reads and writes `disk`, and leaves what is to be done in `out`,
    /// in order.
    fn step(
        &mut self,
        now: Now,
        input: Input<Self::Command>,
        disk: &mut dyn Disk,
        out: &mut Outbox<Self::Answer>,
    );

    /// When [`Input::Woken`] should come next, if nothing else comes before. Asked after each step.
    /// A deadline in the past means at once.
    fn deadline(&self) -> Option<Instant>;
}
