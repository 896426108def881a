//! The white-box oracle: the contract's decision procedure, with full knowledge of a run.
//!
//! [`judge`] is called once, after everything was healed and read. It asks of every record that was
//! sent whether what became of it was promised otherwise, and names for each loss, duplicate and
//! reorder the rule that allows it, or that it breaks. It believes clients about acknowledgements
//! and deliveries, disks about logs, and the controller's records about who could lead.
//!
//! One file for each section of the contract. What it does not know: what the scenario's author
//! expects, and what Kafka's group protocol promises.

mod agreement;
mod availability;
mod classification;
mod config;
mod copies;
mod counts;
mod deliveries;
mod divergence;
mod duplicates;
mod judgement;
mod loss;
mod order;
mod promise;
mod sentences;
mod story;
#[cfg(test)]
mod tests;
mod unclean_ends;

pub use config::{Config, NetworkFaults, ProducerRules, Recovery};
pub use judgement::{Header, Judgement};
pub use promise::{Promise, promise};

use crate::{
    blackbox::Findings,
    history::{FinalRead, History},
    invariants::Watch,
};

use copies::FinalLog;

/// Judges a run from what was watched and what was read at the end, and compares this with what
/// the clients found by themselves.
pub fn judge(mut watch: Watch, read: &FinalRead, config: &Config, clients: &Findings) -> Judgement {
    let end = watch.history().now().at;
    watch.on_final_read(end, read);
    let history = watch.history();
    let logs = FinalLog::of_all(history, read);
    let case = Case { history, read, config, logs };
    let mut judgement = Judgement::default();
    story::tell(&case, watch.violations(), &mut judgement);
    counts::count(&case, &mut judgement);
    availability::judge(&case, &mut judgement);
    loss::judge(&case, &mut judgement);
    classification::judge(&case, &mut judgement);
    duplicates::judge(&case, &mut judgement);
    order::judge(&case, &mut judgement);
    deliveries::judge(&case, &mut judgement);
    divergence::judge(&case, &mut judgement);
    agreement::judge(&case, clients, &mut judgement);
    let counts = clients.counts().into_iter();
    judgement.black_box = counts.map(|(name, count)| (name.to_owned(), count)).collect();
    judgement.conclude();
    judgement
}

/// All that is known.
struct Case<'a> {
    history: &'a History,
    read: &'a FinalRead,
    config: &'a Config,
    logs: Vec<FinalLog<'a>>,
}
