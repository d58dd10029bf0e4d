//! Codes of a generator: TOTP (RFC 6238) with HMAC-SHA-1, six digits and steps of 30 seconds, which every generator knows.

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};

const STEP: i64 = 30;
const DIGITS: u32 = 1_000_000;
/// A clock may be one step off either way.
const DRIFT: i64 = 1;
/// RFC 4226 asks for 128 bits at least and recommends 160.
pub const SECRET_BYTES: usize = 20;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of one step (RFC 4226, 5.3).
fn code(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 0xf);
    let word = u32::from_be_bytes([tag[offset] & 0x7f, tag[offset + 1], tag[offset + 2], tag[offset + 3]]);
    word % DIGITS
}

/// The step that `typed` is the code of, if it is one now and later than `last`, the step that was used last: each code
/// serves once.
pub fn accept(secret: &[u8], typed: &str, last: i64, now: DateTime<Utc>) -> Option<i64> {
    if typed.len() != 6 || !typed.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let typed: u32 = typed.parse().ok()?;
    let current = now.timestamp().div_euclid(STEP);
    // All steps are computed whatever fits, so that the time tells nothing.
    let fits = (current - DRIFT..=current + DRIFT).filter(|step| code(secret, *step) == typed);
    fits.fold(None, |found, step| found.or(Some(step).filter(|step| *step > last)))
}

/// The six digits of a generator at `now`.
#[cfg(test)]
fn show(secret: &[u8], now: DateTime<Utc>) -> String {
    format!("{:06}", code(secret, now.timestamp().div_euclid(STEP)))
}

/// The secret as generators read it: base 32 without padding (RFC 4648).
pub fn to_base32(secret: &[u8]) -> String {
    let mut text = String::with_capacity(secret.len() * 8 / 5 + 1);
    for chunk in secret.chunks(5) {
        let mut word = [0u8; 8];
        word[3..3 + chunk.len()].copy_from_slice(chunk);
        let word = u64::from_be_bytes(word);
        let characters = (chunk.len() * 8).div_ceil(5);
        let digit = |i: usize| usize::try_from(word >> (35 - 5 * i) & 31).unwrap_or_default();
        text.extend((0..characters).map(|i| char::from(BASE32[digit(i)])));
    }
    text
}

/// The secret of its text; none where it is no base 32.
pub fn of_base32(text: &str) -> Option<Vec<u8>> {
    let (mut buffer, mut bits) = (0u32, 0u32);
    let mut secret = Vec::with_capacity(SECRET_BYTES);
    for byte in text.bytes() {
        let value = BASE32.iter().position(|b| *b == byte)?;
        buffer = (buffer << 5) | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            secret.push(u8::try_from(buffer >> bits & 0xff).ok()?);
            buffer &= (1 << bits) - 1;
        }
    }
    Some(secret)
}

/// What a generator scans (the key URI format of Google Authenticator). Name and issuer have no character that would need
/// escaping.
pub fn uri(secret: &str, issuer: &str, name: &str) -> String {
    format!("otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        let known = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in known {
            assert_eq!(show(SECRET, at(seconds)), code);
            assert_eq!(accept(SECRET, code, 0, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_serves_once_and_near_its_time() {
        let code = show(SECRET, at(3_000));
        assert_eq!(accept(SECRET, &code, 0, at(3_030)), Some(100));
        assert_eq!(accept(SECRET, &code, 0, at(2_970)), Some(100));
        assert_eq!(accept(SECRET, &code, 0, at(3_060)), None, "too late");
        assert_eq!(accept(SECRET, &code, 100, at(3_000)), None, "used");
        for wrong in ["", "12345", "1234567", "12345a", "１２３４５６", "+12345"] {
            assert_eq!(accept(SECRET, wrong, 0, at(3_000)), None, "{wrong}");
        }
    }

    /// RFC 4648, section 10, without the padding.
    #[test]
    fn base_32_is_that_of_the_standard() {
        let known = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (plain, encoded) in known {
            assert_eq!(to_base32(plain.as_bytes()), encoded);
            assert_eq!(of_base32(encoded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(of_base32("0"), None);
    }
}
