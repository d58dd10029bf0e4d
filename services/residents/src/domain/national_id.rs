//! The citizen's number of GB 11643: 6 digits place, 8 birth date, 3 order (odd for men), 1 check character.

use std::fmt;

use chrono::NaiveDate;

use super::person::Sex;
use super::text::compact;

/// A number that is right in form, date and check character. The place may be one that no longer exists, and
/// the numbers of residence permits (prefixes 81, 82, 83) and of foreigners' permanent residence (9) follow the
/// same scheme. It is personal: neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NationalId {
    number: String,
    birth_date: NaiveDate,
    sex: Sex,
}

/// Why a text is no citizen's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NationalIdError {
    /// Not 18 characters.
    #[error("an ID number has 18 characters, and this one has {found}")]
    Length {
        /// The characters found, spaces not counted.
        found: usize,
    },
    /// Something other than 17 digits and a digit or X.
    #[error("an ID number has 17 digits and then a digit or X")]
    Characters,
    /// The first digit is 0.
    #[error("an ID number never starts with 0")]
    Place,
    /// Digits 7 to 14 are no date of the calendar.
    #[error("digits 7 to 14 of the ID number are no date of the calendar")]
    BirthDate,
    /// The last character does not fit the others.
    #[error("the check character of the ID number does not fit its digits: at least one of them is wrong")]
    Checksum,
}

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_CHARACTERS: [u8; 11] = *b"10X98765432";

impl NationalId {
    /// Reads a number; spaces, full-width digits and a small x are put right first.
    pub fn parse(text: &str) -> Result<Self, NationalIdError> {
        let mut number = compact(text);
        number.make_ascii_uppercase();
        let found = number.chars().count();
        if found != 18 {
            return Err(NationalIdError::Length { found });
        }
        let (digits, check) = number.as_bytes().split_at(17);
        if !digits.iter().all(u8::is_ascii_digit) || !(check[0].is_ascii_digit() || check[0] == b'X') {
            return Err(NationalIdError::Characters);
        }
        if digits[0] == b'0' {
            return Err(NationalIdError::Place);
        }
        let birth_date = NaiveDate::parse_from_str(&number[6..14], "%Y%m%d").map_err(|_| NationalIdError::BirthDate)?;
        if check_character(digits) != check[0] {
            return Err(NationalIdError::Checksum);
        }
        let sex = if digits[16] % 2 == 1 { Sex::Male } else { Sex::Female };
        Ok(Self { number, birth_date, sex })
    }

    /// The number of these parts, with the check character that belongs to them; none where a part has not its length.
    pub fn of_parts(place: u32, birth_date: NaiveDate, order: u16) -> Option<Self> {
        let digits = format!("{place:06}{}{order:03}", birth_date.format("%Y%m%d"));
        let check = (digits.len() == 17).then(|| char::from(check_character(digits.as_bytes())))?;
        Self::parse(&format!("{digits}{check}")).ok()
    }

    /// The date of birth that the number states.
    pub fn birth_date(&self) -> NaiveDate {
        self.birth_date
    }

    /// The sex that the number states: an odd 17th digit is a man's.
    pub fn sex(&self) -> Sex {
        self.sex
    }

    /// The 18 characters themselves. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &str {
        &self.number
    }

    /// Place and the last two characters; the rest hidden.
    pub fn masked(&self) -> String {
        format!("{}**********{}", &self.number[..6], &self.number[16..])
    }
}

fn check_character(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECK_CHARACTERS[(sum % 11) as usize]
}

impl fmt::Debug for NationalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NationalId(…)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::{NationalId, NationalIdError, check_character};
    use crate::domain::person::Sex;

    #[test]
    fn known_numbers_are_read() {
        for (number, birth, sex) in [
            ("11010519491231002X", "1949-12-31", Sex::Female),
            ("360426199101010071", "1991-01-01", Sex::Male),
            ("51190319480229001X", "1948-02-29", Sex::Male),
            ("511903201506010127", "2015-06-01", Sex::Female),
            ("511903199001010033", "1990-01-01", Sex::Male),
        ] {
            let id = NationalId::parse(number).unwrap();
            assert_eq!(id.expose(), number);
            assert_eq!(id.birth_date(), birth.parse::<NaiveDate>().unwrap());
            assert_eq!(id.sex(), sex);
        }
    }

    #[test]
    fn spaces_width_and_small_x_are_put_right() {
        let id = NationalId::parse(" 110105 19491231\u{3000}００２ｘ ").unwrap();
        assert_eq!(id.expose(), "11010519491231002X");
        assert_eq!(id.masked(), "110105**********2X");
    }

    #[test]
    fn wrong_numbers_are_refused_with_their_rule() {
        let refused = |text: &str| NationalId::parse(text).unwrap_err();
        assert_eq!(refused("511903199001010034"), NationalIdError::Checksum);
        assert_eq!(refused("511903194902290012"), NationalIdError::BirthDate);
        assert_eq!(refused("511903199013010033"), NationalIdError::BirthDate);
        assert_eq!(refused("511903900101003"), NationalIdError::Length { found: 15 });
        assert_eq!(refused(""), NationalIdError::Length { found: 0 });
        assert_eq!(refused("5119031990010100X3"), NationalIdError::Characters);
        assert_eq!(refused("51190319900101003三"), NationalIdError::Characters);
        assert_eq!(refused("011903199001010033"), NationalIdError::Place);
    }

    #[test]
    fn residence_permits_follow_the_same_scheme() {
        for prefix in ["810000", "820000", "830000", "932682"] {
            let digits = format!("{prefix}19800412001");
            let number = format!("{digits}{}", char::from(check_character(digits.as_bytes())));
            assert!(NationalId::parse(&number).is_ok(), "{prefix}");
        }
    }

    #[test]
    fn a_number_is_made_of_its_parts() {
        let birth_date = NaiveDate::from_ymd_opt(1949, 12, 31).unwrap();
        assert_eq!(NationalId::of_parts(110_105, birth_date, 2).unwrap().expose(), "11010519491231002X");
        assert!(NationalId::of_parts(110_105, birth_date, 1000).is_none());
        assert!(NationalId::of_parts(1_101_055, birth_date, 1).is_none());
    }

    #[test]
    fn debug_shows_nothing() {
        let id = NationalId::parse("11010519491231002X").unwrap();
        assert_eq!(format!("{id:?}"), "NationalId(…)");
    }

    proptest! {
        /// The standard promises that any single wrong digit is noticed.
        #[test]
        fn one_wrong_digit_is_always_noticed(order in 0u32..1000, position in 0usize..17, step in 1u8..10) {
            let digits = format!("51190319840229{order:03}");
            let check = check_character(digits.as_bytes());
            let mut wrong = digits.into_bytes();
            wrong[position] = b'0' + (wrong[position] - b'0' + step) % 10;
            wrong.push(check);
            prop_assert!(NationalId::parse(std::str::from_utf8(&wrong).unwrap()).is_err());
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = NationalId::parse(&text);
        }
    }
}
