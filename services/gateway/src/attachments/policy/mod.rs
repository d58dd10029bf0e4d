//! Which files are taken, and what is made of them. Pure: bytes in, bytes or a refusal out.

mod image;
mod name;
mod pdf;

pub(super) use image::ImageLimits;
pub(super) use name::{disposition, safe_name};

/// What a file is, found in its first bytes. Whatever is none of these is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Jpeg,
    Png,
    Webp,
    Pdf,
}

/// How many first bytes tell what a file is.
pub(super) const HEAD: usize = 12;

impl Found {
    pub(super) fn in_head(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'%', b'P', b'D', b'F', b'-', b'1' | b'2', b'.', ..] => Some(Self::Pdf),
            _ => None,
        }
    }

    pub(super) fn is_image(self) -> bool {
        self != Self::Pdf
    }
}

/// What a kept file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Jpeg,
    Png,
    Pdf,
}

impl Kept {
    /// The type it is served as.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }

    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }
}

/// A file as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) kept: Kept,
    pub(super) content: Vec<u8>,
    /// Pixels; 0 where it is no image.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of the same type as the content.
    pub(super) thumbnail: Option<Vec<u8>>,
}

/// Why a file is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this kind of file is not taken: send a JPEG, PNG or WebP picture or a PDF; the name does not count")]
    Type,
    #[error("the picture has more than {0} pixels: make it smaller")]
    TooManyPixels(u64),
    #[error("the picture is damaged or cannot be read: save it anew and send that")]
    Damaged,
    #[error("the PDF {0}: print it into a new PDF and send that")]
    Pdf(&'static str),
}

/// Makes of a file what is kept of it: pictures anew and without anything but the picture, a PDF as it came.
pub(super) fn prepare(found: Found, content: Vec<u8>, limits: ImageLimits) -> Result<Prepared, Refused> {
    match found {
        Found::Jpeg | Found::Png | Found::Webp => image::prepare(found, &content, limits),
        Found::Pdf => {
            pdf::check(&content)?;
            Ok(Prepared { kept: Kept::Pdf, content, width: 0, height: 0, thumbnail: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ImageLimits = ImageLimits { pixels: 1_000_000, longest_edge: 4_096 };

    #[test]
    fn only_the_first_bytes_count() {
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        let eicar = format!("X5O!P%@AP[4\\PZX54(P^)7CC)7}}${}-ANTIVIRUS-TEST-FILE!$H+H*", "EICAR-STANDARD");
        let others: [&[u8]; 12] = [
            b"",
            svg,
            eicar.as_bytes(),
            b"<!doctype html><script>alert(1)</script>",
            b"PK\x03\x04 a zip, an xlsx, a docx",
            b"GIF89a=1;alert(1)//",
            b"#!/bin/sh\nrm",
            b"MZ\x90\x00",
            b"\x7fELF\x02\x01\x01",
            b" %PDF-1.7",
            b"%PDF-9.0",
            b"RIFF\x00\x00\x00\x00AVI ",
        ];
        for other in others {
            assert_eq!(Found::in_head(other), None, "{}", String::from_utf8_lossy(other));
        }
        assert_eq!(Found::in_head(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some(Found::Webp));
        assert_eq!(Found::in_head(b"%PDF-1.7\n"), Some(Found::Pdf));
    }

    #[test]
    fn what_only_begins_like_a_picture_is_refused() {
        let gif_in_jpeg = [b"\xff\xd8\xff".as_slice(), b"/*GIF89a*/=1;alert(document.domain)//"].concat();
        let html_in_png = [b"\x89PNG\r\n\x1a\n".as_slice(), b"<script>alert(1)</script>"].concat();
        for (found, bytes) in [(Found::Jpeg, gif_in_jpeg), (Found::Png, html_in_png)] {
            assert!(matches!(prepare(found, bytes, LIMITS), Err(Refused::Damaged)));
        }
    }
}
