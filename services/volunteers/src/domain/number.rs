//! What the office calls a volunteer: a number that says nothing about the person. MZ/T 061-2015 asks for one of the
//! system's own, because the ID number in its place harms whoever has it.

use std::{fmt, str::FromStr};

use chassis::data::{AreaCode, AreaLevel};
use chrono::{Datelike, NaiveDate};

use super::VolunteerId;

/// County (6 digits after GB/T 2260), year of registration (2), seven digits without a meaning, check digit (ISO 7064,
/// MOD 11,10). With 16 digits it is never mistaken for an ID number, which has 18.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolunteerNumber(String);

/// Numbers of one county and year that there can be.
const SERIALS: u128 = 10_000_000;
const DIGITS: usize = 16;

/// A text that is no volunteer number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANumber {
    #[error("a volunteer number has 16 digits")]
    Form,
    #[error("the last digit of the volunteer number does not fit the others: at least one of them is wrong")]
    CheckDigit,
}

impl VolunteerNumber {
    /// The number of a volunteer registered in this area on this day. It is made of the id's random end, so two may meet on
    /// one: the store keeps numbers unique, and who loses takes another id.
    pub fn of(id: VolunteerId, area: AreaCode, on: NaiveDate) -> Self {
        let county = area.token(AreaLevel::County);
        let serial = id.0.as_u128() % SERIALS;
        let digits = format!("{county}{:02}{serial:07}", on.year() % 100);
        let check = check_digit(&digits);
        Self(format!("{digits}{check}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VolunteerNumber {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if text.len() != DIGITS || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NotANumber::Form);
        }
        let (digits, check) = text.split_at(DIGITS - 1);
        if check_digit(digits).to_string() != check {
            return Err(NotANumber::CheckDigit);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for VolunteerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VolunteerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ISO 7064, MOD 11,10: the product starts at 10; each digit is added (modulo 10, 0 as 10) and doubled (modulo 11). The
/// check digit brings the last product to 1.
fn check_digit(digits: &str) -> u32 {
    let product = digits.bytes().fold(10, |product, digit| {
        let sum = (product + u32::from(digit - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_standards_own_example() {
        // ISO 7064, clause on MOD 11,10: 0794 has the check digit 5.
        assert_eq!(check_digit("0794"), 5);
    }

    #[test]
    fn a_number_is_read_back() {
        let area = "511903001008002".parse().expect("an area");
        let on = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
        let number = VolunteerNumber::of(VolunteerId(Uuid::from_u128(42)), area, on);
        assert!(number.as_str().starts_with("511903260000042"), "{number}");
        assert_eq!(number.as_str().parse(), Ok(number.clone()));
        for wrong in ["", "511903199001010033", "51190326000004", "５１１９０３２６００００４２７１"] {
            assert_eq!(wrong.parse::<VolunteerNumber>(), Err(NotANumber::Form), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_noticed(id in any::<u128>(), position in 0usize..16, step in 1u8..10) {
            let area = "511903001".parse().expect("an area");
            let on = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day");
            let number = VolunteerNumber::of(VolunteerId(Uuid::from_u128(id)), area, on);
            prop_assert_eq!(number.as_str().len(), 16);
            let mut wrong = number.as_str().as_bytes().to_vec();
            wrong[position] = b'0' + (wrong[position] - b'0' + step) % 10;
            let wrong = String::from_utf8(wrong).expect("digits");
            prop_assert_eq!(wrong.parse::<VolunteerNumber>(), Err(NotANumber::CheckDigit));
        }
    }
}
