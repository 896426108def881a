//! What becoming leader and follower does.

use super::told;
use crate::{
    host::event::PartitionEvent,
    ids::LeaderEpoch,
    metadata::MetadataRecord,
    protocol::ErrorCode,
    replica::{
        ReplicaManager,
        rules::{FollowerStateOnReelection, Protocol},
        testing::{Cluster, TOPIC, partition},
    },
};

#[test]
fn a_leader_that_becomes_follower_fails_what_waits_with_it() {
    let mut cluster = Cluster::new(Protocol::Kip595, 3);
    let request = cluster.produce(1, -1);
    cluster.elect(Some(2), &[2, 3]);
    cluster.publish(1);
    assert_eq!(told(&cluster, request), Some((ErrorCode::NotLeaderOrFollower, 0)));
    assert_eq!(cluster.leads(1), None);
}

#[test]
fn a_zombie_cannot_acknowledge_when_its_followers_have_moved_on() {
    let mut cluster = Cluster::new(Protocol::Kip595, 3);
    cluster.carry(&[1, 2, 3]);
    cluster.elect(Some(2), &[2, 3]);
    cluster.publish(2);
    cluster.publish(3);
    let (all, one) = (cluster.produce(1, -1), cluster.produce(1, 1));
    cluster.carry(&[1, 2, 3]);
    assert_eq!(told(&cluster, all), None);
    assert_eq!(told(&cluster, one), Some((ErrorCode::None, 1)), "acks=1 is the zombie's own");
    cluster.publish(1);
    cluster.carry(&[1, 2, 3]);
    assert_eq!(cluster.offsets(1), (0, 0), "the zombie's records are cut");
    assert_eq!(told(&cluster, all), Some((ErrorCode::NotLeaderOrFollower, 0)));
}

#[test]
fn a_new_leader_keeps_its_high_watermark_until_its_followers_fetched_in_its_epoch() {
    let mut cluster = Cluster::new(Protocol::Kip595, 3);
    cluster.produce(1, -1);
    cluster.carry(&[1, 2, 3]);
    cluster.elect(Some(2), &[2, 3]);
    cluster.publish_all();
    assert_eq!(cluster.offsets(2), (0, 1));
    cluster.carry(&[1, 2, 3]);
    assert_eq!(cluster.offsets(2), (1, 1));
}

#[test]
fn a_leader_alone_in_the_isr_commits_all_it_has_when_it_is_elected() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    assert_eq!(cluster.offsets(2), (0, 1));
    cluster.elect(Some(2), &[2]);
    cluster.publish(2);
    assert_eq!(cluster.offsets(2), (1, 1));
}

#[test]
fn a_record_older_than_what_is_known_is_ignored() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    let old = cluster.registration.clone();
    cluster.elect(Some(2), &[1, 2]);
    cluster.publish_all();
    cluster.record(&MetadataRecord::Partition { topic_id: TOPIC, partition: 0, registration: old });
    cluster.publish_all();
    assert_eq!((cluster.leads(1), cluster.leads(2)), (None, Some(LeaderEpoch(1))));
}

#[test]
fn a_leader_elected_again_forgets_its_followers_or_keeps_them_as_kafka_does() {
    let high_watermark = |change: fn(&mut crate::replica::rules::Rules)| {
        let mut cluster = Cluster::with_rules(Protocol::Kip595, 3, change);
        cluster.produce(1, -1);
        cluster.carry(&[1, 3]);
        // Epoch 1 of another leader lies between, and broker 1 does not see it.
        cluster.elect(Some(2), &[1, 2, 3]);
        cluster.elect(Some(1), &[1, 3]);
        cluster.publish(1);
        cluster.offsets(1).0
    };
    assert_eq!(high_watermark(|_| {}), 0);
    let keep = |rules: &mut crate::replica::rules::Rules| {
        rules.follower_state_on_reelection = FollowerStateOnReelection::Keep;
    };
    assert_eq!(high_watermark(keep), 1);
}

#[test]
fn a_new_leader_notes_its_epoch_before_it_appends() {
    let latest = |protocol| {
        let mut cluster = Cluster::new(protocol, 2);
        cluster.elect(Some(2), &[1, 2]);
        cluster.publish(2);
        cluster.log(2).latest_epoch()
    };
    assert_eq!(latest(Protocol::Kip595), Some(LeaderEpoch(1)));
    assert_eq!(latest(Protocol::Hw), None);
}

#[test]
fn a_deleted_topic_leaves_nothing_behind_and_fails_what_waits() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    let request = cluster.produce(1, -1);
    cluster.record(&MetadataRecord::RemoveTopic { topic_id: TOPIC });
    cluster.publish_all();
    assert_eq!(told(&cluster, request), Some((ErrorCode::UnknownTopicOrPartition, 0)));
    assert!(cluster.node(1).manager.log(&partition()).is_none());
    let removed = cluster.events(1, |event| match event {
        PartitionEvent::ReplicaRemoved { .. } => Some(()),
        _ => None,
    });
    assert_eq!(removed.len(), 1);
}

#[test]
fn a_restart_tells_what_was_recovered_and_goes_on_with_it() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.produce(1, 1);
    cluster.carry(&[1, 2]);
    cluster.restart(2);
    let recovered = cluster.events(2, |event| match event {
        PartitionEvent::Recovered(recovered) => {
            Some((recovered.clean, recovered.high_watermark.0, recovered.log_end_offset.0))
        }
        _ => None,
    });
    assert_eq!(recovered, [(false, 0, 1)]);
    cluster.publish(2);
    assert_eq!(cluster.offsets(2), (0, 1));
}

#[test]
fn a_clean_shutdown_leaves_the_marker_and_the_high_watermark() {
    let mut cluster = Cluster::new(Protocol::Kip595, 1);
    cluster.produce(1, -1);
    cluster.step(1, ReplicaManager::shutdown);
    assert_eq!(cluster.node(1).manager.deadline(), None);
    cluster.restart(1);
    let recovered = cluster.events(1, |event| match event {
        PartitionEvent::Recovered(recovered) => Some((recovered.clean, recovered.high_watermark.0)),
        _ => None,
    });
    assert_eq!(recovered, [(true, 1)]);
}

#[test]
fn a_log_that_metadata_does_not_assign_here_is_removed_as_a_stray() {
    let mut cluster = Cluster::new(Protocol::Kip595, 2);
    cluster.registration.replicas = vec![crate::ids::BrokerId(1)];
    cluster.change_isr(&[1]);
    let disk = std::mem::take(&mut cluster.node_mut(2).disk);
    cluster.start(2, disk);
    cluster.node_mut(2).events.clear();
    assert!(cluster.node(2).manager.log(&partition()).is_some());
    cluster.step(2, ReplicaManager::remove_strays);
    assert!(cluster.node(2).manager.log(&partition()).is_none());
}

#[test]
fn a_checkpointed_high_watermark_survives_the_end_of_the_process() {
    let mut cluster = Cluster::new(Protocol::Kip595, 1);
    cluster.produce(1, -1);
    cluster.advance(5_000);
    cluster.restart(1);
    assert_eq!(cluster.offsets(1), (1, 1));
}
