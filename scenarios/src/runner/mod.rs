//! One run: a scenario and a seed in, everything there is to know about it out.

mod director;
mod expectations;
mod faults;
mod health;
mod inspect;
mod messages;
mod phases;
mod play;
mod replica_bytes;
mod stage;
mod targets;
mod words;

pub fn smoke() {
        use crate::format::{ScenarioFile, Selection};
        let file = std::env::var("SMOKE").unwrap_or("healthy.json".into());
        let seed: u64 = std::env::var("SEED").unwrap_or("1".into()).parse().unwrap();
        let file = ScenarioFile::read(std::path::Path::new(&file)).unwrap();
        let sel = Selection { variant: std::env::var("VARIANT").ok(), overrides: vec![] };
        let resolved = file.resolve(&sel, &mut |_, _| 0).unwrap();
        let out = sim::run_on_fresh_thread(seed, async |executor: &mut sim::Madsim<crate::cluster::Node>| {
            let (mut world, cast) = stage::build(&resolved.scenario, seed, core::time::Duration::from_secs(600));
            if std::env::var("TRACE").is_ok() { world.keep_trace(); }
            let director = director::Director::new(resolved.scenario.faults.clone());
            let mut play = play::Play::new(resolved.scenario.clone(), world, cast, director);
            let r = play.play(executor).await;
            if std::env::var("TRACE").is_ok() {
                for e in play.world.trace().entries() { println!("{e:?}"); }
            }
            println!("{r:?}");
            for v in play.watch.violations() { println!("VIOLATION {v:?}"); }
            for d in &play.done { println!("{d:?}"); }
            println!("events {} inputs {} now {} hash {:?}", play.events, play.world.inputs(), play.world.now(), play.world.trace_hash());
            println!("fresh {:?}", play.fresh.iter().map(|(k,v)| (k.to_string(), v.len())).collect::<Vec<_>>());
        });
        out.unwrap();
}
