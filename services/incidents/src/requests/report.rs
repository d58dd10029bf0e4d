//! The report of refused rows: a CSV that a spreadsheet opens with its Chinese intact and runs nothing from.

use std::borrow::Cow;
use std::io::Write;

use super::row::RowProblem;

/// Without this mark at the beginning Excel takes UTF-8 for the local code page.
const UTF_8_BOM: &[u8] = "\u{feff}".as_bytes();

/// Writes one line for each problem: line, column, reason, message, value.
pub struct ReportWriter<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> ReportWriter<W> {
    pub fn new(mut out: W) -> csv::Result<Self> {
        out.write_all(UTF_8_BOM)?;
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(["line", "column", "reason", "message", "value"])?;
        Ok(Self { csv })
    }

    pub fn write(&mut self, problem: &RowProblem) -> csv::Result<()> {
        let RowProblem { line, column, problem, value } = problem;
        self.csv.write_record([
            line.to_string().as_str(),
            &inert(column),
            problem.reason(),
            problem.message(),
            &inert(value),
        ])
    }

    /// Writes what is still in memory and gives the file back.
    pub fn finish(self) -> std::io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// Spreadsheets run a cell that begins with one of these; an apostrophe makes it text. Plain numbers stay numbers.
fn inert(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}
