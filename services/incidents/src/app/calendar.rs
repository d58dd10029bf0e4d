//! Hours of the office and its units.

use chassis::{
    Fault,
    data::{Tx, check_etag},
};
use serde::Serialize;

use super::App;
use crate::{
    domain::{
        calendar::{self, CalendarFile, Hours, UnitCalendar},
        catalogue::FileProblem,
    },
    error::Error,
    store::calendar::{self as table, Model},
};

/// Hours on their way to a caller.
#[derive(Clone, Debug)]
pub struct ShownCalendar {
    /// Empty: the office.
    pub unit: String,
    pub hours: Hours,
    pub version: i64,
    pub covered_years: Vec<i32>,
}

/// What came of a calendar file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CalendarOutcome {
    /// The holidays of a year.
    Year { year: i32, special_days: usize, changed: bool },
    /// The hours of units.
    Units { changed: u64, unchanged: u64 },
}

impl App {
    /// The hours of a unit, or of the office where it has none.
    pub async fn calendar(&self, unit: &str) -> Result<ShownCalendar, Error> {
        let db = self.db.read();
        let years: Vec<_> = table::holidays(db).await?.years().collect();
        Ok(shown(table::of_unit(db, unit).await?, years)?)
    }

    /// All hours that were set.
    pub async fn calendars(&self) -> Result<Vec<ShownCalendar>, Error> {
        let db = self.db.read();
        let years: Vec<_> = table::holidays(db).await?.years().collect();
        let rows = table::rows(db).await?;
        Ok(rows.into_iter().map(|row| shown(row, years.clone())).collect::<Result<_, _>>()?)
    }

    /// Sets the hours of a unit.
    pub async fn set_calendar(&self, set: UnitCalendar, etag: &str) -> Result<ShownCalendar, Error> {
        if let Err((field, rule)) = set.hours.check() {
            return Err(Fault::field(format!("calendar.{field}"), "hours", rule).into());
        }
        let (unit, etag) = (set.unit.clone(), etag.to_owned());
        let write = self.db.write(move |tx| {
            let (set, etag) = (set.clone(), etag.clone());
            Box::pin(async move {
                let standing = table::rows(tx).await?.into_iter().find(|row| row.unit == set.unit);
                check_etag(&etag, standing.as_ref().map_or(0, |row| row.version))?;
                put(tx, standing.as_ref(), &set).await?;
                Ok::<_, Error>(())
            })
        });
        write.await?;
        self.calendar(&unit).await
    }

    /// Takes over a year's holidays (JSON) or the hours of units (TOML), whole or not at all. Units that the file does not
    /// name keep their hours. Holidays that are news move what was promised; hours do not.
    pub async fn import_calendar(&self, text: &str) -> Result<Result<CalendarOutcome, Vec<FileProblem>>, Error> {
        let file = match calendar::read(text) {
            Ok(file) => file,
            Err(problems) => return Ok(Err(problems)),
        };
        let app = self.clone();
        let write = self.db.write(move |tx| {
            let (app, file) = (app.clone(), file.clone());
            Box::pin(async move {
                let outcome = take_over(tx, &file).await?;
                if matches!(outcome, CalendarOutcome::Year { changed: true, .. }) {
                    app.recount_from(tx, None).await?;
                }
                Ok::<_, Error>(outcome)
            })
        });
        Ok(Ok(write.await?))
    }
}

async fn take_over(tx: &Tx, file: &CalendarFile) -> Result<CalendarOutcome, Error> {
    match file {
        CalendarFile::Holidays(notice) => {
            let changed = table::put_year(tx, notice).await?;
            Ok(CalendarOutcome::Year { year: notice.year, special_days: notice.days.len(), changed })
        }
        CalendarFile::Units(units) => {
            let rows = table::rows(tx).await?;
            let (mut changed, mut unchanged) = (0, 0);
            for set in units {
                let standing = rows.iter().find(|row| row.unit == set.unit);
                let news = put(tx, standing, set).await?;
                changed += u64::from(news);
                unchanged += u64::from(!news);
            }
            Ok(CalendarOutcome::Units { changed, unchanged })
        }
    }
}

/// Writes hours that differ from those that stand; says whether they did.
async fn put(tx: &Tx, standing: Option<&Model>, set: &UnitCalendar) -> Result<bool, Fault> {
    if let Some(row) = standing
        && row.hours()? == set.hours
    {
        return Ok(false);
    }
    table::put(tx, &set.unit, &set.hours, standing.map_or(0, |row| row.version) + 1).await?;
    Ok(true)
}

fn shown(row: Model, covered_years: Vec<i32>) -> Result<ShownCalendar, Fault> {
    let hours = row.hours()?;
    Ok(ShownCalendar { unit: row.unit, hours, version: row.version, covered_years })
}
