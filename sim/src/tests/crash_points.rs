//! Deaths in the middle of a step, at an operation of the disk.

use core::time::Duration;

use super::{
    puppet::{Do, End::Accepted},
    stage::Stage,
};
use crate::{
    DiskOperation, Moment, Time,
    disk::{CrashPoint, Death, DiskFault, PathPattern, Unsynced},
    world::Health,
};

const SECOND: Duration = Duration::from_secs(1);

fn crash_at(operation: Option<DiskOperation>, path: PathPattern, nth: u64) -> DiskFault {
    DiskFault::CrashAt(CrashPoint { operation, path, nth, death: Death::Crash })
}

fn write_and_answer() -> Vec<Do> {
    vec![
        Do::Create("log"),
        Do::Append("log", b"one".into()),
        Do::Append("log", b"two".into()),
        Do::Read("log"),
        Do::Send(Accepted(0), "done".into()),
    ]
}

#[test]
fn a_process_dies_at_the_nth_operation_and_nothing_after_it_has_an_effect() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.disk_fault(server, crash_at(None, PathPattern::Any, 3));
    stage.tell_all(server, write_and_answer());
    stage.run(SECOND);
    // What was told before the death is true; what came after was not told.
    assert_eq!(stage.heard(server), ["create log", "append log"]);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.world.disk(server).peek("log").unwrap(), "one");
    assert_eq!(stage.world.health(server), Health::Down);
    assert_eq!(stage.died.len(), 1);
    stage.start(server);
    stage.tell(server, Do::Append("log", b"!".into()));
    stage.run(SECOND);
    assert_eq!(stage.world.disk(server).peek("log").unwrap(), "one!");
}

#[test]
fn a_process_dies_at_the_nth_operation_of_a_kind_on_a_path() {
    let (mut stage, [server, _]) = Stage::connected();
    let path = PathPattern::Exactly("log".into());
    stage.world.disk_fault(server, crash_at(Some(DiskOperation::Append), path, 2));
    stage.tell_all(server, vec![Do::Create("x"), Do::Append("x", b"1".into())]);
    stage.run(SECOND);
    assert_eq!(stage.world.health(server), Health::Running);
    stage.tell_all(server, write_and_answer());
    stage.run(SECOND);
    assert_eq!(stage.world.disk(server).peek("log").unwrap(), "one");
}

#[test]
fn the_operations_of_each_incarnation_are_counted_anew() {
    let (mut stage, [server, _]) = Stage::connected();
    stage.world.disk_fault(server, crash_at(None, PathPattern::Any, 2));
    stage.tell(server, Do::Create("a"));
    stage.run(SECOND);
    stage.world.crash(server);
    stage.start(server);
    stage.tell(server, Do::Create("b"));
    stage.run(SECOND);
    assert_eq!(stage.world.health(server), Health::Running);
    stage.tell(server, Do::Create("c"));
    stage.run(SECOND);
    assert_eq!(stage.world.disk(server).paths(), ["a", "b"]);
}

#[test]
fn a_panic_after_the_death_is_the_dead_process_s_own_business() {
    let (mut stage, [server, _]) = Stage::connected();
    stage.world.disk_fault(server, crash_at(None, PathPattern::Any, 1));
    stage.tell_all(server, vec![Do::Create("log"), Do::Panic("I am dead already")]);
    stage.run(SECOND);
    assert_eq!(stage.world.health(server), Health::Down);
    assert!(stage.world.ending().is_none());
}

#[test]
fn a_machine_may_lose_its_power_at_an_operation() {
    let (mut stage, [server, client]) = Stage::connected();
    let death = Death::PowerOff(Unsynced::Drop);
    let operation = Some(DiskOperation::Append);
    let point = CrashPoint { operation, path: PathPattern::Any, nth: 2, death };
    stage.world.disk_fault(server, DiskFault::CrashAt(point.clone()));
    let mut tasks = write_and_answer();
    tasks.splice(1..1, [Do::SyncDir("")]);
    stage.tell_all(server, tasks);
    stage.run(SECOND);
    assert!(stage.heard(client).is_empty());
    assert_eq!(stage.world.health(server), Health::Off);
    assert_eq!(stage.world.disk(server).peek("log").unwrap(), "");
    let died = stage.died.pop().unwrap();
    assert_eq!(died.point, point);
    assert_eq!(died.power_loss.unwrap().lost("log").count(), 1);
}

#[test]
fn two_losses_of_power_are_drawn_from_two_streams_and_are_the_same_in_every_run() {
    let run = || {
        let (mut stage, [server, _]) = Stage::connected();
        let mut reports = Vec::new();
        for _ in 0..6 {
            let write = Do::Append("log", vec![7; 3_000]);
            stage.tell_all(server, vec![Do::Create("log"), write.clone(), write]);
            stage.run(SECOND);
            reports.push(stage.world.power_off(server, Unsynced::BySeed));
            stage.start(server);
        }
        (reports, stage.world.trace_hash())
    };
    let (reports, hash) = run();
    assert_eq!(run(), (reports.clone(), hash));
    let modes: std::collections::BTreeSet<_> = reports.iter().map(|report| report.mode).collect();
    assert!(2 <= modes.len(), "{modes:?}");
}

#[test]
fn a_disk_that_was_set_up_beforehand_is_found_by_its_process() {
    let (mut stage, [server, _]) = Stage::connected();
    stage.world.crash(server);
    let disk = stage.world.disk_mut(server);
    disk.create("meta").unwrap();
    disk.append("meta", b"id=1").unwrap();
    stage.start(server);
    stage.tell(server, Do::Read("meta"));
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["started", "read meta id=1"]);
}

#[test]
fn a_clone_with_a_crash_point_dies_its_own_death() {
    let (mut stage, [server, _]) = Stage::connected();
    stage.world.disk_fault(server, crash_at(None, PathPattern::Any, 3));
    stage.tell_all(server, write_and_answer());
    let mut copy = stage.world.clone();
    stage.run(SECOND);
    assert_eq!(stage.world.health(server), Health::Down);
    let moment = copy.advance_inline_until(Time::NEVER);
    assert!(matches!(moment, Moment::Stepped(step) if step.events.len() == 2));
    assert_eq!(copy.disk(server).peek("log").unwrap(), "one");
}
