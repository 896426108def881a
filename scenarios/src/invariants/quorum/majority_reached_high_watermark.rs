//! What is said to be committed is on the disks of a majority.

use std::collections::BTreeMap;

use broker::{
    host::event::VoterState,
    ids::{ControllerId, Offset},
};

use super::Telling;

pub(super) fn check(
    voters: &BTreeMap<ControllerId, VoterState>,
    now: &VoterState,
    telling: &mut Telling<'_>,
) {
    let high_watermark = now.high_watermark;
    // Of nothing everybody has enough, who has told nothing yet too.
    if high_watermark == Offset::ZERO {
        return;
    }
    let reached = voters.values().filter(|voter| high_watermark <= voter.log_end).count();
    if reached * 2 <= now.voters as usize {
        telling.broke("quorum-majority-reached-high-watermark", || {
            let (voter, all) = (now.voter, now.voters);
            format!("{reached} of {all} voters have the log up to {high_watermark} of {voter}")
        });
    }
}
