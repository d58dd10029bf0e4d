//! PDF files. They are kept as they came, so that whatever in them could act, or is something else, is refused; and they are
//! never shown by us.

use super::Refused;

/// Where the end of a PDF must stand, counted from the end of the file.
const TAIL: usize = 1_024;
/// Where a zip archive has its directory, which makes the file a zip as well.
const ZIP_TAIL: usize = 65_557;

/// Names (ISO 32000-2) by which a PDF runs something, opens something else or carries other files.
const ACTIVE: [&[u8]; 7] = [b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia", b"/XFA", b"/GoToE"];
/// What makes a browser or a shell take the file for something else.
const FOREIGN: [&[u8]; 4] = [b"<html", b"<script", b"<svg", b"<?php"];

pub(super) fn check(content: &[u8]) -> Result<(), Refused> {
    let tail = &content[content.len().saturating_sub(TAIL)..];
    if !holds(tail, b"%%EOF") {
        return Err(Refused::Pdf("is cut off, or goes on as something else behind its end"));
    }
    let head = content[..content.len().min(TAIL)].to_ascii_lowercase();
    if FOREIGN.iter().any(|mark| holds(&head, mark)) {
        return Err(Refused::Pdf("is something else as well"));
    }
    if holds(&content[content.len().saturating_sub(ZIP_TAIL)..], b"PK\x05\x06") {
        return Err(Refused::Pdf("is a zip archive as well"));
    }
    let plain = unescaped(content);
    if ACTIVE.iter().any(|name| names(&plain, name)) {
        return Err(Refused::Pdf("holds scripts, forms or other files"));
    }
    Ok(())
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

/// The name as a whole: `/JS` and not `/JSomething`.
fn names(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len() + 1).any(|window| {
        let (start, next) = (&window[..name.len()], window[name.len()]);
        start == name && !next.is_ascii_alphanumeric()
    })
}

/// A name may write any of its characters as `#` and two hexadecimal digits.
fn unescaped(content: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((first, more)) = rest.split_first() {
        let digits = more.first_chunk::<2>().and_then(|two| hex::decode(two).ok());
        match digits.as_deref() {
            Some([byte]) if *first == b'#' => {
                plain.push(*byte);
                rest = &more[2..];
            }
            _ => {
                plain.push(*first);
                rest = more;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdf(inner: &str) -> Vec<u8> {
        format!("%PDF-1.4\n1 0 obj\n<< /Type /Catalog {inner} >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n")
            .into_bytes()
    }

    #[test]
    fn a_plain_pdf_is_taken() {
        for good in ["", "/Lang (zh)", "/JSx 1", "/PageMode /UseOutlines #", "(C# and #zz)"] {
            assert_eq!(check(&pdf(good)), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_acts_or_is_something_else_is_refused() {
        for bad in [
            "/OpenAction << /S /JavaScript /JS (app.alert(1)) >>",
            "/AA << /O << /S /Launch /F (cmd.exe) >> >>",
            "/Names << /EmbeddedFiles 3 0 R >> /EmbeddedFile 4 0 R",
            "/J#61vaScript (x)",
            "/#4a#53 (x)",
            "<script>alert(1)</script>",
            "<HTML>",
        ] {
            assert!(matches!(check(&pdf(bad)), Err(Refused::Pdf(_))), "{bad}");
        }
        let cut = pdf("").split_last_chunk::<6>().map(|(start, _)| start.to_vec()).unwrap_or_default();
        assert!(check(&cut).is_err());
        let followed = [pdf(""), vec![b' '; 2_000]].concat();
        assert!(check(&followed).is_err());
        let zip = [pdf(""), b"PK\x05\x06".to_vec(), vec![0; 18]].concat();
        assert_eq!(check(&zip), Err(Refused::Pdf("is a zip archive as well")));
        assert!(check(b"%PDF-1.4").is_err());
    }
}
