//! The black-box oracle: what clients can tell of a run by themselves.
//!
//! Jepsen's checker for Kafka (`jepsen/tests/kafka.clj`) over what producers were told and what
//! consumers were handed, and nothing else: no log, no epoch, no controller. It shares no code with
//! the white-box oracle, so that a mistake in one is found by the other ([`crate::oracle`] compares
//! them and says what agreement means).
//!
//! The *version order* of a partition is the sorted list of the offsets that clients know: those of
//! deliveries and those of acknowledgements. An *index* is a place in it; offsets that nobody knows
//! count for nothing. A *poll* is what one consumer was handed of one partition at one moment, an
//! *operation* of a producer what it was asked to send at one moment.
//!
//! | anomaly | what it says |
//! |---|---|
//! | `inconsistent-offsets` | one offset bears two values |
//! | `duplicate` | one value stands at two offsets |
//! | `aborted-read` | a value was read whose send surely failed (G1a without transactions) |
//! | `lost-write` | an acked value was never read, and one behind it was |
//! | `unseen` | an acked value was not read by the end, not even by the last reader |
//! | `lost-read` | a value was read, and the last reader, who read everything, has not met it |
//! | `poll-skip`, `int-poll-skip` | offsets were passed over between two polls, or inside one |
//! | `nonmonotonic-poll`, `int-nonmonotonic-poll` | the same, backwards or twice |
//! | `nonmonotonic-send`, `int-nonmonotonic-send` | values stand in another order than sent |
//! | `int-send-skip` | something stands between the values of one operation; allowed |
//!
//! `lost-read` is not Jepsen's: its readers do not know whether they began at the beginning. What
//! needs transactions (`precommitted-read`, the cycles G0 to G2) is left out, and so are Jepsen's
//! statistics. Not known here: whether the contract allows what is found.

mod aborted_read;
mod anomaly;
mod client_history;
mod duplicate;
mod inconsistent_offsets;
mod int_nonmonotonic_poll;
mod int_nonmonotonic_send;
mod int_poll_skip;
mod int_send_skip;
mod lost_read;
mod lost_write;
mod nonmonotonic_poll;
mod nonmonotonic_send;
mod poll_skip;
mod polls;
mod sent_pairs;
#[cfg(test)]
mod testing;
mod unseen;
mod values;
mod version_order;

use std::collections::BTreeMap;

pub use anomaly::{Anomaly, Finding, Inversion, Move};
pub use client_history::{ClientHistory, FinalReader};

use version_order::VersionOrders;

/// What the clients' histories show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Each anomaly, in the order of the table above.
    pub all: Vec<Finding>,
    /// Whether somebody read everything at the end.
    pub final_reader: FinalReader,
}

impl Findings {
    /// How often each anomaly was found, by name.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for finding in &self.all {
            *counts.entry(finding.anomaly.name()).or_default() += 1;
        }
        counts
    }
}

/// Looks for every anomaly in what the clients were told.
pub fn check(history: &ClientHistory, final_reader: FinalReader) -> Findings {
    let orders = VersionOrders::of(history);
    let case = Case { history, orders: &orders, final_reader: &final_reader };
    let mut all = Vec::new();
    inconsistent_offsets::find(&case, &mut all);
    duplicate::find(&case, &mut all);
    aborted_read::find(&case, &mut all);
    lost_write::find(&case, &mut all);
    unseen::find(&case, &mut all);
    lost_read::find(&case, &mut all);
    poll_skip::find(&case, &mut all);
    int_poll_skip::find(&case, &mut all);
    nonmonotonic_poll::find(&case, &mut all);
    int_nonmonotonic_poll::find(&case, &mut all);
    nonmonotonic_send::find(&case, &mut all);
    int_nonmonotonic_send::find(&case, &mut all);
    int_send_skip::find(&case, &mut all);
    Findings { all, final_reader }
}

/// What every anomaly is looked for in.
struct Case<'a> {
    history: &'a ClientHistory,
    orders: &'a VersionOrders,
    final_reader: &'a FinalReader,
}
