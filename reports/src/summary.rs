//! Many runs in one table.

use crate::{Outcome, Verdict};

/// Many runs of one scenario, counted by verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    rows: Vec<SummaryRow>,
}

/// The runs that had one verdict and met, or did not meet, their expectations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// The scenario, with its variant behind a slash if it has one.
    pub scenario: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether these runs met their expectations.
    pub passed: bool,
    /// How many runs there were.
    pub count: u64,
    /// The smallest seed of them.
    pub first_seed: u64,
    /// The command that reproduces the run of that seed.
    pub reproduce: String,
}

impl Summary {
    /// Counts a run. The order of the calls does not matter.
    pub fn add(&mut self, outcome: &Outcome, reproduce: &str) {
        let scenario = match &outcome.variant {
            Some(variant) => format!("{}/{variant}", outcome.scenario),
            None => outcome.scenario.clone(),
        };
        let key = (outcome.passed, std::cmp::Reverse(outcome.verdict), scenario.as_str());
        let found = self.rows.binary_search_by(|row| row.key().cmp(&key));
        match found {
            Ok(index) => self.rows[index].count_run(outcome.seed, reproduce),
            Err(index) => self.rows.insert(
                index,
                SummaryRow {
                    scenario,
                    verdict: outcome.verdict,
                    passed: outcome.passed,
                    count: 1,
                    first_seed: outcome.seed,
                    reproduce: reproduce.to_owned(),
                },
            ),
        }
    }

    /// The rows: first the runs that did not meet their expectations, then the worse verdicts.
    pub fn rows(&self) -> &[SummaryRow] {
        &self.rows
    }

    /// How many runs were counted.
    pub fn runs(&self) -> u64 {
        self.rows.iter().map(|row| row.count).sum()
    }

    /// How many of them did not meet their expectations.
    pub fn failed(&self) -> u64 {
        self.rows.iter().filter(|row| !row.passed).map(|row| row.count).sum()
    }
}

impl SummaryRow {
    fn key(&self) -> (bool, std::cmp::Reverse<Verdict>, &str) {
        (self.passed, std::cmp::Reverse(self.verdict), &self.scenario)
    }

    fn count_run(&mut self, seed: u64, reproduce: &str) {
        self.count += 1;
        if seed < self.first_seed {
            self.first_seed = seed;
            reproduce.clone_into(&mut self.reproduce);
        }
    }

    /// Its share of `runs` in tenths of a percent, rounded down.
    pub fn per_mille(&self, runs: u64) -> u64 {
        (self.count * 1000).checked_div(runs).unwrap_or(0)
    }
}
