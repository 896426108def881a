//! `nonmonotonic-poll`: a poll went back behind the one before it, or repeated its last offset.

use super::{
    Anomaly, Case, Finding,
    polls::{Within, steps},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for step in steps(case) {
        if step.within == Within::TwoPolls && step.gap < 1 {
            let anomaly = Anomaly::NonmonotonicPoll(step.moved);
            all.push(Finding { partition: step.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_poll_that_repeats_or_goes_back_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "b")]);
        clients.poll("c1", &[(1, "b")]);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("nonmonotonic-poll"), 2);
    }

    #[test]
    fn a_poll_after_an_assignment_may_begin_anywhere_and_consumers_are_told_apart() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "b")]);
        clients.poll("c2", &[(0, "a")]);
        clients.begins("c1", 0);
        clients.poll("c1", &[(0, "a")]);
        assert_eq!(clients.count("nonmonotonic-poll"), 0);
    }
}
