//! Codes that a person reads and types: invitations, recovery codes, first passwords.

/// 32 characters without I, L, O and U (Crockford's base 32), so that none is read for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP: usize = 5;

/// Makes a code of random bytes: 5 bits a character, in groups of five. 15 bytes give 24 characters and 120 bits.
pub fn write(random: &[u8]) -> String {
    let mut text = String::with_capacity(random.len() * 2);
    let (mut buffer, mut bits, mut written) = (0u32, 0u32, 0usize);
    for byte in random {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            if written > 0 && written.is_multiple_of(GROUP) {
                text.push('-');
            }
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
            written += 1;
        }
        buffer &= (1 << bits) - 1;
    }
    text
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
        let base = write(&[0; 15]);
        for byte in 0..15 {
            for bit in 0..8 {
                let mut random = [0u8; 15];
                random[byte] = 1 << bit;
                assert_ne!(write(&random), base, "byte {byte} bit {bit}");
            }
        }
    }
}
