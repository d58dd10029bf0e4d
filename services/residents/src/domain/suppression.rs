//! Hiding small counts so that nobody can be recognised in a table, and so that no subtraction brings them back.

/// A count below this, other than zero, is not shown.
pub const SMALLEST_SHOWN: u64 = 5;

/// A count as it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The count itself.
    Count(u64),
    /// Not to be shown.
    Suppressed,
}

impl Cell {
    /// The count, where it may be shown.
    pub fn count(self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(count),
            Self::Suppressed => None,
        }
    }

    /// Judges a count that is part of no sum.
    pub fn alone(count: u64) -> Self {
        if is_small(count) { Self::Suppressed } else { Self::Count(count) }
    }
}

fn is_small(count: u64) -> bool {
    (1..SMALLEST_SHOWN).contains(&count)
}

/// Counts in groups whose sums, and the sum of all, are shown too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The sum of all.
    pub total: Cell,
    /// The sum of each group.
    pub groups: Vec<Cell>,
    /// The counts of each group.
    pub cells: Vec<Vec<Cell>>,
}

struct Masks<'a> {
    counts: &'a [Vec<u64>],
    sums: Vec<u64>,
    total: u64,
    hidden_total: bool,
    hidden_groups: Vec<bool>,
    hidden_cells: Vec<Vec<bool>>,
}

/// Hides every small count and sum, and then as many others, the smallest first, as it takes for this to hold:
/// whatever shown sums are subtracted from each other, what is left is nothing, or the sum of at least two hidden
/// counts that is neither small itself nor so low that each of them must be 1. Zeros stay.
pub fn suppress(counts: &[Vec<u64>]) -> Shown {
    let sums: Vec<u64> = counts.iter().map(|group| group.iter().sum()).collect();
    let total = sums.iter().sum();
    let mut masks = Masks {
        counts,
        total,
        hidden_total: is_small(total),
        hidden_groups: sums.iter().map(|sum| is_small(*sum)).collect(),
        hidden_cells: counts.iter().map(|group| group.iter().map(|count| is_small(*count)).collect()).collect(),
        sums,
    };
    while masks.hide_one_more() {}
    masks.shown()
}

/// Hides everything but zeros and all sums: for when another table of the same people must hide its total.
pub fn withhold(counts: &[Vec<u64>]) -> Shown {
    let unless_zero = |count: u64| if count == 0 { Cell::Count(0) } else { Cell::Suppressed };
    Shown {
        total: unless_zero(counts.iter().flatten().sum()),
        groups: counts.iter().map(|group| unless_zero(group.iter().sum())).collect(),
        cells: counts.iter().map(|group| group.iter().map(|count| unless_zero(*count)).collect()).collect(),
    }
}

/// Whether the hidden counts whose sum can be worked out are safe all the same.
fn is_safe(hidden: &[u64]) -> bool {
    let sum: u64 = hidden.iter().sum();
    hidden.is_empty() || (hidden.len() >= 2 && sum >= SMALLEST_SHOWN && sum > hidden.len() as u64)
}

impl Masks<'_> {
    /// One step towards safety; false when everything is safe. Each step hides something, so the steps end.
    fn hide_one_more(&mut self) -> bool {
        for group in 0..self.counts.len() {
            let hidden = self.hidden_in(group);
            // The sum of a hidden group could be added up if all its counts were shown.
            let opens = if self.hidden_groups[group] { hidden.is_empty() } else { !is_safe(&hidden) };
            if opens && self.sums[group] > 0 {
                if !self.hide_smallest_cell(group) {
                    self.hidden_groups[group] = true;
                }
                return true;
            }
        }
        if self.hidden_total {
            return false;
        }
        let open: Vec<usize> = (0..self.counts.len()).filter(|group| self.hidden_groups[*group]).collect();
        let hidden: Vec<u64> = open.iter().flat_map(|group| self.hidden_in(*group)).collect();
        let sum_of_sums: Vec<u64> = open.iter().map(|group| self.sums[*group]).collect();
        if is_safe(&hidden) && is_safe(&sum_of_sums) {
            return false;
        }
        if !self.hide_smallest_group() {
            self.hidden_total = true;
        }
        true
    }

    fn hidden_in(&self, group: usize) -> Vec<u64> {
        let cells = self.counts[group].iter().zip(&self.hidden_cells[group]);
        cells.filter(|(_, hidden)| **hidden).map(|(count, _)| *count).collect()
    }

    fn hide_smallest_cell(&mut self, group: usize) -> bool {
        let smallest = smallest_shown(&self.counts[group], &self.hidden_cells[group]);
        smallest.inspect(|cell| self.hidden_cells[group][*cell] = true).is_some()
    }

    fn hide_smallest_group(&mut self) -> bool {
        let smallest = smallest_shown(&self.sums, &self.hidden_groups);
        smallest.inspect(|group| self.hidden_groups[*group] = true).is_some()
    }

    fn shown(self) -> Shown {
        let cell = |(count, hidden): (&u64, &bool)| if *hidden { Cell::Suppressed } else { Cell::Count(*count) };
        Shown {
            total: cell((&self.total, &self.hidden_total)),
            groups: self.sums.iter().zip(&self.hidden_groups).map(cell).collect(),
            cells: (self.counts.iter().zip(&self.hidden_cells))
                .map(|(counts, hidden)| counts.iter().zip(hidden).map(cell).collect())
                .collect(),
        }
    }
}

fn smallest_shown(counts: &[u64], hidden: &[bool]) -> Option<usize> {
    (0..counts.len()).filter(|at| counts[*at] > 0 && !hidden[*at]).min_by_key(|at| counts[*at])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cell, SMALLEST_SHOWN, Shown, suppress};

    #[test]
    fn a_single_small_count_takes_its_smallest_neighbour_along() {
        let shown = suppress(&[vec![3, 40, 20, 0], vec![50, 60]]);
        assert_eq!(shown.cells[0], [Cell::Suppressed, Cell::Count(40), Cell::Suppressed, Cell::Count(0)]);
        assert_eq!(shown.groups, [Cell::Count(63), Cell::Count(110)]);
        assert_eq!(shown.total, Cell::Count(173));
    }

    #[test]
    fn without_a_neighbour_the_sum_goes_too() {
        let shown = suppress(&[vec![3, 0], vec![9, 30], vec![100]]);
        assert_eq!(shown.groups, [Cell::Suppressed, Cell::Suppressed, Cell::Count(100)]);
        assert_eq!(shown.cells[1], [Cell::Suppressed, Cell::Count(30)]);
        assert_eq!(shown.total, Cell::Count(142));
    }

    #[test]
    fn nothing_small_means_nothing_hidden() {
        let shown = suppress(&[vec![5, 0], vec![70]]);
        assert_eq!(shown.cells, [vec![Cell::Count(5), Cell::Count(0)], vec![Cell::Count(70)]]);
    }

    #[test]
    fn ones_only_are_not_given_away_by_their_number() {
        let shown = suppress(&[vec![1, 1, 1, 1, 1, 1]]);
        assert_eq!(shown.groups, [Cell::Suppressed]);
        assert_eq!(shown.total, Cell::Suppressed);
    }

    /// The sums that a reader can write down: one equation over the hidden counts for every shown sum, its right side
    /// reduced by the shown counts.
    fn equations(counts: &[Vec<u64>], shown: &Shown) -> Vec<(Vec<f64>, f64)> {
        let places: Vec<(usize, usize)> =
            (0..counts.len()).flat_map(|group| (0..counts[group].len()).map(move |cell| (group, cell))).collect();
        let equation = |inside: &dyn Fn(usize) -> bool, sum: u64| {
            let known: u64 = places
                .iter()
                .filter(|(group, _)| inside(*group))
                .filter_map(|(group, cell)| shown.cells[*group][*cell].count())
                .sum();
            let row = places.iter().map(|(group, cell)| {
                f64::from(u8::from(inside(*group) && shown.cells[*group][*cell] == Cell::Suppressed))
            });
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            (row.collect(), (sum - known) as f64)
        };
        let mut rows = Vec::new();
        for (group, sum) in shown.groups.iter().enumerate() {
            rows.extend(sum.count().map(|sum| equation(&|at| at == group, sum)));
        }
        rows.extend(shown.total.count().map(|sum| equation(&|_| true, sum)));
        rows
    }

    /// Gauss and Jordan: a row with one unknown left is a hidden count found out.
    fn reduced(mut rows: Vec<(Vec<f64>, f64)>) -> Vec<(Vec<f64>, f64)> {
        let width = rows.first().map_or(0, |row| row.0.len());
        let mut done = 0;
        for column in 0..width {
            let Some(pivot) = (done..rows.len()).find(|at| rows[*at].0[column].abs() > 1e-9) else { continue };
            rows.swap(done, pivot);
            let scale = rows[done].0[column];
            let (row, sum) = (rows[done].0.iter().map(|x| x / scale).collect::<Vec<_>>(), rows[done].1 / scale);
            for (at, other) in rows.iter_mut().enumerate() {
                let factor = if at == done { 0.0 } else { other.0[column] };
                other.0.iter_mut().zip(&row).for_each(|(x, y)| *x -= factor * y);
                other.1 -= factor * sum;
            }
            rows[done] = (row, sum);
            done += 1;
        }
        rows.truncate(done);
        rows
    }

    fn any_count() -> impl Strategy<Value = u64> {
        prop_oneof![2 => Just(0u64), 4 => 1u64..8, 3 => 8u64..500]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn no_subtraction_of_shown_sums_reveals_a_hidden_count(
            counts in prop::collection::vec(prop::collection::vec(any_count(), 1..7), 1..5)
        ) {
            let shown = suppress(&counts);
            for (cells, counts) in shown.cells.iter().zip(&counts) {
                for (cell, count) in cells.iter().zip(counts) {
                    prop_assert!(*count != 0 || *cell == Cell::Count(0));
                    prop_assert!(cell.count().is_none_or(|shown| shown == *count && (*count == 0 || *count >= SMALLEST_SHOWN)));
                }
            }
            for (row, sum) in reduced(equations(&counts, &shown)) {
                let unknowns = row.iter().filter(|x| x.abs() > 1e-9).count();
                prop_assert!(unknowns != 1, "{shown:?}");
                #[expect(clippy::cast_precision_loss, reason = "a few cells")]
                let all_ones = row.iter().all(|x| *x > -1e-9) && unknowns > 0 && (sum - unknowns as f64).abs() < 1e-9;
                prop_assert!(!all_ones, "{shown:?}");
            }
        }

        /// A hidden sum must not be the sum of its shown counts, nor what other shown sums leave over.
        #[test]
        fn hidden_sums_stay_hidden(counts in prop::collection::vec(prop::collection::vec(any_count(), 1..7), 1..5)) {
            let shown = suppress(&counts);
            let hidden: Vec<usize> = (0..counts.len()).filter(|at| shown.groups[*at] == Cell::Suppressed).collect();
            for group in &hidden {
                prop_assert!(shown.cells[*group].contains(&Cell::Suppressed));
            }
            prop_assert!(shown.total == Cell::Suppressed || hidden.len() != 1);
            prop_assert!(shown.total != Cell::Suppressed || counts.iter().flatten().sum::<u64>() == 0 || !hidden.is_empty());
        }
    }
}
