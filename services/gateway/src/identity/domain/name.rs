//! What somebody signs in with.

/// A name in its one form: lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName(String);

/// The rule that a name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a letter, then 2 to 63 letters, digits, dots, hyphens or underscores")]
pub struct NotAName;

impl AccountName {
    /// A name begins with a letter, so that no phone or ID number becomes one.
    pub fn new(text: &str) -> Result<Self, NotAName> {
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        let fits = (3..=64).contains(&text.len());
        if starts && rest && fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(NotAName) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_person_is_no_name() {
        for wrong in ["", "ab", "13912341550", "51190319900101003X", "张清秀", "a b c", "-abc", &"a".repeat(65)] {
            assert_eq!(AccountName::new(wrong), Err(NotAName), "{wrong}");
        }
        assert_eq!(AccountName::new("Wang.Fang-2").expect("a name").as_str(), "wang.fang-2");
    }
}
