//! Links that are cut, slow, narrow or lossy; connections that are asked for, refused or reset.

use core::time::Duration;

use super::{
    puppet::{
        Do,
        End::{Accepted, Opened},
    },
    stage::{MS, Stage},
};
use crate::{LinkProfile, Ratio};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_cut_link_holds_what_is_sent_and_delivers_it_in_order_after_the_heal() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.say(client, Opened(0), "under way");
    stage.run(MS / 2);
    stage.world.cut(&[vec![server], vec![client]]);
    stage.say(client, Opened(0), "first");
    stage.run(SECOND);
    stage.say(client, Opened(0), "second");
    stage.run(SECOND);
    assert!(stage.heard(server).is_empty());
    let healed = stage.world.now();
    stage.world.heal(&[vec![server], vec![client]]);
    stage.run(SECOND);
    let heard = stage.heard_at(server);
    let texts: Vec<_> = heard.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["a0 got under way", "a0 got first", "a0 got second"]);
    assert!(heard.iter().all(|(at, _)| *at == healed.plus(MS)), "{heard:?}");
}

#[test]
fn a_one_way_cut_lets_the_other_way_through() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.cut_one_way(server, client);
    stage.say(client, Opened(0), "ping");
    stage.say(server, Accepted(0), "pong");
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got ping"]);
    assert!(stage.heard(client).is_empty());
    stage.world.heal_one_way(server, client);
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["o0 got pong"]);
}

#[test]
fn overlapping_cuts_are_healed_one_by_one() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.isolate(client);
    stage.world.cut_one_way(client, server);
    stage.say(client, Opened(0), "ping");
    stage.world.rejoin(client);
    stage.run(SECOND);
    assert!(stage.heard(server).is_empty());
    stage.world.heal_all();
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got ping"]);
}

#[test]
fn a_cut_by_groups_leaves_those_within_a_group_and_outside_of_all_alone() {
    let (mut stage, [a, b, c, outside]) = Stage::with(["a", "b", "c", "outside"]);
    for node in [a, b, c, outside] {
        stage.tell(node, Do::Listen(9));
    }
    stage.world.cut(&[vec![a, b], vec![c]]);
    stage.tell_all(a, vec![Do::Open(0, "b", 9), Do::Open(1, "c", 9), Do::Open(2, "outside", 9)]);
    stage.tell(outside, Do::Open(0, "c", 9));
    stage.run(SECOND);
    assert_eq!(stage.heard(a), ["established o0", "established o2"]);
    assert_eq!(stage.heard(outside), ["accepted a2 from a", "established o0"]);
    assert_eq!(stage.heard(c), ["accepted a3 from outside"]);
}

#[test]
fn a_connection_asked_for_during_a_cut_stands_after_the_heal() {
    let (mut stage, [server, client]) = Stage::with(["server", "client"]);
    stage.tell(server, Do::Listen(9));
    stage.world.isolate(server);
    stage.tell(client, Do::Open(0, "server", 9));
    stage.run(10 * SECOND);
    assert!(stage.heard(client).is_empty());
    stage.world.rejoin(server);
    stage.run(2 * MS);
    assert_eq!(stage.heard(client), ["established o0"]);
}

#[test]
fn an_attempt_that_hangs_ends_when_the_caller_closes_it() {
    let (mut stage, [server, client]) = Stage::with(["server", "client"]);
    stage.tell(server, Do::Listen(9));
    stage.world.isolate(server);
    stage.tell(client, Do::Open(0, "server", 9));
    stage.run(SECOND);
    stage.tell(client, Do::Close(Opened(0)));
    stage.run(SECOND);
    stage.world.heal_all();
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
    assert!(stage.heard(server).is_empty());
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn a_port_without_a_listener_refuses_after_a_round_trip() {
    let (mut stage, [_, client]) = Stage::with(["server", "client"]);
    let asked = stage.world.now();
    stage.tell(client, Do::Open(0, "server", 9));
    stage.run(SECOND);
    assert_eq!(stage.heard_at(client), [(asked.plus(2 * MS), "refused o0".to_owned())]);
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn a_host_that_does_not_exist_is_unknown() {
    let (mut stage, [client]) = Stage::with(["client"]);
    stage.tell(client, Do::Open(0, "nowhere", 9));
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["unknown host o0"]);
}

#[test]
fn a_node_reaches_itself_at_once_even_when_isolated() {
    let (mut stage, [node]) = Stage::with(["node"]);
    stage.world.isolate(node);
    stage.tell_all(node, vec![Do::Listen(9), Do::Open(0, "node", 9)]);
    stage.run(MS);
    assert_eq!(stage.heard(node), ["accepted a0 from node", "established o0"]);
    stage.say(node, Opened(0), "to myself");
    stage.run(MS);
    assert_eq!(stage.heard(node), ["a0 got to myself"]);
}

#[test]
fn what_was_sent_before_a_close_arrives_before_it() {
    let (mut stage, [server, client]) = Stage::connected();
    let last_words = Do::Send(Opened(0), "last words".into());
    stage.tell_all(client, vec![last_words, Do::Close(Opened(0))]);
    stage.say(server, Accepted(0), "too late");
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got last words", "closed a0"]);
    assert!(stage.heard(client).is_empty());
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn a_reset_is_told_to_both_ends_after_what_was_under_way() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.say(client, Opened(0), "before");
    stage.run(MS / 2);
    stage.world.reset_connections(server, client);
    stage.say(client, Opened(0), "after");
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got before", "closed a0"]);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn a_narrow_link_passes_so_many_bytes_a_second() {
    let (mut stage, [server, client]) = Stage::connected();
    let usual = stage.world.link(client, server);
    let narrow = LinkProfile { bandwidth: Some(1_000), ..usual.clone() };
    stage.world.set_link(client, server, narrow);
    let began = stage.world.now();
    for _ in 0..3 {
        stage.say(client, Opened(0), &"x".repeat(100));
    }
    stage.run(SECOND);
    let times: Vec<_> = stage.heard_at(server).into_iter().map(|(at, _)| at.since(began)).collect();
    assert_eq!(times, [101 * MS, 201 * MS, 301 * MS]);
    stage.world.set_link(client, server, usual);
    stage.say(client, Opened(0), "quick");
    stage.run(MS);
    assert_eq!(stage.heard(server), ["a0 got quick"]);
}

#[test]
fn loss_is_delay_and_never_a_hole_or_a_change_of_order() {
    let (mut stage, [server, client]) = Stage::connected();
    let usual = stage.world.link(client, server);
    stage.world.set_link(client, server, LinkProfile { loss: Ratio::new(1, 4), ..usual });
    let began = stage.world.now();
    let sent: Vec<_> = (0..40).map(|n| format!("a0 got {n}")).collect();
    for number in 0..40 {
        stage.say(client, Opened(0), &number.to_string());
        stage.run(10 * MS);
    }
    stage.run(60 * SECOND);
    let heard = stage.heard_at(server);
    assert!(heard.iter().map(|(_, text)| text).eq(&sent));
    let late = heard.iter().zip(0..).filter(|((at, _), n)| at.since(began) != *n * 10 * MS + MS);
    assert!(5 <= late.count());
}
