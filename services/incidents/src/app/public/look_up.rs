//! Where one report stands, for whoever knows its number and the end of a phone number.

use chassis::data::Tx;
use chrono::{DateTime, Utc};

use crate::{
    App,
    domain::{CategoryCode, EventKind, catalogue::Category, public},
    error::Error,
    store::{
        catalogue,
        incident::{Model, REPORTER_PHONE},
        promise as promises, public as table,
        public::tries,
        timeline,
    },
};

/// So many wrong tries a day are taken for one number.
const TRIES: i32 = 10;

/// What somebody knows of their report.
#[derive(Clone)]
pub struct LookUpReport {
    pub number: String,
    pub phone_suffix: String,
}

/// Where a report stands.
#[derive(Clone, Debug)]
pub struct ReportStatus {
    pub row: Model,
    pub category: Option<Category>,
    pub expected_at: Option<DateTime<Utc>>,
    pub steps: Vec<(DateTime<Utc>, EventKind)>,
}

impl App {
    /// Where the report stands. A number that there is not, one of a report without a phone number and wrong digits are one
    /// and the same refusal, and each counts.
    pub async fn look_up_report(&self, asked: LookUpReport) -> Result<ReportStatus, Error> {
        let LookUpReport { number, phone_suffix } = asked;
        let number = public::typed_number(&number).ok_or(Error::NoSuchReport)?;
        let now = self.clock.now();
        let counted = number.clone();
        let tried = self
            .db
            .write(move |tx: &Tx| {
                let number = counted.clone();
                Box::pin(async move { tries::count(tx, &number, now).await.map_err(Error::from) })
            })
            .await?;
        if tried.wrong > TRIES {
            return Err(Error::TriedTooOften {
                wait: (tried.since + tries::COUNTED - now).to_std().unwrap_or_default(),
            });
        }
        let row = table::find_numbered(self.db.read(), &number).await?.ok_or(Error::NoSuchReport)?;
        let phone = self.open(row.place(REPORTER_PHONE), row.reporter_phone.as_ref()).await?;
        if !phone.is_some_and(|phone| public::ends_in(phone.expose(), &phone_suffix)) {
            return Err(Error::NoSuchReport);
        }
        self.db
            .write(move |tx: &Tx| {
                let number = number.clone();
                Box::pin(async move { tries::take_back(tx, &number).await.map_err(Error::from) })
            })
            .await?;
        self.status(row).await
    }

    async fn status(&self, row: Model) -> Result<ReportStatus, Error> {
        let db = self.db.read();
        let code = row.category.clone().map(CategoryCode::recorded);
        let category = match &code {
            Some(code) => catalogue::all(db).await?.resolved(code),
            None => None,
        };
        // A joined report is expected to be solved with the one that leads its problem.
        let leading = row.duplicate_of.unwrap_or(row.id);
        let expected_at = promises::expected(db, [leading]).await?.remove(&leading);
        let entries = timeline::of_incident(db, crate::domain::IncidentId(row.id), true).await?;
        let shown = entries.into_iter().filter(|entry| public::step(entry.kind.0).is_some());
        Ok(ReportStatus { category, expected_at, steps: shown.map(|entry| (entry.at, entry.kind.0)).collect(), row })
    }
}
