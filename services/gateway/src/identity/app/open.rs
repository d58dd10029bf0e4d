//! Opening, renewing and ending sessions.

use chassis::data::{Sealed, Tx};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, EntityTrait};
use uuid::Uuid;

use super::{Act, App, Client, new_bearer};
use crate::identity::{
    caller::Refused,
    domain::{
        bearer::{Bearer, Use},
        session::Kind,
    },
    error::Error,
    store::{
        account::{self, Model, State},
        device, revision, session,
    },
};

/// A session to be opened.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// It passed the second factor already.
    pub factor: bool,
    /// What a provider's claims give, as JSON.
    pub claimed: Option<String>,
    /// What the provider calls it.
    pub sid: Option<String>,
    /// The cookie that the browser had before; its session ends, so that nobody who set it beforehand shares the new one.
    pub instead_of: Option<Bearer>,
}

/// A session, and the tokens that its owner gets this once.
#[derive(Clone, Debug)]
pub struct Opened {
    pub account: Uuid,
    /// The cookie of a browser, or the access token of an app.
    pub bearer: Bearer,
    pub bearer_expires_at: DateTime<Utc>,
    /// Gets an app its next tokens.
    pub refresh: Option<Bearer>,
    /// To be kept by the browser or app, and shown when it signs in again.
    pub device: Option<Bearer>,
}

const LABEL: usize = 120;

impl App {
    /// Signs somebody in: a browser or an app.
    pub async fn open_session(
        &self,
        account: &Model,
        kind: Kind,
        new: Session,
        client: &Client,
    ) -> Result<Opened, Error> {
        let (now, lives) = (self.clock.now(), self.settings.lives());
        let id = self.ids.next::<Uuid>();
        let device = match client.device.clone() {
            Some(device) => device,
            None => new_bearer(Use::Device)?,
        };
        let expires_at = now + lives.of(kind);
        let instead_of = new.instead_of.clone();
        // With the password alone a device is not known yet: else each sign-in would give new guesses at the second factor.
        let trusted = new.factor || account.totp.is_none();
        let row = self.new_row(id, account.id, kind, new, &client.label, (now, expires_at))?;
        let bearers = self.bearers(kind, expires_at, now)?;
        let (app, account_id, hash) = (self.clone(), account.id, device.hash());
        let replaces = instead_of.is_some();
        let (tokens, trace, before) = (bearers.clone(), client.trace.clone(), instead_of.map(|b| b.hash()));
        let written = self.db.write(move |tx| {
            let (app, row, tokens, hash) = (app.clone(), row.clone(), tokens.clone(), hash.clone());
            let (trace, before) = (trace.clone(), before.clone());
            Box::pin(async move {
                if let Some(old) = before.as_ref()
                    && let Some(found) = session::find_bearer(tx, old).await?
                {
                    session::end(tx, found.account_id, found.session_id, now).await?;
                    revision::bump(tx).await?;
                }
                session::Entity::insert(row).exec_without_returning(tx).await?;
                app.add_bearers(tx, id, &tokens).await?;
                if trusted {
                    device::note(tx, hash, account_id, now).await?;
                }
                let seen =
                    account::ActiveModel { id: Set(account_id), signed_in_at: Set(Some(now)), ..Default::default() };
                account::Entity::update(seen).exec(tx).await?;
                let who = account_id.to_string();
                app.note(
                    tx,
                    &Act { who: &who, what: "sign_in", account: account_id, detail: "signed_in", trace: &trace },
                );
                Ok::<_, Error>(())
            })
        });
        written.await?;
        if replaces {
            self.known.forget();
        }
        Ok(bearers.into_opened(account.id, Some(device)))
    }

    fn new_row(
        &self,
        id: Uuid,
        account: Uuid,
        kind: Kind,
        new: Session,
        label: &str,
        (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<session::ActiveModel, Error> {
        Ok(session::ActiveModel {
            id: Set(id),
            account_id: Set(account),
            kind: Set(kind),
            label: Set(self.seal_label(id, label)?),
            factor: Set(new.factor),
            subset: Set(None),
            claimed: Set(new.claimed),
            provider_session: Set(new.sid),
            created_at: Set(now),
            seen_at: Set(Some(now)),
            expires_at: Set(expires_at),
            ended_at: Set(None),
        })
    }

    /// New tokens for a session, in place of all that it had.
    pub(super) async fn renew(&self, tx: &Tx, id: Uuid, bearers: &Bearers) -> Result<(), Error> {
        session::clear_bearers(tx, id).await?;
        self.add_bearers(tx, id, bearers).await
    }

    pub(super) fn bearers(&self, kind: Kind, end: DateTime<Utc>, now: DateTime<Utc>) -> Result<Bearers, Error> {
        let lives = self.settings.lives();
        let until = |life: TimeDelta| (now + life).min(end);
        Ok(match kind {
            Kind::Browser => Bearers { main: new_bearer(Use::Cookie)?, main_until: end, refresh: None },
            Kind::App => Bearers {
                main: new_bearer(Use::Access)?,
                main_until: until(lives.access),
                refresh: Some((new_bearer(Use::Refresh)?, until(lives.refresh))),
            },
            Kind::Personal => Bearers { main: new_bearer(Use::Personal)?, main_until: end, refresh: None },
        })
    }

    pub(super) async fn add_bearers(&self, tx: &Tx, session: Uuid, bearers: &Bearers) -> Result<(), Error> {
        session::add_bearer(tx, session, bearers.main.hash(), bearers.main_until).await?;
        if let Some((refresh, until)) = &bearers.refresh {
            session::add_bearer(tx, session, refresh.hash(), *until).await?;
        }
        Ok(())
    }

    /// Gives an app its next tokens for a refresh token, which serves once. Whoever brings one again has it from somebody
    /// else, or somebody else has it: nobody can tell who is the owner, so the whole session ends (RFC 9700, 4.14.2). An app
    /// that lost the answer signs in again.
    pub async fn refresh(&self, bearer: &Bearer, client: &Client) -> Result<Opened, Error> {
        let now = self.clock.now();
        let hash = bearer.hash();
        let found = session::find_bearer(self.db.read(), &hash).await?.ok_or(Error::SignInAgain)?;
        let alive = found.ended_at.is_none() && now < found.expires_at && found.state == State::Active;
        if bearer.usage() != Use::Refresh || !alive {
            return Err(Error::SignInAgain);
        }
        if found.used_at.is_some() {
            return self.replayed(&found, client).await;
        }
        if now >= found.bearer_expires_at {
            return Err(Error::SignInAgain);
        }
        let bearers = self.bearers(Kind::App, found.expires_at, now)?;
        let (app, tokens, id) = (self.clone(), bearers.clone(), found.session_id);
        let written = self.db.write(move |tx| {
            let (app, tokens, hash) = (app.clone(), tokens.clone(), hash.clone());
            Box::pin(async move {
                let first = session::use_up(tx, &hash, now).await?;
                if first {
                    session::saw(tx, id, now).await?;
                    app.add_bearers(tx, id, &tokens).await?;
                }
                Ok::<_, Error>(first)
            })
        });
        if !written.await? {
            return self.replayed(&found, client).await;
        }
        Ok(bearers.into_opened(found.account_id, None))
    }

    async fn replayed(&self, found: &session::Found, client: &Client) -> Result<Opened, Error> {
        let account = found.account_id;
        self.end_session(account, found.session_id, "refresh_token_replayed", &client.trace).await?;
        Err(Error::SignInAgain)
    }

    /// Ends a session of an account at once; one that ended before, or is not the account's, changes nothing.
    pub async fn end_session(&self, account: Uuid, id: Uuid, why: &'static str, trace: &str) -> Result<bool, Error> {
        let (app, trace) = (self.clone(), trace.to_owned());
        let written = self.db.write(move |tx| {
            let (app, trace) = (app.clone(), trace.clone());
            Box::pin(async move {
                let ended = session::end(tx, account, id, app.clock.now()).await?;
                if ended {
                    revision::bump(tx).await?;
                    let who = account.to_string();
                    app.note(tx, &Act { who: &who, what: "session", account, detail: why, trace: &trace });
                }
                Ok::<_, Error>(ended)
            })
        });
        let ended = written.await?;
        self.known.forget();
        Ok(ended)
    }

    /// Ends all browsers and apps of an account, except one; says how many.
    pub async fn end_sessions(&self, account: Uuid, except: Option<Uuid>) -> Result<u64, Error> {
        let app = self.clone();
        let written = self.db.write(move |tx| {
            let app = app.clone();
            Box::pin(async move {
                let kinds = [Kind::Browser, Kind::App];
                let ended = session::end_all(tx, account, &kinds, except, app.clock.now()).await?;
                revision::bump(tx).await?;
                let who = account.to_string();
                app.note(tx, &Act { who: &who, what: "session", account, detail: "ended_all", trace: "" });
                Ok::<_, Error>(ended)
            })
        });
        let ended = written.await?;
        self.known.forget();
        Ok(ended)
    }

    /// Takes back the session that any of its tokens belongs to (RFC 7009). Who holds none learns nothing.
    pub async fn revoke(&self, bearer: &Bearer, trace: &str) -> Result<(), Error> {
        if let Some(found) = session::find_bearer(self.db.read(), &bearer.hash()).await? {
            self.end_session(found.account_id, found.session_id, "revoked", trace).await?;
        }
        Ok(())
    }

    pub(super) fn seal_label(&self, id: Uuid, label: &str) -> Result<Option<Sealed>, Error> {
        let label: String = label.chars().filter(|c| !c.is_control()).take(LABEL).collect();
        let sealed = (!label.is_empty()).then(|| self.keys.seal(session::LABEL.at(id), &label));
        Ok(sealed.transpose()?)
    }

    /// Whether the session of this token has passed all it must, for the answer to a sign-in.
    pub async fn factor_needed(&self, bearer: &Bearer) -> Result<bool, Refused> {
        let entry = self.look_up(bearer, self.clock.now()).await?;
        Ok(self.lacks_factor(&entry))
    }
}

/// The tokens of a session.
#[derive(Clone, Debug)]
pub(super) struct Bearers {
    pub(super) main: Bearer,
    main_until: DateTime<Utc>,
    refresh: Option<(Bearer, DateTime<Utc>)>,
}

impl Bearers {
    pub(super) fn into_opened(self, account: Uuid, device: Option<Bearer>) -> Opened {
        let refresh = self.refresh.map(|(bearer, _)| bearer);
        Opened { account, bearer: self.main, bearer_expires_at: self.main_until, refresh, device }
    }
}
