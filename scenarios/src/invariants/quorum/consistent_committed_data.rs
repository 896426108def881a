//! What is committed is the same for all voters, and for ever.

use std::collections::BTreeMap;

use broker::{
    host::event::{CommittedBatch, VoterState},
    ids::Offset,
};

use super::Telling;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ConsistentCommittedData {
    batches: BTreeMap<Offset, CommittedBatch>,
}

impl ConsistentCommittedData {
    pub(super) fn check(&mut self, now: &VoterState, telling: &mut Telling<'_>) {
        for batch in &now.committed {
            let known = *self.batches.entry(batch.end_offset).or_insert(*batch);
            if known != *batch {
                telling.broke("quorum-consistent-committed-data", || {
                    let (was, is) = ((known.epoch, known.crc), (batch.epoch, batch.crc));
                    format!(
                        "{} has another batch before offset {}: epoch and checksum {is:?} instead \
                         of {was:?}",
                        now.voter, batch.end_offset
                    )
                });
            }
        }
    }
}
