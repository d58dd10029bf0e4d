//! A survey file as rows of raw cells, whatever its format.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use chrono::NaiveDate;

use super::csv_file;
use super::limits::Limits;
use super::xlsx_file;

/// From which day a workbook counts its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateSystem {
    /// The usual one: 1 is 1 January 1900.
    From1900,
    /// Of old Macintosh spreadsheets: 0 is 1 January 1904.
    From1904,
}

/// What a cell holds before anything is known of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawCell {
    /// Text, or a number written out without an exponent. Empty for an empty cell.
    Text(String),
    /// A cell that the workbook itself calls a date.
    Date(NaiveDate),
    /// A cell that cannot be read.
    Unreadable(CellFault),
}

/// Why a cell cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellFault {
    /// Bytes that are no text in the file's encoding.
    Encoding,
    /// More characters than [`Limits::cell_chars`].
    TooLong,
    /// A number of more than 15 digits, of which a spreadsheet has lost the last ones.
    DigitsLost,
    /// A formula whose result the workbook does not hold.
    Formula,
    /// A formula that gave an error (`#REF!`).
    FormulaError,
}

/// One row. Cells that are missing at its end are simply not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRow {
    /// The line of the file, or the row of the sheet, where it starts; the first is 1.
    pub line: u64,
    /// Its cells from the left.
    pub cells: Vec<RawCell>,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Reading failed.
    #[error("the file could not be read")]
    Io(#[from] io::Error),
    /// Larger than allowed.
    #[error("the file has {found} bytes and at most {most} are taken; split it")]
    FileTooLarge {
        /// Bytes found.
        found: u64,
        /// Bytes allowed.
        most: u64,
    },
    /// Neither CSV nor XLSX.
    #[error("this is {found}; save it as .xlsx without a password, or as CSV in UTF-8")]
    Format {
        /// What it seems to be.
        found: &'static str,
    },
    /// No row that is not blank.
    #[error("the file is empty; the first row must name the columns")]
    Empty,
    /// Too many columns.
    #[error("line {line} has {found} columns and at most {most} are taken; remove what does not belong to the survey")]
    TooManyColumns {
        /// Where.
        line: u64,
        /// Columns found, or the first one too many.
        found: usize,
        /// Columns allowed.
        most: usize,
    },
    /// Too many rows.
    #[error("the table has more than {most} rows; split the file")]
    TooManyRows {
        /// Rows allowed.
        most: u64,
    },
    /// A quotation mark that swallows the lines after it.
    #[error("line {line}: a cell has more than {most} characters over several lines; is a quotation mark not closed?")]
    UnclosedQuote {
        /// Where the row starts.
        line: u64,
        /// Characters allowed.
        most: usize,
    },
    /// A header that cannot be decoded.
    #[error("line {line} is text neither in UTF-8 nor in GB18030; save the file as CSV in UTF-8")]
    Encoding {
        /// Where.
        line: u64,
    },
    /// A workbook that swells when it is unpacked.
    #[error("the workbook would unpack to more than is taken ({what}); it is damaged or made to do harm")]
    ZipBomb {
        /// Which limit it breaks.
        what: String,
    },
    /// A damaged workbook.
    #[error("the workbook cannot be opened: {reason}; open it in a spreadsheet program and save it again")]
    Workbook {
        /// What the parser says.
        reason: String,
    },
    /// A workbook whose sheets are all hidden or charts.
    #[error("the workbook has no visible sheet with a table")]
    NoSheet,
}

/// Bytes of a file or in memory.
trait Bytes: Read + Seek + Send {}
impl<T: Read + Seek + Send> Bytes for T {}

/// An opened survey file. Nothing but its size and kind has been looked at yet.
pub struct SurveyFile {
    bytes: Box<dyn Bytes>,
    limits: Limits,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv,
    Xlsx,
}

impl SurveyFile {
    /// Opens a file. Blocks, so call it where that is allowed.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, SourceError> {
        Self::new(Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)), limits)
    }

    /// Takes a file that is in memory.
    pub fn from_bytes(bytes: Vec<u8>, limits: Limits) -> Result<Self, SourceError> {
        Self::new(Box::new(Cursor::new(bytes)), limits)
    }

    fn new(mut bytes: Box<dyn Bytes>, limits: Limits) -> Result<Self, SourceError> {
        let found = bytes.seek(SeekFrom::End(0))?;
        if found > limits.file_bytes {
            return Err(SourceError::FileTooLarge { found, most: limits.file_bytes });
        }
        bytes.rewind()?;
        let mut start = Vec::new();
        bytes.by_ref().take(8).read_to_end(&mut start)?;
        bytes.rewind()?;
        Ok(Self { bytes, limits, kind: kind(&start)? })
    }

    /// Gives every row that is not blank to `each`, together with the file's date system, until it fails. `each`
    /// gets the header as its first row. Reads from the start, however often it is called.
    pub fn rows<E: From<SourceError>>(
        &mut self,
        each: impl FnMut(RawRow, DateSystem) -> Result<(), E>,
    ) -> Result<(), E> {
        self.bytes.rewind().map_err(SourceError::from)?;
        match self.kind {
            Kind::Csv => csv_file::rows(&mut self.bytes, self.limits, each),
            Kind::Xlsx => xlsx_file::rows(&mut self.bytes, self.limits, each),
        }
    }
}

/// The kind by its first bytes: the extension of a file says what somebody called it.
fn kind(start: &[u8]) -> Result<Kind, SourceError> {
    match start {
        [] => Err(SourceError::Empty),
        [b'P', b'K', 3, 4, ..] => Ok(Kind::Xlsx),
        [0xD0, 0xCF, 0x11, 0xE0, ..] => {
            Err(SourceError::Format { found: "an old .xls workbook, or one that is locked with a password" })
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Err(SourceError::Format { found: "text in UTF-16" }),
        [b'%', b'P', b'D', b'F', ..] => Err(SourceError::Format { found: "a PDF" }),
        _ => Ok(Kind::Csv),
    }
}
