//! One direction between two hosts: how long a frame takes, and whether it gets through at all.

use core::{fmt, time::Duration};
use std::ops::RangeInclusive;

use crate::{
    draws::{Draws, Ratio, Stream},
    time::{Time, nanos},
};

/// How long a sender waits before it sends a lost frame for the second time; doubled each time.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// A frame is not lost more often than this in a row.
const LOSSES_MAX: u32 = 8;

/// What a link is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkProfile {
    /// How long a frame is under way, drawn for each frame.
    pub latency: RangeInclusive<Duration>,
    /// Bytes a second; without a number, any.
    pub bandwidth: Option<u64>,
    /// The chance that a frame is lost. It is sent again then: loss is delay, never a hole.
    pub loss: Ratio,
}

impl Default for LinkProfile {
    /// A quiet network within a data center.
    fn default() -> Self {
        let latency = Duration::from_micros(200)..=Duration::from_micros(800);
        Self { latency, bandwidth: None, loss: Ratio::ZERO }
    }
}

impl fmt::Display for LinkProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} bandwidth {:?} loss {:?}", self.latency, self.bandwidth, self.loss)
    }
}

/// The state of a directed link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    profile: LinkProfile,
    /// The latency of the profile in nanoseconds.
    range: (u64, u64),
    /// How many frames were sent: the ordinal of the next one's draws.
    frames: u64,
    /// How many cuts are in force: they may overlap.
    cuts: u32,
    /// Until when the frames sent so far keep the link busy.
    busy_until: Time,
    latency: Stream,
    control: Stream,
    loss: Stream,
}

/// What is sent: frames and the kernel's own segments draw from streams of their own, so that the
/// n-th frame on a link meets the same latency whatever the connections go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Frame { bytes: usize },
    Control,
}

impl Link {
    pub(super) fn new(draws: Draws, from: &str, to: &str, profile: LinkProfile) -> Self {
        let key = format!("{from} > {to}");
        Self {
            range: nanos_of(&profile),
            profile,
            frames: 0,
            cuts: 0,
            busy_until: Time(0),
            latency: draws.stream("latency", &key),
            control: draws.stream("latency of control segments", &key),
            loss: draws.stream("loss", &key),
        }
    }

    /// Draws from other streams from now on. All else stays.
    pub(super) fn reseed(&mut self, draws: Draws, from: &str, to: &str) {
        let fresh = Self::new(draws, from, to, self.profile.clone());
        let Self { latency, control, loss, frames, .. } = fresh;
        (self.latency, self.control, self.loss, self.frames) = (latency, control, loss, frames);
    }

    pub(super) fn cut(&mut self) {
        self.cuts += 1;
    }

    pub(super) fn heal(&mut self) {
        self.cuts = self.cuts.saturating_sub(1);
    }

    pub(super) fn heal_wholly(&mut self) {
        self.cuts = 0;
    }

    pub(super) fn is_cut(&self) -> bool {
        0 < self.cuts
    }

    pub(super) fn profile(&self) -> &LinkProfile {
        &self.profile
    }

    pub(super) fn set_profile(&mut self, profile: LinkProfile) {
        self.range = nanos_of(&profile);
        self.profile = profile;
    }

    /// How many nanoseconds a thing sent `now` takes.
    pub(super) fn transit(&mut self, now: Time, class: Class) -> u64 {
        let (low, high) = self.range;
        match class {
            Class::Control => self.control.between(low..=high),
            Class::Frame { bytes } => {
                let latency = self.latency.between(low..=high);
                let again = self.retransmissions();
                self.frames += 1;
                self.occupy(now, bytes).saturating_add(latency).saturating_add(again)
            }
        }
    }

    /// How many nanoseconds the losses of the next frame cost.
    fn retransmissions(&mut self) -> u64 {
        if self.profile.loss.is_zero() {
            return 0;
        }
        // While nothing can be lost nothing is drawn; the ordinal is the frame's all the same.
        if self.loss.ordinal() != self.frames {
            self.loss.seek(self.frames);
        }
        let lost = self.loss.repeats(self.profile.loss, LOSSES_MAX);
        nanos(RETRANSMISSION).saturating_mul((1 << lost) - 1)
    }

    /// How long it takes until the last byte is on the link.
    fn occupy(&mut self, now: Time, bytes: usize) -> u64 {
        let Some(bandwidth) = self.profile.bandwidth else { return 0 };
        let took = bytes as u128 * 1_000_000_000 / u128::from(bandwidth.max(1));
        let start = self.busy_until.max(now);
        self.busy_until = start.plus(Duration::from_nanos(u64::try_from(took).unwrap_or(u64::MAX)));
        self.busy_until.0 - now.0
    }
}

fn nanos_of(profile: &LinkProfile) -> (u64, u64) {
    (nanos(*profile.latency.start()), nanos(*profile.latency.end()))
}
