//! The program `highwater`: what it is told, what it says, how it ends.
//!
//! Thin on purpose: each command reads files, asks the library and writes. Nothing here knows
//! Kafka.

mod check;
mod exit;
mod files;
mod list;
mod matrix;
mod progress;
mod run;
mod seeds;
mod work;

use std::{
    io::{self, IsTerminal, Write},
    panic,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::{
    format::{self, FileError},
    runner::Simulation,
};

pub use check::CheckArgs;
pub use exit::Exit;
pub use list::ListArgs;
pub use matrix::{MatrixArgs, matrix};
pub use run::{Failure, Run, RunArgs, Runner, Tracing, run};
pub use seeds::SeedRange;

/// Kafka's replication under faults: deterministic runs, each with a true verdict.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, after_help = AFTER_HELP, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 passed · 1 a run did not meet its expectation · 2 bad usage or a bad scenario file
            3 nondeterminism found · 70 internal error · 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and judge what became of every record
    Run(RunArgs),
    /// Run scenarios under every protocol, and show what breaks where
    Matrix(MatrixArgs),
    /// List scenarios, or what faults and triggers can name
    List(ListArgs),
    /// Print the JSON Schema of scenario files
    ///
    /// Editors complete and explain keys with it: save it as `scenario.schema.json` beside the
    /// files, which name it in `$schema`.
    Schema,
    /// Check scenario files without running them
    Check(CheckArgs),
}

/// Where a command writes.
pub struct Terminal<'t> {
    /// For results.
    pub out: &'t mut dyn Write,
    /// For errors and progress.
    pub err: &'t mut dyn Write,
    /// Whether results are coloured.
    pub out_palette: reports::Palette,
    /// Whether errors are coloured.
    pub err_palette: reports::Palette,
}

impl core::fmt::Debug for Terminal<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Terminal").field("out_palette", &self.out_palette).finish_non_exhaustive()
    }
}

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    let out_palette = palette(out.is_terminal());
    let err_palette = palette(err.is_terminal());
    let mut terminal = Terminal { out: &mut out, err: &mut err, out_palette, err_palette };
    let ended = panic::catch_unwind(panic::AssertUnwindSafe(|| execute(cli, &mut terminal)));
    match ended {
        Ok(Ok(exit)) => exit.into(),
        // Whoever reads has seen enough: `highwater list | head`.
        Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Passed.into(),
        Ok(Err(error)) => {
            writeln!(io::stderr(), "highwater: {error}").ok();
            Exit::Internal.into()
        }
        // The panic's message has been printed where it happened.
        Err(_) => Exit::Internal.into(),
    }
}

fn execute(cli: Cli, terminal: &mut Terminal<'_>) -> io::Result<Exit> {
    match cli.command {
        Command::Run(args) => run(&args, &Simulation, terminal),
        Command::Matrix(args) => matrix(&args, &Simulation, terminal),
        Command::List(args) => list::list(&args, terminal),
        Command::Schema => schema(terminal),
        Command::Check(args) => check::check(&args, terminal),
    }
}

fn schema(terminal: &mut Terminal<'_>) -> io::Result<Exit> {
    serde_json::to_writer_pretty(&mut terminal.out, &format::published_schema())?;
    writeln!(terminal.out)?;
    Ok(Exit::Passed)
}

fn palette(is_terminal: bool) -> reports::Palette {
    if is_terminal && std::env::var_os("NO_COLOR").is_none() {
        reports::Palette::Colored
    } else {
        reports::Palette::Plain
    }
}

impl Terminal<'_> {
    /// Shows what is wrong with a file, with the line and a caret.
    fn refuse(&mut self, error: &FileError) -> io::Result<()> {
        let theme = match self.err_palette {
            reports::Palette::Colored => GraphicalTheme::unicode(),
            reports::Palette::Plain => GraphicalTheme::unicode_nocolor(),
        };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
        let rendered = handler.render_report(&mut text, error);
        if rendered.is_err() {
            text = format!("{error}\n");
        }
        writeln!(self.err, "{text}")
    }
}

#[cfg(test)]
mod tests;
