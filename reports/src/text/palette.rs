//! Colour, only where it is asked for.

use anstyle::{AnsiColor, Style};

use crate::Verdict;

/// Whether text has colours. A renderer never asks the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// Text without any escape sequence.
    Plain,
    /// ANSI colours.
    Colored,
}

impl Palette {
    pub(super) fn verdict(self, verdict: Verdict) -> String {
        self.verdict_padded(verdict, 0)
    }

    pub(super) fn verdict_padded(self, verdict: Verdict, width: usize) -> String {
        self.tinted(verdict, &format!("{verdict:<width$}"))
    }

    /// A text in the colour of a verdict.
    pub(super) fn tinted(self, verdict: Verdict, text: &str) -> String {
        let color = match verdict {
            Verdict::Ok => AnsiColor::Green,
            Verdict::AllowedReorder | Verdict::AllowedDuplicates | Verdict::AllowedLoss => {
                AnsiColor::Yellow
            }
            Verdict::Unavailable | Verdict::Stuck => AnsiColor::Magenta,
            Verdict::Violation => AnsiColor::Red,
        };
        self.paint(color.on_default().bold(), text)
    }

    pub(super) fn heading(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => format!("{style}{text}{style:#}"),
        }
    }
}
