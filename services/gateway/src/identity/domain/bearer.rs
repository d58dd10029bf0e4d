//! Opaque tokens: what they look like, and what is stored of them.
//!
//! `linju_pat_` and its like, 64 hex digits (256 random bits), 8 hex digits of checksum. The prefix and the checksum let a
//! scanner of source code find a leaked token with hardly a false alarm, and let us refuse a mistyped one without a query.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use sea_orm::DeriveValueType;
use zeroize::Zeroizing;

const RANDOM: usize = 32;
const CHECKSUM: usize = 4;

/// What a token is for. One kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The cookie of a browser's session.
    Cookie,
    /// The access token of an app.
    Access,
    /// Gets an app its next access token, once.
    Refresh,
    /// The personal access token of a program.
    Personal,
    /// Says that this browser or app has signed in to an account before. It gives no rights.
    Device,
}

impl Use {
    const ALL: [Self; 5] = [Self::Cookie, Self::Access, Self::Refresh, Self::Personal, Self::Device];

    fn prefix(self) -> &'static str {
        match self {
            Self::Cookie => "linju_ss_",
            Self::Access => "linju_at_",
            Self::Refresh => "linju_rt_",
            Self::Personal => "linju_pat_",
            Self::Device => "linju_dv_",
        }
    }
}

/// A token in clear, on its way to its owner. It prints nothing of itself.
#[derive(Clone)]
pub struct Bearer {
    usage: Use,
    text: Zeroizing<String>,
}

impl Bearer {
    /// A token of these random bytes.
    pub fn new(usage: Use, random: &[u8; RANDOM]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(96));
        text.push_str(usage.prefix());
        text.push_str(&Zeroizing::new(hex::encode(random)));
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { usage, text }
    }

    /// Reads what somebody sent; none where it is not the form of a token.
    pub fn read(text: &str) -> Option<Self> {
        let usage = Use::ALL.into_iter().find(|usage| text.starts_with(usage.prefix()))?;
        let (content, sum) = text.split_at_checked(usage.prefix().len() + 2 * RANDOM)?;
        let random = &content[usage.prefix().len()..];
        let is_hex = random.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex && sum == checksum(content)).then(|| Self { usage, text: Zeroizing::new(text.to_owned()) })
    }

    pub fn usage(&self) -> Use {
        self.usage
    }

    /// The text. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored of it. 256 random bits need no slow hash.
    pub fn hash(&self) -> BearerHash {
        BearerHash(digest(&SHA256, self.text.as_bytes()).as_ref().to_vec())
    }

    /// A value that only who holds the token can make, and that gives nothing of it away.
    pub fn derive(&self, label: &str) -> String {
        hex::encode(digest(&SHA256, format!("{label} {}", self.text.as_str()).as_bytes()))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer({:?})", self.usage)
    }
}

fn checksum(content: &str) -> String {
    hex::encode(&digest(&SHA256, content.as_bytes()).as_ref()[..CHECKSUM])
}

/// SHA-256 of a token.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct BearerHash(Vec<u8>);

impl fmt::Debug for BearerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerHash")
    }
}

impl sea_orm::TryFromU64 for BearerHash {
    fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
        Err(sea_orm::DbErr::ConvertFromU64("BearerHash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_what_it_is() {
        for usage in Use::ALL {
            let token = Bearer::new(usage, &[7; 32]);
            let read = Bearer::read(token.expose()).expect("a token");
            assert_eq!((read.usage(), read.hash()), (usage, token.hash()));
        }
    }

    #[test]
    fn a_mistyped_token_is_none() {
        let token = Bearer::new(Use::Personal, &[0xab; 32]);
        let text = token.expose();
        let upper = text.to_uppercase();
        let renamed = text.replace("pat", "at");
        let changed = text.replacen("ab", "ac", 1);
        for wrong in [
            "",
            "linju_pat_",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}0"),
            &upper,
            &renamed,
            &changed,
            "linju_pat_邻聚",
        ] {
            assert!(Bearer::read(wrong).is_none(), "{wrong}");
        }
    }
}
