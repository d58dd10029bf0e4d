//! Password hashes: argon2id, off the async threads, no more at once than there are cores.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use chassis::data::SecretText;
use tokio::sync::Semaphore;

use crate::identity::error::Error;

/// Waiting sign-ins for each core; one more is told to come again, or a storm of sign-ins would hold every connection.
const QUEUE: usize = 32;

/// Hashes and verifies passwords.
#[derive(Clone, Debug)]
pub(super) struct Hasher {
    params: Params,
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most: usize,
}

/// What came of a password.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) right: bool,
    /// A hash with the parameters of today, where the stored one has lesser ones.
    pub(super) renewed: Option<String>,
}

impl Hasher {
    pub(super) fn new(memory_kib: u32, passes: u32) -> Self {
        let params = Params::new(memory_kib, passes, 1, None).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let waiting = Arc::new(AtomicUsize::new(0));
        Self { params, cores: Arc::new(Semaphore::new(cores)), waiting, most: cores * QUEUE }
    }

    /// A PHC string (`$argon2id$v=19$m=…`); the parameters stand in it.
    pub(super) async fn hash(&self, password: &SecretText) -> Result<String, Error> {
        let (params, password) = (self.params.clone(), password.clone());
        self.run(move || hash(params, password.expose())).await?
    }

    /// Checks a password against a stored hash. Without one it does the same work and answers no, so that nobody learns by
    /// the time whether an account exists.
    pub(super) async fn verify(&self, password: &SecretText, stored: Option<String>) -> Result<Verified, Error> {
        let (params, password) = (self.params.clone(), password.clone());
        self.run(move || {
            let exists = stored.is_some();
            let stored = stored.unwrap_or_else(|| nobodys(&params));
            let right = exists && matches(&stored, password.expose());
            let renewed =
                (right && is_lesser(&stored, &params)).then(|| hash(params, password.expose())).transpose()?;
            Ok(Verified { right, renewed })
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = Waiting::enter(&self.waiting, self.most).ok_or(Error::Busy)?;
        let permit = self.cores.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        drop(place);
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(permit);
            outcome
        });
        done.await.map_err(|e| Error::Hash(e.to_string()))
    }
}

/// A place in the queue, given back also by a caller who goes away.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(count.clone());
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash(params: Params, password: &str) -> Result<String, Error> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(password.as_bytes()).map_err(|e| Error::Hash(e.to_string()))?;
    Ok(hash.to_string())
}

fn matches(stored: &str, password: &str) -> bool {
    let Ok(stored) = PasswordHash::new(stored) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()
}

fn is_lesser(stored: &str, today: &Params) -> bool {
    let params = PasswordHash::new(stored).ok().and_then(|hash| Params::try_from(&hash).ok());
    params.is_none_or(|p| p.m_cost() < today.m_cost() || p.t_cost() < today.t_cost())
}

/// A hash of no password, with the parameters of today.
fn nobodys(params: &Params) -> String {
    let (m, t) = (params.m_cost(), params.t_cost());
    format!("$argon2id$v=19$m={m},t={t},p=1${}${}", "A".repeat(22), "A".repeat(43))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> SecretText {
        SecretText::from(text.to_owned())
    }

    #[tokio::test]
    async fn hashes_are_renewed_when_parameters_grow() -> Result<(), Error> {
        let (old, new) = (Hasher::new(64, 1), Hasher::new(128, 1));
        let password = text("three white cats");
        let stored = old.hash(&password).await?;
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert!(old.verify(&password, Some(stored.clone())).await?.renewed.is_none());
        let renewed = new.verify(&password, Some(stored.clone())).await?.renewed.expect("a new hash");
        let again = new.verify(&password, Some(renewed)).await?;
        assert!(again.right && again.renewed.is_none());
        let wrong = new.verify(&text("three white dogs"), Some(stored)).await?;
        assert!(!wrong.right && wrong.renewed.is_none());
        Ok(())
    }

    #[tokio::test]
    async fn nobody_has_a_password_that_can_be_guessed() -> Result<(), Error> {
        let hasher = Hasher::new(64, 1);
        assert!(PasswordHash::new(&nobodys(&hasher.params)).is_ok(), "the work is done, not refused");
        assert!(!hasher.verify(&text(""), None).await?.right);
        Ok(())
    }

    #[tokio::test]
    async fn a_storm_is_refused_and_a_caller_who_left_frees_the_place() {
        let hasher = Hasher { most: 1, cores: Arc::new(Semaphore::new(0)), ..Hasher::new(64, 1) };
        let password = text("three white cats");
        {
            let mut first = Box::pin(hasher.hash(&password));
            assert!(futures::poll!(&mut first).is_pending());
            assert!(matches!(hasher.hash(&password).await, Err(Error::Busy)));
        }
        hasher.cores.add_permits(1);
        assert!(hasher.hash(&password).await.is_ok());
    }
}
