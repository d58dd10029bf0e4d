//! The names of people.

use std::fmt;

use super::text::{half_width, is_forbidden, is_han, looks_like_formula};

/// The most characters a name may have.
pub const LONGEST_NAME: usize = 60;

/// A person's name in one form: half-width, no space between Chinese characters, single spaces elsewhere, and
/// `·` for every dot between the parts of a transcribed name. It is personal: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonNameError {
    /// Nothing but white space.
    #[error("a name is needed")]
    Blank,
    /// More than [`LONGEST_NAME`] characters.
    #[error("a name has at most {LONGEST_NAME} characters, and this one has {found}")]
    TooLong {
        /// The characters found.
        found: usize,
    },
    /// Starts as a spreadsheet formula does.
    #[error("a name does not start with = + - or @, as a spreadsheet would take it for a formula")]
    Formula,
    /// NUL, line breaks and the like.
    #[error("a name has no control characters")]
    ControlCharacter,
    /// Digits and punctuation only.
    #[error("a name has at least one letter or Chinese character")]
    NoLetter,
}

impl PersonName {
    /// Reads a name and brings it to its one form.
    pub fn parse(text: &str) -> Result<Self, PersonNameError> {
        let name = tidy(text);
        if name.is_empty() {
            return Err(PersonNameError::Blank);
        }
        if name.chars().any(is_forbidden) {
            return Err(PersonNameError::ControlCharacter);
        }
        if looks_like_formula(&name) {
            return Err(PersonNameError::Formula);
        }
        let found = name.chars().count();
        if found > LONGEST_NAME {
            return Err(PersonNameError::TooLong { found });
        }
        if !name.chars().any(|c| c.is_alphabetic() || is_han(c)) {
            return Err(PersonNameError::NoLetter);
        }
        Ok(Self(name))
    }

    /// The name itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The first character and one star, whatever the length: `张*`.
    pub fn masked(&self) -> String {
        self.0.chars().take(1).chain(['*']).collect()
    }
}

/// The form in which names are kept and looked up. Only plain spaces are judged as spaces, so that a line break
/// inside a name is still there to be refused.
pub(super) fn tidy(text: &str) -> String {
    let text = half_width(text);
    let mut tidied = String::with_capacity(text.len());
    for word in text.trim().split(' ').filter(|word| !word.is_empty()) {
        let between_han = tidied.chars().next_back().is_some_and(joins) && word.chars().next().is_some_and(joins);
        if !tidied.is_empty() && !between_han {
            tidied.push(' ');
        }
        tidied.extend(word.chars().map(one_dot));
    }
    tidied
}

fn joins(c: char) -> bool {
    is_han(c) || one_dot(c) == '·'
}

fn one_dot(c: char) -> char {
    if matches!(c, '•' | '・' | '‧' | '⋅' | '∙' | '･') { '·' } else { c }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(…)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::{PersonName, PersonNameError};

    #[test]
    fn names_are_brought_to_one_form() {
        for (text, expected) in [
            (" 陈\u{3000}荣俊 ", "陈荣俊"),
            ("阿卜杜拉 • 买买提", "阿卜杜拉·买买提"),
            ("Maria   Garcia", "Maria Garcia"),
            ("Ｌｉ Ｎａ", "Li Na"),
            ("李 Lily", "李 Lily"),
            ("𠮷田", "𠮷田"),
        ] {
            assert_eq!(PersonName::parse(text).unwrap().expose(), expected);
        }
    }

    #[test]
    fn wrong_names_are_refused_with_their_rule() {
        for (text, error) in [
            ("", PersonNameError::Blank),
            (" \u{3000} ", PersonNameError::Blank),
            ("=HYPERLINK(\"x\",\"郭\")", PersonNameError::Formula),
            ("＝1+1", PersonNameError::Formula),
            ("@张三", PersonNameError::Formula),
            ("张\0三", PersonNameError::ControlCharacter),
            ("张\n三", PersonNameError::ControlCharacter),
            ("张\u{202E}三", PersonNameError::ControlCharacter),
            ("12345", PersonNameError::NoLetter),
        ] {
            assert_eq!(PersonName::parse(text).unwrap_err(), error, "{text:?}");
        }
        assert_eq!(PersonName::parse(&"张".repeat(61)).unwrap_err(), PersonNameError::TooLong { found: 61 });
        assert!(PersonName::parse(&"张".repeat(60)).is_ok());
    }

    #[test]
    fn content_is_hidden() {
        let name = PersonName::parse("张清秀").unwrap();
        assert_eq!(format!("{name:?}"), "PersonName(…)");
        assert_eq!(name.masked(), "张*");
    }
}
