//! From a file to judged rows.

use super::header::{Header, HeaderError};
use super::row::{RefusedRow, RowRules, SurveyRow};
use super::source::{RawRow, SourceError, SurveyFile};

/// How many rows a title above the table may take.
const TITLE_ROWS: usize = 5;

/// Why a survey cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its header.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// A row below the header.
pub type Judged = Result<SurveyRow, RefusedRow>;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Rows below the header that are not blank.
    pub rows: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Columns that nothing is known of and that were not read.
    pub ignored_columns: Vec<String>,
}

/// Reads a survey and gives each judged row to `take`, in the order of the file, until it fails. Blocks, so call it where
/// that is allowed.
pub fn read_survey<E>(
    file: &mut SurveyFile,
    rules: RowRules<'_>,
    mut take: impl FnMut(Judged) -> Result<(), E>,
) -> Result<Survey, E>
where
    E: From<SurveyError>,
{
    let mut titles: Vec<RawRow> = Vec::new();
    let mut header: Option<Header> = None;
    let mut survey = Survey { rows: 0, accepted: 0, ignored_columns: Vec::new() };
    file.rows(|row, dates| {
        let Some(header) = &header else {
            if Header::is_likely(&row) {
                header = Some(Header::read(&row).map_err(failed)?);
            } else {
                titles.push(row);
                no_header_after(&titles, TITLE_ROWS).map_err(failed)?;
            }
            return Ok(());
        };
        let judged = rules.judge(header, &row, dates);
        survey.rows += 1;
        survey.accepted += u64::from(judged.is_ok());
        take(judged).map_err(Failed)
    })
    .map_err(|Failed(error)| error)?;
    match header {
        Some(header) => survey.ignored_columns = header.ignored,
        None => no_header_after(&titles, 0).map_err(SurveyError::from)?,
    }
    Ok(survey)
}

/// Fails with what the first row lacks when more rows than `most` have gone by without a header.
fn no_header_after(titles: &[RawRow], most: usize) -> Result<(), HeaderError> {
    match titles.first() {
        Some(first) if titles.len() > most => Header::read(first).map(drop),
        _ => Ok(()),
    }
}

/// Carries the caller's error through [`SurveyFile::rows`].
struct Failed<E>(E);

impl<E: From<SurveyError>> From<SourceError> for Failed<E> {
    fn from(error: SourceError) -> Self {
        Self(SurveyError::from(error).into())
    }
}

fn failed<E: From<SurveyError>>(error: HeaderError) -> Failed<E> {
    Failed(SurveyError::from(error).into())
}
