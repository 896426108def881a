//! `int-poll-skip`: a poll passed over offsets inside itself.

use super::{
    Anomaly, Case, Finding,
    polls::{Within, steps},
};

pub(super) fn find(case: &Case<'_>, all: &mut Vec<Finding>) {
    for step in steps(case) {
        if step.within == Within::OnePoll && 1 < step.gap {
            let anomaly = Anomaly::IntPollSkip(step.moved);
            all.push(Finding { partition: step.partition.clone(), anomaly });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::blackbox::testing::Clients;

    #[test]
    fn a_poll_that_lacks_what_is_in_between_skips() {
        let mut clients = Clients::acked(&[("a", 0), ("b", 1), ("c", 2)]);
        clients.poll("c1", &[(0, "a"), (2, "c")]);
        assert_eq!((clients.count("int-poll-skip"), clients.count("poll-skip")), (1, 0));
    }

    #[test]
    fn a_poll_of_neighbours_skips_nothing() {
        let mut clients = Clients::acked(&[("a", 0), ("c", 2)]);
        clients.poll("c1", &[(0, "a"), (2, "c")]);
        assert_eq!(clients.count("int-poll-skip"), 0);
    }
}
