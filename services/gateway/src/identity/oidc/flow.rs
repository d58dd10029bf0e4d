//! What binds an answer of the provider to the browser that asked: all of it made of one secret in a cookie.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// One way to the provider and back. `state`, `nonce` and the PKCE verifier are hashes of the secret, so that none of them
/// gives another away, and nothing needs to be kept here.
#[derive(Clone)]
pub(in crate::identity) struct Flow {
    secret: Zeroizing<[u8; 32]>,
    return_to: String,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flow(to {:?})", self.return_to)
    }
}

impl Flow {
    pub(in crate::identity) fn new(secret: Zeroizing<[u8; 32]>, return_to: &str) -> Self {
        Self { secret, return_to: local_path(return_to).to_owned() }
    }

    /// Reads the cookie.
    pub(in crate::identity) fn read(cookie: &str) -> Option<Self> {
        let (secret, path) = cookie.split_once('.')?;
        let secret = hex::decode(secret).ok()?.try_into().ok().map(Zeroizing::new)?;
        let path = String::from_utf8(URL_SAFE_NO_PAD.decode(path).ok()?).ok()?;
        Some(Self::new(secret, &path))
    }

    /// What the cookie holds.
    pub(in crate::identity) fn cookie(&self) -> String {
        format!("{}.{}", hex::encode(*self.secret), URL_SAFE_NO_PAD.encode(&self.return_to))
    }

    /// Where the browser goes in the end.
    pub(in crate::identity) fn return_to(&self) -> &str {
        &self.return_to
    }

    pub(super) fn state(&self) -> String {
        self.derive("state")
    }

    pub(super) fn is_state(&self, given: &str) -> bool {
        verify_slices_are_equal(self.state().as_bytes(), given.as_bytes()).is_ok()
    }

    pub(super) fn nonce(&self) -> String {
        self.derive("nonce")
    }

    pub(super) fn verifier(&self) -> Zeroizing<String> {
        Zeroizing::new(self.derive("verifier"))
    }

    /// RFC 7636, 4.2: S256.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier().as_bytes()))
    }

    fn derive(&self, what: &str) -> String {
        hex::encode(digest(&SHA256, &[what.as_bytes(), b" ", &*self.secret].concat()))
    }
}

/// A path on this host, or `/`: nobody is sent elsewhere by a link to a sign-in.
fn local_path(asked: &str) -> &str {
    let is_path = asked.starts_with('/') && !asked.starts_with("//") && !asked.starts_with("/\\");
    let plain = asked.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    if is_path && plain && asked.len() <= 512 { asked } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for path in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nset-cookie: x", "/ä", "a/b"]
        {
            assert_eq!(local_path(path), "/", "{path}");
        }
        assert_eq!(local_path("/desk?area=511903001#top"), "/desk?area=511903001#top");
    }

    #[test]
    fn a_cookie_is_read_as_what_it_was() {
        let flow = Flow::new(Zeroizing::new([7; 32]), "/desk");
        let read = Flow::read(&flow.cookie()).expect("a cookie of ours");
        assert_eq!((read.state(), read.return_to()), (flow.state(), "/desk"));
        assert!(read.is_state(&flow.state()));
        assert!(!Flow::new(Zeroizing::new([8; 32]), "/desk").is_state(&flow.state()));
        for wrong in ["", ".", "00.Lw", &flow.cookie()[1..]] {
            assert!(Flow::read(wrong).is_none(), "{wrong}");
        }
    }

    /// RFC 7636, appendix B, by the same function.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
