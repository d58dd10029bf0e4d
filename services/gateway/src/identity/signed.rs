//! Signed tokens for services, each for a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use chassis::access::{Principal, TokenSigner};
use chrono::{DateTime, TimeDelta, Utc};

use super::caller::{Caller, Credential};

/// How long services take a token.
const LIFE: TimeDelta = TimeDelta::seconds(60);
/// How long the same token is handed out; the rest of its life is for the call.
const KEPT: TimeDelta = TimeDelta::seconds(30);
const MOST: usize = 10_000;

/// Signs, and keeps what it signed. Services check a token they have seen at the cost of a hash, so that handing out the
/// same one spares them more than it spares us.
#[derive(Clone, Debug, Default)]
pub(super) struct Signed(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    signer: OnceLock<TokenSigner>,
    kept: Mutex<HashMap<Credential, Kept>>,
}

#[derive(Debug)]
struct Kept {
    principal: Principal,
    token: String,
    at: DateTime<Utc>,
}

impl Signed {
    /// Only the first signer counts.
    pub(super) fn sign_with(&self, signer: TokenSigner) {
        let _ = self.0.signer.set(signer);
    }

    /// None for nobody, and before there is a signer.
    pub(super) fn token(&self, caller: &Caller, now: DateTime<Utc>) -> Option<String> {
        let signer = self.0.signer.get()?;
        if caller.credential == Credential::None {
            return None;
        }
        let fresh =
            |kept: &Kept| (TimeDelta::zero()..KEPT).contains(&(now - kept.at)) && kept.principal == caller.principal;
        if let Some(kept) = self.kept().get(&caller.credential).filter(|kept| fresh(kept)) {
            return Some(kept.token.clone());
        }
        let token = match signer.sign(&caller.principal, LIFE) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(%error, "a service token was not signed; the call goes on as nobody's");
                return None;
            }
        };
        let mut all = self.kept();
        if all.len() >= MOST {
            all.retain(|_, kept| now - kept.at < KEPT);
        }
        if all.len() < MOST {
            all.insert(caller.credential, Kept { principal: caller.principal.clone(), token: token.clone(), at: now });
        }
        Some(token)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Credential, Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
