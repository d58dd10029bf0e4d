//! Codes that a person reads and types: invitations, recovery codes, first passwords.

/// 32 characters without I, L, O and U (Crockford's base 32), so that none is read for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 5;

/// Random bytes of a code: 128 bits, so that nobody guesses it and a keyed hash is enough to keep it (OWASP ASVS 5.0, 11.5.1
/// and 6.5.2). Written it has 26 characters.
pub const BYTES: usize = 16;

/// Makes a code of random bytes: 5 bits a character, the last one filled up with zeros, in groups of five.
pub fn write(random: &[u8]) -> String {
    let mut text = String::with_capacity(random.len() * 2);
    for n in 0..(random.len() * 8).div_ceil(5) {
        if n > 0 && n.is_multiple_of(GROUP) {
            text.push('-');
        }
        let digit = (n * 5..n * 5 + 5).fold(0usize, |digit, at| (digit << 1) | bit(random, at));
        text.push(char::from(ALPHABET[digit]));
    }
    text
}

/// The bit at a place, the highest of the first byte first; zero beyond the end.
fn bit(bytes: &[u8], at: usize) -> usize {
    bytes.get(at / 8).map_or(0, |byte| usize::from((byte >> (7 - at % 8)) & 1))
}

/// What somebody typed, in its one form: without groups and spaces, in capitals, and with the letters that were left out
/// read as what they look like.
pub fn read(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = write(&[0, 1, 2, 250, 251, 252, 253, 254, 255, 16]);
        assert_eq!(code.len(), 16 + 3, "{code}");
        let plain = code.replace('-', "");
        for typed in [code.clone(), code.to_lowercase(), plain.clone(), code.replace('-', " "), plain.replace('0', "o")]
        {
            assert_eq!(read(&typed), plain, "{typed}");
        }
    }

    #[test]
    fn no_bit_of_the_random_is_lost() {
        let base = write(&[0; BYTES]);
        assert_eq!(base, "00000-00000-00000-00000-00000-0");
        assert_eq!(write(&[255; BYTES]), "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-W");
        for byte in 0..BYTES {
            for bit in 0..8 {
                let mut random = [0u8; BYTES];
                random[byte] = 1 << bit;
                assert_ne!(write(&random), base, "byte {byte} bit {bit}");
            }
        }
    }
}
