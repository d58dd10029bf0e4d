//! The report of what was refused, as a table that a spreadsheet program opens.

use std::borrow::Cow;
use std::io::{self, Write};

use super::problem::RowProblem;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const HEADER: [&str; 7] = ["行号", "列", "字段", "原因代码", "说明", "explanation", "内容（已遮盖）"];

/// Writes the report row by row: CSV in UTF-8 with a byte order mark, so that Chinese shows, and with nothing in it that
/// a spreadsheet would run as a formula.
pub struct ReportWriter<W: Write> {
    table: csv::Writer<W>,
}

impl<W: Write> ReportWriter<W> {
    /// Starts the report with its header.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        let mut table = csv::Writer::from_writer(out);
        table.write_record(HEADER)?;
        Ok(Self { table })
    }

    /// Adds a problem.
    pub fn add(&mut self, problem: &RowProblem) -> io::Result<()> {
        let RowProblem { line, column, field, reason, masked } = problem;
        let (line, zh, en) = (line.to_string(), problem.message_zh(), problem.message_en());
        let cells = [line.as_str(), column, field, reason.as_str(), &zh, &en, masked];
        self.table.write_record(cells.map(|cell| inert(cell).into_owned()))?;
        Ok(())
    }

    /// Writes what is left and gives the output back.
    pub fn finish(self) -> io::Result<W> {
        self.table.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// An apostrophe in front keeps a spreadsheet from taking a text for a formula.
fn inert(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, Result};

    use super::{ReportWriter, RowProblem};
    use crate::survey::problem::Reason;

    #[test]
    fn the_report_opens_in_a_spreadsheet_and_runs_nothing() -> Result<()> {
        let mut report = ReportWriter::new(Vec::new())?;
        for masked in ["=*", "张*"] {
            let (column, masked) = ("姓名".to_owned(), masked.to_owned());
            report.add(&RowProblem { line: 7, column, field: "name", reason: Reason::Formula, masked })?;
        }
        let text = String::from_utf8(report.finish()?)?;
        let text = text.strip_prefix('\u{FEFF}').context("a byte order mark")?;
        insta::assert_snapshot!(text, @r"
        行号,列,字段,原因代码,说明,explanation,内容（已遮盖）
        7,姓名,name,formula,姓名：以 = + - @ 开头，会被当作公式，请改为普通文字,name: starts as a formula does; type plain text,'=*
        7,姓名,name,formula,姓名：以 = + - @ 开头，会被当作公式，请改为普通文字,name: starts as a formula does; type plain text,张*
        ");
        Ok(())
    }
}
