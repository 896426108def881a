//! `highwater check`.

use std::{io, path::PathBuf};

use clap::Args;

use super::{Exit, Terminal, files};
use crate::format::ScenarioFile;

/// What to check.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Every file is checked with all its variants and all options of its choices.

Examples:
  highwater check scenarios
  highwater check my-scenario.json")]
pub struct CheckArgs {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn check(args: &CheckArgs, terminal: &mut Terminal<'_>) -> io::Result<Exit> {
    let files = files::scenario_files(&args.files)?;
    if files.is_empty() {
        writeln!(terminal.err, "no scenario files there")?;
        return Ok(Exit::BadUsage);
    }
    let mut exit = Exit::Passed;
    for path in &files {
        let checked = ScenarioFile::read(path)
            .and_then(|file| file.check().map(|resolved| (file.variants(), resolved)));
        match checked {
            Ok((variants, resolved)) => {
                let seeds = resolved.scenario.seeds.len();
                let runs = seeds * (1 + variants.len());
                write!(terminal.out, "{}: ok, {runs} runs", path.display())?;
                if !variants.is_empty() {
                    write!(terminal.out, ", variants: {}", variants.join(", "))?;
                }
                writeln!(terminal.out)?;
            }
            Err(error) => {
                terminal.refuse(&error)?;
                exit = Exit::BadUsage;
            }
        }
    }
    Ok(exit)
}
