//! Signing in with a password, and taking an account up with a one-time code.

use chassis::data::{SecretText, Tx};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use uuid::Uuid;

use super::{Act, App, Client, NOBODY, attempt::Attempt};
use crate::identity::{
    domain::{codes, name::AccountName, password, session::Kind, throttle::Against},
    error::Error,
    store::{
        account::{self, Model, State},
        code, revision, session,
    },
};

/// What somebody signs in with.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub name: String,
    pub password: SecretText,
    /// Takes the place of a password that serves once.
    pub new_password: Option<SecretText>,
}

const SIGN_IN: &str = "sign_in";

impl App {
    /// The account that these open. Unknown names, wrong passwords and accounts that cannot sign in are answered alike, after
    /// the same work.
    pub async fn check_password(&self, sign_in: SignIn, client: &Client) -> Result<Model, Error> {
        if !self.settings.is_local() {
            return Err(Error::NotLocal);
        }
        let name = sign_in.name.to_lowercase();
        let index = self.keys.index("accounts.name", &name);
        let account = account::find_named(self.db.read(), index).await?;
        let id = account.as_ref().map_or(Uuid::nil(), |account| account.id);
        let attempt = self.begin_attempt(&format!("sign-in {name}"), Against::Account, id, client).await?;

        let stored = account.as_ref().and_then(|account| account.password.clone());
        let verified = self.hasher.verify(&sign_in.password, stored).await?;
        let account = account.filter(|account| verified.right && account.state == State::Active);
        let Some(account) = account else {
            self.denied(id, client).await?;
            return Err(Error::SignInRefused);
        };
        if !account.must_change {
            self.let_in(&account, attempt, verified.renewed).await?;
            return Ok(account);
        }
        let new = sign_in.new_password.ok_or(Error::PasswordChangeNeeded)?;
        password::check_change(sign_in.password.expose(), new.expose(), &name)
            .map_err(|weak| Error::WeakPassword("new_password", weak))?;
        let hash = self.hasher.hash(&new).await?;
        self.let_in(&account, attempt, Some(hash)).await?;
        Ok(account)
    }

    async fn denied(&self, account: Uuid, client: &Client) -> Result<(), Error> {
        let (app, trace) = (self.clone(), client.trace.clone());
        let written = self.db.write(move |tx| {
            app.note(tx, &Act { who: NOBODY, what: SIGN_IN, account, detail: "denied", trace: &trace });
            Box::pin(async { Ok::<_, Error>(()) })
        });
        written.await
    }

    /// The attempt was none at guessing; a new hash is kept.
    async fn let_in(&self, account: &Model, attempt: Attempt, hash: Option<String>) -> Result<(), Error> {
        let (app, account) = (self.clone(), account.clone());
        let written = self.db.write(move |tx| {
            let (app, account, attempt, hash) = (app.clone(), account.clone(), attempt.clone(), hash.clone());
            Box::pin(async move {
                app.take_back(tx, &attempt).await?;
                if let Some(hash) = hash {
                    let mut row = account.into_active_model();
                    row.password = Set(Some(hash));
                    row.must_change = Set(false);
                    row.update(tx).await?;
                }
                Ok::<_, Error>(())
            })
        });
        written.await
    }

    /// Takes an account up, or begins it anew, with a one-time code and a password of the owner's own.
    pub async fn accept_invitation(&self, typed: &str, new: &SecretText, client: &Client) -> Result<Model, Error> {
        let of = format!("code {}", codes::read(typed));
        let attempt = self.begin_attempt(&of, Against::Account, Uuid::nil(), client).await?;
        let now = self.clock.now();
        let owner = code::owner(self.db.read(), &self.keys, typed, code::Kind::Invitation, now).await?;
        let account = match owner {
            Some(id) => account::find(self.db.read(), id).await?.filter(|account| account.state != State::Locked),
            None => None,
        };
        let account = account.ok_or(Error::CodeNotValid)?;
        let name = self.name_of(&account).await?;
        password::check(new.expose(), name.expose()).map_err(|weak| Error::WeakPassword("new_password", weak))?;
        let hash = self.hasher.hash(new).await?;
        let (app, typed, trace) = (self.clone(), typed.to_owned(), client.trace.clone());
        let written = self.db.write(move |tx| {
            let (app, typed, trace) = (app.clone(), typed.clone(), trace.clone());
            let (account, hash, attempt) = (account.clone(), hash.clone(), attempt.clone());
            Box::pin(async move {
                let taken = code::take(tx, &app.keys, &typed, code::Kind::Invitation, now).await?;
                if taken != Some(account.id) {
                    return Err(Error::CodeNotValid);
                }
                app.take_back(tx, &attempt).await?;
                app.take_up(tx, account, hash, &trace).await
            })
        });
        written.await
    }

    async fn take_up(&self, tx: &Tx, account: Model, hash: String, trace: &str) -> Result<Model, Error> {
        let who = account.id.to_string();
        self.note(tx, &Act { who: &who, what: SIGN_IN, account: account.id, detail: "taken_up", trace });
        let mut row = account.into_active_model();
        row.password = Set(Some(hash));
        row.must_change = Set(false);
        row.state = Set(State::Active);
        Ok(row.update(tx).await?)
    }

    /// Changes one's own password; every other session ends.
    pub async fn change_password(
        &self,
        account: Model,
        session: Uuid,
        old: &SecretText,
        new: &SecretText,
    ) -> Result<(), Error> {
        let stored = account.password.clone().ok_or(Error::NoPassword)?;
        let attempt = self.begin_attempt_inside(account.id).await?;
        if !self.hasher.verify(old, Some(stored)).await?.right {
            return Err(Error::SignInRefused);
        }
        let name = self.name_of(&account).await?;
        password::check_change(old.expose(), new.expose(), name.expose())
            .map_err(|weak| Error::WeakPassword("new_password", weak))?;
        let hash = self.hasher.hash(new).await?;
        let app = self.clone();
        let written = self.db.write(move |tx| {
            let (app, account, hash, attempt) = (app.clone(), account.clone(), hash.clone(), attempt.clone());
            Box::pin(async move {
                app.take_back(tx, &attempt).await?;
                let (id, now) = (account.id, app.clock.now());
                session::end_all(tx, id, &[Kind::Browser, Kind::App], Some(session), now).await?;
                revision::bump(tx).await?;
                let who = id.to_string();
                app.note(tx, &Act { who: &who, what: "password", account: id, detail: "changed", trace: "" });
                let mut row = account.into_active_model();
                row.password = Set(Some(hash));
                row.update(tx).await?;
                Ok::<_, Error>(())
            })
        });
        written.await?;
        self.known.forget();
        Ok(())
    }

    /// The account's password is right; for what must not be done by somebody who found an open browser. An account without
    /// a password has its provider to ask that.
    pub(super) async fn ask_password(&self, account: &Model, password: &SecretText) -> Result<(), Error> {
        let Some(stored) = account.password.clone() else { return Ok(()) };
        let attempt = self.begin_attempt_inside(account.id).await?;
        if !self.hasher.verify(password, Some(stored)).await?.right {
            return Err(Error::SignInRefused);
        }
        self.let_in(account, attempt, None).await
    }

    /// The account of this name, for the operator at the console.
    pub async fn find_account(&self, name: &AccountName) -> Result<Option<Model>, Error> {
        Ok(account::find_named(self.db.read(), account::index_of(&self.keys, name)).await?)
    }
}
