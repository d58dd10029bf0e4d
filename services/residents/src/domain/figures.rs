//! The figures of an area, from counted rows.

use std::collections::BTreeMap;

use super::care::CareTag;
use super::person::{Registration, Sex};
use super::suppression::{Cell, Shown, suppress, withhold};

/// A band of five years of age: 0-4, 5-9, … 95-99, 100+.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgeBand(u8);

impl AgeBand {
    /// How many bands there are.
    pub const COUNT: u8 = 21;

    /// The band of an age in completed years.
    pub fn of_age(years: u32) -> Self {
        Self(u8::try_from(years / 5).map_or(Self::COUNT - 1, |band| band.min(Self::COUNT - 1)))
    }

    /// All bands, the youngest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The youngest age in it.
    pub fn from_age(self) -> u32 {
        u32::from(self.0) * 5
    }

    /// As shown beside the pyramid: `0-4`, `100+`.
    pub fn label(self) -> String {
        let from = self.from_age();
        if from == 100 { "100+".to_owned() } else { format!("{from}-{}", from + 4) }
    }

    fn stage(self) -> usize {
        match self.from_age() {
            0..15 => CHILDREN,
            15..65 => WORKING,
            _ => ELDERS,
        }
    }
}

const CHILDREN: usize = 0;
const WORKING: usize = 1;
const ELDERS: usize = 2;

/// Households of this many people and more are counted together.
pub const LARGEST_HOUSEHOLD: u32 = 7;

/// What was counted among the residents living in an area. What is not in a map is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// People by age band and sex.
    pub people: BTreeMap<(AgeBand, Sex), u64>,
    /// People by kind of registration; the sum is that of `people`, less those whose registration is unknown.
    pub registrations: BTreeMap<Registration, u64>,
    /// People by care tag; one person may have several.
    pub care: BTreeMap<CareTag, u64>,
    /// Households by the number of people in them.
    pub household_sizes: BTreeMap<u32, u64>,
}

/// Who looks at the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Somebody who may see the rows behind them.
    Full,
    /// Anybody else: small counts are hidden.
    Suppressed,
}

/// One step of the age pyramid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PyramidStep {
    /// The ages.
    pub band: AgeBand,
    /// Men and boys.
    pub male: Cell,
    /// Women and girls.
    pub female: Cell,
}

/// Dependency ratios in per cent of the people of 15 to 64, to one decimal; none where a number it is made of is
/// hidden or nobody is of that age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dependency {
    /// People of 0 to 14.
    pub children: Option<f64>,
    /// People of 65 and more.
    pub elders: Option<f64>,
    /// Both.
    pub total: Option<f64>,
}

/// The figures as they may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// All people.
    pub people: Cell,
    /// Men and boys; hidden as soon as one of the counts of the pyramid is.
    pub male: Cell,
    /// Women and girls; hidden as soon as one of the counts of the pyramid is.
    pub female: Cell,
    /// The age pyramid, every band from the youngest.
    pub pyramid: Vec<PyramidStep>,
    /// The dependency ratios.
    pub dependency: Dependency,
    /// Every kind of registration.
    pub registrations: Vec<(Registration, Cell)>,
    /// Every care tag.
    pub care: Vec<(CareTag, Cell)>,
    /// All households.
    pub households: Cell,
    /// Households of 1, 2, … people; the last number means that many and more ([`LARGEST_HOUSEHOLD`]).
    pub household_sizes: Vec<(u32, Cell)>,
}

impl Figures {
    /// Makes the figures. With [`Detail::Suppressed`] nothing shown here, however added or subtracted, gives a small
    /// count away; the figures of other areas are not considered, so do not show those of all parts of a whole
    /// where one part has hidden counts.
    pub fn of(counted: &Counted, detail: Detail) -> Self {
        let stages = by_stage(counted);
        let registrations = by_registration(counted);
        let (people, registrations) = match detail {
            Detail::Full => (plain(&stages), plain(&registrations)),
            Detail::Suppressed => suppressed_together(&stages, &registrations),
        };
        let (male, female) = sexes(counted, &people);
        let (households, household_sizes) = households(counted, detail);
        Self {
            people: people.total,
            male,
            female,
            pyramid: pyramid(&people),
            dependency: dependency(&people),
            registrations: Registration::ALL.iter().copied().zip(registrations.cells.concat()).collect(),
            care: CareTag::ALL.iter().map(|tag| (*tag, one(count_of(&counted.care, tag), detail))).collect(),
            households,
            household_sizes,
        }
    }
}

fn count_of<K: Ord>(counts: &BTreeMap<K, u64>, key: &K) -> u64 {
    counts.get(key).copied().unwrap_or(0)
}

fn one(count: u64, detail: Detail) -> Cell {
    match detail {
        Detail::Full => Cell::Count(count),
        Detail::Suppressed => Cell::alone(count),
    }
}

/// The pyramid as groups: children, people of working age, elders; in each the bands, men before women.
fn by_stage(counted: &Counted) -> Vec<Vec<u64>> {
    let mut stages = vec![Vec::new(); 3];
    for band in AgeBand::all() {
        for sex in [Sex::Male, Sex::Female] {
            stages[band.stage()].push(count_of(&counted.people, &(band, sex)));
        }
    }
    stages
}

/// Each kind of registration a group of its own, and last those of whom it is not known.
fn by_registration(counted: &Counted) -> Vec<Vec<u64>> {
    let mut groups: Vec<Vec<u64>> =
        Registration::ALL.iter().map(|kind| vec![count_of(&counted.registrations, kind)]).collect();
    let known: u64 = groups.iter().flatten().sum();
    let people: u64 = counted.people.values().sum();
    groups.push(vec![people.saturating_sub(known)]);
    groups
}

fn plain(counts: &[Vec<u64>]) -> Shown {
    Shown {
        total: Cell::Count(counts.iter().flatten().sum()),
        groups: counts.iter().map(|group| Cell::Count(group.iter().sum())).collect(),
        cells: counts.iter().map(|group| group.iter().copied().map(Cell::Count).collect()).collect(),
    }
}

/// Two tables of the same people: where one has to hide the total, the other must not tell it.
fn suppressed_together(stages: &[Vec<u64>], registrations: &[Vec<u64>]) -> (Shown, Shown) {
    let (people, kinds) = (suppress(stages), suppress(registrations));
    if people.total == Cell::Suppressed || kinds.total == Cell::Suppressed {
        return (withhold(stages), withhold(registrations));
    }
    (people, kinds)
}

/// The sums by sex run across the groups of the pyramid, so they are told only where nothing is hidden.
fn sexes(counted: &Counted, people: &Shown) -> (Cell, Cell) {
    if people.cells.iter().flatten().any(|cell| *cell == Cell::Suppressed) {
        return (Cell::Suppressed, Cell::Suppressed);
    }
    let sum = |wanted| counted.people.iter().filter(|((_, sex), _)| *sex == wanted).map(|(_, count)| count).sum();
    (Cell::Count(sum(Sex::Male)), Cell::Count(sum(Sex::Female)))
}

fn pyramid(people: &Shown) -> Vec<PyramidStep> {
    let cells = people.cells.concat();
    AgeBand::all()
        .zip(cells.chunks_exact(2))
        .map(|(band, pair)| PyramidStep { band, male: pair[0], female: pair[1] })
        .collect()
}

fn dependency(people: &Shown) -> Dependency {
    let stage = |at: usize| people.groups[at].count();
    let ratio = |dependents: Option<u64>| {
        let (dependents, working) = (dependents?, stage(WORKING)?);
        (working > 0).then(|| per_cent(dependents, working))
    };
    let both = stage(CHILDREN).zip(stage(ELDERS)).map(|(children, elders)| children + elders);
    Dependency { children: ratio(stage(CHILDREN)), elders: ratio(stage(ELDERS)), total: ratio(both) }
}

#[expect(clippy::cast_precision_loss, reason = "no area has 2^52 people")]
fn per_cent(part: u64, whole: u64) -> f64 {
    (part as f64 * 1000.0 / whole as f64).round() / 10.0
}

/// The household sizes have two known sums, that of the households and, weighed with the sizes, that of the
/// people. So where one is hidden at least three are; where there are no three, the whole table is, zeros included,
/// as a single size that is not zero would tell its count.
fn households(counted: &Counted, detail: Detail) -> (Cell, Vec<(u32, Cell)>) {
    let mut sizes = vec![0; LARGEST_HOUSEHOLD as usize];
    for (size, count) in &counted.household_sizes {
        sizes[((*size).clamp(1, LARGEST_HOUSEHOLD) - 1) as usize] += count;
    }
    let total = sizes.iter().sum();
    let shown = |cells: Vec<Cell>| (1..).zip(cells).collect();
    let small = sizes.iter().any(|count| Cell::alone(*count) == Cell::Suppressed);
    if detail == Detail::Full || !small {
        return (Cell::Count(total), shown(sizes.into_iter().map(Cell::Count).collect()));
    }
    let mut by_count: Vec<usize> = (0..sizes.len()).filter(|at| sizes[*at] > 0).collect();
    by_count.sort_by_key(|at| sizes[*at]);
    let smalls = by_count.iter().filter(|at| Cell::alone(sizes[**at]) == Cell::Suppressed).count();
    let hidden = &by_count[..by_count.len().min(smalls.max(3))];
    let hidden_sum: u64 = hidden.iter().map(|at| sizes[*at]).sum();
    if hidden.len() < 3 || hidden_sum <= hidden.len() as u64 {
        return (Cell::Suppressed, shown(vec![Cell::Suppressed; sizes.len()]));
    }
    let cells = (0..sizes.len()).map(|at| if hidden.contains(&at) { Cell::Suppressed } else { Cell::Count(sizes[at]) });
    (Cell::alone(total), shown(cells.collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{AgeBand, Counted, Detail, Figures};
    use crate::domain::care::CareTag;
    use crate::domain::person::{Registration, Sex};
    use crate::domain::suppression::Cell;

    fn counted() -> Counted {
        Counted {
            people: [
                (0, Sex::Male, 30),
                (12, Sex::Female, 3),
                (33, Sex::Female, 100),
                (34, Sex::Male, 50),
                (70, Sex::Male, 45),
            ]
            .map(|(age, sex, count)| ((AgeBand::of_age(age), sex), count))
            .into(),
            registrations: [(Registration::Registered, 200), (Registration::MovedIn, 28)].into(),
            care: [(CareTag::LivingAlone, 7), (CareTag::Wheelchair, 2)].into(),
            household_sizes: [(1, 20), (2, 30), (3, 4), (9, 6)].into(),
        }
    }

    #[test]
    fn bands_run_from_infants_to_centenarians() {
        let labels: Vec<_> = AgeBand::all().map(AgeBand::label).collect();
        assert_eq!((labels[0].as_str(), labels[19].as_str(), labels[20].as_str()), ("0-4", "95-99", "100+"));
        assert_eq!(AgeBand::of_age(104).label(), "100+");
        assert_eq!(AgeBand::of_age(4000).label(), "100+");
        assert_eq!(AgeBand::of_age(64).label(), "60-64");
    }

    #[test]
    fn full_figures_add_up() {
        let figures = Figures::of(&counted(), Detail::Full);
        assert_eq!(figures.people, Cell::Count(228));
        assert_eq!((figures.male, figures.female), (Cell::Count(125), Cell::Count(103)));
        assert_eq!(figures.pyramid[2].female, Cell::Count(3));
        assert_eq!(figures.dependency.children, Some(22.0));
        assert_eq!(figures.dependency.elders, Some(30.0));
        assert_eq!(figures.dependency.total, Some(52.0));
        assert_eq!(figures.households, Cell::Count(60));
        assert_eq!(figures.household_sizes[6], (7, Cell::Count(6)));
    }

    #[test]
    fn small_counts_are_hidden_with_what_would_tell_them() {
        let figures = Figures::of(&counted(), Detail::Suppressed);
        assert_eq!(figures.people, Cell::Count(228));
        assert_eq!(figures.pyramid[2].female, Cell::Suppressed);
        // Of the children only the boys of 0-4 are left to hide the girls behind.
        assert_eq!(figures.pyramid[0].male, Cell::Suppressed);
        assert_eq!((figures.male, figures.female), (Cell::Suppressed, Cell::Suppressed));
        assert_eq!(figures.dependency.children, Some(22.0));
        let care: Vec<_> = figures.care.iter().filter(|(_, cell)| *cell != Cell::Count(0)).collect();
        assert_eq!(care, [&(CareTag::LivingAlone, Cell::Count(7)), &(CareTag::Wheelchair, Cell::Suppressed)]);
        let hidden: Vec<_> = figures.household_sizes.iter().filter(|(_, cell)| *cell == Cell::Suppressed).collect();
        assert_eq!(hidden.len(), 3);
        assert_eq!(figures.households, Cell::Count(60));
    }

    #[test]
    fn nobody_is_zero_and_not_hidden() {
        let figures = Figures::of(&Counted::default(), Detail::Suppressed);
        assert_eq!((figures.people, figures.households), (Cell::Count(0), Cell::Count(0)));
        assert_eq!(figures.dependency.total, None);
    }

    #[test]
    fn a_total_that_one_table_hides_is_not_told_by_another() {
        let counted = Counted {
            people: [((AgeBand::of_age(33), Sex::Male), 7)].into(),
            registrations: [(Registration::Registered, 6), (Registration::MovedIn, 1)].into(),
            ..Counted::default()
        };
        let figures = Figures::of(&counted, Detail::Suppressed);
        let told = figures.pyramid.iter().filter_map(|step| step.male.count()).sum::<u64>();
        assert!(figures.people == Cell::Count(7) || told == 0, "{figures:?}");
        assert_eq!(figures.registrations[1].1, Cell::Suppressed);
        assert_eq!(figures.registrations[0].1, Cell::Suppressed);
    }

    proptest! {
        /// Households: the hidden sizes outnumber the sums that are known of them.
        #[test]
        fn household_sizes_have_more_unknowns_than_sums(sizes in prop::collection::btree_map(1u32..10, 0u64..40, 0..9)) {
            let figures = Figures::of(&Counted { household_sizes: sizes, ..Counted::default() }, Detail::Suppressed);
            let hidden = figures.household_sizes.iter().filter(|(_, cell)| *cell == Cell::Suppressed).count();
            prop_assert!(hidden == 0 || hidden >= 3);
            for (_, cell) in figures.household_sizes {
                prop_assert!(cell.count().is_none_or(|count| count == 0 || count >= 5));
            }
        }
    }
}
