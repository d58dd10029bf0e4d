//! Place codes: the key by which rows are scoped, split and published.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use sea_orm::{ColumnTrait, Condition, DeriveValueType};

/// A place after GB/T 2260 and its lower levels: county (6 digits), subdistrict (9), community (12) or grid (15). A
/// shorter code contains every longer one that starts with it.
///
/// Kept as the number of 15 digits that the code and zeros after it make, as the official tables write it, so that "within"
/// is a range of numbers on every database, whatever its collation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
pub struct AreaCode(i64);

/// How far down the tree a code reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AreaLevel {
    County,
    Subdistrict,
    Community,
    Grid,
}

/// A text that is no area code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an area code has 6, 9, 12 or 15 digits, for example 511903001008")]
pub struct NotAnArea;

impl AreaCode {
    /// The level, told by the groups of three zeros at the end.
    pub fn level(self) -> AreaLevel {
        if self.0 % 1_000 != 0 {
            AreaLevel::Grid
        } else if self.0 % 1_000_000 != 0 {
            AreaLevel::Community
        } else if self.0 % 1_000_000_000 != 0 {
            AreaLevel::Subdistrict
        } else {
            AreaLevel::County
        }
    }

    /// How many numbers lie within: 1 for a grid, 1,000 for a community.
    fn span(self) -> i64 {
        match self.level() {
            AreaLevel::Grid => 1,
            AreaLevel::Community => 1_000,
            AreaLevel::Subdistrict => 1_000_000,
            AreaLevel::County => 1_000_000_000,
        }
    }

    /// The numbers of this place and all within it.
    pub fn range(self) -> RangeInclusive<i64> {
        self.0..=self.0 + self.span() - 1
    }

    /// Whether `other` is this place or lies within it.
    pub fn contains(self, other: Self) -> bool {
        self.range().contains(&other.0)
    }

    /// `column` holds this place or one within it.
    pub fn holds(self, column: impl ColumnTrait) -> Condition {
        let range = self.range();
        if range.start() == range.end() {
            return Condition::all().add(column.eq(*range.start()));
        }
        Condition::all().add(column.gte(*range.start())).add(column.lte(*range.end()))
    }

    /// The place one level up; none for a county.
    pub fn parent(self) -> Option<Self> {
        let span = match self.level() {
            AreaLevel::County => return None,
            AreaLevel::Subdistrict => 1_000_000_000,
            AreaLevel::Community => 1_000_000,
            AreaLevel::Grid => 1_000,
        };
        Some(Self(self.0 / span * span))
    }

    /// The place `level` of which this is a part; itself where it is of that level; none where it stands above.
    pub fn at(self, level: AreaLevel) -> Option<Self> {
        let mut code = self;
        while code.level() > level {
            code = code.parent()?;
        }
        (code.level() == level).then_some(code)
    }

    /// The three digits or more of one level, or `-` where the code does not reach down to it; for event subjects.
    pub fn token(self, level: AreaLevel) -> String {
        let digits = self.to_string();
        let at = match level {
            AreaLevel::County => 0..6,
            AreaLevel::Subdistrict => 6..9,
            AreaLevel::Community => 9..12,
            AreaLevel::Grid => 12..15,
        };
        digits.get(at).unwrap_or("-").to_owned()
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.span();
        let digits = match span {
            1 => 15,
            1_000 => 12,
            1_000_000 => 9,
            _ => 6,
        };
        write!(f, "{:0digits$}", self.0 / span)
    }
}

impl fmt::Debug for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AreaCode {
    type Err = NotAnArea;

    fn from_str(text: &str) -> Result<Self, NotAnArea> {
        if !matches!(text.len(), 6 | 9 | 12 | 15) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAnArea);
        }
        format!("{text:0<15}").parse().ok().filter(|n| *n > 0).map(Self).ok_or(NotAnArea)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_parents_and_text() -> Result<(), NotAnArea> {
        let grid: AreaCode = "511903001008002".parse()?;
        let cases = [
            (AreaLevel::Grid, "511903001008002"),
            (AreaLevel::Community, "511903001008"),
            (AreaLevel::Subdistrict, "511903001"),
            (AreaLevel::County, "511903"),
        ];
        let mut code = Some(grid);
        for (level, text) in cases {
            let here = code.ok_or(NotAnArea)?;
            assert_eq!((here.level(), here.to_string().as_str()), (level, text));
            assert_eq!(text.parse::<AreaCode>()?, here);
            assert_eq!(grid.at(level), Some(here));
            assert!(here.contains(grid));
            code = here.parent();
        }
        assert_eq!(code, None);
        assert_eq!(
            "511903001000".parse::<AreaCode>()?.to_string(),
            "511903001",
            "the official table's way to write it"
        );
        Ok(())
    }

    #[test]
    fn neighbours_are_outside() -> Result<(), NotAnArea> {
        let community: AreaCode = "511903001008".parse()?;
        for outside in ["511903001009", "511903001007999", "511903001009000", "511903001", "511903002008001"] {
            assert!(!community.contains(outside.parse()?), "{outside}");
        }
        assert_eq!(community.token(AreaLevel::Community), "008");
        assert_eq!(community.token(AreaLevel::Grid), "-");
        Ok(())
    }

    #[test]
    fn what_is_no_code() {
        for bad in ["", "5119", "5119030010081", "51190300100x", "000000", "５１１９０３", "-11903"] {
            assert_eq!(bad.parse::<AreaCode>(), Err(NotAnArea), "{bad}");
        }
    }
}
