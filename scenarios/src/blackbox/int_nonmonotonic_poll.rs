//! `int-nonmonotonic-poll`: a poll went back, or repeated an offset, inside itself.

use super::{
    Anomaly, Case, Finding,
    polls::{Within, steps},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for step in steps(case) {
        if step.within == Within::OnePoll && step.gap < 1 {
            let anomaly = Anomaly::IntNonmonotonicPoll(step.moved);
            all.push(Finding { partition: step.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_poll_that_goes_back_in_itself_is_found() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(1, "b"), (0, "a")]);
        assert_eq!(clients.count("int-nonmonotonic-poll"), 1);
        assert_eq!(clients.count("nonmonotonic-poll"), 0);
    }

    #[test]
    fn a_poll_in_order_is_none() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1)]);
        clients.poll("c1", &[(0, "a"), (1, "b")]);
        assert_eq!(clients.count("int-nonmonotonic-poll"), 0);
    }
}
