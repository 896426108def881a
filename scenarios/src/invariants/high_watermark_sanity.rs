//! The high watermark lies between log start and log end; a leader's never falls within its epoch;
//! a follower's is never above every leader's.

use std::collections::BTreeMap;

use broker::{
    host::event::{HighWatermarkMoved, PartitionEvent, Role},
    ids::{BrokerId, LeaderEpoch, Offset, TopicPartition},
};

use super::{Context, Findings};

const NAME: &str = "high-watermark-sanity";

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct HighWatermarkSanity {
    leaders: BTreeMap<TopicPartition, BTreeMap<BrokerId, (LeaderEpoch, Offset)>>,
}

impl HighWatermarkSanity {
    pub(super) fn check(
        &mut self,
        context: &Context<'_>,
        broker: Option<BrokerId>,
        event: &PartitionEvent,
        findings: &mut Findings,
    ) {
        let (Some(broker), PartitionEvent::HighWatermarkMoved(moved)) = (broker, event) else {
            return;
        };
        check_bounds(context, broker, moved, findings);
        match moved.role {
            Role::Leader => self.check_leader(context, broker, moved, findings),
            Role::Follower => check_follower(context, broker, moved, findings),
        }
    }

    /// A restarted leader begins anew, but never in the epoch in which it was leader before.
    fn check_leader(
        &mut self,
        context: &Context<'_>,
        broker: BrokerId,
        moved: &HighWatermarkMoved,
        findings: &mut Findings,
    ) {
        if !self.leaders.contains_key(&moved.partition) {
            self.leaders.insert(moved.partition.clone(), BTreeMap::new());
        }
        let leaders = self.leaders.get_mut(&moved.partition).expect("it was just put there");
        let before = leaders.insert(broker, (moved.leader_epoch, moved.to));
        let Some((epoch, highest)) = before else { return };
        if epoch == moved.leader_epoch && moved.to < highest {
            findings.broke(NAME, context, Some(broker), || {
                format!(
                    "as leader of epoch {epoch}, {broker} let its high watermark fall from \
                     {highest} to {}",
                    moved.to
                )
            });
        }
    }
}

fn check_bounds(
    context: &Context<'_>,
    broker: BrokerId,
    moved: &HighWatermarkMoved,
    findings: &mut Findings,
) {
    let Some(replica) = context.partition.replica(broker) else { return };
    let (start, end) = (replica.log_start, replica.log_end_offset());
    if !(start <= moved.to && moved.to <= end) {
        findings.broke(NAME, context, Some(broker), || {
            format!("{broker} has the high watermark {} and the log [{start}, {end})", moved.to)
        });
    }
}

fn check_follower(
    context: &Context<'_>,
    broker: BrokerId,
    moved: &HighWatermarkMoved,
    findings: &mut Findings,
) {
    let highest = context.partition.commitment.highest_ever();
    if highest < moved.to {
        findings.broke(NAME, context, Some(broker), || {
            format!(
                "{broker}, a follower, has the high watermark {}, above every leader's so far \
                 ({highest})",
                moved.to
            )
        });
    }
}
