//! Crashes, power losses and failing disks: nothing that was answered is taken back, and nothing is
//! answered that could be.

use proptest::prelude::*;

use super::{brokers::kind, *};

/// One thing that happens to a cluster of three.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Register(i32, u8),
    Beat(i32),
    ShutDown(i32),
    Create(u8),
    Pass(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let broker = || 1..=3_i32;
    prop_oneof![
        1 => (broker(), 1..=4_u8).prop_map(|(id, number)| Happening::Register(id, number)),
        4 => broker().prop_map(Happening::Beat),
        1 => broker().prop_map(Happening::ShutDown),
        1 => (0..4_u8).prop_map(Happening::Create),
        2 => (0..4_000_u64).prop_map(Happening::Pass),
    ]
}

fn happen(harness: &mut Harness, what: Happening) {
    let registered = |harness: &Harness, id| {
        harness.controller.image().is_some_and(|image| image.broker(BrokerId(id)).is_some())
    };
    match what {
        Happening::Register(id, incarnation) => {
            harness.send(&registration(id, incarnation, -1).into());
        }
        Happening::Beat(id) if registered(harness, id) => {
            harness.send(&harness.alive(id).into());
        }
        Happening::ShutDown(id) if registered(harness, id) => {
            harness.send(&harness.alive(id).with_want_shut_down(true).into());
        }
        Happening::Beat(_) | Happening::ShutDown(_) => {}
        Happening::Create(number) => {
            let topic = topic(&format!("t{number}"), 2, 3);
            let request = CreateTopicsRequest::default().with_topics(vec![topic]);
            harness.send(&request.into());
        }
        Happening::Pass(millis) => harness.pass(Duration::from_millis(millis)),
    }
}

/// The image without its end, which each start moves by one.
fn content(harness: &Harness) -> impl PartialEq + std::fmt::Debug + use<> {
    let image = harness.image();
    let topics: Vec<_> = image.topics().cloned().collect();
    (image.brokers().clone(), topics, image.next_producer_id())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restart_after_a_power_loss_finds_the_same_image(
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        let mut harness = Harness::new();
        for what in happenings {
            happen(&mut harness, what);
        }
        let before = content(&harness);
        let end = harness.image().end_offset();
        let mut crashed = harness.clone();
        crashed.restart();
        prop_assert_eq!(&content(&crashed), &before);
        harness.disk = harness.disk.after_power_loss();
        harness.restart();
        prop_assert_eq!(&content(&harness), &before);
        prop_assert_eq!(harness.image().end_offset(), end.next());
    }

    #[test]
    fn a_disk_that_fails_anywhere_halts_the_controller_and_takes_nothing_back(
        happenings in prop::collection::vec(happening(), 1..20),
        last in happening(),
        fails in 0..12_u64,
    ) {
        let mut harness = Harness::new();
        harness.join(3);
        for what in happenings {
            happen(&mut harness, what);
        }
        let durable = harness.image().end_offset();
        let mutations = harness.disk.mutations();
        harness.answers.clear();
        harness.disk.fail_after(fails);
        happen(&mut harness, last);
        let failed = mutations + fails < harness.disk.mutations();
        prop_assert_eq!(failed, harness.exit == Some(ExitReason::Halted));
        let answered = harness.controller.image().map(|_| content(&harness));
        harness.disk.repair();
        for disk in [harness.disk.after_power_loss(), harness.disk.clone()] {
            let mut again = harness.clone();
            again.disk = disk;
            again.restart();
            prop_assert_eq!(again.exit, None);
            prop_assert!(durable < again.image().end_offset());
            if let Some(answered) = &answered {
                prop_assert_eq!(&content(&again), answered);
            }
        }
    }
}

#[test]
fn nothing_is_answered_or_served_before_the_sync() {
    let mut harness = Harness::cluster(3);
    harness.disk.journal.clear();
    harness.create(vec![topic("orders", 1, 3)]);
    harness.register(4, 1).unwrap();
    harness.sessions_end(&[1, 2]);
    let mut unsynced = false;
    let mut sends = 0;
    for entry in &harness.disk.journal {
        let is_log = entry.contains("00000000000000000000.log");
        if is_log && entry.starts_with("append to") {
            unsynced = true;
        } else if is_log && entry.starts_with("sync") {
            unsynced = false;
        } else if entry == "send" {
            assert!(!unsynced, "{:?}", harness.disk.journal);
            sends += 1;
        }
    }
    assert!(4 <= sends && !unsynced);
}

#[test]
fn a_controller_whose_disk_fails_says_nothing_more() {
    let mut harness = Harness::cluster(1);
    harness.disk.fail_after(0);
    let request = harness.send(&registration(2, 1, -1).into());
    assert_eq!(harness.exit, Some(ExitReason::Halted));
    assert!(!harness.answers.contains_key(&request) && harness.events.is_empty());
    assert_eq!(harness.controller.deadline(), None);
    harness.disk.repair();
    let request = harness.send(&registration(2, 1, -1).into());
    assert!(!harness.answers.contains_key(&request));
}

#[test]
fn each_start_enters_a_higher_epoch_and_gives_fresh_sessions() {
    let mut harness = Harness::cluster(2);
    harness.now = harness.now.plus(SESSION * 5);
    harness.restart();
    let [ControllerEvent::ControllerActive { controller_epoch, end_offset }, ..] =
        harness.events[..]
    else {
        panic!("{:?}", harness.events)
    };
    assert_eq!((controller_epoch.0, end_offset), (2, harness.image().end_offset()));
    assert!(harness.image().brokers().values().all(|broker| !broker.fenced));
    harness.pass(SESSION);
    assert!(harness.image().brokers().values().all(|broker| !broker.fenced));
    harness.pass(Duration::from_nanos(1));
    harness.disk = harness.disk.after_power_loss();
    harness.restart();
    assert!(harness.image().brokers().values().all(|broker| broker.fenced));
}

#[test]
fn what_the_last_step_recorded_is_told_again_after_a_crash() {
    let mut harness = Harness::cluster(2);
    harness.create_on("orders", &[1, 2], &[]);
    harness.sessions_end(&[2]);
    let told = harness.events.clone();
    harness.restart();
    let kinds: Vec<_> = harness.events.iter().map(kind).collect();
    assert_eq!(kinds, ["controller-active", "elected"]);
    assert_eq!(harness.events[1], told[told.len() - 2]);
    // And again, if the first start was cut short as well.
    harness.now = harness.now.plus(Duration::from_millis(5));
    harness.restart();
    assert_eq!(harness.events[1], told[told.len() - 2]);
}

#[test]
fn a_torn_tail_is_cut_and_the_rest_stands() {
    let mut harness = Harness::cluster(2);
    let before = content(&harness);
    let end = harness.image().end_offset();
    let log = "metadata/__cluster_metadata-0/00000000000000000000.log";
    let length = crate::host::Disk::len(&mut harness.disk, log).unwrap();
    harness.create(vec![topic("orders", 1, 2)]);
    crate::host::Disk::truncate(&mut harness.disk, log, length + 70).unwrap();
    harness.restart();
    assert_eq!(content(&harness), before);
    assert_eq!(harness.image().end_offset(), end.next());
}

#[test]
fn a_controller_that_is_asked_to_end_ends_cleanly() {
    let mut harness = Harness::cluster(1);
    harness.step(Input::ShutdownAsked);
    assert_eq!(harness.exit, Some(ExitReason::CleanShutdown));
}
