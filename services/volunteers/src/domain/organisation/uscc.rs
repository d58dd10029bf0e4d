//! The unified social credit code: GB 32100-2015, with the organisation code of GB 11714-1997 inside.

use std::{fmt, str::FromStr};

/// The characters of GB 32100 in the order of their values 0 to 30: no I, O, S, V and Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Length of the code.
const LENGTH: usize = 18;
/// Where the organisation code stands: after the registering department, the category and six digits of place.
const ORGANISATION: std::ops::Range<usize> = 8..17;
/// Weights of the organisation code's eight characters.
const INNER_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// A code both of whose check characters are right. Letters are large.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc(String);

/// A text that is no USCC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAUscc {
    #[error("has 18 digits and capital letters without I, O, S, V and Z, with six digits of place from the third on")]
    Form,
    #[error("has an organisation code whose check character does not fit the others: at least one of them is wrong")]
    OrganisationCode,
    #[error("has a check character that does not fit the others: at least one of them is wrong")]
    CheckCharacter,
}

impl Uscc {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Uscc {
    type Err = NotAUscc;

    /// Small letters are read as large ones.
    fn from_str(text: &str) -> Result<Self, NotAUscc> {
        let text = text.trim().to_ascii_uppercase();
        let code: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| NotAUscc::Form)?;
        let place = code[2..8].iter().all(u8::is_ascii_digit);
        if !place || !code.iter().all(|character| ALPHABET.contains(character)) {
            return Err(NotAUscc::Form);
        }
        // An organisation code may end in X, for ten; all other characters are those of GB 32100.
        if organisation_check(&code[ORGANISATION.start..ORGANISATION.end - 1]) != code[ORGANISATION.end - 1] {
            return Err(NotAUscc::OrganisationCode);
        }
        if check(&code[..LENGTH - 1]) != code[LENGTH - 1] {
            return Err(NotAUscc::CheckCharacter);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// GB 32100: weights are the powers of 3 modulo 31; the check character brings the sum to a multiple of 31.
fn check(code: &[u8]) -> u8 {
    let mut weight = 1;
    let mut sum = 0;
    for character in code {
        let value = ALPHABET.iter().position(|known| known == character).unwrap_or(0);
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    ALPHABET[(31 - sum % 31) % 31]
}

/// GB 11714: letters count from A = 10, all 26 of them; 10 is written X, and 11 is written 0.
fn organisation_check(code: &[u8]) -> u8 {
    let value = |character: u8| match character {
        b'A'..=b'Z' => u32::from(character - b'A') + 10,
        digit => u32::from(digit.wrapping_sub(b'0')),
    };
    let sum: u32 = code.iter().zip(INNER_WEIGHTS).map(|(character, weight)| value(*character) * weight).sum();
    match 11 - sum % 11 {
        10 => b'X',
        11 => b'0',
        digit => b'0'.wrapping_add(u8::try_from(digit).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first is published (python-stdnum); the others are made after the standards and belong to nobody.
    const VECTORS: [&str; 3] = ["91110000600037341L", "52511903MJQ01234XX", "515119035001234539"];

    #[test]
    fn the_vectors_are_read() {
        for vector in VECTORS {
            assert_eq!(vector.parse::<Uscc>().map(|uscc| uscc.to_string()), Ok(vector.to_owned()));
        }
        assert_eq!(" 91110000600037341l ".parse(), "91110000600037341L".parse::<Uscc>(), "as people write it");
        assert_eq!(organisation_check(b"60003734"), b'1');
    }

    #[test]
    fn what_is_no_code_is_told_why() {
        let form = [
            "",
            "9111000060003734",
            "91110000600037341LL",
            "9111000060003734IL",
            "91110O00600037341L",
            "９１110000600037341L",
        ];
        for wrong in form {
            assert_eq!(wrong.parse::<Uscc>(), Err(NotAUscc::Form), "{wrong}");
        }
        assert_eq!("91110000600037342L".parse::<Uscc>(), Err(NotAUscc::OrganisationCode));
        assert_eq!("91110000600037341M".parse::<Uscc>(), Err(NotAUscc::CheckCharacter));
        assert_eq!("92110000600037341L".parse::<Uscc>(), Err(NotAUscc::CheckCharacter));
    }

    proptest! {
        /// 31 is a prime, so one wrong character never passes; whatever is sent, nothing panics.
        #[test]
        fn one_wrong_character_is_always_noticed(vector in 0usize..3, at in 0usize..18, to in 0usize..31) {
            let mut wrong = VECTORS[vector].as_bytes().to_vec();
            prop_assume!(wrong[at] != ALPHABET[to]);
            wrong[at] = ALPHABET[to];
            let wrong = String::from_utf8(wrong).expect("letters and digits");
            prop_assert!(wrong.parse::<Uscc>().is_err(), "{}", wrong);
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Uscc>();
        }

        /// Two codes made of the same organisation differ by their heads, and both are read.
        #[test]
        fn codes_that_are_made_are_read(place in 100_000u32..1_000_000, organisation in "[0-9A-HJ-NP-RT-UW-Y]{8}") {
            let mut code = format!("52{place}{organisation}").into_bytes();
            code.push(organisation_check(organisation.as_bytes()));
            code.push(check(&code));
            let code = String::from_utf8(code).expect("letters and digits");
            prop_assert!(code.parse::<Uscc>().is_ok(), "{}", code);
        }
    }
}
