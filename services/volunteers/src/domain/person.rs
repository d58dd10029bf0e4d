//! Names and telephone numbers of people. Neither is printed by `Debug` or told by an error.

use std::fmt;

/// The most characters a name may have.
const LONGEST_NAME: usize = 60;

/// A person's name: no spaces around it, single spaces within.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Why a text is no name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPerson {
    #[error("is blank: give the name")]
    Blank,
    #[error("has more than {LONGEST_NAME} characters")]
    TooLong,
    #[error("has no letter or Chinese character, or something that is not written in a name")]
    NoName,
    #[error("is no number of the mainland: 11 digits for a mobile, or a landline with its area code, as 0827-3361234")]
    NoPhone,
}

impl PersonName {
    pub fn parse(text: &str) -> Result<Self, NotAPerson> {
        let name = text.split([' ', '\u{3000}']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(NotAPerson::Blank);
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(NotAPerson::TooLong);
        }
        let written = |c: char| c.is_alphabetic() || c.is_numeric() || matches!(c, ' ' | '·' | '-' | '.' | '\'' | '’');
        if !name.chars().any(char::is_alphabetic) || !name.chars().all(written) {
            return Err(NotAPerson::NoName);
        }
        Ok(Self(name))
    }

    /// The name itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(…)")
    }
}

/// A mobile number, or a landline with its area code, as digits alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Reads a number; `+86`, spaces, hyphens and brackets are taken away.
    pub fn parse(text: &str) -> Result<Self, NotAPerson> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        let digits = digits.strip_prefix("+86").or_else(|| digits.strip_prefix("0086")).unwrap_or(&digits);
        let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let mobile = digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]);
        let landline = (10..=12).contains(&digits.len()) && matches!(digits.as_bytes(), [b'0', b'1'..=b'9', ..]);
        if !all_digits || !(mobile || landline) {
            return Err(NotAPerson::NoPhone);
        }
        Ok(Self(digits.to_owned()))
    }

    /// The digits. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for (text, name) in [(" 张清秀 ", "张清秀"), ("阿依古丽·买买提", "阿依古丽·买买提"), ("Anna  Li", "Anna Li")]
        {
            assert_eq!(PersonName::parse(text).map(|name| name.0).as_deref(), Ok(name));
        }
        for (text, why) in [
            ("", NotAPerson::Blank),
            ("\u{3000}", NotAPerson::Blank),
            ("123", NotAPerson::NoName),
            ("=张()", NotAPerson::NoName),
            ("张\n清", NotAPerson::NoName),
        ] {
            assert_eq!(PersonName::parse(text), Err(why), "{text}");
        }
        assert_eq!(PersonName::parse(&"张".repeat(61)), Err(NotAPerson::TooLong));
    }

    #[test]
    fn phones() {
        for (text, phone) in
            [("+86 139-1234-1550", "13912341550"), ("(0827)3361234", "08273361234"), ("01065529988", "01065529988")]
        {
            assert_eq!(Phone::parse(text).map(|phone| phone.0).as_deref(), Ok(phone));
        }
        for wrong in ["", "3361234", "12912341550", "139123415501", "00113912341550", "1391234155O"] {
            assert_eq!(Phone::parse(wrong), Err(NotAPerson::NoPhone), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = (PersonName::parse(&text), Phone::parse(&text));
        }
    }
}
