//! A follower that was reconciled with the leader of its epoch never differs from it where both
//! have records.
//!
//! Mirrors `LogMatch`, for the leader that the controller names. With log matching by epochs it is
//! enough to compare the last batch that both logs reach.

use broker::ids::{BrokerId, Offset};

use super::{Context, Findings};
use crate::history::{Part, Replica};

/// The follower was reconciled, or appended.
pub(super) fn check(context: &Context<'_>, follower: Option<BrokerId>, findings: &mut Findings) {
    let Some(follower) = follower else { return };
    let partition = context.partition;
    let Some(leader) = partition.metadata.current().and_then(|record| record.leader) else {
        return;
    };
    let (Some(led), Some(following)) = (partition.replica(leader), partition.replica(follower))
    else {
        return;
    };
    if leader == follower || led.stopped.is_some() || !follows(following, led) {
        return;
    }
    let end = led.log_end_offset().min(following.log_end_offset());
    let last = Offset(end.0 - 1);
    let (Some(there), Some(here)) = (led.at(last), following.at(last)) else { return };
    if there.batch != here.batch {
        let epochs = [here, there].map(|entry| partition.batches.get(entry.batch).leader_epoch);
        findings.broke("log-match", context, Some(follower), || {
            format!(
                "{follower} follows {leader}, and at offset {last} has a record of epoch {} where \
                 {leader} has one of epoch {}",
                epochs[0], epochs[1]
            )
        });
    }
}

/// Whether both have adopted one epoch, and the follower has cut what differs.
fn follows(following: &Replica, led: &Replica) -> bool {
    match (following.role, led.role) {
        (Some((here, Part::Follower { .. })), Some((there, Part::Leader { .. }))) => {
            here == there && following.reconciled == Some(here)
        }
        (Some((_, Part::Follower { .. } | Part::Leader { .. })) | None, _) => false,
    }
}
