//! Logs that diverge, and what the follower cuts: `testdata/divergence.txt` tells it case by case.
//!
//! A log is written as the leader epochs of its records. Broker 1 leads in epoch `leads`, and
//! notes it (KAFKA-7415); broker 2 follows until both wait.

use crate::{
    host::event::PartitionEvent,
    ids::{LeaderEpoch, Offset},
    protocol::{
        ErrorCode, Request, Response,
        messages::{fetch_request::FetchPartition, fetch_response::PartitionData},
    },
    replica::{
        rules::Protocol,
        testing::{Cluster, prepared_disk},
    },
};

struct Case<'a> {
    name: &'a str,
    leader: Vec<i32>,
    follower: Vec<i32>,
    leads: i32,
    told: String,
}

fn parse(text: &str) -> Case<'_> {
    let (head, told) = text.split_once("----\n").expect("a case has a line ----");
    let field = |key: &str| {
        let prefix = format!("{key}:");
        let line = head.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("no {key} in {head}")).trim()
    };
    let epochs = |key| field(key).split_whitespace().map(|e| e.parse().unwrap()).collect();
    Case {
        name: field("case"),
        leader: epochs("leader"),
        follower: epochs("follower"),
        leads: field("leads").parse().unwrap(),
        told: told.trim().to_owned(),
    }
}

fn asked(request: &Request) -> &FetchPartition {
    match request {
        Request::Fetch(fetch) => &fetch.topics[0].partitions[0],
        other => panic!("not a fetch: {other:?}"),
    }
}

fn answered(response: &Response) -> &PartitionData {
    match response {
        Response::Fetch(fetch) => &fetch.responses[0].partitions[0],
        other => panic!("not a fetch: {other:?}"),
    }
}

/// Carries fetches until the follower waits, and writes down each round.
fn play(case: &Case<'_>) -> String {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 2);
    cluster.start(1, prepared_disk(&case.leader, 0));
    cluster.start(2, prepared_disk(&case.follower, 0));
    cluster.registration.leader_epoch = LeaderEpoch(case.leads - 1);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    let mut told = Vec::new();
    for _ in 0..20 {
        let fetch = asked(&cluster.to_leader[0].2).clone();
        cluster.carry_request(2);
        let Some((_, _, Ok(response))) = cluster.to_follower.front() else {
            let epochs: Vec<_> = (0..cluster.log(2).log_end_offset().0)
                .map(|at| cluster.log(2).epoch_for_offset(Offset(at)).unwrap().to_string())
                .collect();
            told.push(format!("log {}", epochs.join(" ")));
            return told.join("\n");
        };
        let data = answered(response);
        let (epoch, end) = (data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
        let what = match ErrorCode::from_code(data.error_code) {
            ErrorCode::None if 0 <= epoch => format!("diverging, {epoch} ends at {end}"),
            ErrorCode::None => "records".to_owned(),
            error => error.name().to_owned(),
        };
        let (offset, last) = (fetch.fetch_offset, fetch.last_fetched_epoch);
        let before = cluster.node(2).events.len();
        cluster.carry_answer(2);
        told.push(format!("fetch {offset} of epoch {last}: {what}"));
        for event in &cluster.node(2).events[before..] {
            if let PartitionEvent::Truncated(cut) = event {
                told.push(format!("cut {} to {}", cut.from, cut.to));
            }
        }
    }
    panic!("{}: the follower does not come to rest: {told:?}", case.name);
}

#[test]
fn a_follower_cuts_what_the_leader_does_not_have_and_no_more() {
    let text = include_str!("../testdata/divergence.txt");
    for case in text.split("\n\n").map(parse) {
        assert_eq!(play(&case), case.told, "case: {}", case.name);
    }
}
