//! What the world costs for each input: a ping-pong whose processes do next to nothing.
//!
//! `floor` is a bare loop over a heap: what any simulator pays. `inline` adds the world; `madsim`
//! adds the hand-over to a node's task and back. The aim is at most 0.7 µs an input for the latter.

use std::{cmp::Reverse, collections::BinaryHeap};

use divan::{Bencher, counter::ItemsCount};
use sim::{Config, Ending, Executor, Inline, Madsim, Moment, World, run_on_fresh_thread};

#[path = "../src/tests/ping_pong.rs"]
mod ping_pong;

use ping_pong::PingPong;

const INPUTS: u64 = 200_000;

fn main() {
    divan::main();
}

#[divan::bench]
fn floor(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(INPUTS)).bench(|| {
        let mut heap = BinaryHeap::from([Reverse((0_u64, 0_u64))]);
        for sequence in 0..INPUTS {
            let Some(Reverse((time, last))) = heap.pop() else { break };
            heap.push(Reverse((time + divan::black_box(last % 7), sequence)));
        }
        heap
    });
}

#[divan::bench]
fn inline(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(INPUTS)).bench(|| Inline::block_on(play(&mut Inline)));
}

#[divan::bench]
fn madsim(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(INPUTS)).bench(|| {
        run_on_fresh_thread(7, async |executor: &mut Madsim<PingPong>| play(executor).await)
    });
}

async fn play(executor: &mut impl Executor<PingPong>) -> u64 {
    let mut world = World::new(7, Config { inputs_max: INPUTS, ..Config::default() });
    let server = world.add_node("server");
    world.start(server, PingPong::server());
    for name in ["client-1", "client-2", "client-3"] {
        let client = world.add_node(name);
        world.start(client, PingPong::client("server", &[7; 100]));
    }
    loop {
        if let Moment::Ended(ending) = world.advance(executor).await {
            assert_eq!(ending, Ending::InputLimit { max: INPUTS });
            return world.trace().length();
        }
    }
}
