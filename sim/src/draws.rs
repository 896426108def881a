//! Chance: a draw is a function of (seed, concern, key, ordinal).
//!
//! Each concern ("latency", "power loss", "workload") and each stable key within it ("the link from
//! broker-1 to broker-2", "the path `faults[2].at`") has a `ChaCha8` stream of its own. A draw
//! takes exactly one word of 64 bits from its stream, whatever range it is asked for, so the n-th
//! draw of one stream depends on nothing but n. There are no floats: a chance is a [`Ratio`].
//!
//! What it does not know: what the draws are for.

use core::{fmt, time::Duration};
use std::ops::RangeInclusive;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::time::nanos;

/// The source of all streams of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    seed: u64,
}

impl Draws {
    /// The draws of the run with this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// The stream of a key within a concern, from its beginning.
    pub fn stream(self, concern: &str, key: &str) -> Stream {
        let mut name = Vec::with_capacity(concern.len() + key.len() + 8);
        // The length before the concern keeps ("ab", "c") and ("a", "bc") apart.
        name.extend_from_slice(&(concern.len() as u64).to_le_bytes());
        name.extend_from_slice(concern.as_bytes());
        name.extend_from_slice(key.as_bytes());
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..24].copy_from_slice(&xxh3_128_with_seed(&name, self.seed).to_le_bytes());
        seed[24..].copy_from_slice(&xxh3_64_with_seed(&name, !self.seed).to_le_bytes());
        Stream { rng: ChaCha8Rng::from_seed(seed) }
    }
}

/// The draws of one key, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct Stream {
    rng: ChaCha8Rng,
}

impl Stream {
    /// The next draw: 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Goes to the draw with this ordinal, counted from 0.
    pub fn seek(&mut self, ordinal: u64) {
        self.rng.set_word_pos(u128::from(ordinal) * 2);
    }

    /// The ordinal of the next draw.
    pub fn ordinal(&self) -> u64 {
        u64::try_from(self.rng.get_word_pos() / 2).unwrap_or(u64::MAX)
    }

    /// A number in the range, both ends included.
    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        assert!(low <= high, "an empty range: {low}..={high}");
        let width = u128::from(high - low) + 1;
        let scaled = (u128::from(self.word()) * width) >> 64;
        low + u64::try_from(scaled).expect("a 64 bit word scaled to a range lies in it")
    }

    /// A number below `end`, for an index. `end` is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        assert_ne!(end, 0, "nothing to draw from");
        usize::try_from(self.between(0..=end as u64 - 1)).expect("an index fits, for `end` does")
    }

    /// A duration in the range, both ends included.
    pub fn duration(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        Duration::from_nanos(self.between(nanos(*range.start())..=nanos(*range.end())))
    }

    /// Whether a chance comes true.
    pub fn chance(&mut self, ratio: Ratio) -> Chance {
        if u128::from(self.word()) < ratio.threshold() { Chance::Hit } else { Chance::Miss }
    }

    /// How many times in a row a chance comes true, at most `max`: one draw for all of them.
    pub fn repeats(&mut self, ratio: Ratio, max: u32) -> u32 {
        let word = u128::from(self.word());
        let mut threshold = ratio.threshold();
        let mut count = 0;
        while count < max && word < threshold {
            count += 1;
            threshold = threshold * u128::from(ratio.numerator) / u128::from(ratio.denominator);
        }
        count
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("ordinal", &self.ordinal()).finish()
    }
}

/// How a chance turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// It came true.
    Hit,
    /// It did not.
    Miss,
}

/// A chance as a fraction: `numerator` in `denominator` cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: u32,
    denominator: u32,
}

impl Ratio {
    /// Never.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// The chance of `numerator` in `denominator`. The denominator is not 0, the chance at most 1.
    pub fn new(numerator: u32, denominator: u32) -> Self {
        assert_ne!(denominator, 0, "a ratio over nothing");
        assert!(numerator <= denominator, "a chance above one: {numerator}/{denominator}");
        Self { numerator, denominator }
    }

    /// Whether it never comes true.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// The share of 2^64 that it stands for.
    fn threshold(self) -> u128 {
        (u128::from(self.numerator) << 64) / u128::from(self.denominator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_draw_does_not_depend_on_the_ranges_of_those_before() {
        let draws = Draws::new(7);
        let (mut a, mut b) = (draws.stream("x", "k"), draws.stream("x", "k"));
        a.between(0..=1);
        a.chance(Ratio::new(1, 3));
        b.between(10..=u64::MAX);
        b.repeats(Ratio::new(9, 10), 100);
        assert_eq!(a.ordinal(), 2);
        assert_eq!(a.word(), b.word());
        b.seek(2);
        a.seek(2);
        assert_eq!(a, b);
    }

    #[test]
    fn concerns_keys_and_seeds_have_streams_of_their_own() {
        let words = [
            Draws::new(1).stream("ab", "c").word(),
            Draws::new(1).stream("a", "bc").word(),
            Draws::new(1).stream("a", "c").word(),
            Draws::new(2).stream("ab", "c").word(),
        ];
        for (at, word) in words.iter().enumerate() {
            assert!(!words[..at].contains(word), "{words:?}");
        }
    }

    #[test]
    fn every_value_of_a_range_is_drawn_and_none_outside() {
        let mut stream = Draws::new(3).stream("x", "");
        let mut seen = [0; 4];
        for _ in 0..400 {
            seen[stream.below(4)] += 1;
        }
        assert!(seen.iter().all(|&n| 60 <= n), "{seen:?}");
    }

    #[test]
    fn a_chance_comes_true_about_as_often_as_it_says() {
        let mut stream = Draws::new(3).stream("x", "");
        let hits = (0..10_000).filter(|_| stream.chance(Ratio::new(1, 10)) == Chance::Hit).count();
        assert!((900..=1_100).contains(&hits), "{hits}");
        assert_eq!(stream.chance(Ratio::ZERO), Chance::Miss);
        assert_eq!(stream.chance(Ratio::new(1, 1)), Chance::Hit);
        assert_eq!(stream.repeats(Ratio::new(1, 1), 5), 5);
    }
}
