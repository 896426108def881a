//! What is promised on committed records, and the unclean ends of brokers that KIP-966 counts.

use broker::ids::BrokerId;

use super::{End, History, When};

/// Until when a committed record is promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Promised {
    /// Until every in-sync replica has lost it from its disk.
    #[default]
    UntilDisksLoseIt,
    /// KIP-966: until, besides, at least `min.insync.replicas` replicas that could be elected have
    /// ended uncleanly.
    UntilUncleanEnds,
}

impl History {
    /// A history that has seen nothing, of a cluster that makes this promise.
    pub fn new(promised: Promised) -> Self {
        Self { promised, ..Self::default() }
    }

    /// A controller cannot tell a kill from a power loss: both are unclean.
    pub(super) fn note_end(&mut self, broker: BrokerId, when: When, end: End) {
        match end {
            End::Clean => {}
            End::Killed | End::PoweredOff | End::Halted => {
                for partition in self.partitions.values_mut() {
                    if partition.replicas.contains_key(&broker) {
                        partition.unclean_ends.push((when, broker));
                    }
                }
            }
        }
    }
}
