//! One seed is one run: whatever executes it, wherever, and beside whatever else.

use core::time::Duration;
use std::thread;

use super::ping_pong::{PingPong, Told};
use crate::{
    Config, Ending, Executor, Inline, Madsim, Moment, NodeId, Time, TraceHash, World,
    run_on_fresh_thread,
};

const END: Time = Time(3_000_000_000);

/// A server and two clients, with faults drawn from the seed.
struct Game {
    world: World<PingPong>,
    server: NodeId,
}

fn game(seed: u64, payload: &'static [u8]) -> Game {
    let mut world = World::new(seed, Config { time_max: END, ..Config::default() });
    let server = world.add_node("server");
    world.start(server, PingPong::server());
    for name in ["client-1", "client-2"] {
        let client = world.add_node(name);
        world.start(client, PingPong::client("server", payload));
    }
    let mut times = world.draws().stream("chaos", "times");
    for token in 0..6 {
        let at = times.duration(&(Duration::from_millis(100)..=Duration::from_millis(2_500)));
        world.alarm_at(Time::at(at), token);
    }
    Game { world, server }
}

impl Game {
    /// Plays to the end. Gives the times of the faults.
    async fn play(&mut self, executor: &mut impl Executor<PingPong>) -> Vec<Time> {
        let mut faults = Vec::new();
        loop {
            match self.world.advance(executor).await {
                Moment::Alarm { token } => {
                    faults.push(self.world.now());
                    self.fault(token);
                }
                Moment::Ended(ending) => {
                    assert_eq!(ending, Ending::TimeLimit { max: END });
                    return faults;
                }
                Moment::Stepped(_) | Moment::Left(_) | Moment::Reached => {}
            }
        }
    }

    fn fault(&mut self, token: u64) {
        let (world, server) = (&mut self.world, self.server);
        match token {
            0 => world.isolate(NodeId(1)),
            1 => world.heal_all(),
            2 => world.pause(NodeId(2)),
            3 => world.resume(NodeId(2)),
            _ => {
                world.crash(server);
                world.start(server, PingPong::server());
            }
        }
    }
}

fn hash_on_madsim(seed: u64, madsim_seed: u64) -> TraceHash {
    run_on_fresh_thread(madsim_seed, async |executor: &mut Madsim<PingPong>| {
        let mut game = game(seed, b"ping");
        game.play(executor).await;
        game.world.trace_hash()
    })
    .unwrap()
}

fn hash_inline(seed: u64) -> TraceHash {
    let mut game = game(seed, b"ping");
    Inline::block_on(game.play(&mut Inline));
    game.world.trace_hash()
}

#[test]
fn one_seed_has_one_trace_under_two_madsim_seeds_and_under_the_inline_executor() {
    for seed in 0..4 {
        let hash = hash_on_madsim(seed, 1);
        assert_eq!(hash, hash_on_madsim(seed, 99), "seed {seed}");
        assert_eq!(hash, hash_inline(seed), "seed {seed}");
    }
    assert_ne!(hash_inline(1), hash_inline(2));
}

#[test]
fn runs_in_parallel_are_the_same_as_alone() {
    let alone: Vec<_> = (0..8).map(hash_inline).collect();
    let together: Vec<_> = thread::scope(|scope| {
        let spawn = |seed| scope.spawn(move || hash_on_madsim(seed, seed));
        let threads: Vec<_> = (0..8).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn what_is_sent_moves_no_fault_and_no_latency() {
    let answered = |payload: &'static [u8]| {
        let mut game = game(5, payload);
        let mut told = Vec::new();
        let mut faults = Vec::new();
        loop {
            match game.world.advance_inline_until(Time::NEVER) {
                Moment::Stepped(step) => {
                    let at = game.world.now();
                    told.extend(step.events.into_iter().map(|Told::Answered(n)| (at, n)));
                }
                Moment::Alarm { token } => {
                    faults.push((game.world.now(), token));
                    game.fault(token);
                }
                Moment::Ended(_) => return (told, faults, game.world.trace_hash()),
                Moment::Left(_) | Moment::Reached => {}
            }
        }
    };
    let (short, long) = (answered(b"x"), answered(&[7; 900]));
    assert!(100 < short.0.len(), "{}", short.0.len());
    assert_eq!(short.0, long.0);
    assert_eq!(short.1, long.1);
    assert_ne!(short.2, long.2);
}

#[test]
fn a_clone_goes_on_exactly_as_its_original() {
    let mut original = game(3, b"ping");
    let mut inputs = 0;
    while inputs < 500 {
        match original.world.advance_inline_until(Time::NEVER) {
            Moment::Stepped(_) => inputs += 1,
            Moment::Alarm { token } => original.fault(token),
            Moment::Left(_) | Moment::Reached | Moment::Ended(_) => {}
        }
    }
    // In the middle of a step: its outputs have not left.
    let mut copy = Game { world: original.world.clone(), server: original.server };
    assert!(
        !original.world.departing(original.world.nodes().next().unwrap()).is_empty()
            || original.world.next_time() == Some(original.world.now())
    );
    let faults = Inline::block_on(original.play(&mut Inline));
    let same = run_on_fresh_thread(4, async |executor: &mut Madsim<PingPong>| {
        (copy.play(executor).await, copy.world.trace_hash())
    });
    assert_eq!(same.unwrap(), (faults, original.world.trace_hash()));
}

#[test]
fn a_fork_under_another_seed_goes_its_own_way_and_the_same_one_each_time() {
    let mut original = game(3, b"ping");
    for _ in 0..500 {
        original.world.advance_inline_until(Time::NEVER);
    }
    let fork = |seed: u64| {
        let mut fork = Game { world: original.world.clone(), server: original.server };
        fork.world.reseed(seed);
        Inline::block_on(fork.play(&mut Inline));
        (fork.world.inputs(), fork.world.trace_hash())
    };
    assert_eq!(fork(8), fork(8));
    assert_ne!(fork(8).0, fork(9).0);
}
