//! The two ciphers, each an AEAD with a nonce of 12 bytes and a tag of 16.

use aes_gcm::{
    AesGcm,
    aead::{AeadInOut, KeyInit, consts::U12},
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::Deserialize;
use zeroize::Zeroizing;

pub(super) const NONCE: usize = 12;
pub(super) const TAG: usize = 16;

/// Which cipher seals. The id stands in every sealed value, so that both can lie in one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Suite {
    /// AES-256-GCM (NIST SP 800-38D).
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// SM4-GCM (GB/T 32907, RFC 8998): a software implementation, not a certified module.
    #[serde(rename = "sm4-gcm")]
    Sm4Gcm,
}

impl Suite {
    pub(super) fn id(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::Sm4Gcm => 2,
        }
    }

    pub(super) fn of_id(id: u8) -> Option<Self> {
        [Self::Aes256Gcm, Self::Sm4Gcm].into_iter().find(|suite| suite.id() == id)
    }

    pub(super) fn key_bytes(self) -> usize {
        match self {
            Self::Aes256Gcm => 32,
            Self::Sm4Gcm => 16,
        }
    }
}

/// The cipher refused: a key of the wrong length, or data that were not sealed with this key and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// A key made ready, so that sealing costs no key schedule.
pub(super) enum Cipher {
    Aes(LessSafeKey),
    Sm4(Box<AesGcm<sm4::Sm4, U12>>),
}

impl Cipher {
    pub(super) fn new(suite: Suite, key: &[u8]) -> Result<Self, Refused> {
        Ok(match suite {
            Suite::Aes256Gcm => Self::Aes(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| Refused)?)),
            Suite::Sm4Gcm => Self::Sm4(Box::new(AesGcm::new_from_slice(key).map_err(|_| Refused)?)),
        })
    }

    pub(super) fn suite(&self) -> Suite {
        match self {
            Self::Aes(_) => Suite::Aes256Gcm,
            Self::Sm4(_) => Suite::Sm4Gcm,
        }
    }

    /// Encrypts in place and answers the tag.
    pub(super) fn seal(&self, nonce: [u8; NONCE], aad: &[u8], text: &mut [u8]) -> Result<[u8; TAG], Refused> {
        let mut tag = [0; TAG];
        match self {
            Self::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let made = key.seal_in_place_separate_tag(nonce, Aad::from(aad), text).map_err(|_| Refused)?;
                tag.copy_from_slice(made.as_ref());
            }
            Self::Sm4(key) => {
                let made = key.encrypt_inout_detached(&nonce.into(), aad, text.into()).map_err(|_| Refused)?;
                tag.copy_from_slice(&made);
            }
        }
        Ok(tag)
    }

    /// Checks and decrypts `ciphertext | tag` and answers the text alone.
    pub(super) fn open(&self, nonce: [u8; NONCE], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let length = sealed.len().checked_sub(TAG).ok_or(Refused)?;
        let mut text = Zeroizing::new(sealed.to_vec());
        match self {
            Self::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_in_place(nonce, Aad::from(aad), &mut text).map_err(|_| Refused)?;
            }
            Self::Sm4(key) => {
                let (body, tag) = text.split_at_mut(length);
                let tag = <[u8; TAG]>::try_from(&*tag).map_err(|_| Refused)?;
                key.decrypt_inout_detached(&nonce.into(), aad, body.into(), &tag.into()).map_err(|_| Refused)?;
            }
        }
        text.truncate(length);
        Ok(text)
    }
}

/// A cipher does not compute what its standard says: the program must not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the self-test of {0} failed: this program or machine computes it wrongly, do not use it")]
pub struct SelfTestFailed(pub &'static str);

struct Known {
    name: &'static str,
    suite: Suite,
    key: &'static str,
    nonce: &'static str,
    aad: &'static str,
    text: &'static str,
    sealed: &'static str,
}

const KNOWN: [Known; 2] = [
    // Test case 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), submitted to NIST.
    Known {
        name: "AES-256-GCM",
        suite: Suite::Aes256Gcm,
        key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        nonce: "cafebabefacedbaddecaf888",
        aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        text: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
               b16aedf5aa0de657ba637b39",
        sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838\
                 c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    },
    // RFC 8998, appendix A.1.
    Known {
        name: "SM4-GCM",
        suite: Suite::Sm4Gcm,
        key: "0123456789abcdeffedcba9876543210",
        nonce: "00001234567800000000abcd",
        aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        text: "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffff\
               eeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        sealed: "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15\
                 a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec",
    },
];

/// Computes the known answers of both ciphers, and refuses a changed tag. A program runs it before it opens any value.
pub fn self_test() -> Result<(), SelfTestFailed> {
    KNOWN.iter().try_for_each(|known| known.holds().ok_or(SelfTestFailed(known.name)))
}

impl Known {
    fn holds(&self) -> Option<()> {
        let bytes = |text| hex::decode(text).ok();
        let (aad, text, sealed) = (bytes(self.aad)?, bytes(self.text)?, bytes(self.sealed)?);
        let nonce = bytes(self.nonce)?.try_into().ok()?;
        let cipher = Cipher::new(self.suite, &bytes(self.key)?).ok()?;
        let mut made = text.clone();
        let tag = cipher.seal(nonce, &aad, &mut made).ok()?;
        made.extend(tag);
        let opened = cipher.open(nonce, &aad, &sealed).ok()?;
        let mut forged = sealed.clone();
        *forged.last_mut()? ^= 1;
        (made == sealed && *opened == text && cipher.open(nonce, &aad, &forged).is_err()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ciphers_give_the_known_answers() {
        assert_eq!(self_test(), Ok(()));
    }

    #[test]
    fn a_wrong_answer_is_noticed() {
        let [aes, sm4] = KNOWN;
        assert!(Known { text: sm4.text, ..aes }.holds().is_none());
        assert!(Known { aad: "00", ..sm4 }.holds().is_none());
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        assert!(Cipher::new(Suite::Aes256Gcm, &[0; 16]).is_err());
        assert!(Cipher::new(Suite::Sm4Gcm, &[0; 32]).is_err());
    }
}
