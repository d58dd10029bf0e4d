//! Giving, taking and listing grants.

use chassis::{
    Fault,
    access::{Call, Role, audit, role_code, role_of},
    data::{AreaCode, Clock, Db, Ids, Keyring, Page, RequestKey, Tx},
    run::Context,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use uuid::Uuid;

use super::{
    error::GrantError,
    give::{NewGrant, give},
    rules::may_grant,
    store::{self, Wanted, grant},
};
use crate::identity::store::{account, revision};

/// The use cases of grants and mandates.
#[derive(Clone, Debug)]
pub struct Grants {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) ids: Ids,
    pub(super) keys: Keyring,
}

impl Grants {
    pub fn new(context: &Context) -> Self {
        let Context { db, clock, ids, keys, .. } = context.clone();
        Self { db, clock, ids, keys }
    }

    /// Gives a grant in the caller's name.
    pub(super) async fn create(&self, call: &Call, key: RequestKey, new: NewGrant) -> Result<grant::Model, GrantError> {
        if call.subject() == new.account.to_string() {
            return Err(GrantError::ToOneself);
        }
        if !may_grant(&holdings(call), new.role, new.area) {
            return Err(GrantError::MayNotGrant);
        }
        let (app, caller, id) = (self.clone(), call.clone(), self.ids.next::<Uuid>());
        let kept = key.clone();
        let written = self.db.write(move |tx| {
            let (app, caller, key, new) = (app.clone(), caller.clone(), kept.clone(), new.clone());
            Box::pin(async move {
                let now = app.clock.now();
                account::find(tx, new.account).await?.ok_or(Fault::NotFound("account"))?;
                app.record(tx, &caller, new.account, (&role_code(new.role), id));
                key.note(tx, id, now);
                give(tx, id, now, new).await
            })
        });
        let found = match written.await {
            Ok(()) => id,
            Err(error) => self.answered_before(&key, error).await?,
        };
        Ok(store::get(call.scope(), self.db.read(), found).await?)
    }

    /// The id that the same request made before; the error where it made none. A repeated request may be refused by what
    /// it did itself the first time, so every refusal asks.
    pub(super) async fn answered_before(&self, key: &RequestKey, error: GrantError) -> Result<Uuid, GrantError> {
        match key.find(self.db.read()).await? {
            Some(made) => Ok(made),
            None => Err(error),
        }
    }

    /// Takes a grant away; one that was taken before stays as it is.
    pub(super) async fn revoke(&self, call: &Call, id: Uuid, reason: String) -> Result<grant::Model, GrantError> {
        let (app, caller) = (self.clone(), call.clone());
        let work = self.db.write(move |tx| {
            let (app, caller, reason) = (app.clone(), caller.clone(), reason.clone());
            Box::pin(async move { app.revoke_in(tx, &caller, id, reason).await })
        });
        work.await
    }

    async fn revoke_in(&self, tx: &Tx, call: &Call, id: Uuid, reason: String) -> Result<grant::Model, GrantError> {
        revision::bump(tx).await?;
        let row = store::get(call.scope(), tx, id).await?;
        let role = role_of(&row.role).ok_or(Fault::NotFound("grant"))?;
        if !may_grant(&holdings(call), role, row.area) {
            return Err(GrantError::MayNotGrant);
        }
        if row.revoked_at.is_some() {
            return Ok(row);
        }
        let now = self.clock.now();
        if role == Role::SecurityAdmin && row.area.is_none() {
            let others = store::everywhere(tx, role, now).await?;
            if !others.iter().any(|other| other.id != row.id && other.ends_at.is_none()) {
                return Err(GrantError::LastSecurityAdmin);
            }
        }
        self.record(tx, call, row.account, (&row.role, row.id));
        let mut change = row.into_active_model();
        change.revoked_at = Set(Some(now));
        change.revoked_by = Set(Some(call.subject().to_owned()));
        change.revoke_reason = Set(Some(reason));
        Ok(change.update(tx).await?)
    }

    /// Grants where the caller may look.
    pub(super) async fn list(
        &self,
        call: &Call,
        wanted: Wanted,
        page: &Page<Uuid>,
    ) -> Result<(Vec<grant::Model>, String), GrantError> {
        let at = (page.after, page.limit(), self.clock.now());
        let mut rows = store::list(call.scope(), self.db.read(), wanted, at).await?;
        let next = page.cut(&mut rows, |row| row.id)?;
        Ok((rows, next))
    }

    /// Writes into the audit log what was changed: of which account or person, which role or cover, by which row.
    pub(super) fn record(&self, tx: &Tx, call: &Call, subject: Uuid, (what, row): (&str, Uuid)) {
        let entry = audit::Entry {
            who: call.subject().to_owned(),
            on_behalf: call.on_behalf().map(str::to_owned),
            purpose: String::new(),
            method: call.method().to_owned(),
            subject: subject.to_string(),
            fields: what.to_owned(),
            request: call.trace().to_owned(),
            acting: Some(call.scope().acting()).filter(|acting| !acting.is_empty()),
            basis: Some(row.to_string()),
        };
        audit::record(tx, &self.ids, &self.clock, entry);
    }
}

/// The caller's roles, each with each of its areas; none for everywhere.
fn holdings(call: &Call) -> Vec<(Role, Option<AreaCode>)> {
    let each = call.grants().iter().flat_map(|grant| match &grant.areas {
        None => vec![(grant.role, None)],
        Some(areas) => areas.iter().map(|area| (grant.role, Some(*area))).collect(),
    });
    each.collect()
}
