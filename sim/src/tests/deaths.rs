//! Processes that are killed, machines that lose power, and what their peers notice.

use core::time::Duration;

use super::{
    puppet::{
        Do,
        End::{Accepted, Opened},
    },
    stage::{MS, Stage},
};
use crate::{disk::Unsynced, world::Health};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_killed_process_closes_its_connections_after_the_latency_of_the_link() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.say(server, Accepted(0), "sent before");
    stage.run(Duration::ZERO);
    let killed = stage.world.now();
    stage.world.crash(server);
    stage.run(SECOND);
    let expected =
        [(killed.plus(MS), "o0 got sent before".into()), (killed.plus(MS), "closed o0".into())];
    assert_eq!(stage.heard_at(client), expected);
    assert_eq!(stage.world.health(server), Health::Down);
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn a_process_killed_behind_a_cut_is_heard_of_after_the_heal() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.isolate(server);
    stage.say(server, Accepted(0), "held");
    stage.run(MS);
    stage.world.crash(server);
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
    stage.world.rejoin(server);
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["o0 got held", "closed o0"]);
}

#[test]
fn the_port_of_a_killed_process_refuses() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.crash(server);
    stage.tell(client, Do::Open(1, "server", 9));
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0", "refused o1"]);
    stage.start(server);
    stage.tell(server, Do::Listen(9));
    stage.tell(client, Do::Open(2, "server", 9));
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["established o2"]);
}

#[test]
fn a_host_without_power_is_silent_until_it_is_back_and_then_resets() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.say(server, Accepted(0), "left in time");
    stage.run(Duration::ZERO);
    stage.world.power_off(server, Unsynced::Drop);
    stage.run(SECOND);
    stage.say(client, Opened(0), "hello?");
    stage.tell(client, Do::Open(1, "server", 9));
    stage.run(60 * SECOND);
    assert_eq!(stage.heard(client), ["o0 got left in time"]);
    stage.start(server);
    stage.tell(server, Do::Listen(9));
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0", "established o1"]);
    assert_eq!(stage.heard(server), ["started", "accepted a1 from client"]);
}

#[test]
fn a_half_open_connection_on_which_nothing_is_sent_stays_so() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.power_off(server, Unsynced::Keep);
    stage.run(SECOND);
    stage.start(server);
    stage.run(60 * SECOND);
    assert!(stage.heard(client).is_empty());
    assert_eq!(stage.world.connections(), 1);
    stage.say(client, Opened(0), "anybody?");
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn what_a_host_without_power_had_held_by_a_cut_is_gone() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.cut_one_way(server, client);
    stage.say(server, Accepted(0), "held");
    stage.run(MS);
    stage.world.power_off(server, Unsynced::Keep);
    stage.world.heal_all();
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
}

#[test]
fn a_killed_process_whose_host_then_loses_power_leaves_a_half_open_connection() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.isolate(server);
    stage.say(server, Accepted(0), "held");
    stage.run(MS);
    stage.world.crash(server);
    stage.world.power_off(server, Unsynced::Keep);
    stage.world.heal_all();
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
    stage.world.power_on(server);
    stage.say(client, Opened(0), "anybody?");
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0"]);
}

#[test]
fn a_process_that_ends_itself_closes_and_does_nothing_more() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.tell_all(server, vec![Do::Answer(1), Do::Exit, Do::Answer(2)]);
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.answers, [1]);
    assert_eq!(stage.world.health(server), Health::Down);
}

#[test]
fn a_new_incarnation_numbers_its_connections_anew() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.isolate(client);
    stage.world.crash(client);
    stage.start(client);
    stage.tell(client, Do::Open(0, "server", 9));
    stage.run(SECOND);
    stage.world.heal_all();
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["started", "established o0"]);
    assert_eq!(stage.heard(server), ["closed a0", "accepted a1 from client"]);
    stage.say(client, Opened(0), "new life");
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a1 got new life"]);
}

#[test]
fn a_reset_that_was_lost_with_the_power_is_given_again() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.power_off(server, Unsynced::Keep);
    stage.world.cut_one_way(server, client);
    stage.world.power_on(server);
    stage.say(client, Opened(0), "anybody?");
    stage.run(SECOND);
    // The reset is held by the cut, and goes with the power.
    stage.world.power_off(server, Unsynced::Keep);
    stage.world.heal_all();
    stage.world.power_on(server);
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
    stage.say(client, Opened(0), "anybody now?");
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0"]);
}
