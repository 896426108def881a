//! `poll-skip`: a consumer passed over offsets between two polls.

use super::{
    Anomaly, Case, Finding,
    polls::{Within, steps},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for step in steps(case) {
        if step.within == Within::TwoPolls && 1 < step.gap {
            let anomaly = Anomaly::PollSkip(step.moved);
            all.push(Finding { partition: step.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_poll_that_begins_behind_what_comes_next_skips() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1), ("c", 2)]);
        clients.poll("c1", &[(0, "a")]);
        clients.poll("c1", &[(2, "c")]);
        assert_eq!(clients.count("poll-skip"), 1);
    }

    #[test]
    fn a_poll_after_a_seek_or_over_offsets_that_nobody_knows_skips_nothing() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1), ("c", 2), ("d", 7)]);
        clients.poll("c1", &[(0, "a")]);
        clients.begins("c1", 2);
        clients.poll("c1", &[(2, "c")]);
        clients.poll("c1", &[(7, "d")]);
        assert_eq!(clients.count("poll-skip"), 0);
    }
}
