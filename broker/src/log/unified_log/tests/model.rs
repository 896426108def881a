//! Random work, against a list of batches as the model of a log.

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

use crate::{
    host::MemoryDisk,
    ids::{LeaderEpoch, Offset},
    log::{
        LogParameters, Trust, UnifiedLog,
        testing::{at, content, numbered, open, parameters, plain, small, stamped},
    },
    protocol::batch::RecordBatch,
};

#[derive(Clone, Debug)]
enum Step {
    Append { records: usize, next_epoch: bool },
    AppendNumbered,
    Copy { batches: usize, records: usize, gap: i64 },
    Truncate { back: i64 },
    Kill,
    Shutdown,
    Flush,
    RaiseLogStart { by: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_usize, any::<bool>())
            .prop_map(|(records, next_epoch)| Step::Append { records, next_epoch }),
        2 => Just(Step::AppendNumbered),
        2 => (1..5_usize, 1..4_usize, 0..3_i64)
            .prop_map(|(batches, records, gap)| Step::Copy { batches, records, gap }),
        2 => (0..20_i64).prop_map(|back| Step::Truncate { back }),
        1 => Just(Step::Kill),
        1 => Just(Step::Shutdown),
        1 => Just(Step::Flush),
        1 => (1..6_i64).prop_map(|by| Step::RaiseLogStart { by }),
    ]
}

/// What a log should be.
#[derive(Debug, Default)]
struct Model {
    batches: Vec<RecordBatch>,
    start: i64,
    end: i64,
    epoch: i32,
    sequence: i32,
}

impl Model {
    fn push(&mut self, bytes: bytes::Bytes) {
        let batch = RecordBatch::new(stamped(bytes, self.end, self.epoch)).unwrap();
        self.end = batch.next_offset().0;
        self.batches.push(batch);
    }

    fn cut(&mut self, to: i64) {
        self.batches.retain(|batch| batch.next_offset().0 <= to);
        (self.start, self.end) = (self.start.min(to), to);
    }

    /// After a start the log ends behind its last batch.
    fn reopened(&mut self) {
        let last = self.batches.last().map_or(self.start, |batch| batch.next_offset().0);
        self.end = last.max(self.start);
    }

    fn readable(&self) -> Vec<RecordBatch> {
        let from = |batch: &&RecordBatch| self.start < batch.next_offset().0;
        self.batches.iter().filter(from).cloned().collect()
    }
}

struct Run {
    model: Model,
    log: UnifiedLog,
    disk: MemoryDisk,
}

impl Run {
    fn take(&mut self, step: &Step) {
        let Self { model, log, disk } = self;
        match *step {
            Step::Append { records, next_epoch } => {
                model.epoch += i32::from(next_epoch);
                let batch = plain(records, 0);
                model.push(batch.clone());
                log.append_as_leader(at(0), batch, LeaderEpoch(model.epoch), disk).unwrap();
            }
            Step::AppendNumbered => {
                // A cut may have taken batches of this producer; a new epoch begins at 0.
                model.sequence += 1;
                let batch = numbered(i16::try_from(model.sequence).unwrap(), 0, 1);
                model.push(batch.clone());
                log.append_as_leader(at(0), batch, LeaderEpoch(model.epoch), disk).unwrap();
            }
            Step::Copy { batches, records, gap } => {
                model.end += gap;
                let first = model.batches.len();
                (0..batches).for_each(|_| model.push(plain(records, 0)));
                let sent = model.batches[first..].iter().flat_map(|b| b.bytes().to_vec()).collect();
                log.append_as_follower(at(0), sent, disk).unwrap();
            }
            Step::Truncate { back } => {
                let to = (model.end - back).max(log.first_segment_base_offset().0);
                model.cut(to);
                log.truncate_to(at(0), Offset(to), disk).unwrap();
            }
            Step::Kill => self.reopen(Trust::BelowRecoveryPoint),
            Step::Shutdown => {
                log.close(disk).unwrap();
                self.reopen(Trust::Files);
            }
            Step::Flush => log.flush(disk).unwrap(),
            Step::RaiseLogStart { by } => {
                model.start = (model.start + by).min(model.end);
                log.update_high_watermark(log.log_end_offset());
                log.maybe_increment_log_start(Offset(model.start), disk).unwrap();
                log.delete_old_segments(at(0), disk).unwrap();
            }
        }
    }

    fn reopen(&mut self, trust: Trust) {
        let parameters = LogParameters {
            trust,
            recovery_point: self.log.recovery_point(),
            log_start_offset: self.log.log_start_offset(),
            ..parameters(small())
        };
        let (log, recovered) = UnifiedLog::load(parameters, at(0), &mut self.disk).unwrap();
        assert_eq!(recovered.cut_bytes, 0, "{recovered:?}");
        self.log = log;
        self.model.reopened();
    }

    fn check(&mut self) {
        let Self { model, log, disk } = self;
        assert_eq!(log.log_end_offset(), Offset(model.end));
        assert_eq!(log.log_start_offset(), Offset(model.start));
        assert_eq!(content(log, disk), model.readable());
        assert!(log.high_watermark() <= log.log_end_offset());
        for batch in model.readable() {
            assert_eq!(log.epoch_for_offset(batch.last_offset()), batch.leader_epoch());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..Default::default()
    })]

    #[test]
    fn the_log_holds_what_a_list_of_batches_would(steps in vec(step(), 1..60)) {
        let mut disk = MemoryDisk::new();
        let log = open(small(), &mut disk).0;
        let mut run = Run { model: Model::default(), log, disk };
        for step in &steps {
            run.take(step);
            run.check();
        }
    }
}
