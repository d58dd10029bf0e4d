//! Rates and reports, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{AreaCode, Page},
};
use chrono::{NaiveDate, TimeDelta};
use linju_proto::incidents::v1;
use prost::Message;

use super::{
    catalogue,
    codes::pairs,
    promise::time,
    request::{area, missing, period},
};
use crate::{
    Error,
    app::{CasesOf, MonthlyReport, ShownCase},
    domain::{
        monthly::{RateParts, ShownRow},
        rates::{Formulae, RateKind, Standing},
    },
    store::counts::{Case, Counted},
};

pairs!(_kind, kind_of, RateKind, RateKind {
    Response = Response,
    Resolution = Resolution,
    Satisfaction = Satisfaction,
});

pairs!(standing, standing_of, Standing, CaseStanding {
    Counted = Counted,
    NotCounted = NotCounted,
    Excluded = Excluded,
});

impl TryFrom<v1::ListRateCasesRequest> for CasesOf {
    type Error = Error;

    fn try_from(request: v1::ListRateCasesRequest) -> Result<Self, Error> {
        // Everything but the page says which cases are meant.
        let query = v1::ListRateCasesRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let query = hex::encode(query.encode_to_vec());
        let v1::ListRateCasesRequest {
            area_code,
            rate,
            from,
            until,
            category,
            unit,
            standing,
            contact_limit_hours,
            page_size,
            page_token,
        } = request;
        let (from, until) = period(from, until)?;
        Ok(Self {
            counted: Counted { area: area("area_code", &area_code)?, from, until },
            rate: kind_of(rate).ok_or_else(|| missing("rate"))?,
            category: catalogue::code_or_none("category", &category)?,
            unit: (!unit.is_empty()).then_some(unit),
            standing: standing_of(standing),
            contact_limit: (contact_limit_hours > 0).then(|| TimeDelta::hours(contact_limit_hours.into())),
            page: Page::read(&[&query], page_size, &page_token)?,
        })
    }
}

impl From<ShownCase> for v1::RateCase {
    fn from(ShownCase { case, verdict }: ShownCase) -> Self {
        let Case { id, number, area, category, unit } = case;
        Self {
            incident_id: id.to_string(),
            number,
            area_code: area.to_string(),
            category: category.unwrap_or_default(),
            unit: unit.unwrap_or_default(),
            standing: standing(Standing::of(verdict)).into(),
            reason: verdict.err().map(|exclusion| exclusion.code().to_owned()).unwrap_or_default(),
        }
    }
}

/// An area and the first day of a month.
pub(crate) fn month_of(area_code: &str, month: &str) -> Result<(AreaCode, NaiveDate), Error> {
    let day = format!("{month}-01").parse();
    let day =
        day.map_err(|_| Fault::field("month", "date", format!("is `{month}`, which is no month: write YYYY-MM")))?;
    Ok((area("area_code", area_code)?, day))
}

impl From<MonthlyReport> for v1::MonthlyReport {
    fn from(report: MonthlyReport) -> Self {
        let MonthlyReport { area, month, as_of, formulae, suppressed, shown } = report;
        let rows = |rows: Vec<(String, ShownRow)>| rows.into_iter().map(|(key, shown)| row(key, shown)).collect();
        Self {
            area_code: area.to_string(),
            month: month.format("%Y-%m").to_string(),
            as_of: Some(time(as_of)),
            formulae: Some(formulae_told(formulae)),
            suppressed,
            total: Some(row(String::new(), shown.total)),
            by_category: rows(shown.by_category),
            by_unit: rows(shown.by_unit),
            by_area: rows(shown.by_area),
        }
    }
}

fn formulae_told(formulae: Formulae) -> v1::RateFormulae {
    let Formulae { contact_limit, call_back, basically_counts, unsolvable_counts } = formulae;
    let satisfied = [v1::Satisfaction::Satisfied].into_iter();
    let basically = basically_counts.then_some(v1::Satisfaction::BasicallySatisfied);
    v1::RateFormulae {
        contact_hours: i32::try_from(contact_limit.num_hours()).unwrap_or(i32::MAX),
        call_back: call_back.code().to_owned(),
        satisfied: satisfied.chain(basically).map(Into::into).collect(),
        unsolvable_counts,
    }
}

fn row(key: String, shown: ShownRow) -> v1::MonthlyRow {
    let ShownRow { incidents, rates: [response, resolution, satisfaction] } = shown;
    v1::MonthlyRow {
        key,
        incidents: incidents.map(count),
        response: response.map(rate),
        resolution: resolution.map(rate),
        satisfaction: satisfaction.map(rate),
    }
}

fn rate(parts: RateParts) -> v1::Rate {
    let RateParts { counted, missed, excluded } = parts;
    let excluded = excluded
        .into_iter()
        .map(|(reason, incidents)| v1::Exclusion { reason: reason.code().to_owned(), incidents: count(incidents) });
    v1::Rate { counted: count(counted), of: count(counted + missed), excluded: excluded.collect() }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const HEADINGS: [&str; 12] = [
    "table",
    "key",
    "incidents",
    "response_counted",
    "response_of",
    "response_percent",
    "resolution_counted",
    "resolution_of",
    "resolution_percent",
    "satisfaction_counted",
    "satisfaction_of",
    "satisfaction_percent",
];

/// The report as a table for a spreadsheet.
pub(crate) fn table(report: &MonthlyReport) -> Result<v1::ExportMonthlyReportResponse, Error> {
    let failed = |e: &dyn std::fmt::Display| Fault::Internal(format!("a report as CSV: {e}"));
    let mut csv = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    csv.write_record(HEADINGS).map_err(|e| failed(&e))?;
    let total = [(String::new(), report.shown.total.clone())];
    let tables = [
        ("total", &total[..]),
        ("category", &report.shown.by_category),
        ("unit", &report.shown.by_unit),
        ("area", &report.shown.by_area),
    ];
    for (name, rows) in tables {
        for (key, ShownRow { incidents, rates }) in rows {
            let mut cells = vec![name.to_owned(), safe(key), cell(*incidents)];
            for rate in rates {
                let of = rate.as_ref().map(|rate| rate.counted + rate.missed);
                cells.push(cell(rate.as_ref().map(|rate| rate.counted)));
                cells.push(cell(of));
                cells.push(percent(rate.as_ref()));
            }
            csv.write_record(cells).map_err(|e| failed(&e))?;
        }
    }
    let bytes = csv.into_inner().map_err(|e| failed(&e))?;
    let csv = String::from_utf8(bytes).map_err(|e| failed(&e))?;
    let file_name = format!("{}-{}.csv", report.area, report.month.format("%Y-%m"));
    Ok(v1::ExportMonthlyReportResponse { file_name, csv })
}

fn cell(count: Option<u64>) -> String {
    count.map_or_else(|| "*".to_owned(), |count| count.to_string())
}

/// With one decimal; nothing where nothing was counted.
fn percent(rate: Option<&RateParts>) -> String {
    let Some(RateParts { counted, missed, excluded: _ }) = rate else { return "*".to_owned() };
    let of = counted + missed;
    if of == 0 {
        return String::new();
    }
    let tenths = (counted * 2_000 + of) / (of * 2);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// A unit's code that a spreadsheet would take for a formula is text.
fn safe(key: &str) -> String {
    if key.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{key}") } else { key.to_owned() }
}
