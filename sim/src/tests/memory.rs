//! A run leaves nothing behind, however it ends.

use std::sync::Arc;

use crate::{
    Config, Disk, Input, Instant, Madsim, Moment, Now, Outbox, Process, World, run_on_fresh_thread,
};

/// A process that is counted: everything of a run that is still alive holds one of the tokens.
#[derive(Clone, Debug, PartialEq)]
struct Counted(Arc<()>);

impl Process for Counted {
    type Command = ();
    type Answer = ();
    type Event = ();
    type Tag = ();

    fn step(&mut self, _: Now, input: Input<()>, _: &mut Disk, _: &mut Outbox<Self>) {
        assert_ne!(input, Input::ShutdownAsked, "told to panic");
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}

#[derive(Clone, Copy)]
enum End {
    Quiet,
    ProcessPanics,
    RunPanics,
}

fn run(token: &Arc<()>, end: End) -> Option<Moment<Counted>> {
    run_on_fresh_thread(1, async |executor: &mut Madsim<Counted>| {
        let mut world = World::new(1, Config::default());
        for name in ["a", "b", "c"] {
            let node = world.add_node(name);
            world.start(node, Counted(Arc::clone(token)));
        }
        let node = world.node("b").unwrap();
        while let Moment::Stepped(_) | Moment::Left(_) = world.advance(executor).await {
            if world.health(node) == crate::world::Health::Running && world.inputs() == 2 {
                world.crash(node);
                world.start(node, Counted(Arc::clone(token)));
            }
        }
        match end {
            End::Quiet => {}
            End::ProcessPanics => {
                let mut world = World::new(1, Config::default());
                let node = world.add_node("d");
                world.start(node, Counted(Arc::clone(token)));
                world.ask_shutdown(node);
                while let Moment::Stepped(_) | Moment::Left(_) = world.advance(executor).await {}
            }
            End::RunPanics => panic!("the run breaks an invariant"),
        }
        world.advance(executor).await
    })
    .ok()
}

#[test]
fn two_thousand_runs_leave_nothing_behind() {
    let token = Arc::new(());
    for _ in 0..2_000 {
        assert!(run(&token, End::Quiet).is_some());
        assert_eq!(Arc::strong_count(&token), 1);
    }
}

#[test]
fn a_run_that_panics_is_a_value_and_leaves_nothing_behind() {
    let token = Arc::new(());
    assert!(run(&token, End::ProcessPanics).is_some());
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(run(&token, End::RunPanics).is_none());
    assert_eq!(Arc::strong_count(&token), 1);
}
