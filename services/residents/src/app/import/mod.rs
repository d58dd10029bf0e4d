//! A household survey flows in: read and judged row by row, compared and written batch by batch.
//!
//! One batch is one transaction with a handful of statements: who and what is known already is asked for at once, the rules
//! decide in memory, and what is new or changed is written at once. The same file again finds everything as it is and
//! writes nothing; a run that died goes on where it was, because the batches before it are there.

mod batch;
mod known;
mod last_words;
mod person;
mod write;

use std::{collections::HashSet, io::Write, sync::Arc};

use chassis::data::{AreaCode, AreaLevel};
use tokio::sync::mpsc;

pub(super) use batch::{Batch, Said, Tally};
use known::Known;
use last_words::LastWords;

use super::App;
use crate::{
    Error,
    store::area,
    survey::{
        areas::KnownCommunities,
        problem::RowProblem,
        reader::{Judged, Survey, SurveyError, read_survey},
        report::ReportWriter,
        row::RowRules,
        source::SurveyFile,
    },
};

/// Rows written in one transaction.
pub(super) const BATCH: usize = 500;
/// Batches read ahead while one is written.
const AHEAD: usize = 4;

/// Told how many rows are done.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// How to import.
#[derive(Clone, Default)]
pub struct ImportOptions {
    /// Changes nothing and answers the same numbers.
    pub dry_run: bool,
    pub progress: Option<Progress>,
}

/// What an import did, or a dry run would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurveyOutcome {
    /// Rows below the header that are not blank.
    pub rows: u64,
    /// People added.
    pub created: u64,
    /// Rows that changed somebody who was known, from before or from an earlier row.
    pub updated: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Rows with something wrong in them; nothing of them was taken.
    pub rejected: u64,
    /// Households that the file names, also those of which every row was rejected.
    pub households: u64,
    pub households_created: u64,
    pub grids_created: u64,
    /// Everything wrong with the rejected rows, in the order of the file.
    pub problems: Vec<RowProblem>,
    /// Columns that nothing is known of and that were not read.
    pub ignored_columns: Vec<String>,
}

impl SurveyOutcome {
    /// Writes the problems as a table that a spreadsheet program opens.
    pub fn write_report(&self, out: impl Write) -> std::io::Result<()> {
        let mut report = ReportWriter::new(out)?;
        for problem in &self.problems {
            report.add(problem)?;
        }
        report.finish()?.flush()
    }
}

/// Why an import ended early. What was written before stays, and the same file again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    File(#[from] SurveyError),
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("the reader of the file ended unexpectedly")]
    Reader,
}

/// What the reader found beside the rows it sent.
struct Read {
    survey: Survey,
    problems: Vec<RowProblem>,
    rejected: u64,
    households: HashSet<String>,
}

impl App {
    /// Imports a household survey.
    pub async fn import_survey(&self, file: SurveyFile, options: ImportOptions) -> Result<SurveyOutcome, ImportError> {
        let communities = self.communities().await?;
        let today = self.today();
        let (rows, mut batches) = mpsc::channel::<Vec<Said>>(AHEAD);
        // Reading blocks, and judging a row costs more than waiting for one: both stay off the runtime's own threads.
        let reader = tokio::task::spawn_blocking(move || read(file, &communities, today, &rows));

        let mut tally = Tally::default();
        let mut known = Known::default();
        while let Some(rows) = batches.recv().await {
            let done = rows.len() as u64;
            let batch = Batch { rows: Arc::new(rows), synthetic: false };
            if options.dry_run {
                let (counted, seen) = self.try_batch(batch, known).await?;
                known = seen;
                tally.add(&counted);
            } else {
                tally.add(&self.write_batch(batch).await?);
            }
            if let Some(progress) = &options.progress {
                progress(done);
            }
        }
        let Read { survey, problems, rejected, households } = reader.await.map_err(|_| ImportError::Reader)??;
        let Tally { created, updated, unchanged, households_created, grids_created } = tally;
        Ok(SurveyOutcome {
            rows: survey.rows,
            created,
            updated,
            unchanged,
            rejected,
            households: households.len() as u64,
            households_created,
            grids_created,
            problems,
            ignored_columns: survey.ignored_columns,
        })
    }

    async fn communities(&self) -> Result<KnownCommunities, Error> {
        let places = area::within(self.db.read(), None).await?;
        let communities = places.iter().filter(|place| place.code.level() == AreaLevel::Community);
        Ok(KnownCommunities::new(communities.map(|place| (place.name.as_str(), place.code))))
    }
}

/// Sends accepted rows in batches and gathers the rest. Where nobody takes the batches any more it just ends: the error is
/// the taker's.
fn read(
    mut file: SurveyFile,
    communities: &KnownCommunities,
    today: chrono::NaiveDate,
    batches: &mpsc::Sender<Vec<Said>>,
) -> Result<Read, SurveyError> {
    let check_area = |name: &str, grid: Option<&AreaCode>| communities.check(name, grid);
    let rules = RowRules { today, check_area: &check_area };
    let last_words = LastWords::read(&mut file, rules)?;
    let mut batch = Vec::with_capacity(BATCH);
    let (mut problems, mut rejected, mut households) = (Vec::new(), 0, HashSet::new());
    let survey = read_survey(&mut file, rules, |judged: Judged| {
        match judged {
            Ok(row) => {
                if !households.contains(&row.household_no) {
                    households.insert(row.household_no.clone());
                }
                batch.push(Said { is_last_word: last_words.has(&row), row });
            }
            Err(refused) => {
                rejected += 1;
                households.extend(refused.household_no);
                problems.extend(refused.problems);
            }
        }
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            let _ = batches.blocking_send(full);
        }
        Ok::<_, SurveyError>(())
    })?;
    if !batch.is_empty() {
        let _ = batches.blocking_send(batch);
    }
    Ok(Read { survey, problems, rejected, households })
}
