//! What administrators do with accounts.

use chassis::{
    Fault,
    data::{Page, Tx},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::{Act, App, random};
use crate::identity::{
    domain::{codes, name::AccountName},
    error::Error,
    store::{
        account::{self, Model, State},
        code,
    },
};

/// An account with its name open.
#[derive(Clone, Debug)]
pub struct ShownAccount {
    pub row: Model,
    pub name: String,
}

impl ShownAccount {
    /// Where it stands, in a word.
    pub fn state(&self) -> &'static str {
        match self.row.state {
            State::Invited => "invited",
            State::Active => "active",
            State::Locked => "locked",
        }
    }
}

/// An account, and the code by which its owner takes it up.
#[derive(Clone, Debug)]
pub struct Invited {
    pub account: ShownAccount,
    pub code: String,
    pub expires_at: DateTime<Utc>,
}

/// How long a one-time code serves.
const CODE_LIFE: TimeDelta = TimeDelta::days(3);

impl App {
    /// Makes an account that its owner takes up with a code. `who` does it.
    pub async fn invite(&self, who: &str, name: AccountName) -> Result<Invited, Error> {
        let id = self.ids.next::<Uuid>();
        let now = self.clock.now();
        let row = Model {
            id,
            name: self.keys.seal(account::NAME.at(id), name.as_str())?,
            name_index: account::index_of(&self.keys, &name),
            state: State::Invited,
            password: None,
            must_change: false,
            issuer: None,
            issuer_subject: None,
            totp: None,
            totp_pending: None,
            totp_step: 0,
            created_at: now,
            signed_in_at: None,
        };
        let written = codes::write(&*random::<{ codes::BYTES }>()?);
        let (app, kept, made, by) = (self.clone(), written.clone(), row.clone(), who.to_owned());
        let done = self.db.write(move |tx| {
            let (app, kept, row, by) = (app.clone(), kept.clone(), made.clone(), by.clone());
            Box::pin(async move {
                account::Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
                app.give_code(tx, id, &kept).await?;
                app.note(tx, &Act { who: &by, what: "account", account: id, detail: "invited", trace: "" });
                Ok::<_, Error>(())
            })
        });
        done.await.map_err(|error| match error {
            Error::Fault(fault) if fault.is_duplicate() => Error::NameTaken,
            other => other,
        })?;
        let account = ShownAccount { row, name: name.as_str().to_owned() };
        Ok(Invited { account, code: written, expires_at: now + CODE_LIFE })
    }

    /// One code at a time: an earlier one is void.
    async fn give_code(&self, tx: &Tx, account: Uuid, written: &str) -> Result<(), Error> {
        code::clear(tx, account, code::Kind::Invitation).await?;
        let end = Some(self.clock.now() + CODE_LIFE);
        let row = code::row(&self.keys, written, account, code::Kind::Invitation, end);
        code::Entity::insert(row).exec_without_returning(tx).await?;
        Ok(())
    }

    /// Lets an account begin anew: its password is void, its sessions and tokens end, a code sets another password.
    pub async fn reset(&self, who: &str, id: Uuid, remove_factor: bool) -> Result<Invited, Error> {
        let written = codes::write(&*random::<{ codes::BYTES }>()?);
        let (app, kept, by) = (self.clone(), written.clone(), who.to_owned());
        let done = self.db.write(move |tx| {
            let (app, kept, by) = (app.clone(), kept.clone(), by.clone());
            Box::pin(async move {
                let account = app.get(tx, id).await?;
                if account.issuer.is_some() {
                    return Err(Error::NoPassword);
                }
                app.give_code(tx, id, &kept).await?;
                app.end_everything(tx, id).await?;
                if remove_factor {
                    app.drop_factor(tx, id).await?;
                }
                app.note(tx, &Act { who: &by, what: "account", account: id, detail: "reset", trace: "" });
                let mut row = app.get(tx, id).await?.into_active_model();
                row.password = Set(None);
                Ok(row.update(tx).await?)
            })
        });
        let row = done.await?;
        self.known.forget();
        Ok(Invited { account: self.show(row).await?, code: written, expires_at: self.clock.now() + CODE_LIFE })
    }

    /// Locks an account, or lets it in again. Locked, its sessions and tokens end at once.
    pub async fn set_locked(&self, who: &str, id: Uuid, locked: bool) -> Result<ShownAccount, Error> {
        let (app, by) = (self.clone(), who.to_owned());
        let done = self.db.write(move |tx| {
            let (app, by) = (app.clone(), by.clone());
            Box::pin(async move {
                let account = app.get(tx, id).await?;
                if (account.state == State::Locked) == locked {
                    return Ok(account);
                }
                let detail = if locked { "locked" } else { "unlocked" };
                app.note(tx, &Act { who: &by, what: "account", account: id, detail, trace: "" });
                app.end_everything(tx, id).await?;
                let taken_up = account.password.is_some() || account.issuer.is_some();
                let mut row = account.into_active_model();
                row.state = Set(match (locked, taken_up) {
                    (true, _) => State::Locked,
                    (false, true) => State::Active,
                    (false, false) => State::Invited,
                });
                Ok::<_, Error>(row.update(tx).await?)
            })
        });
        let row = done.await?;
        self.known.forget();
        self.show(row).await
    }

    async fn get(&self, tx: &Tx, id: Uuid) -> Result<Model, Error> {
        Ok(account::find(tx, id).await?.ok_or(Fault::NotFound("account"))?)
    }

    pub async fn account(&self, id: Uuid) -> Result<ShownAccount, Error> {
        let row = account::find(self.db.read(), id).await?.ok_or(Fault::NotFound("account"))?;
        self.show(row).await
    }

    /// One page of all accounts and the token of the next.
    pub async fn accounts(&self, page: &Page<Uuid>) -> Result<(Vec<ShownAccount>, String), Error> {
        let mut rows = account::list(self.db.read(), page).await?;
        let next = page.cut(&mut rows, |row| row.id)?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(self.show(row).await?);
        }
        Ok((shown, next))
    }

    async fn show(&self, row: Model) -> Result<ShownAccount, Error> {
        let name = self.name_of(&row).await?.expose().to_owned();
        Ok(ShownAccount { row, name })
    }
}
