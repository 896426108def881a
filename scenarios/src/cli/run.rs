//! `highwater run`: scenarios × variants × seeds, in parallel, told in order.

use core::{num::NonZero, ops::ControlFlow, ops::Range};
use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
};

use clap::Args;
use reports::{Report, Summary};
use sim::Draws;

use super::{
    Exit, SeedRange, Terminal, files,
    progress::{Passed, Progress},
    work,
};
use crate::{
    format::{BASE, FileError, Override, Resolved, ScenarioFile, Selection},
    plan,
};

/// What to run.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Without --seed or --seeds the file's own seeds are run; without --variant the file as it is and
each of its variants. One run prints its whole report; several print a table, and the reports of
the first that failed.

Examples:
  highwater run scenarios/leader-crash-acks-1.json
  highwater run scenarios/chaos.json --seeds 0..1000
  highwater run scenarios/min-isr.json --seed 7 --variant base --set producers[0].config.acks=1")]
pub struct RunArgs {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run one seed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run a range of seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B")]
    seeds: Option<SeedRange>,
    /// Run one variant only; `base` is the file as it is
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Change a value of the file. Without --variant only the file as it is is run, and nothing is
    /// expected but that there is no violation and nothing is stuck
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Print one JSON object per run on stdout, and nothing else
    #[arg(long)]
    json: bool,
    /// Write reports to DIR/<scenario>[@<variant>]/<seed>/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write every input, output, fault and event of the one run to FILE
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Run so many at once; all cores if left out
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
}

/// What runs a scenario.
pub trait Runner: Sync {
    /// Runs it with a seed. The report's `reproduce` is filled in by the program.
    ///
    /// # Errors
    /// The run found no answer.
    fn run(&self, resolved: &Resolved, seed: u64, tracing: Tracing) -> Result<Run, Failure>;
}

/// Whether the entries of the trace are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Only their hash.
    Hash,
    /// All of them.
    Entries,
}

/// One run and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What is to be said about it.
    pub report: Report,
    /// The entries of the trace, one a line, if they were asked for.
    pub trace: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Two runs of the seed differed: where first.
    Nondeterminism(String),
    /// The program is wrong.
    Internal(String),
}

/// How many reports of failed runs are printed beside the table.
const SHOWN_FAILURES: u64 = 3;

/// Runs what the arguments ask for.
///
/// # Errors
/// Results cannot be written.
pub fn run(args: &RunArgs, runner: &dyn Runner, terminal: &mut Terminal<'_>) -> io::Result<Exit> {
    let batches = match batches(args) {
        Ok(batches) => batches,
        Err(Unusable::File(error)) => {
            terminal.refuse(&error)?;
            return Ok(Exit::BadUsage);
        }
        Err(Unusable::Usage(message)) => {
            writeln!(terminal.err, "highwater: {message}")?;
            return Ok(Exit::BadUsage);
        }
    };
    let count = batches.iter().map(|batch| batch.seeds.count()).sum();
    if args.trace.is_some() && count != 1 {
        writeln!(terminal.err, "highwater: --trace wants one run, and these are {count}")?;
        return Ok(Exit::BadUsage);
    }
    let stop = stop_on_interrupt();
    let job = |number| perform(args, runner, &batches, number);
    let mut told = Told::new(args, count);
    let mut failed = Ok(());
    work::in_order(count, args.jobs.unwrap_or_else(work::cores), &stop, job, |_, result| {
        let result = result.unwrap_or_else(|panic| Err(Failure::Internal(panic)));
        failed = told.take(result, terminal);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    failed?;
    told.end(terminal, if stop.load(Ordering::Relaxed) { Stopped::Early } else { Stopped::Done })
}

/// One file and variant with its seeds.
#[derive(Clone, Debug)]
struct Batch {
    file: Arc<ScenarioFile>,
    selection: Selection,
    seeds: Seeds,
    /// What every seed runs, if the file leaves no choice to the seed.
    fixed: Option<Resolved>,
}

#[derive(Clone, Debug)]
enum Seeds {
    Range(Range<u64>),
    Named(Vec<u64>),
}

impl Seeds {
    fn count(&self) -> u64 {
        match self {
            Self::Range(range) => range.end - range.start,
            Self::Named(seeds) => seeds.len() as u64,
        }
    }

    fn nth(&self, number: u64) -> u64 {
        match self {
            Self::Range(range) => range.start + number,
            Self::Named(seeds) => {
                seeds[usize::try_from(number).expect("a number below the length of a list")]
            }
        }
    }
}

enum Unusable {
    File(FileError),
    Usage(String),
}

impl From<FileError> for Unusable {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Reads and checks every file before anything is run.
fn batches(args: &RunArgs) -> Result<Vec<Batch>, Unusable> {
    let files = files::scenario_files(&args.files).map_err(|e| Unusable::Usage(e.to_string()))?;
    if files.is_empty() {
        return Err(Unusable::Usage("no scenario files there".to_owned()));
    }
    let mut batches = Vec::new();
    for path in &files {
        let file = Arc::new(ScenarioFile::read(path)?);
        for selection in selections(args, &file) {
            let resolved = file.check_selection(&selection)?;
            let seeds = match (&args.seed, &args.seeds) {
                (Some(seed), _) => Seeds::Named(vec![*seed]),
                (None, Some(range)) => Seeds::Range(range.seeds()),
                (None, None) => Seeds::Named(resolved.scenario.seeds.clone()),
            };
            let fixed = (!file.has_choices(&selection)?).then_some(resolved);
            batches.push(Batch { file: Arc::clone(&file), selection, seeds, fixed });
        }
    }
    Ok(batches)
}

fn selections(args: &RunArgs, file: &ScenarioFile) -> Vec<Selection> {
    let overrides: Vec<_> = args.set.iter().map(|text| Override { text: text.clone() }).collect();
    let of = |variant| Selection { variant, overrides: overrides.clone() };
    match args.variant.as_deref() {
        Some(BASE) => vec![of(None)],
        Some(name) => vec![of(Some(name.to_owned()))],
        None if !overrides.is_empty() => vec![of(None)],
        None => [None].into_iter().chain(file.variants().into_iter().map(Some)).map(of).collect(),
    }
}

/// Does the run of this number.
fn perform(
    args: &RunArgs,
    runner: &dyn Runner,
    batches: &[Batch],
    mut number: u64,
) -> Result<Run, Failure> {
    for batch in batches {
        let count = batch.seeds.count();
        if count <= number {
            number -= count;
            continue;
        }
        let seed = batch.seeds.nth(number);
        let resolved = match &batch.fixed {
            Some(fixed) => Cow::Borrowed(fixed),
            None => Cow::Owned(chosen(batch, seed)?),
        };
        let tracing = if args.trace.is_some() { Tracing::Entries } else { Tracing::Hash };
        let mut run = runner.run(&resolved, seed, tracing)?;
        run.report.reproduce = batch.file.reproduce(&batch.selection, seed);
        return Ok(run);
    }
    Err(Failure::Internal(format!("no run has the number {number}")))
}

/// The scenario as the seed chooses it.
fn chosen(batch: &Batch, seed: u64) -> Result<Resolved, Failure> {
    let mut choices = plan::choices(Draws::new(seed));
    let resolved = batch.file.resolve(&batch.selection, &mut choices);
    resolved.map_err(|error| Failure::Internal(error.to_string()))
}

/// What has been said of the runs so far.
struct Told<'a> {
    args: &'a RunArgs,
    count: u64,
    done: u64,
    summary: Summary,
    progress: Progress,
    exit: Exit,
    failures: u64,
}

/// Whether all runs were done.
#[derive(Clone, Copy)]
enum Stopped {
    Done,
    Early,
}

impl<'a> Told<'a> {
    fn new(args: &'a RunArgs, count: u64) -> Self {
        Self {
            args,
            count,
            done: 0,
            summary: Summary::default(),
            progress: Progress::new(count),
            exit: Exit::Passed,
            failures: 0,
        }
    }

    fn take(
        &mut self,
        result: Result<Run, Failure>,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<()> {
        self.done += 1;
        let run = match result {
            Ok(run) => run,
            Err(failure) => return self.take_failure(&failure, terminal),
        };
        let outcome = &run.report.outcome;
        self.summary.add(outcome, &run.report.reproduce);
        self.progress.advance(if outcome.passed { Passed::Yes } else { Passed::No });
        if !outcome.passed {
            self.failures += 1;
            self.exit = self.exit.max(Exit::NotMet);
        }
        self.write_files(&run)?;
        if self.args.json {
            let line = reports::json(outcome)?;
            return self.progress.suspend(|| writeln!(terminal.out, "{line}"));
        }
        let failed = !outcome.passed && self.failures <= SHOWN_FAILURES;
        if self.count == 1 || failed {
            let text = reports::text(&run.report, terminal.out_palette);
            let apart = if self.count == 1 { "" } else { "\n" };
            return self.progress.suspend(|| write!(terminal.out, "{text}{apart}"));
        }
        Ok(())
    }

    fn take_failure(&mut self, failure: &Failure, terminal: &mut Terminal<'_>) -> io::Result<()> {
        self.progress.advance(Passed::No);
        let (exit, message) = match failure {
            Failure::Nondeterminism(message) => (Exit::Nondeterminism, message),
            Failure::Internal(message) => (Exit::Internal, message),
        };
        self.exit = self.exit.max(exit);
        self.progress.suspend(|| writeln!(terminal.err, "highwater: {message}"))
    }

    fn write_files(&self, run: &Run) -> io::Result<()> {
        if let (Some(path), Some(trace)) = (&self.args.trace, &run.trace) {
            fs::write(path, trace).map_err(|error| at(path, &error))?;
        }
        let Some(folder) = &self.args.out else { return Ok(()) };
        let outcome = &run.report.outcome;
        let name = match &outcome.variant {
            Some(variant) => format!("{}@{variant}", outcome.scenario),
            None => outcome.scenario.clone(),
        };
        let folder = folder.join(name).join(outcome.seed.to_string());
        fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
        let json = format!("{}\n", reports::json(outcome)?);
        let text = reports::text(&run.report, reports::Palette::Plain);
        for (name, content) in [("outcome.json", json), ("report.txt", text)] {
            let path = folder.join(name);
            fs::write(&path, content).map_err(|error| at(&path, &error))?;
        }
        Ok(())
    }

    fn end(self, terminal: &mut Terminal<'_>, stopped: Stopped) -> io::Result<Exit> {
        self.progress.end();
        if 1 < self.count && 0 < self.done {
            if self.args.json {
                let table = reports::summary_text(&self.summary, terminal.err_palette);
                write!(terminal.err, "{table}")?;
            } else {
                let table = reports::summary_text(&self.summary, terminal.out_palette);
                write!(terminal.out, "{table}")?;
            }
        }
        match stopped {
            Stopped::Early if self.done < self.count => {
                writeln!(terminal.err, "interrupted after {} of {} runs", self.done, self.count)?;
                Ok(self.exit.max(Exit::Interrupted))
            }
            Stopped::Done | Stopped::Early => Ok(self.exit),
        }
    }
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A switch that Ctrl-C turns on. Where there can be no handler, Ctrl-C ends the program as ever.
pub(super) fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&stop);
    ctrlc::set_handler(move || switch.store(true, Ordering::Relaxed)).ok();
    stop
}
