//! What breaks where on the ladder, as a committed snapshot. The README shows the same table.

use std::{fs, path::Path};

use clap::Parser;
use insta::{Settings, assert_snapshot};
use reports::Palette;
use scenarios::{
    cli::{Exit, MatrixArgs, Terminal, matrix},
    runner::Simulation,
};

/// Show what breaks where.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: MatrixArgs,
}

/// The table over the ladder, as Markdown.
fn table(arguments: &[&str]) -> (String, Exit) {
    let ladder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ladder").display().to_string();
    let fixed = ["matrix", ladder.as_str(), "--markdown"];
    let args = Cli::try_parse_from(fixed.iter().chain(arguments)).expect("arguments").args;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        out_palette: Palette::Plain,
        err_palette: Palette::Plain,
    };
    let exit = matrix(&args, &Simulation, &mut terminal).expect("a vector can be written to");
    assert_eq!(String::from_utf8(err).expect("text"), "");
    let text =
        String::from_utf8(out).expect("text").replace(env!("CARGO_MANIFEST_DIR"), "scenarios");
    (text, exit)
}

fn settings() -> Settings {
    let mut settings = Settings::clone_current();
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_counterexample_breaks_the_protocols_that_it_breaks_and_no_other() {
    let (text, exit) = table(&[]);
    settings().bind(|| assert_snapshot!("protocols", text));
    assert_eq!(exit, Exit::Passed, "{text}");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("there is a README");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    let missing: Vec<_> = rows.iter().filter(|row| !readme.contains(**row)).collect();
    assert!(missing.is_empty(), "the README shows another table, without: {missing:#?}");
}

#[test]
fn every_rule_that_is_taken_away_breaks_what_it_is_for() {
    let (text, exit) = table(&["--ablate"]);
    settings().bind(|| assert_snapshot!("ablations", text));
    assert_eq!(exit, Exit::Passed, "{text}");
}
