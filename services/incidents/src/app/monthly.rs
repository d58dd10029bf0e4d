//! The monthly report, from the timelines of what was reported in the month.

use chassis::{
    access::{Call, Scope},
    data::AreaCode,
};
use chrono::{DateTime, Months, NaiveDate, Utc};

use super::{App, figures::below};
use crate::{
    domain::{
        IncidentId,
        china::midnight,
        monthly::{Case, Monthly, Shown},
        rates::{Formulae, Measure, verdicts},
    },
    error::Error,
    store::{
        counts::{self, Counted, Narrowed},
        timeline,
    },
};

/// Timelines read at once.
const BATCH: u64 = 500;

/// A report on its way to a caller.
#[derive(Clone, Debug)]
pub struct MonthlyReport {
    pub area: AreaCode,
    /// Its first day.
    pub month: NaiveDate,
    pub as_of: DateTime<Utc>,
    pub formulae: Formulae,
    /// Small cells are left out.
    pub suppressed: bool,
    pub shown: Shown,
}

impl App {
    /// The report of an area and month, for anybody: small cells are left out for whoever may not see the incidents.
    pub async fn monthly_report(&self, call: &Call, area: AreaCode, month: NaiveDate) -> Result<MonthlyReport, Error> {
        let as_of = self.clock.now();
        let formulae = self.closed_loop.formulae;
        let until = month.checked_add_months(Months::new(1)).unwrap_or(month);
        let counted = Counted { area, from: Some(midnight(month)), until: Some(midnight(until)) };
        let monthly = self.count_month(counted, Measure { formulae, as_of }).await?;
        let suppressed = !call.scope().areas.contain(area);
        let shown = if suppressed { monthly.suppressed() } else { monthly.whole() };
        Ok(MonthlyReport { area, month, as_of, formulae, suppressed, shown })
    }

    async fn count_month(&self, counted: Counted, measure: Measure) -> Result<Monthly, Error> {
        let (db, everything) = (self.db.read(), Scope::everything());
        let all = Narrowed { counted, categories: None, unit: None };
        let (mut monthly, mut after) = (Monthly::default(), None);
        loop {
            let cases = counts::cases(db, &everything, all, after, BATCH).await?;
            let Some(last) = cases.last() else { return Ok(monthly) };
            after = Some(last.id);
            let ids: Vec<_> = cases.iter().map(|case| case.id).collect();
            let timelines = timeline::of_incidents(db, &ids).await?;
            for case in cases {
                let timeline = timelines.get(&IncidentId(case.id)).map_or(&[][..], Vec::as_slice);
                monthly.add(Case {
                    category: case.category.unwrap_or_default(),
                    unit: case.unit.unwrap_or_default(),
                    area: below(counted.area, case.area).to_string(),
                    verdicts: verdicts(timeline, measure),
                });
            }
        }
    }
}
