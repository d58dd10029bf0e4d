//! What is done to every text typed by hand before it is judged.

use std::borrow::Cow;

/// Full-width forms become ASCII (`１` -> `1`, `＝` -> `=`), every kind of space becomes a plain one, and
/// zero-width marks vanish. Line breaks and other control characters stay, so that they can be refused.
pub fn half_width(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| folded(c) != Some(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter_map(folded).collect())
}

fn folded(c: char) -> Option<char> {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' => None,
        '\u{3000}' | '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => Some(' '),
        _ => Some(c),
    }
}

/// [`half_width`] without any white space: for numbers, codes and dates, where a space never means anything.
pub fn compact(text: &str) -> String {
    half_width(text).chars().filter(|c| !c.is_whitespace()).collect()
}

/// Whether a spreadsheet would take the text for a formula.
pub fn looks_like_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@'])
}

/// Control characters and marks that turn the direction of writing: neither belongs in a name or an address.
pub fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Chinese characters, all blocks in use for names, and the marks that stand for one (々 〇).
pub fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

#[cfg(test)]
mod tests {
    use super::{compact, half_width};

    #[test]
    fn full_width_becomes_half_width() {
        assert_eq!(half_width("５１１９０３Ｘ"), "511903X");
        assert_eq!(half_width("陈\u{3000}荣俊"), "陈 荣俊");
        assert_eq!(compact(" 511903 19960212\u{3000}9945\t"), "511903199602129945");
    }

    #[test]
    fn zero_width_marks_vanish_and_controls_stay() {
        assert_eq!(half_width("\u{FEFF}张\u{200B}三"), "张三");
        assert_eq!(half_width("张\0三"), "张\0三");
    }
}
