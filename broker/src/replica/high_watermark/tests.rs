//! How far the high watermark may go, replica by replica.

use super::*;
use crate::{
    ids::{BrokerEpoch, LeaderEpoch, PartitionEpoch},
    metadata::BrokerRegistration,
    replica::{
        follower_states::FollowerFetch,
        rules::Protocol,
        testing::{image_of, registration},
    },
};

const LAG: Duration = Duration::from_nanos(10);

/// A leader, broker 1, with followers 2 and 3 and the end of its log at 9.
struct Leader {
    rules: Rules,
    cluster: ClusterView,
    isr: Isr,
    followers: FollowerStates,
    min_isr: usize,
}

impl Leader {
    fn with_isr<const N: usize>(isr: [i32; N]) -> Self {
        let mut cluster = ClusterView::default();
        let mut followers = FollowerStates::default();
        followers.assign([BrokerId(2), BrokerId(3)].into_iter());
        cluster.adopt(&image_of(&[1, 2, 3].map(|id| registration(id, 0))));
        Self {
            rules: Protocol::Kip595.rules(),
            cluster,
            isr: Isr::committed_as(isr.map(BrokerId).to_vec()),
            followers,
            min_isr: 1,
        }
    }

    fn fetched(mut self, follower: i32, offset: i64, leader_end: i64) -> Self {
        self.followers.fetched(&FollowerFetch {
            follower: BrokerId(follower),
            leader_epoch: None,
            incarnation: Some(BrokerEpoch(0)),
            fetch_offset: Offset(offset),
            log_start_offset: Some(Offset::ZERO),
            at: Instant(100),
            leader_end: Offset(leader_end),
        });
        self
    }

    fn at(&self, now: u64) -> Option<Offset> {
        Quorum {
            rules: &self.rules,
            cluster: &self.cluster,
            isr: &self.isr,
            followers: &self.followers,
            min_isr: self.min_isr,
            lag_max: LAG,
        }
        .committed_below(Offset(9), Instant(now))
    }
}

#[test]
fn a_leader_alone_in_the_isr_commits_everything_at_once() {
    assert_eq!(Leader::with_isr([1]).at(0), Some(Offset(9)));
}

#[test]
fn a_member_that_has_not_fetched_yet_blocks() {
    assert_eq!(Leader::with_isr([1, 2, 3]).fetched(2, 9, 9).at(100), None);
}

#[test]
fn the_slowest_member_decides() {
    let leader = Leader::with_isr([1, 2, 3]).fetched(2, 9, 9).fetched(3, 4, 9);
    assert_eq!(leader.at(100), Some(Offset(4)));
}

#[test]
fn a_replica_out_of_the_isr_is_not_waited_for() {
    assert_eq!(Leader::with_isr([1, 2]).fetched(2, 9, 9).fetched(3, 4, 9).at(100), Some(Offset(9)));
}

#[test]
fn a_replica_about_to_join_is_waited_for_while_it_is_caught_up_by_time() {
    let leader = Leader::with_isr([1, 2]).fetched(2, 9, 9).fetched(3, 4, 4);
    assert_eq!(leader.at(110), Some(Offset(4)));
    assert_eq!(leader.at(111), Some(Offset(9)));
}

#[test]
fn without_the_rule_nobody_waits_for_a_replica_about_to_join() {
    let mut leader = Leader::with_isr([1, 2]).fetched(2, 9, 9).fetched(3, 4, 4);
    leader.rules.high_watermark_waits_for_joiners = Switch::Off;
    assert_eq!(leader.at(110), Some(Offset(9)));
}

#[test]
fn a_joiner_that_is_shutting_down_is_not_waited_for() {
    let mut leader = Leader::with_isr([1, 2]).fetched(2, 9, 9).fetched(3, 4, 4);
    let going = BrokerRegistration { in_controlled_shutdown: true, ..registration(3, 0) };
    leader.cluster.adopt(&image_of(&[going]));
    assert_eq!(leader.at(110), Some(Offset(9)));
}

#[test]
fn a_proposed_member_counts_unless_only_the_committed_isr_does() {
    let mut leader = Leader::with_isr([1, 2]).fetched(2, 9, 9).fetched(3, 4, 9);
    leader.isr.propose_expand((LeaderEpoch(0), PartitionEpoch(0)), BrokerId(3));
    assert_eq!(leader.at(1_000), Some(Offset(4)));
    leader.rules.high_watermark_over = HighWatermarkOver::CommittedIsr;
    assert_eq!(leader.at(1_000), Some(Offset(9)));
}

#[test]
fn below_min_isr_nothing_is_committed_if_the_gate_is_on() {
    let mut leader = Leader::with_isr([1]);
    leader.min_isr = 2;
    assert_eq!(leader.at(0), Some(Offset(9)));
    leader.rules.high_watermark_gated_by_min_isr = Switch::On;
    assert_eq!(leader.at(0), None);
}
