//! The epoch of a voter never falls, not even by a crash.

use broker::host::event::VoterState;

use super::Telling;

pub(super) fn check(before: &VoterState, now: &VoterState, telling: &mut Telling<'_>) {
    if now.epoch < before.epoch {
        telling.broke("quorum-monotonic-epoch", || {
            format!("{} fell from epoch {} to {}", now.voter, before.epoch, now.epoch)
        });
    }
}
