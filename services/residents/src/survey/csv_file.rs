//! CSV in UTF-8, with or without a byte order mark, or in GB18030.

use std::io::{BufReader, Read};

use csv::{ByteRecord, Terminator};
use encoding_rs::GB18030;

use super::limits::Limits;
use super::source::{CellFault, DateSystem, RawCell, RawRow, SourceError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Gb18030,
}

/// The bytes are cut into cells before they are decoded: no byte of a GB18030 character is a comma, a quotation mark
/// or a line break, so one pass does, and a damaged cell spoils itself and not the file.
pub(super) fn rows<E: From<SourceError>>(
    bytes: impl Read,
    limits: Limits,
    mut each: impl FnMut(RawRow, DateSystem) -> Result<(), E>,
) -> Result<(), E> {
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(BufReader::new(bytes).chain(&b"\n"[..]));
    let mut record = ByteRecord::new();
    let mut encoding = None;
    let mut rows = 0;
    while table.read_byte_record(&mut record).map_err(io_error)? {
        let line = first_line(&record, table.position().line());
        if record.len() > limits.columns {
            return Err(too_wide(line, record.len(), limits).into());
        }
        let encoding = match encoding {
            Some(encoding) => encoding,
            None => *encoding.insert(encoding_of(&record, line)?),
        };
        let cells: Vec<RawCell> = record
            .iter()
            .map(|cell| decoded(without_return(cell), encoding, line, limits))
            .collect::<Result<_, _>>()?;
        if cells.iter().all(|cell| matches!(cell, RawCell::Text(text) if text.trim().is_empty())) {
            continue;
        }
        if rows > limits.rows {
            return Err(SourceError::TooManyRows { most: limits.rows }.into());
        }
        rows += 1;
        each(RawRow { line, cells }, DateSystem::From1900)?;
    }
    if rows == 0 {
        return Err(SourceError::Empty.into());
    }
    Ok(())
}

/// The line where a record starts. The reader's own answer is the line where the record before it ended, so blank lines
/// and the second half of a CR LF throw it off; what is sure is where it stands after the record. Every record ends in
/// a line break, as one is put behind the last.
fn first_line(record: &ByteRecord, line_after: u64) -> u64 {
    let inside = record.as_slice().split(|byte| *byte == b'\n').skip(1).count() as u64;
    line_after.saturating_sub(1 + inside)
}

/// The CR of a CR LF is still at the end of the last cell.
fn without_return(cell: &[u8]) -> &[u8] {
    cell.strip_suffix(b"\r").unwrap_or(cell)
}

fn io_error(error: csv::Error) -> SourceError {
    SourceError::Io(error.into())
}

fn too_wide(line: u64, found: usize, limits: Limits) -> SourceError {
    SourceError::TooManyColumns { line, found, most: limits.columns }
}

/// Told by the first record, the header: Chinese in GB18030 is never valid UTF-8 over a whole header, and a file in
/// UTF-8 with one damaged cell further down is not to be read as something else.
fn encoding_of(header: &ByteRecord, line: u64) -> Result<Encoding, SourceError> {
    if std::str::from_utf8(header.as_slice()).is_ok() {
        return Ok(Encoding::Utf8);
    }
    if GB18030.decode_without_bom_handling_and_without_replacement(header.as_slice()).is_some() {
        return Ok(Encoding::Gb18030);
    }
    Err(SourceError::Encoding { line })
}

fn decoded(cell: &[u8], encoding: Encoding, line: u64, limits: Limits) -> Result<RawCell, SourceError> {
    let text = match encoding {
        Encoding::Utf8 => std::str::from_utf8(cell).ok().map(str::to_owned),
        Encoding::Gb18030 => {
            GB18030.decode_without_bom_handling_and_without_replacement(cell).map(std::borrow::Cow::into_owned)
        }
    };
    let Some(text) = text else { return Ok(RawCell::Unreadable(CellFault::Encoding)) };
    if text.len() <= limits.cell_chars || text.chars().count() <= limits.cell_chars {
        return Ok(RawCell::Text(text));
    }
    if text.contains('\n') {
        return Err(SourceError::UnclosedQuote { line, most: limits.cell_chars });
    }
    Ok(RawCell::Unreadable(CellFault::TooLong))
}
