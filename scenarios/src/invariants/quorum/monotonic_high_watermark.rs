//! What a voter knows to be committed it knows until it ends.

use broker::host::event::VoterState;

use super::Telling;

pub(super) fn check(before: &VoterState, now: &VoterState, telling: &mut Telling<'_>) {
    let (was, is) = (before.high_watermark, now.high_watermark);
    if is < was {
        telling.broke("quorum-monotonic-high-watermark", || {
            format!("the high watermark of {} fell from {was} to {is}", now.voter)
        });
    }
}
