//! Medians of rounds.

/// The middle of some rounds and their ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of no values: not a number.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        let (middle, last) = (sorted.len() / 2, sorted.len().saturating_sub(1));
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
        } else {
            at(middle)
        };
        Self { median, min: at(0), max: at(last) }
    }

    /// `61 % [58–64]`
    pub(crate) fn percent(self) -> String {
        let Self { median, min, max } = self;
        format!("{:.0} % [{:.0}–{:.0}]", median * 100.0, min * 100.0, max * 100.0)
    }

    /// `12,340 [11,900–12,800]`, with `unit` behind it.
    pub(crate) fn whole(self, unit: &str) -> String {
        format!("{}{unit} [{}–{}]", thousands(self.median), thousands(self.min), thousands(self.max))
    }

    /// `1.04 [1.01–1.10]` with as many digits behind the point, and `unit` behind it.
    pub(crate) fn fixed(self, digits: usize, unit: &str) -> String {
        let Self { median, min, max } = self;
        format!("{median:.digits$}{unit} [{min:.digits$}–{max:.digits$}]")
    }
}

/// `12340.4` -> `12,340`
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What several stages leave of one: the rate at which all of them together are passed one after the other.
pub(crate) fn composed(limits: &[f64]) -> f64 {
    1.0 / limits.iter().map(|limit| 1.0 / limit).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::{Spread, composed, thousands};

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert_eq!(Spread::of(&[4.0, 1.0, 3.0, 2.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
    }

    #[test]
    fn numbers_are_read_by_people() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(Spread { median: 0.614, min: 0.58, max: 0.64 }.percent(), "61 % [58–64]");
    }

    #[test]
    fn two_equal_stages_halve_the_rate() {
        assert!((composed(&[1000.0, 1000.0]) - 500.0).abs() < 1e-9);
    }
}
