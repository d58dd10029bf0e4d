//! Which passwords are taken, after NIST SP 800-63B-4 (3.1.1.2) and OWASP ASVS 5.0 (6.2): long, no rules of composition, and
//! nothing that guessers try first. What leaked most in the world, zxcvbn knows: its list has some 30,000 passwords, and it
//! judges what is built of them. What it does not know are the habits of China and the words of this place.

use zxcvbn::{Score, zxcvbn};

/// What is wrong with a password. No text holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("has {0} characters, needs at least 12: a sentence is easy to keep in mind")]
    Short(usize),
    #[error("has {0} characters, may have at most 128")]
    Long(usize),
    #[error(
        "is built of what guessers try first (common words, rows of keys, repeats, this account's name): choose another"
    )]
    Common,
    #[error("is the one that there is: choose another")]
    Same,
}

pub const SHORTEST: usize = 12;
pub const LONGEST: usize = 128;
/// Characters that must be left when everything that is guessed first is taken out.
const OWN: usize = 6;
/// What zxcvbn must find at least: that it takes more than 10^8 guesses.
const LEAST: Score = Score::Three;
/// Words that an attacker of an office tries beside the account's name.
const CONTEXT: [&str; 12] = [
    "linju",
    "邻聚",
    "登科",
    "dengke",
    "enyang",
    "恩阳",
    "bazhong",
    "巴中",
    "jiedao",
    "shequ",
    "bangongshi",
    "subdistrict",
];

/// Stems of the passwords that leak most, worldwide and in China, and words of this place.
const STEMS: [&str; 78] = [
    "password",
    "passwort",
    "passw",
    "qwerty",
    "qazwsx",
    "zxcvbn",
    "asdfgh",
    "letmein",
    "welcome",
    "monkey",
    "dragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "master",
    "shadow",
    "michael",
    "jordan",
    "iloveyou",
    "trustno",
    "starwars",
    "whatever",
    "freedom",
    "computer",
    "internet",
    "samsung",
    "google",
    "facebook",
    "charlie",
    "jessica",
    "ashley",
    "hunter",
    "summer",
    "winter",
    "spring",
    "autumn",
    "monday",
    "friday",
    "january",
    "default",
    "changeme",
    "secret",
    "login",
    "access",
    "admin",
    "administrator",
    "root",
    "guest",
    "test",
    "user",
    "system",
    "server",
    "database",
    "woaini",
    "aini",
    "wodemima",
    "mima",
    "nihao",
    "zhongguo",
    "china",
    "beijing",
    "shanghai",
    "chengdu",
    "sichuan",
    "bazhong",
    "enyang",
    "dengke",
    "wang",
    "zhang",
    "caonima",
    "woshishui",
    "tiantian",
    "linju",
    "邻聚",
    "登科",
];

/// Rows of keys and alphabets; three neighbours of one, either way, count as one guess.
const ROWS: [&str; 6] =
    ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm"];

/// Checks a password that takes the place of `old`.
pub fn check_change(old: &str, password: &str, name: &str) -> Result<(), Weak> {
    if password == old { Err(Weak::Same) } else { check(password, name) }
}

/// Checks a new password of the account `name`.
pub fn check(password: &str, name: &str) -> Result<(), Weak> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Weak::Short(length));
    }
    if length > LONGEST {
        return Err(Weak::Long(length));
    }
    if own_part(password, name) < OWN || is_guessed(password, name) { Err(Weak::Common) } else { Ok(()) }
}

/// Whether zxcvbn finds it within the guesses that somebody may make.
fn is_guessed(password: &str, name: &str) -> bool {
    let words: Vec<&str> = CONTEXT.into_iter().chain([name]).chain(name.split(['.', '-', '_'])).collect();
    zxcvbn(password, &words).score() < LEAST
}

/// How many characters are left without common stems, the account's name, years, rows of keys, repeats and punctuation.
fn own_part(password: &str, name: &str) -> usize {
    let mut text = plain(password);
    let name = name.to_lowercase();
    let parts = name.split(['.', '-', '_']).filter(|part| part.len() >= 4);
    // Longer stems first, or `admin` would leave `istrator`.
    let mut stems: Vec<&str> = STEMS
        .into_iter()
        .chain(CONTEXT)
        .chain(parts)
        .chain([name.as_str()].into_iter().filter(|n| n.len() >= 4))
        .collect();
    stems.sort_by_key(|stem| std::cmp::Reverse(stem.len()));
    for stem in stems {
        text = text.replace(&plain(stem), "\u{1}");
    }
    let rest: Vec<char> = text.chars().filter(|c| !c.is_ascii_control()).collect();
    let rest = without_runs(&without_years(&without_numbers(&rest)));
    let rest: Vec<char> = rest.into_iter().filter(|c| !c.is_ascii_punctuation() && !c.is_whitespace()).collect();
    distinct(&rest)
}

/// Lower case, with the usual disguises taken off.
fn plain(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .map(|c| match c {
            '@' => 'a',
            '$' => 's',
            '!' => 'i',
            other => other,
        })
        .collect::<String>()
        .replace("0o", "oo")
        .replace("p4ss", "pass")
        .replace("w0rd", "word")
}

/// Takes out mobile numbers and ID numbers (GB 11643): each is written in many lists.
fn without_numbers(text: &[char]) -> Vec<char> {
    let (mut kept, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, more)) = rest.split_first() {
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        let is_id = digits >= 18 || (digits == 17 && rest.get(17) == Some(&'x'));
        let is_mobile = digits >= 11 && *first == '1' && ('3'..='9').contains(&rest[1]);
        match (is_id, is_mobile) {
            (true, _) => rest = &rest[18..],
            (_, true) => rest = &rest[11..],
            _ => {
                kept.push(*first);
                rest = more;
            }
        }
    }
    kept
}

/// Takes out years of this century and the last.
fn without_years(text: &[char]) -> Vec<char> {
    let is_year = |part: &[char]| {
        matches!(part, ['1', '9', ..] | ['2', '0', ..]) && part.len() >= 4 && part[..4].iter().all(char::is_ascii_digit)
    };
    let (mut kept, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, more)) = rest.split_first() {
        if is_year(rest) {
            rest = &rest[4..];
        } else {
            kept.push(*first);
            rest = more;
        }
    }
    kept
}

/// Takes out runs of three or more neighbours in a row of keys.
fn without_runs(text: &[char]) -> Vec<char> {
    let mut kept = Vec::with_capacity(text.len());
    let mut start = 0;
    while start < text.len() {
        let mut end = start + 1;
        while end < text.len() && is_run(&text[start..=end]) {
            end += 1;
        }
        if end - start < 3 {
            kept.extend_from_slice(&text[start..end]);
        }
        start = end;
    }
    kept
}

fn is_run(part: &[char]) -> bool {
    if part.len() < 3 {
        return true;
    }
    let forward: String = part.iter().collect();
    let backward: String = part.iter().rev().collect();
    part.iter().all(|c| *c == part[0]) || ROWS.iter().any(|row| row.contains(&forward) || row.contains(&backward))
}

/// Characters, where a part that repeats the one before counts once.
fn distinct(text: &[char]) -> usize {
    for period in 1..=text.len() / 2 {
        if text.iter().zip(text.iter().skip(period)).all(|(a, b)| a == b) {
            return period;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guessers_try_first_is_refused() {
        let refused = [
            "password1234",
            "Password123!",
            "P@ssw0rd2024",
            "qwertyuiop12",
            "123456789012",
            "aaaaaaaaaaaaa",
            "abcabcabcabcabc",
            "1qaz2wsx3edc",
            "administrator",
            "woaini520520",
            "linju2026!!!",
            "Dengke-admin-2026",
            "wangfang2026",
            "wang.fang1234",
            "iloveyou1234",
            "welcome12345",
            "zxcvbnm,./123",
            "13912341550aa",
            "wang13912341550",
            "511903199001010033",
            "51190319900101003X.",
            // Of the list that leaked most, those of this length.
            "1234567890qw",
            "unbelievable",
            "manchesterunited",
            "chocolate1chocolate",
            "Dengke.Jiedao.1",
        ];
        for password in refused {
            assert_eq!(check(password, "wangfang"), Err(Weak::Common), "{password}");
        }
    }

    #[test]
    fn length_is_in_characters_and_anything_else_is_free() {
        let taken = [
            "correct horse battery staple",
            "石榴树下三只白猫晒着太阳呢",
            "xk7pq2m9 lzt",
            "        leading space kept",
            "🐟🌊🍜🚲🌲🏮🎏🪁🧧🥢🛖🐼",
        ];
        for password in taken {
            assert_eq!(check(password, "wangfang"), Ok(()), "{password}");
        }
        assert_eq!(check("石榴树下三只白猫晒太阳", "w"), Err(Weak::Short(11)));
        assert_eq!(check(&"ab1 ".repeat(40), "w"), Err(Weak::Long(160)));
    }
}
