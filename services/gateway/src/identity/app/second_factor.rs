//! The second factor: setting it up, passing it, and taking it away.

use chassis::data::{SecretText, Tx};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::{Act, App, Client, Opened, attempt::Attempt, random};
use crate::identity::{
    domain::{bearer::Bearer, codes, session::Kind, throttle::Against, totp},
    error::Error,
    store::{
        account::{self, Model, TOTP, TOTP_PENDING},
        code, device, revision, session,
    },
};

/// A secret for a code generator.
#[derive(Clone, Debug)]
pub struct NewFactor {
    pub uri: SecretText,
    pub qr_svg: SecretText,
}

const ISSUER: &str = "Linju";
const RECOVERY_CODES: usize = 10;
const FACTOR: &str = "second_factor";

impl App {
    /// Makes a secret that counts once it is confirmed.
    pub async fn start_factor(&self, account: Model, password: &SecretText) -> Result<NewFactor, Error> {
        if account.totp.is_some() {
            return Err(Error::FactorSet);
        }
        self.ask_password(&account, password).await?;
        let secret = SecretText::from(totp::to_base32(&*random::<{ totp::SECRET_BYTES }>()?));
        let name = self.name_of(&account).await?;
        let uri = totp::uri(secret.expose(), ISSUER, name.expose());
        let image = qrcode::QrCode::new(&uri).map_err(|e| Error::Hash(e.to_string()))?;
        let qr_svg = image.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build();
        let sealed = self.keys.seal(account.place(TOTP_PENDING), secret.expose())?;
        let written = self.db.write(move |tx| {
            let mut row = account.clone().into_active_model();
            row.totp_pending = Set(Some(sealed.clone()));
            Box::pin(async move {
                row.update(tx).await?;
                Ok::<_, Error>(())
            })
        });
        written.await?;
        Ok(NewFactor { uri: uri.into(), qr_svg: qr_svg.into() })
    }

    /// Proves that the generator works; answers the recovery codes. The session that did it has passed, all others of the
    /// account have yet to.
    pub async fn confirm_factor(&self, account: Model, session: Uuid, typed: &str) -> Result<Vec<String>, Error> {
        if account.totp.is_some() {
            return Err(Error::FactorSet);
        }
        let pending = account.totp_pending.as_ref().ok_or(Error::FactorNotStarted)?;
        let attempt = self.begin_attempt_inside(account.id).await?;
        let secret = self.keys.open_fresh(account.place(TOTP_PENDING), pending).await?;
        let bytes = totp::of_base32(secret.expose()).unwrap_or_default();
        let now = self.clock.now();
        let step = totp::accept(&bytes, typed, account.totp_step, now).ok_or(Error::WrongCode)?;
        let sealed = self.keys.seal(account.place(TOTP), secret.expose())?;
        let written = (0..RECOVERY_CODES).map(|_| Ok(codes::write(&*random::<{ codes::BYTES }>()?)));
        let codes: Vec<String> = written.collect::<Result<_, Error>>()?;
        let (app, kept) = (self.clone(), codes.clone());
        let done = self.db.write(move |tx| {
            let (app, account, kept) = (app.clone(), account.clone(), kept.clone());
            let (attempt, sealed) = (attempt.clone(), sealed.clone());
            Box::pin(async move {
                let id = account.id;
                app.take_back(tx, &attempt).await?;
                code::clear(tx, id, code::Kind::Recovery).await?;
                let rows = kept.iter().map(|written| code::row(&app.keys, written, id, code::Kind::Recovery, None));
                code::Entity::insert_many(rows).exec_without_returning(tx).await?;
                let mut row = account.into_active_model();
                row.totp = Set(Some(sealed));
                row.totp_pending = Set(None);
                row.totp_step = Set(step);
                row.update(tx).await?;
                pass(tx, session).await?;
                app.factor_noted(tx, id, "set").await
            })
        });
        done.await?;
        self.known.forget();
        Ok(codes)
    }

    /// Passes the second factor of a browser's session with a code or a recovery code. The session gets a new cookie.
    pub async fn pass_factor(&self, cookie: &session::Found, typed: &str, client: &Client) -> Result<Opened, Error> {
        let account = account::find(self.db.read(), cookie.account_id).await?.ok_or(Error::NoAccount)?;
        if account.totp.is_none() {
            return Err(Error::FactorNotStarted);
        }
        let of = format!("factor {}", account.id);
        let attempt = self.begin_attempt(&of, Against::Factor, account.id, client).await?;
        let bearers = self.bearers(Kind::Browser, cookie.expires_at, self.clock.now())?;
        let (app, tokens, id) = (self.clone(), bearers.clone(), cookie.session_id);
        let (account_id, typed, trace) = (account.id, typed.to_owned(), client.trace.clone());
        let device = client.device.as_ref().map(Bearer::hash);
        let done = self.db.write(move |tx| {
            let (app, account, tokens) = (app.clone(), account.clone(), tokens.clone());
            let (attempt, typed, device) = (attempt.clone(), typed.clone(), device.clone());
            Box::pin(async move {
                app.use_code(tx, &account, &typed).await?;
                app.take_back(tx, &attempt).await?;
                if let Some(device) = device {
                    device::note(tx, device, account.id, app.clock.now()).await?;
                }
                pass(tx, id).await?;
                app.renew(tx, id, &tokens).await?;
                app.factor_noted(tx, account.id, "passed").await
            })
        });
        if let Err(error) = done.await {
            return Err(self.code_denied(account_id, error, trace).await);
        }
        self.known.forget();
        Ok(bearers.into_opened(account_id, None))
    }

    /// Checks the code that came with a sign-in.
    pub async fn check_code(&self, account: &Model, typed: &str, client: &Client) -> Result<(), Error> {
        let of = format!("factor {}", account.id);
        let attempt = self.begin_attempt(&of, Against::Factor, account.id, client).await?;
        self.check_code_of(account, typed, attempt, &client.trace).await
    }

    async fn check_code_of(&self, account: &Model, typed: &str, attempt: Attempt, trace: &str) -> Result<(), Error> {
        let (app, account, typed) = (self.clone(), account.clone(), typed.to_owned());
        let id = account.id;
        let done = self.db.write(move |tx| {
            let (app, account, typed, attempt) = (app.clone(), account.clone(), typed.clone(), attempt.clone());
            Box::pin(async move {
                app.use_code(tx, &account, &typed).await?;
                app.take_back(tx, &attempt).await
            })
        });
        match done.await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.code_denied(id, error, trace.to_owned()).await),
        }
    }

    /// Takes the second factor away.
    pub async fn remove_factor(&self, account: Model, typed: &str) -> Result<(), Error> {
        if account.totp.is_none() {
            return Err(Error::FactorNotStarted);
        }
        let attempt = self.begin_attempt_inside(account.id).await?;
        self.check_code_of(&account, typed, attempt, "").await?;
        let app = self.clone();
        let done = self.db.write(move |tx| {
            let (app, account) = (app.clone(), account.clone());
            Box::pin(async move { app.drop_factor(tx, account.id).await })
        });
        done.await?;
        self.known.forget();
        Ok(())
    }

    pub(super) async fn drop_factor(&self, tx: &Tx, account: Uuid) -> Result<(), Error> {
        code::clear(tx, account, code::Kind::Recovery).await?;
        let row =
            account::ActiveModel { id: Set(account), totp: Set(None), totp_pending: Set(None), ..Default::default() };
        account::Entity::update(row).exec(tx).await?;
        // A factor that is set up later has yet to be passed by every session.
        session::unpass(tx, account).await?;
        self.factor_noted(tx, account, "removed").await
    }

    /// Uses up a code of the generator or a recovery code.
    async fn use_code(&self, tx: &Tx, account: &Model, typed: &str) -> Result<(), Error> {
        let sealed = account.totp.as_ref().ok_or(Error::FactorNotStarted)?;
        let secret = self.keys.open_fresh(account.place(TOTP), sealed).await?;
        let bytes = totp::of_base32(secret.expose()).unwrap_or_default();
        let now = self.clock.now();
        if let Some(step) = totp::accept(&bytes, typed, account.totp_step, now) {
            // Of two that bring the same code at the same moment only one finds an earlier step.
            let later = account::ActiveModel { totp_step: Set(step), ..Default::default() };
            let used = account::Entity::update_many()
                .set(later)
                .filter(account::Column::Id.eq(account.id))
                .filter(account::Column::TotpStep.lt(step))
                .exec(tx)
                .await?;
            return if used.rows_affected == 1 { Ok(()) } else { Err(Error::WrongCode) };
        }
        let owner = code::take(tx, &self.keys, typed, code::Kind::Recovery, now).await?;
        if owner == Some(account.id) { Ok(()) } else { Err(Error::WrongCode) }
    }

    async fn factor_noted(&self, tx: &Tx, account: Uuid, detail: &'static str) -> Result<(), Error> {
        revision::bump(tx).await?;
        let who = account.to_string();
        self.note(tx, &Act { who: &who, what: FACTOR, account, detail, trace: "" });
        Ok(())
    }

    /// A wrong code is in the audit log; the error goes on to the caller.
    async fn code_denied(&self, account: Uuid, error: Error, trace: String) -> Error {
        if !matches!(error, Error::WrongCode) {
            return error;
        }
        let app = self.clone();
        let written = self.db.write(move |tx| {
            let who = account.to_string();
            app.note(tx, &Act { who: &who, what: FACTOR, account, detail: "denied", trace: &trace });
            Box::pin(async { Ok::<_, Error>(()) })
        });
        written.await.err().unwrap_or(error)
    }
}

async fn pass(tx: &Tx, session: Uuid) -> Result<(), Error> {
    let row = session::ActiveModel { id: Set(session), factor: Set(true), ..Default::default() };
    session::Entity::update(row).exec(tx).await?;
    Ok(())
}
