//! What a broker has at hand within one step.

use std::convert::Infallible;

use crate::{
    host::{Disk, Now, Outbox},
    replica::{Context, Effect},
};

/// The time, the disk and the outbox of one step.
pub(super) struct Surroundings<'a> {
    pub(super) now: Now,
    pub(super) disk: &'a mut dyn Disk,
    pub(super) out: &'a mut Outbox<Infallible>,
}

impl Surroundings<'_> {
    /// What replication is given of it.
    pub(super) fn context<'b>(&'b mut self, effects: &'b mut Vec<Effect>) -> Context<'b> {
        Context { now: self.now, disk: self.disk, effects }
    }
}
