//! `highwater matrix`: scenarios down, protocols across, a verdict in every cell.

use core::{num::NonZero, ops::ControlFlow};
use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use broker::replica::rules::Ablation;
use clap::Args;
use reports::{Cell, Column, Matrix, Row};
use sim::Draws;

use super::{
    Exit, Failure, Run, Runner, Terminal, Tracing, files,
    progress::{Passed, Progress},
    run::stop_on_interrupt,
    work,
};
use crate::{
    format::{
        FileError, Override, Protocol, Resolved, RuleOverrides, ScenarioFile, Selection,
        VerdictExpectation, verdict_of,
    },
    plan,
};

/// What to put into the table.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
A variant that sets the protocol has no row of its own. What a file expects under a protocol stands
in its `expect.per_protocol`; a cell that is not so is marked, and the exit code is 1.

Examples:
  highwater matrix scenarios/ladder
  highwater matrix scenarios/ladder --ablate --markdown")]
pub struct MatrixArgs {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The seed of every run; each file's first if left out
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Put single rules across: the full protocol, less each one
    #[arg(long)]
    ablate: bool,
    /// Print one JSON object on stdout, and nothing else
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a table in Markdown
    #[arg(long)]
    markdown: bool,
    /// Run so many at once; all cores if left out
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
}

/// Runs every scenario under everything that stands across.
///
/// # Errors
/// Results cannot be written.
pub fn matrix(
    args: &MatrixArgs,
    runner: &dyn Runner,
    terminal: &mut Terminal<'_>,
) -> io::Result<Exit> {
    let files = files::scenario_files(&args.files)?;
    let across = if args.ablate { Across::ablations() } else { Across::protocols() };
    let mut subjects = match subjects(&files, args.seed) {
        Ok(subjects) => subjects,
        Err(error) => {
            terminal.refuse(&error)?;
            return Ok(Exit::BadUsage);
        }
    };
    if args.ablate {
        // What a variant does to the rules, the columns do.
        subjects
            .retain(|subject| subject.resolved.scenario.cluster.rules == RuleOverrides::default());
    }
    if subjects.is_empty() {
        writeln!(terminal.err, "highwater: no scenario files there")?;
        return Ok(Exit::BadUsage);
    }
    let mut table = Table::new(&across, &subjects);
    let stop = stop_on_interrupt();
    let threads = args.jobs.unwrap_or_else(work::cores);
    let job = |number| run_cell(runner, &subjects, &across, number);
    work::in_order(table.count(), threads, &stop, job, |number, result| {
        table.take(number, result.unwrap_or_else(|panic| Err(Failure::Internal(panic))));
        ControlFlow::Continue(())
    });
    table.progress.end();
    if stop.load(Ordering::Relaxed) {
        writeln!(terminal.err, "highwater: interrupted, and half a table says nothing")?;
        return Ok(Exit::Interrupted);
    }
    for failure in &table.failures {
        writeln!(terminal.err, "highwater: {failure}")?;
    }
    print(args, &table.matrix, terminal)?;
    let unmet = table.matrix.unexpected().next().is_some();
    Ok(table.exit.max(if unmet { Exit::NotMet } else { Exit::Passed }))
}

fn print(args: &MatrixArgs, matrix: &Matrix, terminal: &mut Terminal<'_>) -> io::Result<()> {
    if args.json {
        writeln!(terminal.out, "{}", reports::matrix_json(matrix)?)
    } else if args.markdown {
        write!(terminal.out, "{}", reports::matrix_markdown(matrix))
    } else {
        write!(terminal.out, "{}", reports::matrix_text(matrix, terminal.out_palette))
    }
}

/// One row: a file or one of its variants, with its seed.
struct Subject {
    file: Arc<ScenarioFile>,
    resolved: Resolved,
    /// What the file's variants of single rules expect, for the table of ablations.
    siblings: Vec<Resolved>,
}

/// What stands above one column.
struct Across {
    protocol: Protocol,
    less: Option<&'static Ablation>,
}

impl Across {
    fn protocols() -> Vec<Self> {
        Protocol::ALL.map(|protocol| Self { protocol, less: None }).into()
    }

    /// Of each rule, the oldest protocol that has it, and at least the first that fences epochs:
    /// the older ones break without any help. The full protocols come first.
    fn ablations() -> Vec<Self> {
        let fenced = [Protocol::Kip320, Protocol::Kip966];
        let full = fenced.map(|protocol| Self { protocol, less: None });
        let less = Ablation::ALL.iter().filter_map(|one| {
            let has = |protocol: &Protocol| Ablation::of(*protocol).any(|other| other == one);
            fenced.into_iter().find(has).map(|protocol| Self { protocol, less: Some(one) })
        });
        full.into_iter().chain(less).collect()
    }

    fn column(&self, number: usize) -> Column {
        let protocol = self.protocol.name();
        match self.less {
            None => Column { head: protocol.to_owned(), about: None },
            Some(less) => Column {
                head: number.to_string(),
                about: Some(format!("{protocol} less a rule: {} ({})", less.name, less.source)),
            },
        }
    }

    /// The same scenario under this.
    fn apply(&self, resolved: &Resolved) -> Resolved {
        let mut resolved = resolved.clone();
        let cluster = &mut resolved.scenario.cluster;
        cluster.protocol = self.protocol;
        if let Some(less) = self.less {
            let set = cluster.rules.clone().with(less.rule, less.value);
            cluster.rules = set.expect("a test has set the value of every ablation");
        }
        resolved
    }

    /// What the command line must say for it.
    fn overrides(&self) -> Vec<Override> {
        let protocol = format!("cluster.protocol={}", self.protocol.name());
        let less = |less: &Ablation| format!("cluster.rules.{}={}", less.rule.word(), less.value);
        let texts = [protocol].into_iter().chain(self.less.map(less));
        texts.map(|text| Override { text }).collect()
    }
}

/// The rows: each file, and each of its variants that leaves the protocol as it is.
fn subjects(files: &[PathBuf], seed: Option<u64>) -> Result<Vec<Subject>, FileError> {
    let mut subjects = Vec::new();
    for path in files {
        let file = Arc::new(ScenarioFile::read(path)?);
        let mut of_file = Vec::new();
        for variant in [None].into_iter().chain(file.variants().into_iter().map(Some)) {
            let selection = Selection { variant, overrides: Vec::new() };
            let checked = file.check_selection(&selection)?;
            let seed = seed.unwrap_or(checked.scenario.seeds[0]);
            let mut resolved = file.resolve(&selection, &mut plan::choices(Draws::new(seed)))?;
            resolved.scenario.seeds = vec![seed];
            of_file.push(resolved);
        }
        let own = of_file[0].scenario.cluster.protocol;
        let same = |resolved: &&Resolved| resolved.scenario.cluster.protocol == own;
        subjects.extend(of_file.iter().filter(same).map(|resolved| Subject {
            file: Arc::clone(&file),
            resolved: resolved.clone(),
            siblings: of_file.clone(),
        }));
    }
    Ok(subjects)
}

impl Subject {
    /// What is expected in a column: what the file says of that protocol with those rules.
    fn expected(&self, under: &Resolved) -> Option<VerdictExpectation> {
        let rules = under.scenario.cluster.replication_rules();
        let protocol = under.scenario.cluster.protocol;
        [&self.resolved].into_iter().chain(&self.siblings).find_map(|sibling| {
            let expect = sibling.scenario.expect.as_ref()?;
            let mut cluster = sibling.scenario.cluster.clone();
            let own = cluster.protocol == protocol;
            cluster.protocol = protocol;
            let same = self.differs_in_rules_only(sibling) && cluster.replication_rules() == rules;
            let said = expect.per_protocol.get(&protocol);
            said.or(expect.verdict.as_ref().filter(|_| own)).filter(|_| same).cloned()
        })
    }

    fn differs_in_rules_only(&self, sibling: &Resolved) -> bool {
        let mut sibling = sibling.scenario.clone();
        sibling.cluster.rules = self.resolved.scenario.cluster.rules.clone();
        sibling.cluster.protocol = self.resolved.scenario.cluster.protocol;
        sibling.expect.clone_from(&self.resolved.scenario.expect);
        sibling.seeds.clone_from(&self.resolved.scenario.seeds);
        sibling == self.resolved.scenario
    }
}

fn run_cell(
    runner: &dyn Runner,
    subjects: &[Subject],
    across: &[Across],
    number: u64,
) -> Result<Cell, Failure> {
    let number = usize::try_from(number).expect("a cell of a table in memory");
    let (subject, across) = (&subjects[number / across.len()], &across[number % across.len()]);
    let mut under = across.apply(&subject.resolved);
    let seed = under.scenario.seeds[0];
    let expected = subject.expected(&under);
    // Only the verdict is compared, and faults that did not take place are told anyhow.
    under.scenario.expect = None;
    let Run { report, .. } = runner.run(&under, seed, Tracing::Hash)?;
    let unmet = report.outcome.expectations.iter().filter(|one| !one.met);
    let missing: Vec<_> =
        unmet.filter(|one| one.path == "faults").map(|one| one.actual.clone()).collect();
    let verdict = verdict_of(report.outcome.verdict);
    let is_said = expected.is_some();
    let met = expected.as_ref().is_none_or(|expected| expected.is_met_by(verdict));
    let overrides = across.overrides();
    let selection = Selection { variant: under.selection.variant.clone(), overrides };
    Ok(Cell {
        verdict: Some(report.outcome.verdict),
        expected: expected.map(|expected| expected.to_string()),
        // Less a rule, a story may end early: that is for the file's own expectation to say.
        as_expected: met && (missing.is_empty() || across.less.is_some() && !is_said),
        missing,
        reproduce: Some(subject.file.reproduce(&selection, seed)),
    })
}

/// The table as far as it is known.
struct Table {
    matrix: Matrix,
    progress: Progress,
    failures: Vec<String>,
    exit: Exit,
}

impl Table {
    fn new(across: &[Across], subjects: &[Subject]) -> Self {
        let full = across.iter().filter(|one| one.less.is_none()).count();
        let column = |(index, one): (usize, &Across)| one.column((index + 1).saturating_sub(full));
        let row = |subject: &Subject| Row {
            scenario: subject.resolved.scenario.name.clone(),
            variant: subject.resolved.selection.variant.clone(),
            seed: subject.resolved.scenario.seeds[0],
            cells: Vec::with_capacity(across.len()),
        };
        let matrix = Matrix {
            columns: across.iter().enumerate().map(column).collect(),
            rows: subjects.iter().map(row).collect(),
        };
        let cells = (across.len() * subjects.len()) as u64;
        let progress = Progress::new(cells);
        Self { matrix, progress, failures: Vec::new(), exit: Exit::Passed }
    }

    fn count(&self) -> u64 {
        (self.matrix.columns.len() * self.matrix.rows.len()) as u64
    }

    fn take(&mut self, number: u64, result: Result<Cell, Failure>) {
        let number = usize::try_from(number).expect("a cell of a table in memory");
        let row = &mut self.matrix.rows[number / self.matrix.columns.len()];
        let cell = result.unwrap_or_else(|failure| {
            let (exit, message) = match failure {
                Failure::Nondeterminism(message) => (Exit::Nondeterminism, message),
                Failure::Internal(message) => (Exit::Internal, message),
            };
            self.exit = self.exit.max(exit);
            self.failures.push(format!("{}: {message}", row.name()));
            Cell::empty()
        });
        self.progress.advance(if cell.as_expected { Passed::Yes } else { Passed::No });
        row.cells.push(cell);
    }
}
