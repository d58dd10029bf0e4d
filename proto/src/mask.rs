//! How a personal field is hidden, and when it is not.

use std::cell::Cell;

use crate::{Contract, common::v1::Personal};

thread_local! {
    static CLEAR: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, during which messages that go out keep their personal fields if `clear` says so. Outside of it they are
/// always masked. The access layer calls it around each poll of an answer's body, and passes `true` only when the look
/// has been written to the audit log.
pub fn in_clear<R>(clear: bool, f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            CLEAR.set(self.0);
        }
    }
    let _restore = Restore(CLEAR.replace(clear));
    f()
}

pub(crate) fn is_clear() -> bool {
    CLEAR.get()
}

/// A value of a personal field. `class` is the number of a `linju.common.v1.Personal`.
pub trait Hide {
    /// Leaves only what everyone may see.
    fn hide(&mut self, class: i32);
}

impl Hide for String {
    fn hide(&mut self, class: i32) {
        let hidden = match Personal::try_from(class) {
            Ok(Personal::Name) => keep(self, 1, 0, Some(1)),
            Ok(Personal::NationalId) => keep(self, 6, 2, None),
            Ok(Personal::Phone) => keep(self, 3, 4, None),
            Ok(Personal::BirthDate) => self.chars().take(4).collect(),
            Ok(Personal::Address | Personal::Health | Personal::Text | Personal::Unspecified) | Err(_) => String::new(),
        };
        *self = hidden;
    }
}

/// Keeps `first` and `last` characters with stars between: as many as were there, or `stars`. A text too short to hide at
/// least half of it keeps nothing.
fn keep(text: &str, first: usize, last: usize, stars: Option<usize>) -> String {
    let chars: Vec<char> = text.chars().collect();
    let Some(hidden) = chars.len().checked_sub(first + last).filter(|hidden| *hidden >= 1) else {
        return "*".repeat(chars.len());
    };
    let mut out: String = chars[..first].iter().collect();
    out.extend(std::iter::repeat_n('*', stars.unwrap_or(hidden)));
    out.extend(&chars[chars.len() - last..]);
    out
}

impl<T: Hide> Hide for Option<T> {
    fn hide(&mut self, class: i32) {
        if let Some(value) = self {
            value.hide(class);
        }
    }
}

impl Hide for Vec<String> {
    fn hide(&mut self, class: i32) {
        for value in self {
            value.hide(class);
        }
    }
}

/// A list of messages in a personal field is left out whole.
impl<T: Contract> Hide for Vec<T> {
    fn hide(&mut self, _class: i32) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_form() {
        let cases = [
            (Personal::Name, "张清秀", "张*"),
            (Personal::Name, "张", "*"),
            (Personal::NationalId, "511903199001010033", "511903**********33"),
            (Personal::NationalId, "5119031", "*******"),
            (Personal::Phone, "13912341550", "139****1550"),
            (Personal::BirthDate, "1948-02-29", "1948"),
            (Personal::Address, "2单元", ""),
            (Personal::Text, "楼道里的灯坏了", ""),
        ];
        for (class, clear, hidden) in cases {
            let mut text = clear.to_owned();
            text.hide(class as i32);
            assert_eq!(text, hidden, "{class:?}");
        }
    }

    #[test]
    fn clear_ends_with_its_scope() {
        assert!(!is_clear());
        in_clear(true, || {
            assert!(is_clear());
            in_clear(false, || assert!(!is_clear()));
            assert!(is_clear());
        });
        assert!(!is_clear());
    }
}
