//! What an incident is about, as a code that names its way from the group down (`sanitation.illegal_dumping`), so that a
//! group contains every code that begins with it. Which codes there are is the office's; see [`super::catalogue`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

const LONGEST: usize = 60;

/// The code of a category: small letters, digits and `_`, the levels parted by `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CategoryCode(String);

/// A text that is no category code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no category code; write small letters, digits and `_`, the group first, for example roads.surface")]
pub struct NotACategory(String);

impl CategoryCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A code that was in the tree when it was stored.
    pub fn recorded(code: String) -> Self {
        Self(code)
    }

    /// The code of the group this stands in; `None` for a group of the first level.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('.').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// Whether `other` is this or stands in it.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl std::fmt::Display for CategoryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for CategoryCode {
    type Err = NotACategory;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if code.len() <= LONGEST && code.split('.').all(is_word) {
            Ok(Self(code.to_owned()))
        } else {
            Err(NotACategory(code.chars().take(LONGEST).collect()))
        }
    }
}

impl TryFrom<String> for CategoryCode {
    type Error = NotACategory;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        code.parse()
    }
}

impl From<CategoryCode> for String {
    fn from(code: CategoryCode) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> CategoryCode {
        text.parse().expect("a code")
    }

    #[test]
    fn a_group_contains_itself_and_its_own_only() {
        assert!(code("roads").contains(&code("roads")));
        assert!(code("roads").contains(&code("roads.surface")));
        assert!(!code("roads.surface").contains(&code("roads")));
        // A code is contained by whole words.
        assert!(!code("roads.street_light").contains(&code("roads.street_light_row")));
        assert_eq!(code("roads.surface").parent(), Some(code("roads")));
        assert_eq!(code("roads").parent(), None);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "Roads", "roads.", ".roads", "roads..surface", "1st", "路灯", "roads surface", &"x".repeat(61)]
        {
            assert!(text.parse::<CategoryCode>().is_err(), "{text}");
        }
    }
}
