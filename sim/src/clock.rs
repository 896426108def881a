//! A node's clock: right, fast, slow, or simply wrong.
//!
//! The monotonic clock runs at the node's rate and never goes back. The wall clock runs at the same
//! rate and may be set. Zero of the monotonic clock differs from node to node, as it does between
//! machines, so that a process that compares its own instants with a peer's is found out.

use core::time::Duration;

use crate::time::{Instant, Now, Time, Timestamp, nanos};

/// Millionths: a drift is so many of them.
const MILLION: i128 = 1_000_000;

/// 2024-01-01T00:00:00Z in nanoseconds since 1970, what a right wall clock shows when a run begins.
const EPOCH_NANOS: i128 = 1_704_067_200_000_000_000;

/// The clock of one node. Drift is in parts per million: 100 gains a tenth of a millisecond a
/// second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The moment at which the rate last changed.
    since: Time,
    monotonic_then: Instant,
    wall_then_nanos: i128,
    drift_ppm: i32,
}

impl Clock {
    /// A right clock whose monotonic time is `start` when the run begins.
    pub fn right(start: Instant) -> Self {
        Self { since: Time(0), monotonic_then: start, wall_then_nanos: EPOCH_NANOS, drift_ppm: 0 }
    }

    /// What it shows at `time`, which is not before the last change of it.
    pub fn read(&self, time: Time) -> Now {
        let elapsed = self.elapsed(time);
        let wall = self.wall_then_nanos + i128::from(elapsed);
        Now {
            monotonic: Instant(self.monotonic_then.0.saturating_add(elapsed)),
            wall: Timestamp(i64::try_from(wall.div_euclid(MILLION)).unwrap_or(i64::MAX)),
        }
    }

    /// The first moment at which the monotonic clock shows `instant` or later.
    pub fn when(&self, instant: Instant) -> Time {
        let ahead = instant.0.saturating_sub(self.monotonic_then.0);
        if self.drift_ppm == 0 {
            return Time(self.since.0.saturating_add(ahead));
        }
        let rate = MILLION + i128::from(self.drift_ppm);
        let needed = (i128::from(ahead) * MILLION + rate - 1) / rate;
        Time(self.since.0.saturating_add(u64::try_from(needed).unwrap_or(u64::MAX)))
    }

    /// Puts the wall clock forward at once. The monotonic clock does not notice.
    pub fn jump_forward(&mut self, by: Duration) {
        self.wall_then_nanos += i128::from(nanos(by));
    }

    /// Puts the wall clock back at once. The monotonic clock does not notice.
    pub fn jump_back(&mut self, by: Duration) {
        self.wall_then_nanos -= i128::from(nanos(by));
    }

    /// Changes the rate of both clocks from `now` on: so many millionths too fast, or too slow when
    /// negative. More than minus one million: time does not stand still.
    pub fn drift(&mut self, now: Time, ppm: i32) {
        assert!(-1_000_000 < ppm, "a clock cannot lose all time: {ppm} ppm");
        let elapsed = self.elapsed(now);
        self.monotonic_then = Instant(self.monotonic_then.0.saturating_add(elapsed));
        self.wall_then_nanos += i128::from(elapsed);
        self.since = now;
        self.drift_ppm = ppm;
    }

    fn elapsed(&self, time: Time) -> u64 {
        assert!(self.since <= time, "a clock read at {time}, before its change at {}", self.since);
        let elapsed = time.0 - self.since.0;
        if self.drift_ppm == 0 {
            return elapsed;
        }
        let shown = i128::from(elapsed) * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        u64::try_from(shown).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_drifting_clock_gains_and_its_deadlines_come_early() {
        let mut clock = Clock::right(Instant(0));
        clock.drift(Time(SECOND), 100_000);
        assert_eq!(clock.read(Time(11 * SECOND)).monotonic, Instant(12 * SECOND));
        assert_eq!(clock.when(Instant(12 * SECOND)), Time(11 * SECOND));
        clock.drift(Time(11 * SECOND), 0);
        assert_eq!(clock.read(Time(12 * SECOND)).monotonic, Instant(13 * SECOND));
    }

    #[test]
    fn a_deadline_is_never_met_too_early() {
        let mut clock = Clock::right(Instant(0));
        clock.drift(Time(0), -333);
        for deadline in [1, 7, 1_000_003, 5 * SECOND + 1] {
            let due = clock.when(Instant(deadline));
            assert!(Instant(deadline) <= clock.read(due).monotonic);
            assert!(clock.read(Time(due.0 - 1)).monotonic < Instant(deadline));
        }
    }

    #[test]
    fn a_jump_moves_the_wall_clock_only() {
        let mut clock = Clock::right(Instant(5));
        let before = clock.read(Time(SECOND));
        clock.jump_back(Duration::from_secs(3));
        let after = clock.read(Time(SECOND));
        assert_eq!(after.monotonic, before.monotonic);
        assert_eq!(after.wall.0, before.wall.0 - 3_000);
        clock.jump_forward(Duration::from_secs(4));
        assert_eq!(clock.read(Time(SECOND)).wall.0, before.wall.0 + 1_000);
    }
}
