//! Tokens whose signature was found right before. Checking a signature costs more than all else that a read by id needs of
//! this program, and a caller sends the same token many times.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::digest::{SHA256, digest};

use super::Principal;

/// So many are remembered; one more, and all are forgotten. Only tokens that were signed with a known key get here.
const MOST: usize = 4_096;

/// What is known of a token. Its times are looked at again with every call.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) times: Times,
    pub(super) principal: Principal,
}

/// Seconds since 1970: not valid before, made at, not valid from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) nbf: i64,
    pub(super) iat: i64,
    pub(super) exp: i64,
}

/// Names a token without keeping it: its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Option<Self> {
        digest(&SHA256, token.as_bytes()).as_ref().try_into().ok().map(Self)
    }
}

/// What one verifier has seen; its clones see the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<RwLock<HashMap<Fingerprint, Known>>>);

impl Seen {
    pub(super) fn get(&self, token: Fingerprint) -> Option<Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&token).cloned()
    }

    pub(super) fn keep(&self, token: Fingerprint, known: Known) {
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST {
            seen.clear();
        }
        seen.insert(token, known);
    }
}
