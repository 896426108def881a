//! What survives, and what does not.

use super::*;
use crate::draws::{Draws, Stream};

fn stream(key: u64) -> Stream {
    Draws::new(11).stream("power loss", &key.to_string())
}

fn disk() -> Disk {
    Disk::new(DiskLatency::NONE)
}

/// A disk on which `log` is durable, name and all, and holds `synced`.
fn disk_with_synced_log() -> Disk {
    let mut disk = disk();
    disk.create("log").unwrap();
    disk.append("log", b"synced").unwrap();
    disk.sync("log").unwrap();
    disk.sync_dir("").unwrap();
    disk
}

fn lose(disk: &mut Disk, mode: Unsynced) -> PowerLossReport {
    disk.lose_power(mode, &mut stream(0), Time(1))
}

fn text(disk: &Disk, path: &str) -> Option<String> {
    disk.peek(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn what_is_not_synced_is_lost_with_the_power_and_only_then() {
    let mut disk = disk_with_synced_log();
    disk.append("log", b" and more").unwrap();
    disk.revive();
    assert_eq!(text(&disk, "log").unwrap(), "synced and more");
    let unsynced = disk.unsynced("log");
    assert_eq!((unsynced[0].position, unsynced[0].length), (6, 9));
    let report = lose(&mut disk, Unsynced::Drop);
    assert_eq!(text(&disk, "log").unwrap(), "synced");
    assert_eq!(report.operations, [(unsynced[0].clone(), Fate::Dropped)]);
    assert_eq!(report.lost("log").count(), 1);
}

#[test]
fn all_may_have_reached_the_platter_by_chance() {
    let mut disk = disk();
    disk.create_dir("data/orders-0").unwrap();
    disk.create("data/orders-0/log").unwrap();
    disk.append("data/orders-0/log", b"x").unwrap();
    lose(&mut disk, Unsynced::Keep);
    assert_eq!(text(&disk, "data/orders-0/log").unwrap(), "x");
    assert!(disk.unsynced("data/orders-0/log").is_empty());
}

#[test]
fn a_synced_file_whose_name_is_not_synced_is_lost() {
    let mut disk = disk();
    disk.create_dir("data").unwrap();
    disk.sync_dir("").unwrap();
    for path in ["data/a", "data/b"] {
        disk.create(path).unwrap();
        disk.append(path, b"x").unwrap();
        disk.sync(path).unwrap();
        if path == "data/a" {
            disk.sync_dir("data").unwrap();
        }
    }
    lose(&mut disk, Unsynced::Drop);
    assert_eq!(disk.paths(), ["data/a"]);
    assert_eq!(text(&disk, "data/a").unwrap(), "x");
}

#[test]
fn a_synced_directory_whose_own_name_is_not_synced_is_lost_with_all_in_it() {
    let mut disk = disk();
    disk.create_dir("data/orders-0").unwrap();
    disk.create("data/orders-0/log").unwrap();
    disk.sync_dir("data/orders-0").unwrap();
    disk.sync_dir("").unwrap();
    lose(&mut disk, Unsynced::Drop);
    assert!(disk.exists("data").unwrap());
    assert!(!disk.exists("data/orders-0").unwrap());
}

#[test]
fn a_rename_without_a_sync_of_its_directory_is_undone_as_a_whole() {
    let mut disk = disk_with_synced_log();
    disk.create("new").unwrap();
    disk.append("new", b"new").unwrap();
    disk.sync("new").unwrap();
    disk.rename("new", "log").unwrap();
    assert_eq!(text(&disk, "log").unwrap(), "new");
    let mut renamed = disk.clone();
    lose(&mut disk, Unsynced::Drop);
    assert_eq!(disk.paths(), ["log"]);
    assert_eq!(text(&disk, "log").unwrap(), "synced");
    renamed.sync_dir("").unwrap();
    lose(&mut renamed, Unsynced::Drop);
    assert_eq!(renamed.paths(), ["log"]);
    assert_eq!(text(&renamed, "log").unwrap(), "new");
}

#[test]
fn a_rename_across_directories_is_durable_in_both_or_in_none() {
    let mut disk = disk();
    disk.create_dir("a").unwrap();
    disk.create_dir("b").unwrap();
    disk.sync_dir("").unwrap();
    disk.create("a/x").unwrap();
    disk.rename("a/x", "b/x").unwrap();
    disk.create("b/later").unwrap();
    let before = disk.clone();
    disk.sync_dir("a").unwrap();
    lose(&mut disk, Unsynced::Drop);
    assert_eq!(disk.paths(), ["b/x"]);
    let mut other = before;
    other.sync_dir("b").unwrap();
    lose(&mut other, Unsynced::Drop);
    assert_eq!(other.paths(), ["b/later", "b/x"]);
}

#[test]
fn a_removed_file_comes_back_if_its_removal_was_not_durable() {
    let mut disk = disk_with_synced_log();
    disk.remove("log").unwrap();
    assert_eq!(disk.used(), 0);
    let mut removed = disk.clone();
    lose(&mut disk, Unsynced::Drop);
    assert_eq!((text(&disk, "log").unwrap(), disk.used()), ("synced".into(), 6));
    removed.sync_dir("").unwrap();
    lose(&mut removed, Unsynced::Drop);
    assert!(removed.paths().is_empty());
}

#[test]
fn a_torn_write_ends_at_a_boundary_of_sectors() {
    let mut seen = BTreeSet::new();
    for key in 0..40 {
        let mut disk = disk_with_synced_log();
        disk.append("log", &[7; 2_000]).unwrap();
        disk.append("log", b"small").unwrap();
        let report = disk.lose_power(Unsynced::Torn, &mut stream(key), Time(1));
        let length = disk.len("log").unwrap();
        assert_eq!(length % SECTOR, 0);
        assert_eq!(report.operations[0].1, Fate::Torn(length - 6));
        assert_eq!(report.operations[1].1, Fate::Dropped);
        seen.insert(length);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [512, 1_024, 1_536]);
}

#[test]
fn a_write_within_a_sector_is_there_as_a_whole_or_not_at_all() {
    for key in 0..40 {
        for mode in [Unsynced::Torn, Unsynced::Prefix, Unsynced::EachOnItsOwn, Unsynced::BySeed] {
            let mut disk = disk_with_synced_log();
            disk.append("log", &[7; 500]).unwrap();
            disk.lose_power(mode, &mut stream(key), Time(1));
            assert!([6, 506].contains(&disk.len("log").unwrap()));
        }
    }
}

#[test]
fn a_prefix_is_one_in_the_order_of_writing_across_files() {
    let mut lengths = BTreeSet::new();
    for key in 0..60 {
        let mut disk = disk();
        disk.create("a").unwrap();
        disk.create("b").unwrap();
        disk.sync_dir("").unwrap();
        for path in ["a", "b", "a", "b"] {
            disk.append(path, b"x").unwrap();
        }
        disk.lose_power(Unsynced::Prefix, &mut stream(key), Time(1));
        lengths.insert((disk.len("a").unwrap(), disk.len("b").unwrap()));
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)]);
}

#[test]
fn operations_on_their_own_may_leave_zeros_between() {
    let hole = (0..60).any(|key| {
        let mut disk = disk_with_synced_log();
        disk.append("log", b"A").unwrap();
        disk.append("log", b"B").unwrap();
        disk.lose_power(Unsynced::EachOnItsOwn, &mut stream(key), Time(1));
        text(&disk, "log").unwrap() == "synced\0B"
    });
    assert!(hole);
}

#[test]
fn nothing_written_after_a_truncation_survives_without_it() {
    let mut kept = 0;
    for key in 0..200 {
        let mut disk = disk_with_synced_log();
        disk.truncate("log", 2).unwrap();
        disk.append("log", b"NEW").unwrap();
        disk.lose_power(Unsynced::EachOnItsOwn, &mut stream(key), Time(1));
        let left = text(&disk, "log").unwrap();
        assert!(["synced", "sy", "syNEW"].contains(&left.as_str()), "{left}");
        kept += u32::from(left == "syNEW");
    }
    assert!(0 < kept);
}

#[test]
fn a_sync_of_anything_makes_earlier_truncations_durable() {
    let mut disk = disk_with_synced_log();
    disk.create("other").unwrap();
    disk.truncate("log", 2).unwrap();
    disk.append("log", b"lost").unwrap();
    disk.sync("other").unwrap();
    lose(&mut disk, Unsynced::Drop);
    assert_eq!(text(&disk, "log").unwrap(), "sy");
}

#[test]
fn what_is_unsynced_for_thirty_seconds_is_written_back() {
    let mut disk = disk_with_synced_log();
    disk.begin(Time(5));
    disk.append("log", b" old").unwrap();
    disk.create("name").unwrap();
    disk.begin(Time::at(WRITE_BACK));
    disk.append("log", b" new").unwrap();
    let now = Time(6).plus(WRITE_BACK);
    let report = disk.lose_power(Unsynced::Drop, &mut stream(0), now);
    assert_eq!(text(&disk, "log").unwrap(), "synced old");
    assert_eq!(disk.paths(), ["log", "name"]);
    assert_eq!(report.operations.len(), 1);
}

#[test]
fn a_failed_sync_is_not_made_true_by_a_later_one() {
    let mut disk = disk_with_synced_log();
    disk.append("log", b" LOST").unwrap();
    let path = PathPattern::EndsWith("log".into());
    let fault = DiskFault::Fail { operations: vec![DiskOperation::Sync], path, count: 1 };
    disk.apply(fault, Time(0));
    let error = disk.sync("log").unwrap_err();
    assert_eq!(error.to_string(), "sync log: input/output error");
    disk.append("log", b" kept").unwrap();
    disk.sync("log").unwrap();
    assert_eq!(text(&disk, "log").unwrap(), "synced LOST kept");
    let report = lose(&mut disk, Unsynced::Keep);
    assert_eq!(text(&disk, "log").unwrap(), "synced\0\0\0\0\0 kept");
    assert_eq!(report.lost("log").count(), 1);
}

#[test]
fn a_failed_sync_of_a_directory_loses_the_name_though_a_later_one_succeeds() {
    let mut disk = disk();
    disk.create("log").unwrap();
    let operations = vec![DiskOperation::SyncDir];
    disk.apply(DiskFault::Fail { operations, path: PathPattern::Any, count: 1 }, Time(0));
    disk.sync_dir("").unwrap_err();
    disk.sync_dir("").unwrap();
    lose(&mut disk, Unsynced::Keep);
    assert!(disk.paths().is_empty());
}

#[test]
fn errors_come_on_the_chosen_paths_so_often_and_have_no_effect() {
    let mut disk = disk_with_synced_log();
    disk.create("other").unwrap();
    let operations = vec![DiskOperation::Append, DiskOperation::ReadAt];
    let path = PathPattern::All(vec![
        PathPattern::StartsWith("l".into()),
        PathPattern::Contains("og".into()),
    ]);
    disk.apply(DiskFault::Fail { operations, path, count: 2 }, Time(0));
    disk.append("other", b"1").unwrap();
    assert_eq!(disk.append("log", b"1").unwrap_err().kind, DiskErrorKind::Io);
    assert_eq!(disk.read_at("log", 0, 1).unwrap_err().kind, DiskErrorKind::Io);
    assert_eq!(&disk.read_at("log", 0, 99).unwrap()[..], b"synced");
}

#[test]
fn a_full_disk_takes_nothing_more_until_something_goes() {
    let mut disk = disk_with_synced_log();
    disk.create("other").unwrap();
    disk.apply(DiskFault::Fill, Time(0));
    assert_eq!(disk.append("other", b"1").unwrap_err().kind, DiskErrorKind::Full);
    disk.truncate("log", 5).unwrap();
    disk.append("other", b"1").unwrap();
    disk.append("other", b"2").unwrap_err();
    disk.truncate("other", 1 << 40).unwrap();
    disk.apply(DiskFault::Heal, Time(0));
    disk.append("other", b"2").unwrap();
    disk.apply(DiskFault::Capacity(Some(7)), Time(0));
    disk.append("other", b"3").unwrap_err();
}

#[test]
fn a_flipped_bit_is_read_and_survives_and_a_wipe_leaves_nothing() {
    let mut disk = disk_with_synced_log();
    disk.apply(DiskFault::FlipBit { path: "log".into(), bit: 5 }, Time(0));
    assert_eq!(text(&disk, "log").unwrap(), "Synced");
    lose(&mut disk, Unsynced::Drop);
    assert_eq!(text(&disk, "log").unwrap(), "Synced");
    disk.apply(DiskFault::Wipe, Time(0));
    assert!(disk.paths().is_empty());
    assert_eq!(disk.used(), 0);
    disk.create("log").unwrap();
}

#[test]
fn a_directory_is_renamed_and_removed_with_all_that_is_in_it() {
    let mut disk = disk();
    disk.create_dir("data/orders-0").unwrap();
    disk.create("data/orders-0/a").unwrap();
    disk.append("data/orders-0/a", b"xyz").unwrap();
    disk.rename("data/orders-0", "data/orders-0-delete").unwrap();
    assert_eq!(disk.list("data").unwrap(), ["orders-0-delete"]);
    assert_eq!(&disk.read_at("data/orders-0-delete/a", 1, 9).unwrap()[..], b"yz");
    disk.remove_dir("data/orders-0-delete").unwrap();
    assert_eq!(disk.list("data").unwrap(), Vec::<String>::new());
    assert_eq!(disk.used(), 0);
}

#[test]
fn a_missing_file_is_named_in_the_error() {
    let mut disk = disk();
    assert_eq!(
        disk.append("x", b"1").unwrap_err().to_string(),
        "append to x: no such file or directory"
    );
    assert_eq!(disk.create("no/x").unwrap_err().kind, DiskErrorKind::NotFound);
    assert_eq!(disk.rename("x", "y").unwrap_err().kind, DiskErrorKind::NotFound);
    assert_eq!(disk.list("no").unwrap_err().kind, DiskErrorKind::NotFound);
}

#[test]
fn files_that_nobody_can_reach_are_dropped() {
    let mut disk = disk();
    for round in 0..1_000 {
        let path = format!("segment-{round}");
        disk.create(&path).unwrap();
        disk.append(&path, b"x").unwrap();
        disk.sync_dir("").unwrap();
        disk.remove(&path).unwrap();
    }
    disk.sync_dir("").unwrap();
    assert!(disk.files.len() <= 65, "{}", disk.files.len());
}

#[test]
fn a_clone_shares_its_bytes_and_goes_its_own_way() {
    let mut disk = disk_with_synced_log();
    let mut copy = disk.clone();
    assert_eq!(disk.peek("log").unwrap().as_ptr(), copy.peek("log").unwrap().as_ptr());
    copy.append("log", b"!").unwrap();
    assert_eq!(disk.len("log").unwrap(), 6);
    assert_eq!(copy.len("log").unwrap(), 7);
}

#[test]
fn calls_cost_what_the_latencies_say_and_a_stall_the_rest_of_it() {
    let ms = Duration::from_millis;
    let mut disk = Disk::new(DiskLatency { read: ms(1), write: ms(10), sync: ms(100) });
    disk.begin(Time(0));
    disk.create("log").unwrap();
    disk.append("log", b"x").unwrap();
    disk.read_at("log", 0, 1).unwrap();
    disk.len("log").unwrap();
    disk.sync("log").unwrap();
    assert_eq!(disk.end().0, ms(121));
    disk.apply(DiskFault::Stall(ms(500)), Time(0));
    disk.begin(Time::at(ms(200)));
    disk.append("log", b"x").unwrap();
    disk.append("log", b"x").unwrap();
    assert_eq!(disk.end().0, ms(320));
}
