//! XLSX workbooks: first the zip is judged, then the first visible sheet is streamed.

use std::io::{self, Read, Seek};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;
use zip::result::ZipError;

use super::date::from_serial;
use super::limits::Limits;
use super::source::{CellFault, DateSystem, RawCell, RawRow, SourceError};

/// A spreadsheet keeps 15 digits of a number and no more.
const EXACT_NUMBER: f64 = 1e15;

pub(super) fn rows<E: From<SourceError>>(
    mut bytes: impl Read + Seek,
    limits: Limits,
    mut each: impl FnMut(RawRow, DateSystem) -> Result<(), E>,
) -> Result<(), E> {
    check_zip(&mut bytes, limits)?;
    bytes.rewind().map_err(SourceError::Io)?;
    let mut workbook = Xlsx::new(bytes).map_err(unreadable)?;
    let system = if workbook.has_1904_epoch() { DateSystem::From1904 } else { DateSystem::From1900 };
    let sheet = visible_sheet(&workbook)?;
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(unreadable)?;
    let mut rows = 0;
    let mut row = RawRow { line: 0, cells: Vec::new() };
    let mut finish = |row: RawRow| {
        if row.cells.iter().all(|cell| matches!(cell, RawCell::Text(text) if text.trim().is_empty())) {
            return Ok(());
        }
        if rows > limits.rows {
            return Err(E::from(SourceError::TooManyRows { most: limits.rows }));
        }
        rows += 1;
        each(row, system)
    };
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(unreadable)? {
        let (line, column) = (u64::from(cell.pos.0) + 1, cell.pos.1 as usize);
        let value = match raw(&cell.value, system, limits) {
            // A program that does not calculate has written the formula without its result.
            RawCell::Text(text) if text.is_empty() && cell.formula.is_some() => RawCell::Unreadable(CellFault::Formula),
            value => value,
        };
        if value == RawCell::Text(String::new()) {
            continue;
        }
        if column >= limits.columns {
            return Err(SourceError::TooManyColumns { line, found: column + 1, most: limits.columns }.into());
        }
        if line != row.line {
            finish(std::mem::replace(&mut row, RawRow { line, cells: Vec::new() }))?;
        }
        if row.cells.len() <= column {
            row.cells.resize(column + 1, RawCell::Text(String::new()));
        }
        row.cells[column] = value;
    }
    finish(row)?;
    if rows == 0 {
        return Err(SourceError::Empty.into());
    }
    Ok(())
}

fn visible_sheet<RS: Read + Seek>(workbook: &Xlsx<RS>) -> Result<String, SourceError> {
    let mut sheets = workbook.sheets_metadata().iter();
    sheets
        .find(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .ok_or(SourceError::NoSheet)
}

fn raw(value: &DataRef<'_>, system: DateSystem, limits: Limits) -> RawCell {
    let text = match value {
        DataRef::Empty => "",
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text,
        DataRef::SharedString(text) => text,
        DataRef::Bool(true) => "TRUE",
        DataRef::Bool(false) => "FALSE",
        DataRef::Int(number) => return RawCell::Text(number.to_string()),
        DataRef::Float(number) => return written_out(*number),
        DataRef::DateTime(moment) => return dated(moment.as_f64(), system),
        DataRef::Error(_) => return RawCell::Unreadable(CellFault::FormulaError),
    };
    if text.len() > limits.cell_chars && text.chars().count() > limits.cell_chars {
        return RawCell::Unreadable(CellFault::TooLong);
    }
    RawCell::Text(text.to_owned())
}

/// Rust writes floats without an exponent, and whole ones without a point.
fn written_out(number: f64) -> RawCell {
    if number.abs() >= EXACT_NUMBER {
        return RawCell::Unreadable(CellFault::DigitsLost);
    }
    RawCell::Text(number.to_string())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a small whole number")]
fn dated(serial: f64, system: DateSystem) -> RawCell {
    let day = (0.0..EXACT_NUMBER).contains(&serial).then(|| from_serial(serial.floor() as u64, system)).flatten();
    day.map_or_else(|| written_out(serial), RawCell::Date)
}

/// Holds the zip directory to the limits before anything is unpacked. A directory that lies is found out later: the zip
/// reader stops as soon as a part grows beyond its stated size.
fn check_zip(bytes: &mut (impl Read + Seek), limits: Limits) -> Result<(), SourceError> {
    let mut archive = ZipArchive::new(bytes).map_err(damaged)?;
    if archive.len() > limits.parts {
        return Err(SourceError::ZipBomb { what: format!("{} parts, at most {}", archive.len(), limits.parts) });
    }
    let mut total = 0;
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(damaged)?;
        judge_part(part.size(), part.compressed_size(), is_sheet(part.name_raw()), limits)?;
        total = held_to(total, part.size(), limits.unpacked_bytes, "bytes in all")?;
    }
    Ok(())
}

fn judge_part(size: u64, packed: u64, is_sheet: bool, limits: Limits) -> Result<(), SourceError> {
    if !is_sheet {
        held_to(0, size, limits.unpacked_part_bytes, "bytes in one part")?;
    }
    if size >= 1 << 20 && size / packed.max(1) > limits.unpacked_ratio {
        let most = limits.unpacked_ratio;
        return Err(SourceError::ZipBomb { what: format!("a part grows more than {most} times") });
    }
    Ok(())
}

fn held_to(so_far: u64, more: u64, most: u64, what: &str) -> Result<u64, SourceError> {
    let sum = so_far.saturating_add(more);
    if sum > most {
        return Err(SourceError::ZipBomb { what: format!("{sum} {what}, at most {most}") });
    }
    Ok(sum)
}

/// Sheets are streamed, so they may be larger than what is held in memory.
fn is_sheet(name: &[u8]) -> bool {
    name.starts_with(b"xl/worksheets/")
}

fn damaged(error: ZipError) -> SourceError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => SourceError::Io(error),
        other => SourceError::Workbook { reason: other.to_string() },
    }
}

fn unreadable(error: XlsxError) -> SourceError {
    let reason = match error {
        XlsxError::Password => "it is locked with a password".to_owned(),
        XlsxError::FileNotFound(part) => format!("the part {part} is missing"),
        // What is left is the parser's own words, which never quote a cell.
        XlsxError::Xml(_) | XlsxError::XmlAttr(_) | XlsxError::XmlEof(_) => "its XML is damaged".to_owned(),
        XlsxError::Zip(_) | XlsxError::Io(_) => "its zip is damaged".to_owned(),
        _ => "it does not have the form of an .xlsx file".to_owned(),
    };
    SourceError::Workbook { reason }
}
