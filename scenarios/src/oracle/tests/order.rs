//! Order: what may stand behind what was sent later, and what may not.

use std::collections::BTreeMap;

use broker::host::{OpenedId, event::SendFailure};

use super::{Config, ProducerRules, Run, finish_with, found};

#[test]
fn reordering_needs_a_retry_with_several_in_flight() {
    for (in_flight, attempts, allowed) in [(5, 2, true), (5, 1, false), (1, 2, false)] {
        let mut run = Run::new(&[1], 1);
        run.send((0, 2));
        run.attempt(1, (0, 1), None, 1);
        for attempt in 2..=attempts {
            run.attempt(1, (0, 1), None, attempt);
        }
        run.attempt(1, (1, 1), None, 1);
        run.append_attempt(1, (1, 1), 0, None);
        run.high_watermark(1, 0, 0, 1);
        run.ack(1, (1, 1), 0, 1);
        run.append_attempt(1, (0, 1), 1, None);
        run.high_watermark(1, 0, 1, 2);
        run.ack(1, (0, 1), 1, 2);
        let rules = ProducerRules { acks: -1, max_in_flight: in_flight };
        let producers = BTreeMap::from([("p1".into(), rules)]);
        let judgement = finish_with(run, &Config { producers, ..Config::default() });
        assert_eq!(judgement.records.reordered, 1);
        assert_eq!(found(&judgement)[0].2, allowed, "{in_flight} in flight, {attempts} attempts");
    }
}

#[test]
fn a_request_that_was_given_up_may_arrive_behind_those_of_the_next_connection() {
    for (same, answered, allowed) in
        [(false, false, true), (true, false, false), (false, true, false)]
    {
        let mut run = Run::new(&[1], 1);
        run.acks = i16::from(answered);
        run.send((0, 2));
        run.attempt(1, (0, 1), None, 1);
        if !same {
            run.connection = OpenedId(1);
        }
        run.attempt(1, (1, 1), None, 1);
        run.append_attempt(1, (1, 1), 0, None);
        run.append_attempt(1, (0, 1), 1, None);
        run.high_watermark(1, 0, 0, 2);
        if answered {
            run.ack(1, (0, 1), 1, 1);
        } else {
            run.unknown(0, SendFailure::NotConfirmed);
        }
        let rules = ProducerRules { acks: run.acks, max_in_flight: 5 };
        let producers = BTreeMap::from([("p1".into(), rules)]);
        let judgement = finish_with(run, &Config { producers, ..Config::default() });
        assert_eq!(judgement.records.reordered, 1);
        let reordered = found(&judgement).into_iter().find(|found| found.0 == "reordered");
        assert_eq!(reordered.map(|found| found.2), Some(allowed), "{same} {answered}");
    }
}
