//! A table whose rows are printed as they come: aligned for the eye, or as Markdown.

use std::io::{self, Write};

/// The names of the columns, and how they are laid out. The first column is aligned to the left.
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    /// The least width of the first column, and of the others.
    pub(super) widths: (usize, usize),
    pub(super) form: Form,
}

#[derive(Clone, Copy)]
pub(crate) enum Form {
    Aligned,
    Markdown,
}

impl Table {
    pub(super) fn head(&self, out: &mut impl Write) -> io::Result<()> {
        self.row(out, &self.columns)?;
        match self.form {
            Form::Aligned => Ok(()),
            Form::Markdown => writeln!(out, "|---|{}", "--:|".repeat(self.columns.len() - 1)),
        }
    }

    pub(super) fn row(&self, out: &mut impl Write, fields: &[String]) -> io::Result<()> {
        if let Form::Markdown = self.form {
            return writeln!(out, "| {} |", fields.join(" | "));
        }
        for (number, field) in fields.iter().enumerate() {
            if number == 0 {
                write!(out, "{field:<0$}", self.width(0))?;
            } else {
                write!(out, "  {field:>0$}", self.width(number))?;
            }
        }
        writeln!(out)
    }

    fn width(&self, column: usize) -> usize {
        let least = if column == 0 { self.widths.0 } else { self.widths.1 };
        self.columns[column].chars().count().max(least)
    }
}

/// A ratio in per cent.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.2}", 100.0 * ratio)
}
