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
    /// More than one community has the name, and there is no grid to decide.
    #[error("more than one community has this name")]
    Ambiguous,
}

/// Decides the area of a row from the community's name and the grid's code, where the row has one.
pub type CheckArea<'a> = &'a dyn Fn(&str, Option<&AreaCode>) -> Result<AreaCode, AreaRefused>;

/// Communities by name. Offices leave the official ending off (`白玉社区居民委员会` is `白玉社区` to them), so endings
/// do not count but for telling a village from an urban community. Different ones may have one name.
#[derive(Debug, Clone, Default)]
pub struct KnownCommunities {
    by_name: HashMap<String, Vec<AreaCode>>,
}

const VILLAGE_ENDINGS: [&str; 3] = ["村民委员会", "村委会", "村"];
const URBAN_ENDINGS: [&str; 3] = ["居民委员会", "居委会", "社区"];

impl KnownCommunities {
    /// Takes names and codes of communities.
    pub fn new<'a>(communities: impl IntoIterator<Item = (&'a str, AreaCode)>) -> Self {
        let mut by_name: HashMap<String, Vec<AreaCode>> = HashMap::new();
        for (name, code) in communities {
            by_name.entry(short_name(name)).or_default().push(code);
        }
        Self { by_name }
    }

    /// The area of a row: the grid if it lies in a community of that name, the community if there is no grid. A grid
    /// need not be known before.
    pub fn check(&self, community: &str, grid: Option<&AreaCode>) -> Result<AreaCode, AreaRefused> {
        let known = self.by_name.get(&short_name(community)).ok_or(AreaRefused::CommunityUnknown)?;
        let Some(grid) = grid else {
            return if let [only] = known.as_slice() { Ok(*only) } else { Err(AreaRefused::Ambiguous) };
        };
        let lies_in = |codes: &[AreaCode]| codes.iter().any(|code| code.contains(*grid));
        if lies_in(known) {
            Ok(*grid)
        } else if self.by_name.values().any(|codes| lies_in(codes)) {
            Err(AreaRefused::Contradicts)
        } else {
            Err(AreaRefused::Outside)
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

    #[test]
    fn of_two_communities_with_one_name_the_grid_decides() {
        let (one, other) = ("511903101216", "511903120203");
        let known = KnownCommunities::new([("青龙村民委员会", code(one)), ("青龙村村民委员会", code(other))]);
        for community in [one, other] {
            let grid = code(&format!("{community}001"));
            assert_eq!(known.check("青龙村", Some(&grid)), Ok(grid));
        }
        assert_eq!(known.check("青龙村", None), Err(AreaRefused::Ambiguous));
        assert_eq!(known.check("青龙村", Some(&code("511999001001001"))), Err(AreaRefused::Outside));
    }
}
