//! Hours, in the contract's words and in ours.

use std::collections::BTreeMap;

use chassis::{Fault, data::etag};
use chrono::NaiveDate;
use linju_proto::incidents::v1;

use crate::{
    Error,
    app::ShownCalendar,
    domain::calendar::{Hours, Period, UnitCalendar, Week},
    store::calendar::OFFICE,
};

/// The contract's word for the office itself.
const OFFICE_WORD: &str = "office";

/// The unit that the contract's word means.
pub(crate) fn unit(word: String) -> String {
    if word == OFFICE_WORD { OFFICE.to_owned() } else { word }
}

/// The hours of a unit, and the etag of the version they were made of.
pub(crate) fn calendar(message: Option<v1::WorkingCalendar>) -> Result<(UnitCalendar, String), Error> {
    let v1::WorkingCalendar { unit: word, week, holidays, exceptions, covered_years: _, etag } =
        message.unwrap_or_default();
    let days: Vec<_> = week.into_iter().map(|day| periods("calendar.week", day)).collect::<Result<_, _>>()?;
    let seven: [Vec<Period>; 7] =
        days.try_into().map_err(|_| Fault::field("calendar.week", "week", "must have seven days, Monday first"))?;
    let [mon, tue, wed, thu, fri, sat, sun] = seven;
    let mut own = BTreeMap::new();
    for v1::ExceptionDay { day, hours } in exceptions {
        let date: NaiveDate = day.parse().map_err(|_| wrong("exceptions", &day, "a day that does not exist"))?;
        if own.insert(date, periods("calendar.exceptions", hours.unwrap_or_default())?).is_some() {
            return Err(wrong("exceptions", &day, "named twice"));
        }
    }
    let week = Week { mon, tue, wed, thu, fri, sat, sun };
    Ok((UnitCalendar { unit: unit(word), hours: Hours { week, holidays, exceptions: own } }, etag))
}

fn wrong(field: &str, value: &str, what: &str) -> Error {
    Fault::field(format!("calendar.{field}"), "hours", format!("has `{value}`, {what}")).into()
}

fn periods(field: &'static str, day: v1::DayHours) -> Result<Vec<Period>, Error> {
    let read = |text: String| text.parse().map_err(|e| Fault::field(field, "hours", format!("is wrong: {e}")).into());
    day.periods.into_iter().map(read).collect()
}

impl From<ShownCalendar> for v1::WorkingCalendar {
    fn from(shown: ShownCalendar) -> Self {
        let ShownCalendar { unit, hours, version, covered_years } = shown;
        let Hours { week, holidays, exceptions } = hours;
        let day = |periods: &[Period]| v1::DayHours { periods: periods.iter().map(ToString::to_string).collect() };
        let exceptions = exceptions.iter();
        Self {
            unit: if unit == OFFICE { OFFICE_WORD.to_owned() } else { unit },
            week: week.days().into_iter().map(|periods| day(periods)).collect(),
            holidays,
            exceptions: exceptions
                .map(|(date, periods)| v1::ExceptionDay { day: date.to_string(), hours: Some(day(periods)) })
                .collect(),
            covered_years,
            etag: etag(version),
        }
    }
}
