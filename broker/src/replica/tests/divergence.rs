//! Logs that diverge, and what the follower cuts: a file of `testdata` for each truncation rule
//! tells it case by case.
//!
//! A log is written as the leader epochs of its records. Broker 1 leads in epoch `leads`; broker 2,
//! whose `high watermark` is 0 unless it is said, follows until both wait. A case may set a rule.

use crate::{
    host::event::PartitionEvent,
    ids::{LeaderEpoch, Offset},
    protocol::{ErrorCode, Request, Response},
    replica::{
        rules::{Protocol, RuleName, RuleValue, Rules, Truncation},
        testing::{Cluster, prepared_disk},
    },
};

struct Case<'a> {
    name: &'a str,
    leader: Vec<i32>,
    follower: Vec<i32>,
    high_watermark: i64,
    leads: i32,
    rules: Rules,
    told: &'a str,
}

fn parse(text: &str, rules: Rules) -> Case<'_> {
    let (head, told) = text.split_once("----\n").expect("a case has a line ----");
    let optional = |key: &str| {
        let prefix = format!("{key}:");
        head.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::trim)
    };
    let field = |key: &str| optional(key).unwrap_or_else(|| panic!("no {key} in {head}"));
    let epochs = |key| field(key).split_whitespace().map(|e| e.parse().unwrap()).collect();
    let set = optional("rules").unwrap_or_default().split_whitespace();
    Case {
        name: field("case"),
        leader: epochs("leader"),
        follower: epochs("follower"),
        high_watermark: optional("high watermark").map_or(0, |text| text.parse().unwrap()),
        leads: field("leads").parse().unwrap(),
        rules: set.fold(rules, |rules, rule| {
            let (name, value) = rule.split_once('=').unwrap();
            rules.with(RuleName::from_word(name).unwrap(), value).unwrap()
        }),
        told: told.trim(),
    }
}

fn tell_round(request: &Request, response: &Response) -> String {
    match (request, response) {
        (Request::Fetch(asked), Response::Fetch(answered)) => {
            let asked = &asked.topics[0].partitions[0];
            let answered = &answered.responses[0].partitions[0];
            let (offset, last) = (asked.fetch_offset, asked.last_fetched_epoch);
            let of_epoch = if 0 <= last { format!(" of epoch {last}") } else { String::new() };
            let diverging = &answered.diverging_epoch;
            let what = match ErrorCode::from_code(answered.error_code) {
                ErrorCode::None if 0 <= diverging.epoch => {
                    format!("diverging, {} ends at {}", diverging.epoch, diverging.end_offset)
                }
                ErrorCode::None => "records".to_owned(),
                error => error.name().to_owned(),
            };
            format!("fetch {offset}{of_epoch}: {what}")
        }
        (Request::OffsetForLeaderEpoch(asked), Response::OffsetForLeaderEpoch(answered)) => {
            let asked = asked.topics[0].partitions[0].leader_epoch;
            let answered = &answered.topics[0].partitions[0];
            assert_eq!(ErrorCode::from_code(answered.error_code), ErrorCode::None);
            let what = match (answered.leader_epoch, answered.end_offset) {
                (-1, -1) => "unknown".to_owned(),
                (-1, end) => format!("at {end}"),
                (epoch, end) => format!("{epoch} at {end}"),
            };
            format!("where does {asked} end: {what}")
        }
        (Request::ListOffsets(_), Response::ListOffsets(answered)) => {
            format!("where does the log end: at {}", answered.topics[0].partitions[0].offset)
        }
        other => panic!("a follower does not ask so: {other:?}"),
    }
}

fn tell_cuts(cluster: &Cluster, from: usize, told: &mut Vec<String>) {
    for event in &cluster.node(2).events[from..] {
        if let PartitionEvent::Truncated(cut) = event {
            told.push(format!("cut {} to {}", cut.from, cut.to));
        }
    }
}

fn tell_log(cluster: &Cluster) -> String {
    let epoch = |id, at| cluster.log(id).epoch_for_offset(Offset(at)).unwrap();
    let (leader_end, end) = (cluster.offsets(1).1, cluster.offsets(2).1);
    let epochs: Vec<_> = (0..end).map(|at| epoch(2, at).to_string()).collect();
    let differs = (0..end).find(|at| leader_end <= *at || epoch(1, *at) != epoch(2, *at));
    let differs = differs.map_or(String::new(), |at| format!(", not the leader's from {at}"));
    format!("log {}{differs}", epochs.join(" "))
}

/// Carries what the follower asks until it waits, and writes down each round.
fn play(case: &Case<'_>) -> String {
    let mut cluster = Cluster::before_metadata(Protocol::Kip595, 2);
    cluster.rules = case.rules;
    cluster.start(1, prepared_disk(&case.leader, 0));
    cluster.start(2, prepared_disk(&case.follower, case.high_watermark));
    cluster.registration.leader_epoch = LeaderEpoch(case.leads - 1);
    cluster.elect(Some(1), &[1, 2]);
    cluster.publish_all();
    let mut told = Vec::new();
    tell_cuts(&cluster, 0, &mut told);
    for _ in 0..20 {
        let request = cluster.to_leader[0].2.clone();
        cluster.carry_request(2);
        let Some((_, _, Ok(response))) = cluster.to_follower.front() else {
            told.push(tell_log(&cluster));
            return told.join("\n");
        };
        told.push(tell_round(&request, response));
        let before = cluster.node(2).events.len();
        cluster.carry_answer(2);
        tell_cuts(&cluster, before, &mut told);
    }
    panic!("{}: the follower does not come to rest: {told:?}", case.name);
}

fn check(truncation: Truncation, protocol: Protocol, text: &str) {
    let rules = Rules { truncation, ..protocol.rules() };
    for case in text.split("\n\n").map(|text| parse(text, rules)) {
        assert_eq!(play(&case), case.told, "{}, case: {}", truncation.word(), case.name);
    }
}

#[test]
fn without_truncation_a_follower_keeps_what_the_leader_does_not_have() {
    check(Truncation::None, Protocol::Kip320, include_str!("../testdata/none.txt"));
}

#[test]
fn before_kip_101_a_follower_cuts_to_its_high_watermark() {
    let text = include_str!("../testdata/own-high-watermark.txt");
    check(Truncation::OwnHighWatermark, Protocol::Hw, text);
}

#[test]
fn with_kip_101_a_follower_cuts_where_the_leader_says_that_its_epoch_ends() {
    let text = include_str!("../testdata/end-offset-of-epoch.txt");
    check(Truncation::EndOffsetOfEpoch, Protocol::Kip101, text);
}

#[test]
fn with_kip_279_a_follower_asks_until_both_know_the_epoch() {
    let text = include_str!("../testdata/epoch-and-end-offset.txt");
    check(Truncation::EpochAndEndOffset, Protocol::Kip279, text);
}

#[test]
fn with_kip_595_a_follower_cuts_what_the_leader_does_not_have_and_no_more() {
    let text = include_str!("../testdata/diverging-epoch-in-fetch.txt");
    check(Truncation::DivergingEpochInFetch, Protocol::Kip595, text);
}
