//! Personal access tokens.

use chassis::access::{Call, role_code};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, EntityTrait};
use uuid::Uuid;

use super::{Act, App};
use crate::identity::{
    domain::{bearer::Bearer, session::Kind, subset::Subset},
    error::Error,
    store::{revision, session},
};

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub label: String,
    pub subset: Subset,
    pub valid: TimeDelta,
}

/// A token as its owner sees it later.
#[derive(Clone, Debug)]
pub struct ShownToken {
    pub id: Uuid,
    pub label: String,
    pub subset: Subset,
    pub created_at: DateTime<Utc>,
    pub seen_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}

const MOST: usize = 50;

impl App {
    /// Makes a token. Only roles that its owner holds now, in this session, can be put into it.
    pub async fn create_token(
        &self,
        call: &Call,
        named: Option<Uuid>,
        new: NewToken,
    ) -> Result<(ShownToken, Bearer), Error> {
        let (account, session) = self.caller_in_session(call, named).await?;
        let held = |role| call.grants().iter().any(|grant| grant.role == role);
        if let Some(role) = new.subset.roles.iter().find(|role| !held(**role)) {
            return Err(Error::RoleNotHeld(role_code(*role)));
        }
        let now = self.clock.now();
        if session::list(self.db.read(), account.id, &[Kind::Personal], now).await?.len() >= MOST {
            return Err(Error::TooManyTokens(MOST));
        }
        let NewToken { label, subset, valid } = new;
        let (id, expires_at) = (self.ids.next::<Uuid>(), now + valid);
        let row = session::ActiveModel {
            id: Set(id),
            account_id: Set(account.id),
            kind: Set(Kind::Personal),
            label: Set(self.seal_label(id, &label)?),
            factor: Set(session.factor),
            subset: Set(Some(subset.to_json())),
            claimed: Set(None),
            provider_session: Set(None),
            created_at: Set(now),
            seen_at: Set(None),
            expires_at: Set(expires_at),
            ended_at: Set(None),
        };
        let bearers = self.bearers(Kind::Personal, expires_at, now)?;
        let (app, tokens, account) = (self.clone(), bearers.clone(), account.id);
        let written = self.db.write(move |tx| {
            let (app, tokens, row) = (app.clone(), tokens.clone(), row.clone());
            Box::pin(async move {
                session::Entity::insert(row).exec_without_returning(tx).await?;
                app.add_bearers(tx, id, &tokens).await?;
                let who = account.to_string();
                app.note(tx, &Act { who: &who, what: "personal_token", account, detail: "created", trace: "" });
                Ok::<_, Error>(())
            })
        });
        written.await?;
        Ok((ShownToken { id, label, subset, created_at: now, seen_at: None, expires_at }, bearers.main))
    }

    /// One's tokens that are valid, the newest first.
    pub async fn my_tokens(&self, call: &Call) -> Result<Vec<ShownToken>, Error> {
        let account = self.caller(call).await?;
        let rows = session::list(self.db.read(), account.id, &[Kind::Personal], self.clock.now()).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let label = self.open(session::LABEL, row.id, row.label.as_ref()).await?;
            let subset = row.subset.as_deref().and_then(Subset::from_json);
            let subset = subset.unwrap_or(Subset { roles: Vec::new(), areas: Vec::new() });
            let session::Model { id, created_at, seen_at, expires_at, .. } = row;
            shown.push(ShownToken { id, label, subset, created_at, seen_at, expires_at });
        }
        Ok(shown)
    }

    /// Takes back all personal tokens of an account with its other sessions.
    pub(super) async fn end_everything(&self, tx: &chassis::data::Tx, account: Uuid) -> Result<(), Error> {
        let kinds = [Kind::Browser, Kind::App, Kind::Personal];
        session::end_all(tx, account, &kinds, None, self.clock.now()).await?;
        Ok(revision::bump(tx).await?)
    }
}
