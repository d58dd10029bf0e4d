//! Who may sign in, and what they were granted.
//!
//! A person signs in with a browser (a cookie), an app (short access tokens and refresh tokens that serve once) or lets a
//! program of theirs call (personal access tokens). Every such token is 256 random bits of which only the SHA-256 is stored,
//! and each call looks it up: what is taken away is gone at once. Services never see it; they get a token that the door
//! signs for a minute, which says who calls and with which rights.

pub mod app;
mod caller;
pub mod domain;
mod error;
pub mod grants;
mod grpc;
mod http;
mod oidc;
mod settings;
mod signed;
pub mod store;

use std::{io::Write as _, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, header, request::Parts};
use chassis::{
    access::TokenSigner,
    data::SealedColumn,
    run::{Context, Inside, StartError},
};
use chrono::{DateTime, Utc};
use sea_orm_migration::MigrationTrait;
use tokio::sync::watch;
use tonic::service::Routes;

pub use self::http::ClientAddress;
pub use app::{FirstStart, Invited, ShownAccount};
pub use caller::{Caller, Credential, Refused};
pub use domain::name::{AccountName, NotAName};
pub use error::Error;
pub use oidc::OidcError;
pub use settings::{ClaimRule, IdentitySettings, OidcSettings};

use app::App;
use oidc::Provider;
use signed::Signed;

/// Its tables.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = store::migrations::all();
    all.extend(grants::migrations());
    all
}

/// Its sealed columns.
pub fn sealed_columns() -> Vec<SealedColumn> {
    use store::{account, session};
    vec![account::NAME, account::TOTP, account::TOTP_PENDING, session::LABEL]
}

/// Looks up credentials and answers who calls.
#[derive(Clone, Debug)]
pub struct Identity {
    app: App,
    grants: grants::Grants,
    provider: Option<Provider>,
    signed: Signed,
}

/// How often other copies of the gateway are asked for what they took away.
const HEAR_EVERY: Duration = Duration::from_millis(150);
const PRUNE_EVERY: Duration = Duration::from_hours(1);

impl Identity {
    pub fn new(context: Context, settings: IdentitySettings) -> Self {
        let settings = Arc::new(settings);
        let grants = grants::Grants::new(&context);
        let provider = settings.oidc.clone().map(|oidc| Provider::new(oidc, &settings.public_url, &context.clock));
        Self { app: App::new(context, settings), grants, provider, signed: Signed::default() }
    }

    /// Who sent the request, by its cookie or bearer token, at `now`.
    pub async fn authenticate(&self, parts: &Parts, now: DateTime<Utc>) -> Result<Caller, Refused> {
        self.app.authenticate(parts, now).await
    }

    /// The token by which services learn who calls; valid for a minute at most. Nobody has none.
    pub fn internal_token(&self, caller: &Caller) -> Option<String> {
        self.signed.token(caller, self.app.clock.now())
    }

    /// Replaces whatever a request says about its sender by what is known: `authorization` for services, and the session
    /// for the services of the gateway itself.
    pub fn stamp(&self, caller: &Caller, headers: &mut HeaderMap) {
        for name in [header::AUTHORIZATION, header::COOKIE] {
            headers.remove(name);
        }
        headers.remove(app::SESSION_HEADER);
        let token = self.internal_token(caller).map(|token| format!("Bearer {token}"));
        if let Some(mut value) = token.and_then(|token| HeaderValue::try_from(token).ok()) {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let session = match caller.credential {
            Credential::None => None,
            Credential::Session(id) | Credential::Access(id) | Credential::Personal(id) => Some(id),
        };
        if let Some(value) = session.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
            headers.insert(app::SESSION_HEADER, value);
        }
    }

    /// The routes of `/auth`. The door puts a [`ClientAddress`] into each request's extensions.
    pub fn http_routes(&self) -> axum::Router {
        http::routes(self.app.clone(), self.provider.clone())
    }

    /// The gRPC services of accounts and grants.
    pub fn routes(&self, message_bytes: usize) -> Routes {
        grpc::routes(&self.app, &self.grants, message_bytes)
    }

    /// Changes whenever something may have been taken away: an open stream then asks [`still_holds`](Self::still_holds).
    pub fn revoked(&self) -> watch::Receiver<u64> {
        self.app.known.changes()
    }

    /// Whether the caller of an open stream could open it again as before: the session lives, and no right is missing.
    pub async fn still_holds(&self, parts: &Parts, caller: &Caller) -> bool {
        let again = self.app.authenticate(parts, self.app.clock.now()).await;
        matches!(again, Ok(again) if again == *caller)
    }

    /// Begins to sign, hears of other copies, and makes the first account where there is none: its password is printed on
    /// standard error, this once and nowhere else.
    pub async fn open(&self, inside: &Inside) -> Result<(), StartError> {
        let signer = TokenSigner::new(&inside.install.signer()?, inside.install.clock.clone());
        self.signed.sign_with(signer);
        let failed = |error: &dyn std::error::Error| StartError::Door("gateway", error.to_string());
        if let Some(first) = self.first_start().await.map_err(|e| failed(&e))? {
            tell(&first);
        }
        let (identity, tasks) = (self.clone(), inside.tasks.clone());
        inside.tasks.spawn(async move {
            while tasks.pause(HEAR_EVERY).await {
                identity.hear().await;
            }
        });
        let (app, tasks) = (self.app.clone(), inside.tasks.clone());
        inside.tasks.spawn(async move {
            while tasks.pause(PRUNE_EVERY).await {
                if let Err(error) = app.prune().await {
                    tracing::warn!(%error, "old sessions were not removed; the next try is in an hour");
                }
            }
        });
        Ok(())
    }

    /// Makes the first account where there is none.
    pub async fn first_start(&self) -> Result<Option<FirstStart>, Error> {
        self.app.first_start().await
    }

    /// Hears whether another copy took something away.
    pub async fn hear(&self) {
        if let Err(error) = self.app.hear_revision().await {
            tracing::debug!(%error, "the revision was not heard; nothing that is known is trusted");
        }
    }

    /// Signs service tokens with this from now on.
    pub fn sign_with(&self, signer: TokenSigner) {
        self.signed.sign_with(signer);
    }

    /// What the operator does at the console, by the name of an account.
    pub fn console(&self) -> Console {
        Console(self.app.clone())
    }
}

/// Accounts at the hands of whoever runs the machine.
#[derive(Clone, Debug)]
pub struct Console(App);

/// Who did it, in the audit log.
const CONSOLE: &str = "console";

impl Console {
    pub async fn invite(&self, name: AccountName) -> Result<Invited, Error> {
        self.0.invite(CONSOLE, name).await
    }

    pub async fn reset(&self, name: &AccountName, remove_second_factor: bool) -> Result<Invited, Error> {
        self.0.reset(CONSOLE, self.id(name).await?, remove_second_factor).await
    }

    pub async fn set_locked(&self, name: &AccountName, locked: bool) -> Result<ShownAccount, Error> {
        self.0.set_locked(CONSOLE, self.id(name).await?, locked).await
    }

    /// All accounts, `page_size` at a time.
    pub async fn list(&self, page_token: &str) -> Result<(Vec<ShownAccount>, String), Error> {
        self.0.accounts(&chassis::data::Page::read(&["console"], 1000, page_token)?).await
    }

    async fn id(&self, name: &AccountName) -> Result<uuid::Uuid, Error> {
        let found = self.0.find_account(name).await?;
        Ok(found.ok_or(chassis::Fault::NotFound("account"))?.id)
    }
}

/// Standard error, and not the log: a log is kept and sent on.
fn tell(first: &FirstStart) {
    let text = format!(
        "\nThis install has no account yet. Its first security administrator:\n\n    name      {}\n    password  {}\n\n\
         The password serves for one sign-in, which sets another, and is shown only now.\nIf it is lost: linju account reset {}\n\n",
        first.name,
        first.password.expose(),
        first.name
    );
    // With standard error closed nobody can be told; `linju account reset` makes another.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
