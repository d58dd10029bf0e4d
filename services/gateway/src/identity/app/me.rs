//! What somebody who is signed in sees of themselves.

use chassis::access::Call;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::App;
use crate::identity::{
    domain::session::Kind,
    error::Error,
    store::{
        account::{self, Model, State},
        session,
    },
};

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct Me {
    pub id: Uuid,
    pub name: String,
    pub factor_set: bool,
    pub factor_required: bool,
    pub factor_passed: bool,
}

/// A browser or app, with its label open.
#[derive(Clone, Debug)]
pub struct ShownSession {
    pub id: Uuid,
    pub kind: Kind,
    pub label: String,
    pub created_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub current: bool,
}

impl App {
    /// The account that calls. The access layer has checked the token; one that was not made at the door (`linju keys token`)
    /// names no account.
    pub async fn caller(&self, call: &Call) -> Result<Model, Error> {
        let id: Uuid = call.subject().parse().map_err(|_| Error::NoAccount)?;
        let account = account::find(self.db.read(), id).await?;
        account.filter(|account| account.state == State::Active).ok_or(Error::NoAccount)
    }

    /// The account that calls, in a session of its own that has passed the second factor where one is set. A program with a
    /// personal token has none.
    pub async fn caller_in_session(&self, call: &Call, named: Option<Uuid>) -> Result<(Model, session::Model), Error> {
        let account = self.caller(call).await?;
        let session = self.own_session(&account, named).await?.ok_or(Error::SessionNeeded)?;
        let passed = session.factor || account.totp.is_none();
        if session.kind == Kind::Personal || !passed { Err(Error::SessionNeeded) } else { Ok((account, session)) }
    }

    async fn own_session(&self, account: &Model, named: Option<Uuid>) -> Result<Option<session::Model>, Error> {
        let Some(id) = named else { return Ok(None) };
        let found = session::find(self.db.read(), id).await?;
        let now = self.clock.now();
        Ok(found.filter(|s| s.account_id == account.id && s.ended_at.is_none() && now < s.expires_at))
    }

    pub async fn me(&self, call: &Call, named: Option<Uuid>) -> Result<Me, Error> {
        let account = self.caller(call).await?;
        let session = self.own_session(&account, named).await?;
        let claimed = session.as_ref().and_then(|session| session.claimed.as_deref());
        let grants = self.grants(account.id, claimed, self.clock.now()).await?;
        let required = grants.iter().any(|grant| self.settings.require_second_factor.contains(&grant.role));
        Ok(Me {
            id: account.id,
            name: self.name_of(&account).await?.expose().to_owned(),
            factor_set: account.totp.is_some(),
            factor_required: required,
            factor_passed: session.is_some_and(|session| session.factor),
        })
    }

    /// One's browsers and apps, the newest first.
    pub async fn my_sessions(&self, call: &Call, named: Option<Uuid>) -> Result<Vec<ShownSession>, Error> {
        let account = self.caller(call).await?;
        let now = self.clock.now();
        let lives = self.settings.lives();
        let rows = session::list(self.db.read(), account.id, &[Kind::Browser, Kind::App], now).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let seen_at = row.seen_at.unwrap_or(row.created_at);
            if lives.hold(row.kind, seen_at, row.expires_at, now) {
                let label = self.open(session::LABEL, row.id, row.label.as_ref()).await?;
                let session::Model { id, kind, created_at, expires_at, .. } = row;
                let current = named == Some(id);
                shown.push(ShownSession { id, kind, label, created_at, seen_at, expires_at, current });
            }
        }
        Ok(shown)
    }
}
