//! How people are found: the keys kept for a name, and what a typed text asks for.
//!
//! Keys are looked up by prefix, so that one ordinary index serves both databases: a name is kept under each of its
//! suffixes (`张清秀`, `清秀`, `秀`) and under its pinyin initials (`#zqx`).

use pinyin::ToPinyinMulti;

use super::name::{LONGEST_NAME, PersonName, tidy};
use super::national_id::{NationalId, NationalIdError};
use super::phone::{Phone, PhoneError};
use super::text::{compact, is_forbidden, is_han};

/// The most suffixes kept for a name.
pub const MOST_SUFFIXES: usize = 20;
/// The most combinations of readings kept for a name.
pub const MOST_INITIALS: usize = 8;

const INITIALS_MARK: char = '#';

impl PersonName {
    /// The keys under which the name is found, without repeats: suffixes in lower case, then initials after `#`.
    /// Characters with several readings (单, 曾, 仇) give a key for each, the usual readings of the later
    /// characters first, so that the family name's readings are never the ones cut off.
    pub fn search_keys(&self) -> Vec<String> {
        let name = self.expose().to_lowercase();
        let mut keys: Vec<String> =
            word_starts(&name).take(MOST_SUFFIXES).map(|(at, _)| name[at..].to_owned()).collect();
        keys.extend(initials(&name));
        keys
    }
}

/// Each place where a query may start to match: every Chinese character, and the first letter of every other word.
fn word_starts(name: &str) -> impl Iterator<Item = (usize, char)> {
    let mut inside_word = false;
    name.char_indices().filter(move |&(_, c)| {
        let starts = is_han(c) || (c.is_alphanumeric() && !inside_word);
        inside_word = c.is_alphanumeric() && !is_han(c);
        starts
    })
}

fn initials(name: &str) -> Vec<String> {
    let mut combinations = vec![String::from(INITIALS_MARK)];
    for (_, c) in word_starts(name) {
        let letters = first_letters(c);
        if letters.is_empty() {
            continue;
        }
        combinations = letters
            .iter()
            .flat_map(|letter| combinations.iter().map(move |so_far| format!("{so_far}{letter}")))
            .take(MOST_INITIALS)
            .collect();
    }
    combinations.retain(|combination| combination.len() > 1);
    combinations
}

/// The letters with which the readings of a character start, the usual reading first.
fn first_letters(c: char) -> Vec<char> {
    let Some(readings) = c.to_pinyin_multi() else {
        return if is_han(c) { Vec::new() } else { vec![c] };
    };
    let mut letters = Vec::new();
    for letter in readings.into_iter().filter_map(|reading| reading.plain().chars().next()) {
        // ü has no key of its own on a keyboard without marks.
        let letter = if letter == 'ü' { 'v' } else { letter };
        if !letters.contains(&letter) {
            letters.push(letter);
        }
    }
    letters
}

/// What a typed text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchTerm {
    /// A whole ID number: look it up by its blind index.
    NationalId(NationalId),
    /// A whole telephone number: look it up by its blind index.
    Phone(Phone),
    /// Part of a name: the prefix of a key.
    Name(String),
    /// Latin letters: either the initials of a Chinese name or the start of a Latin one, so both prefixes are
    /// looked up.
    Letters {
        /// The prefix of a key of initials, `#zqx`.
        initials: String,
        /// The prefix of a key of names, `zqx`.
        name: String,
    },
}

/// Why a text cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchTermError {
    /// Nothing to look for.
    #[error("type a name, pinyin initials, a phone number or an ID number to search for")]
    Blank,
    /// More than [`LONGEST_NAME`] characters.
    #[error("a search text has at most {LONGEST_NAME} characters, and this one has {found}")]
    TooLong {
        /// The characters found.
        found: usize,
    },
    /// NUL, line breaks and the like.
    #[error("a search text has no control characters")]
    ControlCharacter,
    /// Neither letter nor digit.
    #[error("a search text has at least one letter, digit or Chinese character")]
    NoLetter,
    /// Eighteen characters, so meant as an ID number.
    #[error("this looks like an ID number: {0}")]
    NationalId(NationalIdError),
    /// Digits only, so meant as a number of some kind.
    #[error("digits alone are looked up as a whole phone or ID number: {0}")]
    Phone(PhoneError),
}

impl SearchTerm {
    /// Decides what the text asks for. Numbers are found whole or not at all, as their index is blind.
    pub fn parse(text: &str) -> Result<Self, SearchTermError> {
        let found = text.chars().count();
        if found > LONGEST_NAME {
            return Err(SearchTermError::TooLong { found });
        }
        let name = tidy(text).to_lowercase();
        if name.is_empty() {
            return Err(SearchTermError::Blank);
        }
        if name.chars().any(is_forbidden) {
            return Err(SearchTermError::ControlCharacter);
        }
        let number = compact(text);
        if looks_like_national_id(&number) {
            return NationalId::parse(&number).map(Self::NationalId).map_err(SearchTermError::NationalId);
        }
        if name.chars().any(|c| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_digit() || " +-()".contains(c)) {
            return Phone::parse(&number).map(Self::Phone).map_err(SearchTermError::Phone);
        }
        // A key starts at a letter, so what stands before the first one can never match.
        let start = word_starts(&name).next().map(|(at, _)| at).ok_or(SearchTermError::NoLetter)?;
        let name = name[start..].to_owned();
        if name.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Ok(Self::Letters { initials: format!("{INITIALS_MARK}{name}"), name });
        }
        Ok(Self::Name(name))
    }
}

fn looks_like_national_id(number: &str) -> bool {
    number.len() == 18
        && number[..].bytes().take(17).all(|b| b.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit() || c.eq_ignore_ascii_case(&'x'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::{MOST_INITIALS, MOST_SUFFIXES, SearchTerm, SearchTermError};
    use crate::domain::name::PersonName;

    fn keys(name: &str) -> Vec<String> {
        PersonName::parse(name).unwrap().search_keys()
    }

    #[test]
    fn a_chinese_name_is_kept_under_its_suffixes_and_initials() {
        assert_eq!(keys("张清秀"), ["张清秀", "清秀", "秀", "#zqx"]);
    }

    #[test]
    fn every_reading_of_a_family_name_is_kept() {
        for (name, wanted) in [("单雄", ["#sx", "#dx"]), ("曾平", ["#zp", "#cp"]), ("仇英", ["#qy", "#cy"])] {
            let keys = keys(name);
            assert!(wanted.iter().all(|key| keys.contains(&(*key).to_owned())), "{name}: {keys:?}");
        }
    }

    #[test]
    fn transcribed_and_latin_names_are_found_by_each_part() {
        let uyghur = keys("阿卜杜拉·买买提");
        assert!(uyghur.contains(&"买买提".to_owned()) && !uyghur.iter().any(|key| key.starts_with('·')));
        assert_eq!(keys("Maria Garcia"), ["maria garcia", "garcia", "#mg"]);
    }

    #[test]
    fn a_text_is_looked_up_as_what_it_is() {
        assert!(matches!(SearchTerm::parse("5119031990 01010033").unwrap(), SearchTerm::NationalId(_)));
        assert!(matches!(SearchTerm::parse("11010519491231002x").unwrap(), SearchTerm::NationalId(_)));
        assert!(matches!(SearchTerm::parse("139-1234-1550").unwrap(), SearchTerm::Phone(_)));
        assert_eq!(SearchTerm::parse(" 清 秀 ").unwrap(), SearchTerm::Name("清秀".to_owned()));
        let letters = SearchTerm::Letters { initials: "#zqx".to_owned(), name: "zqx".to_owned() };
        assert_eq!(SearchTerm::parse("ZQX").unwrap(), letters);
        assert_eq!(SearchTerm::parse("#zqx").unwrap(), letters);
        assert_eq!(SearchTerm::parse("Maria Gar").unwrap(), SearchTerm::Name("maria gar".to_owned()));
    }

    #[test]
    fn what_cannot_be_looked_up_is_refused() {
        assert_eq!(SearchTerm::parse("  "), Err(SearchTermError::Blank));
        assert_eq!(SearchTerm::parse("%_"), Err(SearchTermError::NoLetter));
        assert_eq!(SearchTerm::parse("张\0"), Err(SearchTermError::ControlCharacter));
        assert_eq!(SearchTerm::parse(&"张".repeat(61)), Err(SearchTermError::TooLong { found: 61 }));
        assert!(matches!(SearchTerm::parse("511903199001010034"), Err(SearchTermError::NationalId(_))));
        assert!(matches!(SearchTerm::parse("1380013"), Err(SearchTermError::Phone(_))));
    }

    proptest! {
        #[test]
        fn whoever_types_a_part_of_a_name_finds_it(name in "[张单曾仇清秀阿拉a-c ·]{1,30}", skip in 0usize..30) {
            if let Ok(name) = PersonName::parse(&name) {
                let keys = name.search_keys();
                prop_assert!(keys.len() <= MOST_SUFFIXES + MOST_INITIALS);
                let part: String = name.expose().chars().skip(skip.min(MOST_SUFFIXES / 2)).collect();
                if let Ok(SearchTerm::Name(prefix)) = SearchTerm::parse(&part)
                    && part.starts_with(super::is_han)
                    && name.expose().chars().all(super::is_han)
                {
                    prop_assert!(keys.iter().any(|key| key.starts_with(&prefix)), "{keys:?} {prefix}");
                }
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,70}") {
            let _ = SearchTerm::parse(&text);
            if let Ok(name) = PersonName::parse(&text) {
                name.search_keys();
            }
        }
    }
}
