//! Places as codes: GB/T 2260 county (6 digits) + subdistrict (3) + community (3) + grid (3).

use std::fmt;
use std::str::FromStr;

text_code! {
    /// How deep in the tree an area lies.
    pub enum AreaLevel("area_level") {
        County = "county", ["区县", "县"];
        Subdistrict = "subdistrict", ["街道", "乡镇"];
        Community = "community", ["社区", "村"];
        Grid = "grid", ["网格"];
    }
}

/// The code of a county, subdistrict, community or grid. A shorter code contains every longer one that starts
/// with it; so ordering by code walks the tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AreaCode(String);

/// Why a text is no area code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AreaCodeError {
    /// A character that is no digit.
    #[error("an area code has digits only")]
    NotDigits,
    /// Not 6, 9, 12 or 15 digits.
    #[error(
        "an area code has 6 digits (county), 9 (subdistrict), 12 (community) or 15 (grid), and this one has {found}"
    )]
    Length {
        /// The characters found.
        found: usize,
    },
    /// Starts with 0: no province does (GB/T 2260).
    #[error("an area code starts with the two digits of a province, which are never below 11")]
    Province,
    /// `000` in the middle, so that a level is missing.
    #[error("the {missing} part of the area code is 000 though a part after it is not")]
    Gap {
        /// The level whose part is 000.
        missing: AreaLevel,
    },
}

impl AreaCode {
    /// Reads a code. Trailing `000` parts, as the official tables pad with, are dropped: `511903001000` is the
    /// subdistrict `511903001`.
    pub fn parse(text: &str) -> Result<Self, AreaCodeError> {
        let text = text.trim();
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AreaCodeError::NotDigits);
        }
        if !matches!(text.len(), 6 | 9 | 12 | 15) {
            return Err(AreaCodeError::Length { found: text.len() });
        }
        if text.starts_with('0') || text.starts_with("10") {
            return Err(AreaCodeError::Province);
        }
        let mut code = text;
        while code.len() > 6
            && let Some(shorter) = code.strip_suffix("000")
            && shorter.len().is_multiple_of(3)
        {
            code = shorter;
        }
        for (start, missing) in [(6, AreaLevel::Subdistrict), (9, AreaLevel::Community)] {
            if code.len() > start && code[start..].starts_with("000") {
                return Err(AreaCodeError::Gap { missing });
            }
        }
        Ok(Self(code.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of area it is.
    pub fn level(&self) -> AreaLevel {
        match self.0.len() {
            6 => AreaLevel::County,
            9 => AreaLevel::Subdistrict,
            12 => AreaLevel::Community,
            _ => AreaLevel::Grid,
        }
    }

    /// The area one level up; a county has none here.
    pub fn parent(&self) -> Option<Self> {
        (self.0.len() > 6).then(|| Self(self.0[..self.0.len() - 3].to_owned()))
    }

    /// Whether `other` is this area or lies in it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The county it lies in, or is.
    #[must_use]
    pub fn county(&self) -> Self {
        Self(self.0[..6].to_owned())
    }

    /// The subdistrict it lies in, or is; none for a county. This is the key by which data can be split.
    pub fn subdistrict(&self) -> Option<Self> {
        self.cut(9)
    }

    /// The community it lies in, or is; none for a county or subdistrict.
    pub fn community(&self) -> Option<Self> {
        self.cut(12)
    }

    fn cut(&self, digits: usize) -> Option<Self> {
        self.0.get(..digits).map(|code| Self(code.to_owned()))
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AreaCode {
    type Err = AreaCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::{AreaCode, AreaCodeError, AreaLevel};

    fn code(text: &str) -> AreaCode {
        AreaCode::parse(text).unwrap()
    }

    #[test]
    fn official_padding_is_dropped() {
        assert_eq!(code("511903000000").as_str(), "511903");
        assert_eq!(code("511903001000").as_str(), "511903001");
        assert_eq!(code("511903001008").as_str(), "511903001008");
        assert_eq!(code("511903001008000").level(), AreaLevel::Community);
        // A county code that itself ends in 000 keeps its six digits.
        assert_eq!(code("442000").as_str(), "442000");
    }

    #[test]
    fn the_tree_is_walked_by_prefix() {
        let grid = code("511903001008003");
        assert_eq!(grid.level(), AreaLevel::Grid);
        assert_eq!(grid.parent(), Some(code("511903001008")));
        assert_eq!(grid.subdistrict(), Some(code("511903001")));
        assert_eq!(grid.community(), Some(code("511903001008")));
        assert_eq!(code("511903").parent(), None);
        assert_eq!(code("511903").subdistrict(), None);
        assert!(code("511903001").contains(&grid));
        assert!(grid.contains(&grid));
        assert!(!grid.contains(&code("511903001008")));
        assert!(!code("511903001009").contains(&grid));
    }

    #[test]
    fn wrong_codes_are_refused_with_their_rule() {
        assert_eq!(AreaCode::parse("51190300"), Err(AreaCodeError::Length { found: 8 }));
        assert_eq!(AreaCode::parse(""), Err(AreaCodeError::Length { found: 0 }));
        assert_eq!(AreaCode::parse("5119O3"), Err(AreaCodeError::NotDigits));
        assert_eq!(AreaCode::parse("511903\0"), Err(AreaCodeError::NotDigits));
        assert_eq!(AreaCode::parse("011903"), Err(AreaCodeError::Province));
        assert_eq!(AreaCode::parse("511903000008"), Err(AreaCodeError::Gap { missing: AreaLevel::Subdistrict }));
        assert_eq!(AreaCode::parse("511903001000001"), Err(AreaCodeError::Gap { missing: AreaLevel::Community }));
    }
}
