//! Percent-decoding of paths and query strings.

use std::borrow::Cow;

/// How a piece of an address is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// One segment of a path: everything is decoded.
    Segment,
    /// Several segments: `%2F` stays as it is, as it is no slash between segments.
    Segments,
    /// Of a query string: a plus sign is a space, as forms write it.
    Query,
}

/// Decodes a piece; nothing where an escape is broken or the outcome is not UTF-8.
pub(crate) fn decode(text: &str, piece: Piece) -> Option<Cow<'_, str>> {
    let plus = piece == Piece::Query;
    if !text.bytes().any(|b| b == b'%' || (plus && b == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let (high, low) = (*after.first()?, *after.get(1)?);
                let byte = hex(high)? << 4 | hex(low)?;
                if byte == b'/' && piece == Piece::Segments {
                    decoded.extend([b'%', high, low]);
                } else {
                    decoded.push(byte);
                }
                rest = &after[2..];
            }
            b'+' if plus => decoded.push(b' '),
            other => decoded.push(other),
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_decoded_each_in_its_way() {
        let cases = [
            ("plain", Piece::Segment, Some("plain")),
            ("a%2Fb%20c+d", Piece::Segment, Some("a/b c+d")),
            ("a%2Fb%2fc/%41", Piece::Segments, Some("a%2Fb%2fc/A")),
            ("a+b%2B%e5%bc%a0", Piece::Query, Some("a b+张")),
            ("%", Piece::Segment, None),
            ("%4", Piece::Query, None),
            ("%zz", Piece::Query, None),
            ("%+1", Piece::Query, None),
            ("%ff", Piece::Segment, None),
        ];
        for (text, piece, want) in cases {
            assert_eq!(decode(text, piece).as_deref(), want, "{text} as {piece:?}");
        }
    }
}
