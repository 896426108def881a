//! The table of what breaks where, for a terminal and as Markdown.

use std::fmt::Write as _;

use super::Palette;
use crate::{Cell, Matrix, Row, Verdict};

/// What marks a cell that is not as expected.
const MARK: &str = "!";

/// What the words mean, but for those that no cell has.
const WORDS: [(&str, &str); 8] = [
    ("violation", "a promise was broken"),
    ("loss", "acknowledged records are lost, which the contract allows"),
    ("dup", "records stand twice, which the contract allows"),
    ("reorder", "records changed their order, which the contract allows"),
    ("ok", "nothing was lost, repeated or reordered"),
    ("stuck", "healed, and did not recover"),
    ("down", "not recovered, and nobody was left who may lead"),
    ("-", "cannot be run"),
];

/// The table as text. Ends with a line end.
pub fn matrix_text(matrix: &Matrix, palette: Palette) -> String {
    let mut out = String::new();
    write_text(matrix, palette, &mut out).expect("writing to a string does not fail");
    out
}

/// The table as Markdown. Ends with a line end.
pub fn matrix_markdown(matrix: &Matrix) -> String {
    let mut out = String::new();
    write_markdown(matrix, &mut out).expect("writing to a string does not fail");
    out
}

fn write_text(matrix: &Matrix, palette: Palette, out: &mut String) -> std::fmt::Result {
    let names: Vec<_> = matrix.rows.iter().map(label).collect();
    let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..matrix.columns.len()).map(|column| width(matrix, column)).collect();
    let mut head = format!("{:<name_width$}", "");
    for (column, width) in matrix.columns.iter().zip(&widths) {
        write!(head, "  {:<width$}", column.head)?;
    }
    writeln!(out, "{}", palette.faint(head.trim_end()))?;
    for (row, name) in matrix.rows.iter().zip(&names) {
        write!(out, "{name:<name_width$}")?;
        for (number, (cell, width)) in row.cells.iter().zip(&widths).enumerate() {
            let is_last = number + 1 == widths.len();
            let text = word(cell);
            let padded = if is_last { text } else { format!("{text:<width$}") };
            let painted = match cell.verdict {
                _ if !cell.as_expected => palette.bad(&padded),
                Some(verdict) => palette.tinted(verdict, &padded),
                None => palette.faint(&padded),
            };
            write!(out, "  {painted}")?;
        }
        writeln!(out)?;
    }
    write_rest(matrix, "", out)
}

fn write_markdown(matrix: &Matrix, out: &mut String) -> std::fmt::Result {
    let heads: Vec<_> = matrix.columns.iter().map(|column| column.head.as_str()).collect();
    writeln!(out, "| | {} |", heads.join(" | "))?;
    writeln!(out, "|---{}|", "|---".repeat(heads.len()))?;
    for row in &matrix.rows {
        let cells: Vec<_> = row.cells.iter().map(bold).collect();
        writeln!(out, "| {} | {} |", label(row), cells.join(" | "))?;
    }
    write_rest(matrix, "* ", out)
}

fn bold(cell: &Cell) -> String {
    match cell.verdict {
        Some(Verdict::Violation) => format!("**{}**", word(cell)),
        _ => word(cell),
    }
}

/// What stands under the table: what the words and columns mean, and what is not as expected.
fn write_rest(matrix: &Matrix, bullet: &str, out: &mut String) -> std::fmt::Result {
    writeln!(out)?;
    for (name, meaning) in WORDS {
        let has = |row: &Row| row.cells.iter().any(|cell| cell.word() == name);
        if matrix.rows.iter().any(has) {
            writeln!(out, "{bullet}{name}: {meaning}")?;
        }
    }
    for column in &matrix.columns {
        if let Some(about) = &column.about {
            writeln!(out, "{bullet}{}: {about}", column.head)?;
        }
    }
    let unexpected: Vec<_> = matrix.unexpected().collect();
    if unexpected.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNot as expected ({MARK}):")?;
    for (row, column, cell) in unexpected {
        write!(out, "{bullet}{}, {}: {}", row.name(), column.head, cell.word())?;
        if let Some(expected) = &cell.expected {
            write!(out, ", expected {expected}")?;
        }
        for missing in &cell.missing {
            write!(out, "; {missing}")?;
        }
        if let Some(command) = &cell.reproduce {
            write!(out, "\n  {command}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A row's name: a variant stands under its file.
fn label(row: &Row) -> String {
    match &row.variant {
        Some(variant) => format!("└ {variant}"),
        None => row.scenario.clone(),
    }
}

fn word(cell: &Cell) -> String {
    let mark = if cell.as_expected { "" } else { MARK };
    format!("{}{mark}", cell.word())
}

fn width(matrix: &Matrix, column: usize) -> usize {
    let cells = matrix.rows.iter().map(|row| word(&row.cells[column]).len());
    cells.chain([matrix.columns[column].head.len()]).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Column;

    fn cell(verdict: Verdict, expected: &str) -> Cell {
        Cell {
            verdict: Some(verdict),
            expected: Some(expected.to_owned()),
            as_expected: verdict.name() == expected,
            missing: Vec::new(),
            reproduce: Some("highwater run a.json --seed 1".to_owned()),
        }
    }

    fn matrix() -> Matrix {
        let column = |head: &str| Column { head: head.to_owned(), about: None };
        let row = |variant: Option<&str>, cells| Row {
            scenario: "a-record-is-lost".to_owned(),
            variant: variant.map(str::to_owned),
            seed: 1,
            cells,
        };
        let mut never = cell(Verdict::AllowedLoss, "allowed-loss");
        never.missing.push("crash: never began".to_owned());
        never.as_expected = false;
        Matrix {
            columns: vec![column("hw"), column("kip-101"), column("kip-966")],
            rows: vec![
                row(
                    None,
                    vec![
                        cell(Verdict::Violation, "violation"),
                        cell(Verdict::Ok, "violation"),
                        Cell::empty(),
                    ],
                ),
                row(
                    Some("fixed"),
                    vec![cell(Verdict::Stuck, "stuck"), never, cell(Verdict::Ok, "ok")],
                ),
            ],
        }
    }

    #[test]
    fn a_table_says_what_broke_where_and_marks_what_was_not_expected() {
        insta::assert_snapshot!("matrix", matrix_text(&matrix(), Palette::Plain));
        insta::assert_snapshot!("matrix_markdown", matrix_markdown(&matrix()));
    }

    #[test]
    fn colours_come_only_when_they_are_asked_for() {
        let colored = matrix_text(&matrix(), Palette::Colored);
        assert!(colored.contains("\u{1b}[") && colored.contains("violation"));
        assert!(!matrix_text(&matrix(), Palette::Plain).contains('\u{1b}'));
    }
}
