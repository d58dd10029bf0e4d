//! The communities that a survey's rows may name.

use std::collections::HashMap;

use crate::domain::text::compact;
use chassis::data::AreaCode;

/// Why the place of a row is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AreaRefused {
    /// No community of that name.
    #[error("the community is not known")]
    CommunityUnknown,
    /// The grid is in none of the communities known.
    #[error("the grid lies outside the area")]
    Outside,
    /// The grid is in another community than the one named.
    #[error("the grid is not in the community named")]
    Contradicts,
}

/// Decides the area of a row from the community's name and the grid's code, where the row has one.
pub type CheckArea<'a> = &'a dyn Fn(&str, Option<&AreaCode>) -> Result<AreaCode, AreaRefused>;

/// Communities by name. Offices leave the official ending off (`白玉社区居民委员会` is `白玉社区` to them), so endings
/// do not count but for telling a village from an urban community.
#[derive(Debug, Clone, Default)]
pub struct KnownCommunities {
    by_name: HashMap<String, AreaCode>,
}

const VILLAGE_ENDINGS: [&str; 3] = ["村民委员会", "村委会", "村"];
const URBAN_ENDINGS: [&str; 3] = ["居民委员会", "居委会", "社区"];

impl KnownCommunities {
    /// Takes names and codes of communities. Of two communities with one name the later stands.
    pub fn new<'a>(communities: impl IntoIterator<Item = (&'a str, AreaCode)>) -> Self {
        Self { by_name: communities.into_iter().map(|(name, code)| (short_name(name), code)).collect() }
    }

    /// The area of a row: the grid if it lies in the community named, the community if there is no grid. A grid need
    /// not be known before.
    pub fn check(&self, community: &str, grid: Option<&AreaCode>) -> Result<AreaCode, AreaRefused> {
        let known = self.by_name.get(&short_name(community)).ok_or(AreaRefused::CommunityUnknown)?;
        match grid {
            None => Ok(*known),
            Some(grid) if known.contains(*grid) => Ok(*grid),
            Some(grid) if self.by_name.values().any(|other| other.contains(*grid)) => Err(AreaRefused::Contradicts),
            Some(_) => Err(AreaRefused::Outside),
        }
    }
}

/// `狮子山村民委员会` and `狮子山村村民委员会` are `狮子山村`, `白玉社区居民委员会` is `白玉`.
fn short_name(name: &str) -> String {
    let name = compact(name);
    if let Some(village) = VILLAGE_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) {
        return format!("{}村", village.strip_suffix('村').unwrap_or(village));
    }
    let mut short = name.as_str();
    for ending in URBAN_ENDINGS {
        short = short.strip_suffix(ending).unwrap_or(short);
    }
    short.to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::{AreaCode, AreaRefused, KnownCommunities};

    fn code(text: &str) -> AreaCode {
        text.parse().unwrap()
    }

    #[test]
    fn names_match_without_their_official_ending() {
        let known = KnownCommunities::new([
            ("白玉社区居民委员会", code("511903001008")),
            ("新场居民委员会", code("511903001001")),
            ("团包垭村村民委员会", code("511903001232")),
        ]);
        let grid = code("511903001008002");
        assert_eq!(known.check("白玉社区", Some(&grid)), Ok(grid));
        assert_eq!(known.check("白玉", None), Ok(code("511903001008")));
        for name in ["团包垭村", "团包垭村委会", "团包垭村民委员会"] {
            assert_eq!(known.check(name, None), Ok(code("511903001232")));
        }
        assert_eq!(known.check("新场", Some(&grid)), Err(AreaRefused::Contradicts));
        assert_eq!(known.check("新场", Some(&code("511999001001001"))), Err(AreaRefused::Outside));
        assert_eq!(known.check("白云社区", None), Err(AreaRefused::CommunityUnknown));
    }
}
