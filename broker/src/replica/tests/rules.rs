//! Each rule decides something: the same steps with the rule and without.
//!
//! What a truncation rule cuts is in `divergence`; the rules of the high watermark are in the tests
//! of `high_watermark`; the state of followers and pending changes in `leadership` and `isr`.

use crate::{
    metadata::{BrokerRegistration, MetadataRecord},
    protocol::{Request, messages::fetch_request::FetchPartition},
    replica::{
        rules::{Protocol, Reconcile, Rules, Switch},
        testing::{Cluster, prepared_disk, registration},
    },
};

fn cluster_with(protocol: Protocol, brokers: i32, change: fn(&mut Rules)) -> Cluster {
    Cluster::with_rules(protocol, brokers, change)
}

/// The follower has the leader's record and is about to say so, in epoch 0; the leader is elected
/// again, in epoch 1, with this ISR. Then the fetch arrives.
fn fetch_of_an_epoch_ago(isr: &[i32], change: fn(&mut Rules)) -> Cluster {
    let mut cluster = cluster_with(Protocol::Kip320, 3, change);
    cluster.produce(1, 1);
    cluster.round(2);
    cluster.elect(Some(1), isr);
    cluster.publish(1);
    cluster.carry_request(2);
    cluster
}

#[test]
fn a_follower_of_an_older_epoch_gets_records_only_where_fetches_are_not_fenced() {
    let copied = |change: fn(&mut Rules)| {
        let mut cluster = fetch_of_an_epoch_ago(&[1, 2], change);
        cluster.produce(1, 1);
        cluster.carry(&[1, 2]);
        cluster.offsets(2).1
    };
    assert_eq!(copied(|_| {}), 1);
    assert_eq!(copied(|rules| rules.fetch_epoch_fence = Switch::Off), 2);
}

#[test]
fn a_fetch_of_an_older_epoch_commits_only_where_the_high_watermark_is_not_fenced() {
    let committed = |change: fn(&mut Rules)| fetch_of_an_epoch_ago(&[1, 2], change).offsets(1).0;
    assert_eq!(committed(|_| {}), 0);
    assert_eq!(committed(|rules| rules.high_watermark_epoch_fence = Switch::Off), 1);
    assert_eq!(committed(|rules| rules.fetch_epoch_fence = Switch::Off), 0);
}

#[test]
fn a_fetch_of_an_older_epoch_lets_nobody_join_unless_expansion_is_not_fenced() {
    let proposals =
        |change: fn(&mut Rules)| fetch_of_an_epoch_ago(&[1], change).to_controller.len();
    assert_eq!(proposals(|_| {}), 0);
    assert_eq!(proposals(|rules| rules.isr_expansion_epoch_fence = Switch::Off), 1);
    assert_eq!(proposals(|rules| rules.fetch_epoch_fence = Switch::Off), 0);
}

#[test]
fn a_leader_of_another_epoch_tells_where_epochs_end_only_without_the_fence() {
    let fetches_then = |change: fn(&mut Rules)| {
        let mut cluster = Cluster::before_metadata(Protocol::Kip320, 2);
        change(&mut cluster.rules);
        cluster.start(1, prepared_disk(&[0], 0));
        cluster.start(2, prepared_disk(&[0], 0));
        cluster.publish(1);
        cluster.elect(Some(1), &[1, 2]);
        cluster.publish(2);
        cluster.round(2);
        matches!(cluster.to_leader.front(), Some((_, _, Request::Fetch(_), _)))
    };
    assert!(!fetches_then(|_| {}));
    assert!(fetches_then(|rules| rules.reconcile_epoch_fence = Switch::Off));
}

#[test]
fn a_follower_that_is_refused_where_an_epoch_ends_asks_again_after_the_backoff() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip320, 2);
    cluster.start(1, prepared_disk(&[0], 0));
    cluster.start(2, prepared_disk(&[0, 0], 0));
    cluster.publish(1);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish(2);
    cluster.round(2);
    assert!(cluster.to_leader.is_empty());
    cluster.publish(1);
    cluster.advance(1_000);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 1, "it has cut before it fetched");
}

#[test]
fn a_follower_that_is_fenced_while_it_reconciles_waits_for_the_metadata() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip320, 2);
    cluster.start(1, prepared_disk(&[0], 0));
    cluster.start(2, prepared_disk(&[0, 0], 0));
    cluster.publish(2);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish(1);
    cluster.round(2);
    cluster.advance(5_000);
    assert!(cluster.to_leader.is_empty());
    cluster.publish(2);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 1);
}

#[test]
fn the_same_leader_in_a_new_epoch_is_asked_again_or_not() {
    let asks = |change: fn(&mut Rules)| {
        let mut cluster = cluster_with(Protocol::Kip320, 2, change);
        cluster.produce(1, 1);
        cluster.round(2);
        cluster.elect(Some(1), &[1, 2]);
        cluster.publish_all();
        cluster.round(2);
        matches!(cluster.to_leader[0].2, Request::OffsetForLeaderEpoch(_))
    };
    assert!(asks(|_| {}));
    assert!(!asks(|rules| rules.reconcile = Reconcile::LeaderIdChange));
}

#[test]
fn a_fetch_seeks_a_divergence_always_or_until_the_logs_agree() {
    let last_epochs = |change: fn(&mut Rules)| {
        let mut cluster = cluster_with(Protocol::Kip595, 2, change);
        cluster.produce(1, 1);
        cluster.round(2);
        let mut said = vec![fetched(&cluster).last_fetched_epoch];
        cluster.elect(Some(1), &[1, 2]);
        cluster.publish_all();
        cluster.round(2);
        said.push(fetched(&cluster).last_fetched_epoch);
        said
    };
    assert_eq!(last_epochs(|_| {}), [0, 0]);
    assert_eq!(last_epochs(|rules| rules.reconcile = Reconcile::EveryEpoch), [-1, 0]);
    assert_eq!(last_epochs(|rules| rules.reconcile = Reconcile::LeaderIdChange), [-1, -1]);
}

fn fetched(cluster: &Cluster) -> &FetchPartition {
    match &cluster.to_leader[0].2 {
        Request::Fetch(fetch) => &fetch.topics[0].partitions[0],
        other => panic!("not a fetch: {other:?}"),
    }
}

#[test]
fn who_lacks_what_the_leader_had_at_its_election_joins_only_without_the_rule() {
    let proposals = |change: fn(&mut Rules)| {
        let mut cluster = Cluster::before_metadata(Protocol::Kip320, 3);
        change(&mut cluster.rules);
        for id in 1..=3 {
            let epochs: &[i32] = if id == 1 { &[0, 0] } else { &[] };
            cluster.start(id, prepared_disk(epochs, 0));
        }
        cluster.elect(Some(1), &[1, 3]);
        cluster.publish_all();
        cluster.carry_request(2);
        cluster.to_controller.len()
    };
    assert_eq!(proposals(|_| {}), 0);
    let off = |rules: &mut Rules| rules.expansion_needs_leader_epoch_start_offset = Switch::Off;
    assert_eq!(proposals(off), 1);
}

/// The follower is caught up and in the ISR; then the controller takes it out.
fn taken_out(change: fn(&mut Rules)) -> Cluster {
    let mut cluster = cluster_with(Protocol::Kip595, 2, change);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.change_isr(&[1]);
    cluster
}

#[test]
fn a_follower_that_was_taken_out_is_proposed_before_it_fetches_only_where_metadata_rechecks() {
    let proposals = |change: fn(&mut Rules)| {
        let mut cluster = taken_out(change);
        cluster.publish(1);
        cluster.to_controller.len()
    };
    assert_eq!(proposals(|_| {}), 0);
    assert_eq!(proposals(|rules| rules.recheck_expansion_on_metadata = Switch::On), 1);
}

#[test]
fn a_fenced_follower_is_proposed_only_without_the_eligibility_rule() {
    let proposals = |change: fn(&mut Rules)| {
        let mut cluster = taken_out(change);
        let fenced = BrokerRegistration { fenced: true, ..registration(2, 2) };
        cluster.record(&MetadataRecord::RegisterBroker(fenced));
        cluster.publish(1);
        cluster.advance(500);
        cluster.carry(&[1, 2]);
        cluster.to_controller.len()
    };
    assert_eq!(proposals(|_| {}), 0);
    assert_eq!(proposals(|rules| rules.isr_eligibility = Switch::Off), 1);
}

#[test]
fn a_fetch_of_an_older_incarnation_counts_only_where_it_does_not_say_so() {
    let proposals = |change: fn(&mut Rules)| {
        let mut cluster = taken_out(change);
        cluster.record(&MetadataRecord::RegisterBroker(registration(2, 9)));
        cluster.publish(1);
        cluster.advance(500);
        cluster.carry(&[1, 2]);
        cluster.to_controller.len()
    };
    assert_eq!(proposals(|_| {}), 0);
    assert_eq!(proposals(|rules| rules.broker_epoch_in_fetch = Switch::Off), 1);
}

#[test]
fn a_follower_that_was_still_to_cut_when_its_leader_vanished_cuts_when_it_is_back() {
    let mut cluster = Cluster::before_metadata(Protocol::Kip101, 2);
    cluster.start(1, prepared_disk(&[0], 0));
    cluster.start(2, prepared_disk(&[0, 0], 0));
    cluster.publish_all();
    cluster.elect(None, &[1]);
    cluster.publish(2);
    cluster.elect(Some(1), &[1]);
    cluster.publish_all();
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2).1, 1);
}
