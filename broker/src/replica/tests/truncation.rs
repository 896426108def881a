//! What followers cut, by protocol.

use super::told;
use crate::{
    host::event::{PartitionEvent, TruncationReason},
    protocol::ErrorCode,
    replica::{
        NetFailure,
        rules::{Protocol, Switch},
        testing::{Cluster, disk_starting_at, prepared_disk},
    },
};

fn cuts(cluster: &Cluster, id: i32) -> Vec<(i64, i64, TruncationReason)> {
    cluster.events(id, |event| match event {
        PartitionEvent::Truncated(cut) => Some((cut.from.0, cut.to.0, cut.reason)),
        _ => None,
    })
}

/// KIP-101, scenario 1: a record is acknowledged, its follower does not know that it is committed
/// and follows a new leader. Then the follower is elected itself.
fn acknowledged_then_failed_over_twice(protocol: Protocol) -> Cluster {
    let mut cluster = Cluster::new(protocol, 3);
    let request = cluster.produce(1, -1);
    cluster.carry(&[1, 2, 3]);
    assert_eq!(told(&cluster, request), Some((ErrorCode::None, 0)));
    assert_eq!((cluster.offsets(2), cluster.offsets(3)), ((0, 1), (0, 1)));
    cluster.elect(Some(2), &[2, 3]);
    cluster.publish(2);
    cluster.publish(3);
    cluster.elect(Some(3), &[3]);
    cluster.publish(3);
    cluster
}

#[test]
fn under_hw_an_acknowledged_record_is_lost_by_two_fast_failovers() {
    let cluster = acknowledged_then_failed_over_twice(Protocol::Hw);
    assert_eq!(cuts(&cluster, 3), [(1, 0, TruncationReason::OwnHighWatermark)]);
    assert_eq!(cluster.offsets(3), (0, 0));
}

#[test]
fn under_kip_595_an_acknowledged_record_survives_two_fast_failovers() {
    let cluster = acknowledged_then_failed_over_twice(Protocol::Kip595);
    assert_eq!(cuts(&cluster, 3), []);
    assert_eq!(cluster.offsets(3), (1, 1));
}

#[test]
fn under_hw_a_follower_cuts_to_its_checkpointed_high_watermark_when_it_starts() {
    let mut cluster = Cluster::before_metadata(Protocol::Hw, 2);
    cluster.start(1, prepared_disk(&[0, 0, 0], 3));
    cluster.start(2, prepared_disk(&[0, 0, 0], 1));
    cluster.publish_all();
    assert_eq!(cuts(&cluster, 2), [(3, 1, TruncationReason::OwnHighWatermark)]);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 3);
}

#[test]
fn under_hw_a_follower_goes_on_when_the_same_leader_begins_another_epoch() {
    let mut cluster = Cluster::new(Protocol::Hw, 2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!(cuts(&cluster, 2), []);
    assert_eq!(cluster.offsets(2).1, 2);
}

#[test]
fn under_hw_a_follower_that_lost_its_leader_for_a_while_does_not_cut_when_it_is_back() {
    let mut cluster = Cluster::new(Protocol::Hw, 2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.elect(None, &[1]);
    cluster.publish(2);
    cluster.elect(Some(1), &[1]);
    cluster.publish_all();
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!(cuts(&cluster, 2), []);
    assert_eq!(cluster.offsets(2).1, 2);
}

#[test]
fn under_hw_two_logs_may_differ_and_nobody_notices() {
    let mut cluster = Cluster::before_metadata(Protocol::Hw, 2);
    cluster.start(1, prepared_disk(&[0, 1, 1], 1));
    cluster.start(2, prepared_disk(&[0, 0], 2));
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    cluster.carry(&[1, 2]);
    assert_eq!(cuts(&cluster, 2), []);
    assert_eq!(cluster.offsets(2).1, 3);
    let epochs = |id| cluster.log(id).epoch_for_offset(crate::ids::Offset(1));
    assert_ne!(epochs(1), epochs(2));
}

#[test]
fn a_follower_beyond_the_end_of_its_leader_cuts_there() {
    for protocol in [Protocol::Hw, Protocol::Kip595] {
        let mut cluster = Cluster::before_metadata(protocol, 2);
        cluster.start(1, prepared_disk(&[], 0));
        cluster.start(2, prepared_disk(&[5, 5], 2));
        cluster.elect(Some(1), &[1]);
        cluster.publish_all();
        cluster.carry(&[1, 2]);
        assert_eq!(cuts(&cluster, 2), [(2, 0, TruncationReason::BeyondLeaderEnd)], "{protocol:?}");
    }
}

#[test]
fn the_high_watermark_of_a_diverging_answer_is_not_used() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 2);
    cluster.start(1, prepared_disk(&[0, 2, 2], 3));
    cluster.start(2, prepared_disk(&[0, 1, 1], 0));
    cluster.registration.leader_epoch = crate::ids::LeaderEpoch(2);
    cluster.elect(Some(1), &[1]);
    cluster.publish_all();
    cluster.round(2);
    assert_eq!(cluster.offsets(2), (0, 1));
    cluster.round(2);
    assert_eq!(cluster.offsets(2), (3, 3));
}

#[test]
fn an_answer_from_another_epoch_is_dropped_or_used_as_the_rule_has_it() {
    let after = |rule: Switch| {
        let change: fn(&mut crate::replica::rules::Rules) = match rule {
            Switch::On => |_| {},
            Switch::Off => |rules| rules.drop_fetch_response_of_other_epoch = Switch::Off,
        };
        let mut cluster = Cluster::with_rules(Protocol::Kip595, 2, change);
        cluster.carry_request(2);
        cluster.produce(1, 1);
        cluster.elect(Some(1), &[1, 2]);
        cluster.publish(2);
        cluster.carry_answer(2);
        cluster.offsets(2).1
    };
    assert_eq!(after(Switch::On), 0);
    assert_eq!(after(Switch::Off), 1);
}

#[test]
fn each_epoch_is_reconciled_once() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    let reconciled = cluster.events(2, |event| match event {
        PartitionEvent::Reconciled { leader_epoch, .. } => Some(leader_epoch.0),
        _ => None,
    });
    assert_eq!(reconciled, [0, 1]);
}

#[test]
fn a_fetch_without_answer_is_sent_again_after_the_backoff() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    let (_, _, _, ticket) = cluster.to_leader.pop_front().unwrap();
    let lost = Err(NetFailure::Disconnected);
    cluster.step(2, |manager, ctx| manager.on_leader_completed(ctx, ticket, lost));
    cluster.advance(999);
    assert!(cluster.to_leader.is_empty());
    cluster.advance(1);
    assert_eq!(cluster.to_leader.len(), 1);
    let late = Err(NetFailure::TimedOut);
    cluster.step(2, |manager, ctx| manager.on_leader_completed(ctx, ticket, late));
    assert_eq!(cluster.to_leader.len(), 1, "a ticket that was used means nothing");
}

#[test]
fn a_follower_before_the_start_of_its_leader_begins_anew_there() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 2);
    cluster.start(1, disk_starting_at(5));
    cluster.start(2, prepared_disk(&[0, 0], 2));
    cluster.elect(Some(1), &[1]);
    cluster.publish_all();
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!(cuts(&cluster, 2), [(2, 5, TruncationReason::BeforeLeaderStart)]);
    assert_eq!(cluster.log(2).log_start_offset().0, 5);
    assert_eq!(cluster.offsets(2).1, 6);
}

#[test]
fn a_follower_that_is_fenced_waits_for_the_metadata() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish(1);
    cluster.carry(&[1, 2]);
    cluster.advance(5_000);
    assert!(cluster.to_leader.is_empty());
    cluster.publish(2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 1);
}

#[test]
fn a_follower_ahead_of_its_leader_asks_again_after_the_backoff() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish(2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 0);
    cluster.publish(1);
    cluster.advance(1_000);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 1);
}
