//! The monthly report: what was reported and where it stands in the rates, by category, unit and area; and which of it may be shown
//! to whoever may not see the incidents themselves.

use std::collections::BTreeMap;

use super::rates::{Exclusion, Verdict, Verdicts};

/// A count below this, other than zero, is not shown to everybody.
pub const SMALLEST_SHOWN: u64 = 5;

/// One incident, as the report needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Empty: not triaged.
    pub category: String,
    /// Empty: with no unit.
    pub unit: String,
    pub area: String,
    pub verdicts: Verdicts,
}

/// A rate by its parts; together they are every incident of the row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateParts {
    pub counted: u64,
    pub missed: u64,
    pub excluded: BTreeMap<Exclusion, u64>,
}

impl RateParts {
    fn take(&mut self, verdict: Verdict) {
        match verdict {
            Ok(true) => self.counted += 1,
            Ok(false) => self.missed += 1,
            Err(exclusion) => *self.excluded.entry(exclusion).or_default() += 1,
        }
    }

    const fn parts(&self) -> [u64; 2] {
        [self.counted, self.missed]
    }
}

/// One line of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub incidents: u64,
    /// Response, resolution, satisfaction.
    pub rates: [RateParts; 3],
}

impl Row {
    fn take(&mut self, verdicts: Verdicts) {
        let Verdicts { response, resolution, satisfaction } = verdicts;
        self.incidents += 1;
        for (rate, verdict) in self.rates.iter_mut().zip([response, resolution, satisfaction]) {
            rate.take(verdict);
        }
    }
}

/// The whole report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Monthly {
    pub total: Row,
    pub by_category: BTreeMap<String, Row>,
    pub by_unit: BTreeMap<String, Row>,
    pub by_area: BTreeMap<String, Row>,
}

impl Monthly {
    pub fn add(&mut self, case: Case) {
        let Case { category, unit, area, verdicts } = case;
        self.total.take(verdicts);
        self.by_category.entry(category).or_default().take(verdicts);
        self.by_unit.entry(unit).or_default().take(verdicts);
        self.by_area.entry(area).or_default().take(verdicts);
    }

    /// All of it.
    pub fn whole(&self) -> Shown {
        let all = |rows: &BTreeMap<String, Row>| {
            rows.iter().map(|(key, row)| (key.clone(), ShownRow::of(row, true, [true; 3]))).collect()
        };
        Shown {
            total: ShownRow::of(&self.total, true, [true; 3]),
            by_category: all(&self.by_category),
            by_unit: all(&self.by_unit),
            by_area: all(&self.by_area),
        }
    }

    /// What everybody may see: no small count, and none that could be worked out from what is shown. Which incidents stand
    /// outside, and why, is not shown at all.
    pub fn suppressed(&self) -> Shown {
        let tables = [&self.by_category, &self.by_unit, &self.by_area];
        let rows = tables.map(|table| table.values().collect::<Vec<_>>());
        let sizes = rows.each_ref().map(|rows| rows.iter().map(|row| [row.incidents, 0]).collect::<Vec<_>>());
        let (total, shown) = visible([self.total.incidents, 0], &sizes, &sizes.each_ref().map(|t| vec![true; t.len()]));
        let rates = [0, 1, 2].map(|rate| {
            let parts = rows.each_ref().map(|rows| rows.iter().map(|row| row.rates[rate].parts()).collect::<Vec<_>>());
            visible(self.total.rates[rate].parts(), &parts, &shown)
        });
        let table = |number: usize| {
            let row = |(at, (key, row)): (usize, (&String, &Row))| {
                let of_rates = [0, 1, 2].map(|rate: usize| rates[rate].1[number][at]);
                (key.clone(), ShownRow::of(row, shown[number][at], of_rates).without_reasons())
            };
            tables[number].iter().enumerate().map(row).collect()
        };
        let totals = [0, 1, 2].map(|rate: usize| total && rates[rate].0);
        Shown {
            total: ShownRow::of(&self.total, total, totals).without_reasons(),
            by_category: table(0),
            by_unit: table(1),
            by_area: table(2),
        }
    }
}

/// A report as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub total: ShownRow,
    pub by_category: Vec<(String, ShownRow)>,
    pub by_unit: Vec<(String, ShownRow)>,
    pub by_area: Vec<(String, ShownRow)>,
}

/// A line as it may be shown; none is not to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRow {
    pub incidents: Option<u64>,
    pub rates: [Option<RateParts>; 3],
}

impl ShownRow {
    fn of(row: &Row, incidents: bool, rates: [bool; 3]) -> Self {
        let [response, resolution, satisfaction] = &row.rates;
        let [show_response, show_resolution, show_satisfaction] = rates;
        Self {
            incidents: incidents.then_some(row.incidents),
            rates: [
                show_response.then(|| response.clone()),
                show_resolution.then(|| resolution.clone()),
                show_satisfaction.then(|| satisfaction.clone()),
            ],
        }
    }

    fn without_reasons(mut self) -> Self {
        for rate in self.rates.iter_mut().flatten() {
            rate.excluded.clear();
        }
        self
    }
}

type Parts = [u64; 2];

fn is_small(count: u64) -> bool {
    (1..SMALLEST_SHOWN).contains(&count)
}

/// Whether the total may be shown, and which rows of each table, where only those of `among` may be at all. The tables have the
/// same total: where one cannot show it, the others must not give it away either.
fn visible(total: Parts, tables: &[Vec<Parts>; 3], among: &[Vec<bool>; 3]) -> (bool, [Vec<bool>; 3]) {
    let found = [0, 1, 2].map(|table: usize| rows_to_show(&tables[table], &among[table]));
    match found {
        [Some(first), Some(second), Some(third)] if !total.into_iter().any(is_small) => (true, [first, second, third]),
        _ => (false, tables.each_ref().map(|rows| rows.iter().map(|row| *row == [0, 0]).collect())),
    }
}

/// Hides every row with a small part, and then the smallest others, until what the hidden ones add up to says nothing: at least two of
/// them, no small sum, and more than one each. None: the total would have to be hidden, too.
fn rows_to_show(rows: &[Parts], among: &[bool]) -> Option<Vec<bool>> {
    let mut shown: Vec<bool> =
        rows.iter().zip(among).map(|(row, may)| *may && !row.iter().copied().any(is_small)).collect();
    loop {
        let hidden: Vec<Parts> =
            rows.iter().zip(&shown).filter(|(row, shown)| !**shown && **row != [0, 0]).map(|(row, _)| *row).collect();
        if hidden.is_empty() {
            return Some(shown);
        }
        let sum = hidden.iter().fold([0, 0], |sum, row| [sum[0] + row[0], sum[1] + row[1]]);
        let enough = hidden.len() >= 2 && sum[0] + sum[1] > hidden.len() as u64;
        if enough && !sum.into_iter().any(is_small) {
            return Some(shown);
        }
        let smallest = (0..rows.len()).filter(|at| shown[*at] && rows[*at] != [0, 0]);
        let smallest = smallest.min_by_key(|at| rows[*at][0] + rows[*at][1])?;
        shown[smallest] = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn monthly(cases: &[(u8, u8, u8, u8)]) -> Monthly {
        let mut monthly = Monthly::default();
        for (category, unit, area, verdict) in cases {
            let verdict = match verdict % 3 {
                0 => Ok(true),
                1 => Ok(false),
                _ => Err(Exclusion::NoCallBack),
            };
            monthly.add(Case {
                category: format!("c{category}"),
                unit: format!("u{unit}"),
                area: format!("a{area}"),
                verdicts: Verdicts { response: verdict, resolution: verdict, satisfaction: Err(Exclusion::NoCallBack) },
            });
        }
        monthly
    }

    #[test]
    fn a_small_row_takes_the_next_one_along() {
        let mut cases = vec![(0, 0, 0, 0); 3];
        cases.extend(vec![(1, 0, 0, 0); 9]);
        cases.extend(vec![(2, 0, 0, 0); 30]);
        let shown = monthly(&cases).suppressed();
        let counts: Vec<_> = shown.by_category.iter().map(|(_, row)| row.incidents).collect();
        assert_eq!(counts, [None, None, Some(30)]);
        assert_eq!(shown.total.incidents, Some(42));
    }

    #[test]
    fn where_the_total_must_go_no_table_gives_it_away() {
        let shown = monthly(&[vec![(0, 0, 0, 0); 30], vec![(1, 0, 0, 0); 2]].concat()).suppressed();
        let hidden = monthly(&[(0, 0, 0, 0); 2]).suppressed();
        assert_eq!((shown.by_category[0].1.incidents, shown.total.incidents), (None, Some(32)));
        assert_eq!((hidden.total.incidents, hidden.by_unit[0].1.incidents), (None, None));
    }

    proptest! {
        /// What is hidden in a table cannot be had by subtraction: there are two of them at least, and no small rest.
        #[test]
        fn nothing_small_is_shown_or_left_over(cases in prop::collection::vec((0..5u8, 0..3u8, 0..4u8, 0..3u8), 0..120)) {
            let monthly = monthly(&cases);
            let shown = monthly.suppressed();
            for (rows, whole) in [
                (&shown.by_category, &monthly.by_category),
                (&shown.by_unit, &monthly.by_unit),
                (&shown.by_area, &monthly.by_area),
            ] {
                let mut hidden = 0;
                let mut rest = monthly.total.incidents;
                for ((_, row), whole) in rows.iter().zip(whole.values()) {
                    let counts = row.incidents.into_iter().chain(row.rates.iter().flatten().flat_map(RateParts::parts));
                    for count in counts {
                        prop_assert!(!is_small(count));
                    }
                    prop_assert!(row.incidents.is_none_or(|incidents| incidents == whole.incidents));
                    hidden += usize::from(row.incidents.is_none());
                    rest -= row.incidents.unwrap_or_default();
                }
                if shown.total.incidents.is_some() && hidden > 0 {
                    prop_assert!(hidden >= 2 && !is_small(rest) && rest > hidden as u64);
                }
                prop_assert!(shown.total.incidents.is_some() || cases.is_empty() || hidden > 0);
            }
        }

        /// Every table adds up to the total, and each rate to all incidents.
        #[test]
        fn the_whole_report_adds_up(cases in prop::collection::vec((0..5u8, 0..3u8, 0..4u8, 0..3u8), 0..60)) {
            let monthly = monthly(&cases);
            prop_assert_eq!(monthly.total.incidents, cases.len() as u64);
            for table in [&monthly.by_category, &monthly.by_unit, &monthly.by_area] {
                prop_assert_eq!(table.values().map(|row| row.incidents).sum::<u64>(), monthly.total.incidents);
                for row in table.values() {
                    for rate in &row.rates {
                        let all = rate.counted + rate.missed + rate.excluded.values().sum::<u64>();
                        prop_assert_eq!(all, row.incidents);
                    }
                }
            }
        }
    }
}
