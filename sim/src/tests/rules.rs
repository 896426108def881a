//! Frames that are picked out: held, delayed, dropped with a reset.

use core::time::Duration;

use super::{
    puppet::End::{Accepted, Opened},
    stage::{MS, Stage},
};
use crate::{FrameInfo, RuleAction};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_held_frame_holds_up_those_behind_it_until_the_rule_is_released() {
    let (mut stage, [server, client]) = Stage::connected();
    let to_server = move |info: &FrameInfo<'_, String>| info.to == server && info.tag == "two";
    let rule = stage.world.add_rule(RuleAction::Hold, 1, to_server);
    for text in ["one", "two", "three"] {
        stage.say(client, Opened(0), text);
    }
    stage.say(server, Accepted(0), "two");
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got one"]);
    assert_eq!(stage.heard(client), ["o0 got two"]);
    assert_eq!(stage.world.held_by(rule), 1);
    stage.world.release(rule);
    stage.run(MS);
    assert_eq!(stage.heard(server), ["a0 got two", "a0 got three"]);
    stage.say(client, Opened(0), "two");
    stage.run(MS);
    assert_eq!(stage.heard(server), ["a0 got two"]);
}

#[test]
fn a_delayed_frame_comes_later_and_only_so_many_are_delayed() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.add_rule(RuleAction::Delay(50 * MS), 1, |info| info.frame.starts_with(b"slow"));
    let began = stage.world.now();
    stage.say(client, Opened(0), "slow 1");
    stage.run(100 * MS);
    stage.say(client, Opened(0), "slow 2");
    stage.run(100 * MS);
    let expected = [(51 * MS, "a0 got slow 1".into()), (101 * MS, "a0 got slow 2".into())];
    let heard = stage.heard_at(server).into_iter().map(|(at, text)| (at.since(began), text));
    assert_eq!(heard.collect::<Vec<(Duration, String)>>(), expected);
}

#[test]
fn a_frame_dropped_with_a_reset_takes_its_connection_along() {
    let (mut stage, [server, client]) = Stage::connected();
    stage.world.add_rule(RuleAction::DropWithReset, 1, move |info| {
        info.from == client && info.tag == "lost"
    });
    for text in ["kept", "lost", "lost too"] {
        stage.say(client, Opened(0), text);
    }
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got kept", "closed a0"]);
    assert_eq!(stage.heard(client), ["closed o0"]);
    assert_eq!(stage.world.connections(), 0);
}

#[test]
fn a_held_frame_of_a_killed_process_is_still_delivered_and_then_the_close() {
    let (mut stage, [server, client]) = Stage::connected();
    let rule = stage.world.add_rule(RuleAction::Hold, u32::MAX, |_| true);
    stage.say(client, Opened(0), "held");
    stage.run(MS);
    stage.world.crash(client);
    stage.run(SECOND);
    assert!(stage.heard(server).is_empty());
    stage.world.release(rule);
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got held", "closed a0"]);
}

#[test]
fn a_rule_can_begin_with_a_later_match() {
    let (mut stage, [server, client]) = Stage::connected();
    let rule = stage.world.add_rule(RuleAction::Hold, 1, move |info| info.from == client);
    stage.world.skip_matches(rule, 2);
    for text in ["first", "second", "third"] {
        stage.say(client, Opened(0), text);
    }
    stage.run(SECOND);
    assert_eq!(stage.heard(server), ["a0 got first", "a0 got second"]);
    assert_eq!(stage.world.held_by(rule), 1);
}
