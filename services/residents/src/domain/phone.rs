//! Telephone numbers of the mainland.

use std::fmt;

use super::text::compact;

/// A mobile number (11 digits, `1[3-9]…`) or a landline with its area code, as digits without prefix or
/// punctuation: `13912341550`, `08273361234`. It is personal: neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// Why a text is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Something other than digits, spaces, hyphens, brackets and a leading +86.
    #[error("a phone number has digits only, with +86 before them if need be")]
    Characters,
    /// A country code other than 86.
    #[error("only numbers of the mainland (+86) can be kept")]
    Country,
    /// Starts with 1 but is no mobile number.
    #[error("a mobile number has 11 digits, the second between 3 and 9; this one has {found} digits")]
    Mobile {
        /// The digits found.
        found: usize,
    },
    /// Starts with 0 but is no landline number.
    #[error("a landline has an area code of 3 or 4 digits and then 7 or 8 digits that start with 2 to 9")]
    Landline,
    /// Neither 1 nor 0 in front.
    #[error("a landline needs its area code before it, as in 0827-3361234")]
    AreaCode,
}

impl Phone {
    /// Reads a number; spaces, hyphens, brackets, full-width digits and the prefix `+86`, `0086` or `86` are
    /// put right first.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let mut digits: String = compact(text).chars().filter(|c| !matches!(c, '-' | '—' | '–' | '(' | ')')).collect();
        if let Some(rest) = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) {
            digits = String::from(rest.strip_prefix("86").ok_or(PhoneError::Country)?);
            // Abroad a landline is written without the 0 of its area code.
            if !digits.starts_with(['0', '1']) || digits.starts_with("10") {
                digits.insert(0, '0');
            }
        } else if digits.len() == 13
            && let Some(rest) = digits.strip_prefix("861")
        {
            digits = format!("1{rest}");
        }
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::Characters);
        }
        match digits.as_bytes()[0] {
            b'1' if is_mobile(&digits) => Ok(Self(digits)),
            b'1' => Err(PhoneError::Mobile { found: digits.len() }),
            b'0' if is_landline(&digits) => Ok(Self(digits)),
            b'0' => Err(PhoneError::Landline),
            _ => Err(PhoneError::AreaCode),
        }
    }

    /// Whether it can take a text message.
    pub fn is_mobile(&self) -> bool {
        self.0.starts_with('1')
    }

    /// The digits. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The ends of the number with the middle hidden: `139****1550`, `0827****234`.
    pub fn masked(&self) -> String {
        if self.is_mobile() {
            format!("{}****{}", &self.0[..3], &self.0[7..])
        } else {
            format!("{}****{}", &self.0[..area_code_length(&self.0)], &self.0[self.0.len() - 3..])
        }
    }
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && matches!(digits.as_bytes()[1], b'3'..=b'9')
}

fn is_landline(digits: &str) -> bool {
    let Some(local) = digits.get(area_code_length(digits)..) else { return false };
    matches!(digits.as_bytes().get(1), Some(b'1'..=b'9'))
        && matches!(local.len(), 7 | 8)
        && matches!(local.as_bytes()[0], b'2'..=b'9')
}

/// Area codes starting 01 and 02 have three digits (010, 02x), all others four.
fn area_code_length(digits: &str) -> usize {
    if matches!(digits.as_bytes().get(1), Some(b'1' | b'2')) { 3 } else { 4 }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Phone, PhoneError};

    #[test]
    fn numbers_are_brought_to_one_form() {
        for (text, expected) in [
            ("13912341550", "13912341550"),
            ("+86 139-1234-1550", "13912341550"),
            ("0086１３９１２３４１５５０", "13912341550"),
            ("8613912341550", "13912341550"),
            ("0827-3361234", "08273361234"),
            ("(010) 6552 9988", "01065529988"),
            ("+86 10 6552 9988", "01065529988"),
            ("+86 827 3361234", "08273361234"),
            ("028-87654321", "02887654321"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().expose(), expected, "{text}");
        }
    }

    #[test]
    fn wrong_numbers_are_refused_with_their_rule() {
        for (text, error) in [
            ("1380013", PhoneError::Mobile { found: 7 }),
            ("12912341550", PhoneError::Mobile { found: 11 }),
            ("139123415501", PhoneError::Mobile { found: 12 }),
            ("3361234", PhoneError::AreaCode),
            ("0827-336123", PhoneError::Landline),
            ("0", PhoneError::Landline),
            ("+1 202 555 0100", PhoneError::Country),
            ("", PhoneError::Characters),
            ("139一二341550", PhoneError::Characters),
        ] {
            assert_eq!(Phone::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn content_is_hidden() {
        let mobile = Phone::parse("13912341550").unwrap();
        assert_eq!(format!("{mobile:?}"), "Phone(…)");
        assert_eq!(mobile.masked(), "139****1550");
        assert_eq!(Phone::parse("0827-3361234").unwrap().masked(), "0827****234");
    }
}
