//! What comes again and again at a place (未诉先办): by place and category only, never by person.
//!
//! A place is a square of about 200 m where the point is known, otherwise the grid. What is joined to another incident or was
//! withdrawn is no sighting, so that ten neighbours who report one thing are one.

use std::collections::{BTreeMap, BTreeSet};

use chassis::data::{AreaCode, AreaLevel};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Serialize};

use super::{china::midnight, codes::coded_enum, decide::china_date, incident::IncidentId};

/// Sides of a square, in parts of a degree: 1/500 is about 220 m from south to north.
const PER_DEGREE: f64 = 500.0;
/// How many reports a pattern names as its evidence.
pub const EVIDENCE: usize = 200;

coded_enum! {
    /// What makes it a pattern.
    RuleKind, "rule" {
        Often = "often",
        Season = "season",
        Weekday = "weekday",
    }
}

coded_enum! {
    /// What has become of a pattern.
    State, "state of a pattern" {
        Proposed = "proposed",
        Accepted = "accepted",
        Dismissed = "dismissed",
    }
}

/// A square of about 200 m.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub south: i32,
    pub west: i32,
}

impl Spot {
    /// The square that a point lies in.
    #[expect(clippy::cast_possible_truncation, reason = "degrees times 500 are far below")]
    pub fn of(latitude: f64, longitude: f64) -> Self {
        Self { south: (latitude * PER_DEGREE).floor() as i32, west: (longitude * PER_DEGREE).floor() as i32 }
    }

    /// Its middle: latitude and longitude.
    pub fn middle(self) -> (f64, f64) {
        let degrees = |side: i32| (f64::from(side) + 0.5) / PER_DEGREE;
        (degrees(self.south), degrees(self.west))
    }
}

/// Where something comes again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub area: AreaCode,
    /// None: the whole grid.
    pub spot: Option<Spot>,
    pub category: String,
}

/// One report.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    pub incident: IncidentId,
    pub area: AreaCode,
    pub category: String,
    pub point: Option<(f64, f64)>,
    pub at: DateTime<Utc>,
}

impl Sighting {
    /// None: the place is not known closely enough to go there.
    fn place(&self) -> Option<Place> {
        let spot = self.point.map(|(latitude, longitude)| Spot::of(latitude, longitude));
        let known = spot.is_some() || self.area.level() == AreaLevel::Grid;
        known.then(|| Place { area: self.area, spot, category: self.category.clone() })
    }
}

/// From when on something is a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatternRules {
    /// So many reports…
    pub often_reports: u32,
    /// … in so many days.
    pub often_days: u32,
    /// So many reports in the same month…
    pub season_reports: u32,
    /// … of so many years…
    pub season_years: u32,
    /// … among so many before this one.
    pub season_back_years: u32,
    /// So many days ahead it is looked which month is coming.
    pub season_lead_days: u32,
    /// So many reports on the same day of the week…
    pub weekday_reports: u32,
    /// … in so many different weeks…
    pub weekday_weeks: u32,
    /// … which are so many of a hundred of all there…
    pub weekday_percent: u32,
    /// … in so many days.
    pub weekday_days: u32,
    /// For so many days the same pattern is not proposed again.
    pub quiet_days: u32,
}

impl Default for PatternRules {
    fn default() -> Self {
        Self {
            often_reports: 5,
            often_days: 30,
            season_reports: 3,
            season_years: 2,
            season_back_years: 5,
            season_lead_days: 14,
            weekday_reports: 6,
            weekday_weeks: 4,
            weekday_percent: 60,
            weekday_days: 84,
            quiet_days: 90,
        }
    }
}

impl PatternRules {
    /// The rules, if they make sense.
    pub fn checked(self) -> Result<Self, String> {
        let reports = [self.often_reports, self.season_reports, self.weekday_reports];
        if reports.iter().any(|reports| *reports < 2) {
            return Err("a pattern needs at least 2 reports".to_owned());
        }
        let days = [self.often_days, self.weekday_days, self.quiet_days];
        if days.iter().any(|days| !(1..=366).contains(days)) || self.season_lead_days > 60 {
            return Err("days must be 1 to 366, and `season_lead_days` at most 60".to_owned());
        }
        if self.season_years == 0 || self.season_years > self.season_back_years || self.season_back_years > 20 {
            return Err("`season_years` must be 1 to `season_back_years`, and that at most 20".to_owned());
        }
        if self.weekday_weeks == 0 || !(15..=100).contains(&self.weekday_percent) {
            return Err("`weekday_weeks` must be at least 1, and `weekday_percent` 15 to 100".to_owned());
        }
        Ok(self)
    }
}

/// A pattern that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub place: Place,
    pub rule: Rule,
    /// In order of time.
    pub reports: Vec<IncidentId>,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// What passed which threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Rule {
    Often {
        days: u32,
        at_least: u32,
    },
    Season {
        month: u32,
        years: u32,
        at_least: u32,
    },
    /// Monday is 1.
    Weekday {
        weekday: u32,
        weeks: u32,
        percent: u32,
        days: u32,
    },
}

impl Rule {
    pub const fn kind(self) -> RuleKind {
        match self {
            Self::Often { .. } => RuleKind::Often,
            Self::Season { .. } => RuleKind::Season,
            Self::Weekday { .. } => RuleKind::Weekday,
        }
    }

    /// The month or the day of the week; 0 where there is none.
    pub const fn slot(self) -> u32 {
        match self {
            Self::Often { .. } => 0,
            Self::Season { month, .. } => month,
            Self::Weekday { weekday, .. } => weekday,
        }
    }

    /// In how many years or weeks; 0 where that is not asked.
    pub const fn times(self) -> u32 {
        match self {
            Self::Often { .. } => 0,
            Self::Season { years, .. } => years,
            Self::Weekday { weeks, .. } => weeks,
        }
    }

    /// The threshold in words.
    pub fn explain(self, reports: usize) -> String {
        match self {
            Self::Often { days, at_least } => format!("{reports} reports in {days} days, at least {at_least}"),
            Self::Season { month, years, at_least } => {
                format!("{reports} reports in month {month} of {years} years, at least {at_least} in each")
            }
            Self::Weekday { weekday, weeks, percent, days } => format!(
                "{reports} reports on weekday {weekday} in {weeks} weeks, {percent} of a hundred in {days} days there"
            ),
        }
    }
}

impl Found {
    /// The same for the same pattern, whenever it is found.
    pub fn key(&self) -> String {
        let Place { area, spot, category } = &self.place;
        let spot = spot.map(|Spot { south, west }| format!("{south},{west}")).unwrap_or_default();
        format!("{} {} {area} {spot} {category}", self.rule.kind(), self.rule.slot())
    }
}

/// From when until when reports must be known to find patterns on this day. The periods do not overlap.
pub fn periods(now: DateTime<Utc>, rules: &PatternRules) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let recent = now - TimeDelta::days(rules.often_days.max(rules.weekday_days).into());
    let mut periods = vec![(recent, now)];
    let coming = coming_month(now, rules);
    for years in 1..=rules.season_back_years {
        let Some(first) = coming.checked_sub_months(Months::new(12 * years)) else { continue };
        let Some(next) = first.checked_add_months(Months::new(1)) else { continue };
        let (from, until) = (midnight(first), midnight(next).min(recent));
        if from < until {
            periods.push((from, until));
        }
    }
    periods
}

/// The patterns among these reports, on the day that `now` is in China.
pub fn find(sightings: impl IntoIterator<Item = Sighting>, now: DateTime<Utc>, rules: &PatternRules) -> Vec<Found> {
    let mut places: BTreeMap<Place, Vec<Seen>> = BTreeMap::new();
    for sighting in sightings {
        if let Some(place) = sighting.place() {
            let seen = Seen { at: sighting.at, day: china_date(sighting.at), incident: sighting.incident };
            places.entry(place).or_default().push(seen);
        }
    }
    let mut found = Vec::new();
    for (place, mut seen) in places {
        seen.sort_unstable();
        let rules_met = [often(&seen, now, rules), season(&seen, now, rules)]
            .into_iter()
            .flatten()
            .chain(weekdays(&seen, now, rules));
        found.extend(rules_met.filter_map(|(rule, seen)| {
            let (first, last) = (seen.first()?, seen.last()?);
            let reports = seen.iter().map(|seen| seen.incident).collect();
            Some(Found { place: place.clone(), rule, reports, first_at: first.at, last_at: last.at })
        }));
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    at: DateTime<Utc>,
    day: NaiveDate,
    incident: IncidentId,
}

fn since(seen: &[Seen], now: DateTime<Utc>, days: u32) -> Vec<Seen> {
    let from = now - TimeDelta::days(days.into());
    seen.iter().filter(|seen| seen.at > from && seen.at <= now).copied().collect()
}

fn often(seen: &[Seen], now: DateTime<Utc>, rules: &PatternRules) -> Option<(Rule, Vec<Seen>)> {
    let recent = since(seen, now, rules.often_days);
    let rule = Rule::Often { days: rules.often_days, at_least: rules.often_reports };
    (recent.len() >= rules.often_reports as usize).then_some((rule, recent))
}

fn season(seen: &[Seen], now: DateTime<Utc>, rules: &PatternRules) -> Option<(Rule, Vec<Seen>)> {
    let coming = coming_month(now, rules);
    let mut by_year: BTreeMap<i32, Vec<Seen>> = BTreeMap::new();
    for one in seen.iter().filter(|seen| seen.day.month() == coming.month()) {
        let back = coming.year() - one.day.year();
        if back >= 1 && u32::try_from(back).is_ok_and(|back| back <= rules.season_back_years) {
            by_year.entry(one.day.year()).or_default().push(*one);
        }
    }
    by_year.retain(|_, seen| seen.len() >= rules.season_reports as usize);
    let years = u32::try_from(by_year.len()).unwrap_or(u32::MAX);
    let rule = Rule::Season { month: coming.month(), years, at_least: rules.season_reports };
    (years >= rules.season_years).then(|| (rule, by_year.into_values().flatten().collect()))
}

fn weekdays(seen: &[Seen], now: DateTime<Utc>, rules: &PatternRules) -> Vec<(Rule, Vec<Seen>)> {
    let recent = since(seen, now, rules.weekday_days);
    let mut by_day: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
    for one in &recent {
        by_day.entry(one.day.weekday().number_from_monday()).or_default().push(*one);
    }
    let met = by_day.into_iter().filter_map(|(weekday, seen)| {
        let weeks: BTreeSet<_> = seen.iter().map(|seen| seen.day.week(Weekday::Mon).first_day()).collect();
        let percent = u32::try_from(seen.len() * 100 / recent.len()).unwrap_or(100);
        let is_met = seen.len() >= rules.weekday_reports as usize
            && weeks.len() >= rules.weekday_weeks as usize
            && percent >= rules.weekday_percent;
        let weeks = u32::try_from(weeks.len()).unwrap_or(u32::MAX);
        is_met.then_some((Rule::Weekday { weekday, weeks, percent, days: rules.weekday_days }, seen))
    });
    met.collect()
}

/// The first day of the month that a proposal made now would be in time for.
fn coming_month(now: DateTime<Utc>, rules: &PatternRules) -> NaiveDate {
    let today = china_date(now);
    let day = today.checked_add_days(Days::new(rules.season_lead_days.into())).unwrap_or(today);
    day.with_day(1).unwrap_or(day)
}

/// The next time that patterns are looked for: 02:30 in China.
pub fn next_night(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = midnight(china_date(now)) + TimeDelta::minutes(150);
    if today > now { today } else { today + TimeDelta::days(1) }
}

#[cfg(test)]
mod tests;
