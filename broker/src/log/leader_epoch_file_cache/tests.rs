//! Tests of the epoch cache, as tables: one operation a line, and what it makes of the cache.

use std::fmt::Write;

use super::*;
use crate::host::MemoryDisk;

/// Runs lines such as `assign 3 10`, `end 2 of 40`, `from-end 10`, `from-start 10`, `clear`, and
/// writes behind each the answer or the entries as `epoch@start`.
fn run(script: &str) -> String {
    let mut disk = MemoryDisk::new();
    disk.create_dir("d").unwrap();
    let mut cache = LeaderEpochFileCache::load("d", &mut disk).unwrap();
    let mut told = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| words[index].parse::<i64>().unwrap();
        let epoch = |index: usize| LeaderEpoch(words[index].parse().unwrap());
        let answer = match words[0] {
            "assign" => cache.assign(epoch(1), Offset(number(2)), &mut disk).map(|()| None),
            "from-end" => cache.truncate_from_end(Offset(number(1)), &mut disk).map(|()| None),
            "from-start" => cache.truncate_from_start(Offset(number(1)), &mut disk).map(|()| None),
            "clear" => cache.clear(&mut disk).map(|()| None),
            "end" => Ok(Some(match cache.end_offset_for(epoch(1), Offset(number(3))) {
                Some((epoch, end)) => format!("epoch {epoch} ends at {end}"),
                None => "unknown".to_owned(),
            })),
            "of" => Ok(Some(format!("{:?}", cache.epoch_for_offset(Offset(number(1)))))),
            other => panic!("no such operation: {other}"),
        };
        let answer = answer.unwrap().unwrap_or_else(|| shown(&cache));
        writeln!(told, "{line:<14} -> {answer}").unwrap();
        assert_eq!(LeaderEpochFileCache::load("d", &mut disk), Ok(cache.clone()), "on disk");
    }
    told
}

fn shown(cache: &LeaderEpochFileCache) -> String {
    let entry = |entry: &EpochEntry| format!("{}@{}", entry.epoch, entry.start_offset);
    let entries: Vec<_> = cache.entries().iter().map(entry).collect();
    if entries.is_empty() { "empty".to_owned() } else { entries.join(" ") }
}

#[test]
fn an_epoch_is_noted_where_it_begins_and_drops_what_does_not_lie_before() {
    insta::assert_snapshot!(run("
        assign 1 0
        assign 1 5
        assign 2 10
        assign 3 10
        assign 3 8
        assign 5 20
        assign 4 30
        assign 4 25
        assign 6 3
        assign 7 0
        clear
    "), @"
    assign 1 0     -> 1@0
    assign 1 5     -> 1@0
    assign 2 10    -> 1@0 2@10
    assign 3 10    -> 1@0 3@10
    assign 3 8     -> 1@0 3@8
    assign 5 20    -> 1@0 3@8 5@20
    assign 4 30    -> 1@0 3@8 4@30
    assign 4 25    -> 1@0 3@8 4@25
    assign 6 3     -> 1@0 6@3
    assign 7 0     -> 7@0
    clear          -> empty
    ");
}

#[test]
fn the_end_of_an_epoch_is_the_start_of_the_next_higher_one() {
    insta::assert_snapshot!(run("
        end 0 of 9
        assign 2 5
        assign 4 10
        assign 5 30
        end 0 of 40
        end 1 of 40
        end 2 of 40
        end 3 of 40
        end 4 of 40
        end 5 of 40
        end 6 of 40
    "), @"
    end 0 of 9     -> unknown
    assign 2 5     -> 2@5
    assign 4 10    -> 2@5 4@10
    assign 5 30    -> 2@5 4@10 5@30
    end 0 of 40    -> epoch 0 ends at 5
    end 1 of 40    -> epoch 1 ends at 5
    end 2 of 40    -> epoch 2 ends at 10
    end 3 of 40    -> epoch 2 ends at 10
    end 4 of 40    -> epoch 4 ends at 30
    end 5 of 40    -> epoch 5 ends at 40
    end 6 of 40    -> unknown
    ");
}

#[test]
fn truncation_drops_epochs_from_either_end_and_keeps_the_one_that_covers_the_start() {
    insta::assert_snapshot!(run("
        assign 2 5
        assign 4 10
        assign 5 30
        from-end 31
        from-end 30
        from-start 3
        from-start 7
        from-start 10
        from-start 12
        from-end 12
    "), @"
    assign 2 5     -> 2@5
    assign 4 10    -> 2@5 4@10
    assign 5 30    -> 2@5 4@10 5@30
    from-end 31    -> 2@5 4@10 5@30
    from-end 30    -> 2@5 4@10
    from-start 3   -> 2@5 4@10
    from-start 7   -> 2@7 4@10
    from-start 10  -> 4@10
    from-start 12  -> 4@12
    from-end 12    -> empty
    ");
}

#[test]
fn the_epoch_of_an_offset_is_the_one_that_covers_it() {
    insta::assert_snapshot!(run("
        assign 2 5
        assign 4 10
        of 4
        of 5
        of 9
        of 10
        of 999
    "), @"
    assign 2 5     -> 2@5
    assign 4 10    -> 2@5 4@10
    of 4           -> None
    of 5           -> Some(LeaderEpoch(2))
    of 9           -> Some(LeaderEpoch(2))
    of 10          -> Some(LeaderEpoch(4))
    of 999         -> Some(LeaderEpoch(4))
    ");
}

#[test]
fn the_file_is_kafkas() {
    let mut disk = MemoryDisk::new();
    disk.create_dir("d").unwrap();
    let mut cache = LeaderEpochFileCache::load("d", &mut disk).unwrap();
    cache.assign(LeaderEpoch(0), Offset(0), &mut disk).unwrap();
    cache.assign(LeaderEpoch(3), Offset(17), &mut disk).unwrap();
    let bytes = disk.read_at("d/leader-epoch-checkpoint", 0, 99).unwrap();
    assert_eq!(&bytes[..], b"0\n2\n0 0\n3 17\n");
}

#[test]
fn a_file_that_says_nonsense_is_an_error() {
    for content in ["0\n2\n3 1\n2 5\n", "0\n2\n3 5\n4 5\n", "0\n1\n-1 5\n", "0\n1\nx\n"] {
        let mut disk = MemoryDisk::new();
        disk.create_dir("d").unwrap();
        disk.create("d/leader-epoch-checkpoint").unwrap();
        disk.append("d/leader-epoch-checkpoint", content.as_bytes()).unwrap();
        let loaded = LeaderEpochFileCache::load("d", &mut disk);
        assert!(matches!(loaded, Err(LogError::Corrupt { .. })), "{content}");
    }
}
