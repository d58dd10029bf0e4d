//! The first account of an install.

use chassis::access::Role;
use chassis::{Fault, data::SecretText};
use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::{Act, App, random};
use crate::identity::{
    domain::{codes, name::AccountName},
    error::Error,
    grants::{GrantError, NewGrant, give},
    store::account::{self, Model, State},
};

/// What the program prints once.
#[derive(Clone, Debug)]
pub struct FirstStart {
    pub name: &'static str,
    /// Serves for one sign-in, which sets another.
    pub password: SecretText,
}

const NAME: &str = "admin";
const FIRST_START: &str = "first start";

impl App {
    /// Makes the first security administrator where there is no account at all and people sign in with passwords. Who holds
    /// that role invites others and gives them their roles.
    pub async fn first_start(&self) -> Result<Option<FirstStart>, Error> {
        if !self.settings.is_local() || !account::none(self.db.read()).await? {
            return Ok(None);
        }
        let password = SecretText::from(codes::write(&*random::<{ codes::BYTES }>()?));
        let hash = self.hasher.hash(&password).await?;
        let app = self.clone();
        let made = self.db.write(move |tx| {
            let (app, hash) = (app.clone(), hash.clone());
            Box::pin(async move { app.make_first(tx, hash).await })
        });
        match made.await {
            Ok(()) => Ok(Some(FirstStart { name: NAME, password })),
            // Another copy that started at the same moment was first.
            Err(GrantError::Fault(fault)) if fault.is_duplicate() => Ok(None),
            Err(error) => Err(Fault::Internal(error.to_string()).into()),
        }
    }

    async fn make_first(&self, tx: &chassis::data::Tx, hash: String) -> Result<(), GrantError> {
        let name = AccountName::new(NAME).map_err(|e| Fault::Internal(e.to_string()))?;
        let (id, now) = (self.ids.next::<Uuid>(), self.clock.now());
        let sealed = self.keys.seal(account::NAME.at(id), NAME).map_err(|e| Fault::Internal(e.to_string()))?;
        let row = Model {
            id,
            name: sealed,
            name_index: account::index_of(&self.keys, &name),
            state: State::Active,
            password: Some(hash),
            must_change: true,
            issuer: None,
            issuer_subject: None,
            totp: None,
            totp_pending: None,
            totp_step: 0,
            created_at: now,
            signed_in_at: None,
        };
        account::Entity::insert(row.into_active_model()).exec_without_returning(tx).await.map_err(Fault::from)?;
        self.note(tx, &Act { who: FIRST_START, what: "account", account: id, detail: "first", trace: "" });
        let grant = NewGrant {
            account: id,
            role: Role::SecurityAdmin,
            area: None,
            unit: None,
            place: None,
            person: None,
            starts_at: now,
            ends_at: None,
            by: FIRST_START.to_owned(),
            reason: "the first account of the install".to_owned(),
        };
        give(tx, self.ids.next::<Uuid>(), now, grant).await
    }
}
