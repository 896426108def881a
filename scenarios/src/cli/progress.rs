//! A progress bar, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how many of the runs are done, and how many of them failed.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    failed: u64,
}

impl Progress {
    /// For so many runs. One alone needs no bar.
    pub(super) fn new(runs: u64) -> Self {
        let target = match runs {
            0 | 1 => ProgressDrawTarget::hidden(),
            // It hides by itself where nobody looks.
            _ => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(Some(runs), target);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {msg}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("0 failed");
        Self { bar, failed: 0 }
    }

    /// One more run is done.
    pub(super) fn advance(&mut self, passed: Passed) {
        if passed == Passed::No {
            self.failed += 1;
            self.bar.set_message(format!("{} failed", self.failed));
        }
        self.bar.inc(1);
    }

    /// Lets a text be written where the bar stands.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Whether a run met its expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// It did.
    Yes,
    /// It did not.
    No,
}
