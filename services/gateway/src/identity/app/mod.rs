//! The use cases of accounts, sessions and tokens.

mod accounts;
mod attempt;
mod authenticate;
mod first_start;
mod hashing;
mod known;
mod me;
mod open;
mod own_tokens;
mod provider;
mod second_factor;
mod sign_in;
mod upkeep;

use std::sync::Arc;

use chassis::{
    access::{Grant, audit},
    data::{Clock, Db, Ids, Keyring, SealedColumn, SecretText, Tx},
    run::Context,
};
use sea_orm::DbErr;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use accounts::{Invited, ShownAccount};
pub use attempt::Client;
pub use authenticate::{SESSION_HEADER, cookie};
pub(super) use authenticate::{cookie_text, has_csrf, named_cookie};
pub use first_start::FirstStart;
pub use known::Known;
pub use me::{Me, ShownSession};
pub use open::{Opened, Session};
pub use own_tokens::{NewToken, ShownToken};
pub use provider::FromProvider;
pub(super) use provider::claimed;
pub use sign_in::SignIn;

use super::{
    domain::bearer::{Bearer, Use},
    error::Error,
    settings::IdentitySettings,
    store::account,
};
use hashing::Hasher;

/// What every use case works with. Clones share it.
#[derive(Clone, Debug)]
pub struct App {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) ids: Ids,
    pub(super) keys: Keyring,
    pub(super) settings: Arc<IdentitySettings>,
    pub(super) known: Known,
    hasher: Hasher,
}

impl App {
    pub fn new(context: Context, settings: Arc<IdentitySettings>) -> Self {
        let Context { db, clock, ids, keys, .. } = context;
        let hasher = Hasher::new(settings.hash_memory_kib, settings.hash_passes);
        Self { db, clock, ids, keys, settings, known: Known::default(), hasher }
    }

    /// The name somebody signs in with.
    pub(super) async fn name_of(&self, account: &account::Model) -> Result<SecretText, Error> {
        Ok(self.keys.open_fresh(account.place(account::NAME), &account.name).await?)
    }

    /// Notes an act in the audit log, without secrets: who did what to which account.
    fn note(&self, tx: &Tx, act: &Act<'_>) {
        let Act { who, what, account, detail, trace } = *act;
        let entry = audit::Entry {
            who: who.to_owned(),
            on_behalf: None,
            purpose: String::new(),
            method: what.to_owned(),
            subject: account.to_string(),
            fields: detail.to_owned(),
            request: trace.to_owned(),
            acting: None,
            basis: None,
        };
        audit::record(tx, &self.ids, &self.clock, entry);
    }

    /// Opens a sealed text, where there is one.
    async fn open(
        &self,
        column: SealedColumn,
        row: Uuid,
        sealed: Option<&chassis::data::Sealed>,
    ) -> Result<String, Error> {
        match sealed {
            None => Ok(String::new()),
            Some(sealed) => Ok(self.keys.open_fresh(column.at(row), sealed).await?.expose().to_owned()),
        }
    }

    /// Rights of an account, and those that its provider's claims gave the session. Where one excludes another, the claimed
    /// one gives way: what was granted here was checked here.
    pub(super) async fn grants(
        &self,
        account: Uuid,
        claimed: Option<&str>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Vec<Grant>, DbErr> {
        let mut grants = super::grants::grants_of(self.db.read(), account, now).await?;
        for grant in claimed.map(provider::read_claimed).unwrap_or_default() {
            if provider::fits(&grants, &grant) {
                grants.push(grant);
            }
        }
        Ok(grants)
    }
}

/// What the audit log is told.
struct Act<'a> {
    /// The account that did it; `nobody` where none is known.
    who: &'a str,
    what: &'static str,
    account: Uuid,
    detail: &'static str,
    trace: &'a str,
}

const NOBODY: &str = "nobody";

/// A new token.
fn new_bearer(usage: Use) -> Result<Bearer, Error> {
    Ok(Bearer::new(usage, &*secret()?))
}

/// 256 random bits.
pub(super) fn secret() -> Result<Zeroizing<[u8; 32]>, Error> {
    random::<32>()
}

/// Random bytes that are wiped when they go.
fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0u8; N]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}
