//! How long to wait after a failure (Kafka's `ExponentialBackoff`, KIP-580).
//!
//! The wait doubles with each failure up to a bound, and 20 % of jitter to either side keep clients
//! that failed together from coming back together.

use core::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::config::Millis;

/// A wait that doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExponentialBackoff {
    /// The first wait.
    pub(crate) initial: Millis,
    /// The longest.
    pub(crate) max: Millis,
}

impl ExponentialBackoff {
    /// The wait after `failures` earlier ones in a row.
    pub(crate) fn after(self, failures: u32, rng: &mut ChaCha8Rng) -> Duration {
        // Kafka's `max` counts for `initial` if it is the smaller.
        let doubled = self.initial.duration().saturating_mul(1 << failures.min(20));
        doubled.min(self.max.duration()) * (80 + rng.next_u32() % 41) / 100
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_bound_with_a_fifth_of_jitter() {
        let backoff = ExponentialBackoff { initial: Millis(100), max: Millis(1_000) };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (failures, middle) in [(0, 100), (1, 200), (2, 400), (3, 800), (4, 1_000), (99, 1_000)]
        {
            let wait = u64::try_from(backoff.after(failures, &mut rng).as_millis()).unwrap();
            assert!(middle * 8 / 10 <= wait && wait <= middle * 12 / 10, "{failures}: {wait}");
        }
    }
}
