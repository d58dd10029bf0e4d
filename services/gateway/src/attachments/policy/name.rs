//! Names of files, as their senders made them up.

use std::fmt::Write as _;

/// Characters of a name without its ending.
const MOST: usize = 100;

/// A name that is one, and no path: without control and direction characters, with the ending of what the file is.
pub(crate) fn safe_name(given: &str, ending: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match last.rsplit_once('.') {
        Some((stem, end)) if end.len() <= 5 && end.bytes().all(|b| b.is_ascii_alphanumeric()) => stem,
        _ => last,
    };
    let plain: String = stem.chars().filter(|c| !is_hidden(*c)).map(|c| if is_special(c) { '_' } else { c }).collect();
    let cut: String = plain.trim_matches(|c: char| c == '.' || c.is_whitespace()).chars().take(MOST).collect();
    let stem = if cut.is_empty() { "file" } else { cut.trim_end() };
    format!("{stem}.{ending}")
}

/// Control characters, and those that turn, join or hide what stands around them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What some file system or shell gives a meaning to.
fn is_special(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '%' | '$' | '`' | ';' | '&')
}

/// The header `Content-Disposition` that has a browser save the file under `name` (RFC 6266), never show it.
pub(crate) fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' }).collect();
    let mut header = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            header.push(char::from(byte));
        } else {
            let _ = write!(header, "%{byte:02X}");
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for (given, safe) in [
            ("漏水.JPG", "漏水.jpg"),
            ("photo.jpg.exe", "photo.jpg.jpg"),
            ("../../etc/passwd", "passwd.jpg"),
            ("C:\\temp\\a.png", "a.jpg"),
            ("invoice\u{202e}gpj.exe", "invoicegpj.jpg"),
            ("a\r\nSet-Cookie: x=1.jpg", "aSet-Cookie_ x=1.jpg"),
            ("", "file.jpg"),
            (".htaccess", "htaccess.jpg"),
            ("...", "file.jpg"),
            ("  a b  .jpg", "a b.jpg"),
            ("x\"y.jpg", "x_y.jpg"),
        ] {
            assert_eq!(safe_name(given, "jpg"), safe, "{given:?}");
        }
        assert_eq!(safe_name(&"长".repeat(300), "pdf").chars().count(), MOST + 4);
    }

    #[test]
    fn the_header_says_the_name_twice() {
        assert_eq!(
            disposition("漏水 1.jpg"),
            "attachment; filename=\"___1.jpg\"; filename*=UTF-8''%E6%BC%8F%E6%B0%B4%201.jpg"
        );
    }

    proptest! {
        #[test]
        fn any_name_makes_one_header_line(given: String) {
            let name = safe_name(&given, "png");
            prop_assert!(name.strip_suffix(".png").is_some_and(|stem| !stem.is_empty() && !stem.starts_with('.')));
            let forbidden = ['/', '\\', '\n', '\r', '\0', '\u{202e}', '"'];
            prop_assert!(!name.contains(forbidden));
            let header = disposition(&name);
            prop_assert!(header.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
            prop_assert!(header.starts_with("attachment; filename=\""));
            prop_assert_eq!(header.matches('"').count(), 2);
            prop_assert_eq!(safe_name(&name, "png"), name);
        }
    }
}
