//! Pauses, panics, clocks, limits, and the points between a step and its outputs.

use core::time::Duration;

use super::{
    puppet::{
        Do,
        End::{Accepted, Opened},
        Puppet,
    },
    stage::{MS, Stage},
};
use crate::{
    Config, Ending, Moment, Time, World,
    disk::{DiskFault, DiskLatency},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_paused_process_takes_its_inputs_late_and_its_kernel_accepts_meanwhile() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.tell(server, Do::WakeIn(10 * MS));
    stage.run(MS);
    stage.world.pause(server);
    stage.say(client, Opened(0), "while paused");
    stage.tell(client, Do::Open(1, "server", 9));
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["established o1"]);
    assert!(stage.heard(server).is_empty());
    let resumed = stage.world.now();
    stage.world.resume(server);
    stage.run(SECOND);
    let heard = stage.heard_at(server);
    assert!(heard.iter().all(|(at, _)| *at == resumed));
    let mut texts: Vec<_> = heard.into_iter().map(|(_, text)| text).collect();
    texts.sort();
    assert_eq!(texts, ["a0 got while paused", "accepted a1 from client", "woken"]);
}

#[test]
fn a_process_killed_before_its_outputs_leave_has_written_and_said_nothing() {
    let (mut stage, [server, client]) = Stage::connected();
    let answer = Do::Send(Accepted(0), "done".into());
    stage.tell_all(server, vec![Do::Create("log"), Do::Append("log", b"record".into()), answer]);
    let moment = stage.world.advance_inline_until(Time::NEVER);
    assert!(matches!(moment, Moment::Stepped(step) if step.events == ["create log", "append log"]));
    assert_eq!(stage.world.departing(server).len(), 1);
    stage.world.crash(server);
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.world.disk(server).peek("log").unwrap(), "record");
}

#[test]
fn a_process_killed_after_its_outputs_left_has_said_it() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.say(server, Accepted(0), "done");
    while !matches!(stage.world.advance_inline_until(Time::NEVER), Moment::Left(_)) {}
    stage.world.crash(server);
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["o0 got done", "closed o0"]);
}

#[test]
fn disk_time_is_charged_to_outputs_and_to_the_next_input() {
    let (mut stage, [server, client]) = Stage::connected();
    let write = DiskLatency { write: 30 * MS, ..DiskLatency::NONE };
    stage.world.disk_fault(server, DiskFault::Latency(write));
    let began = stage.world.now();
    let answer = Do::Send(Accepted(0), "done".into());
    stage.tell_all(server, vec![Do::Create("log"), Do::Append("log", b"1".into()), answer]);
    stage.say(client, Opened(0), "hello");
    stage.run(SECOND);
    assert_eq!(stage.heard_at(client), [(began.plus(61 * MS), "o0 got done".into())]);
    let hello = stage.heard_at(server).pop().unwrap();
    assert_eq!(hello, (began.plus(60 * MS), "a0 got hello".into()));
}

#[test]
fn a_crash_during_charged_disk_time_loses_outputs_and_not_writes() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.disk_fault(server, DiskFault::Stall(100 * MS));
    let answer = Do::Send(Accepted(0), "done".into());
    stage.tell_all(server, vec![Do::Create("log"), answer]);
    stage.run(50 * MS);
    stage.world.crash(server);
    stage.run(SECOND);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.world.disk(server).paths(), ["log"]);
}

#[test]
fn outputs_that_are_due_during_a_pause_leave_after_it() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.disk_fault(server, DiskFault::Stall(10 * MS));
    stage.tell_all(server, vec![Do::Create("log"), Do::Send(Accepted(0), "done".into())]);
    stage.run(5 * MS);
    stage.world.pause(server);
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
    stage.world.resume(server);
    stage.run(MS);
    assert_eq!(stage.heard(client), ["o0 got done"]);
}

#[test]
fn a_drifting_clock_moves_deadlines_and_a_jump_moves_the_wall_clock_only() {
    let (mut stage, [node]) = Stage::with(["node"]);
    stage.tell_all(node, vec![Do::WakeIn(10 * SECOND), Do::ReadClock]);
    stage.run(Duration::ZERO);
    stage.world.drift_clock(node, 250_000);
    stage.world.jump_clock_back(node, SECOND);
    stage.run(10 * SECOND);
    stage.tell(node, Do::ReadClock);
    stage.run(Duration::ZERO);
    let heard = stage.heard_at(node);
    assert_eq!(heard[1], (Time::at(8 * SECOND), "woken".into()));
    let read = |at: usize| -> Vec<i64> {
        heard[at].1.split(' ').skip(1).map(|number| number.parse().unwrap()).collect()
    };
    assert_eq!(read(2)[0] - read(0)[0], 12_500_000_000);
    assert_eq!(read(2)[1] - read(0)[1], 11_500);
}

#[test]
fn a_panic_of_a_process_is_a_value_and_ends_the_run() {
    let (mut stage, [node]) = Stage::with(["node"]);
    stage.tell(node, Do::Panic("the high watermark went back"));
    let message = "the high watermark went back".to_owned();
    let ending = Ending::Panicked { node, message };
    assert_eq!(stage.ending(), ending);
    assert_eq!(stage.ending(), ending);
}

#[test]
fn a_shutdown_is_asked_once_and_a_dead_node_hears_nothing() {
    let (mut stage, [node]) = Stage::with(["node"]);
    stage.world.ask_shutdown(node);
    stage.run(MS);
    assert_eq!(stage.heard(node), ["shutdown"]);
    stage.world.crash(node);
    stage.world.ask_shutdown(node);
    stage.tell(node, Do::ReadClock);
    stage.run(MS);
    assert!(stage.heard(node).is_empty());
}

#[test]
fn a_run_ends_by_itself_at_its_limits_or_when_nothing_is_left_to_happen() {
    let world = |config: Config| {
        let mut world = World::new(1, config);
        let node = world.add_node("node");
        world.start(node, Puppet::default());
        world.command_at(node, Time(5), vec![Do::WakeIn(SECOND)]);
        world
    };
    let ending = |mut world: World<Puppet>| loop {
        if let Moment::Ended(ending) = world.advance_inline_until(Time::NEVER) {
            return (ending, world.now());
        }
    };
    let quiet = ending(world(Config::default()));
    assert_eq!(quiet, (Ending::Quiet, Time::at(SECOND).plus(Duration::from_nanos(5))));
    let max = Time(1_000);
    let timed = ending(world(Config { time_max: max, ..Config::default() })).0;
    assert_eq!(timed, Ending::TimeLimit { max });
    let counted = ending(world(Config { inputs_max: 1, ..Config::default() })).0;
    assert_eq!(counted, Ending::InputLimit { max: 1 });
}

#[test]
fn too_many_inputs_at_one_time_end_the_run() {
    let mut world = World::new(1, Config { inputs_at_once_max: 50, ..Config::default() });
    let node = world.add_node("node");
    world.start(node, Puppet::default());
    for _ in 0..60 {
        world.command_at(node, Time(7), vec![]);
    }
    while !matches!(world.advance_inline_until(Time::NEVER), Moment::Ended(_)) {}
    assert_eq!(world.ending(), Some(&Ending::Livelock { at: Time(7) }));
}

#[test]
fn deadlines_that_move_leave_nothing_in_the_queue() {
    let (mut stage, [node]) = Stage::with(["node"]);
    for _ in 0..1_000 {
        stage.tell(node, Do::WakeIn(10 * SECOND));
        stage.run(MS);
    }
    assert_eq!(stage.world.queued(), 0);
    stage.run(10 * SECOND);
    assert_eq!(stage.heard(node), ["woken"]);
}

#[test]
fn the_trace_tells_what_happened_and_shows_the_first_difference() {
    let run = |text: &str| {
        let (mut stage, [server, client]) = Stage::connected();
        stage.world.keep_trace();
        stage.say(client, Opened(0), text);
        stage.world.isolate(server);
        stage.run(SECOND);
        stage.world
    };
    let (one, same, other) = (run("x"), run("x"), run("y"));
    assert_eq!(one.trace_hash(), same.trace_hash());
    assert_ne!(one.trace_hash(), other.trace_hash());
    let entries = |world: &World<Puppet>| world.trace().entries().to_vec();
    assert_eq!(crate::first_difference(&entries(&one), &entries(&same)), None);
    let (left, right) = (entries(&one), entries(&other));
    let (at, left, _) = crate::first_difference(&left, &right).unwrap();
    assert_eq!(at, 2);
    assert!(left.unwrap().to_string().contains("takes Command([Send(Opened(0), \"x\")])"));
}
