//! Mandates: a person lets somebody else act for them.

use chassis::{
    access::{Call, Cover},
    data::{AreaCode, Page, RequestKey, Tx},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use uuid::Uuid;

use super::{
    app::Grants,
    error::GrantError,
    store::{self, covers_text, mandate},
};
use crate::identity::store::revision;

/// A mandate is seen again after three years at the latest.
const LONGEST: TimeDelta = TimeDelta::days(3 * 366);

/// A mandate to be recorded.
#[derive(Clone, Debug)]
pub(super) struct NewMandate {
    pub(super) holder: Uuid,
    pub(super) person: Uuid,
    pub(super) covers: Vec<Cover>,
    pub(super) area: AreaCode,
    /// None: now.
    pub(super) starts_at: Option<DateTime<Utc>>,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) proof: String,
}

impl Grants {
    /// Records it: where the caller works, or about a person of the caller's own. Nobody becomes the holder by their own
    /// word.
    pub(super) async fn create_mandate(
        &self,
        call: &Call,
        key: RequestKey,
        new: NewMandate,
    ) -> Result<mandate::Model, GrantError> {
        if call.subject() == new.holder.to_string() {
            return Err(GrantError::ToOneself);
        }
        if !call.scope().areas.contain(new.area) && !call.scope().is_about(new.person, new.area) {
            return Err(GrantError::MayNotGrant);
        }
        let starts_at = new.starts_at.unwrap_or_else(|| self.clock.now());
        if new.ends_at <= starts_at || new.ends_at > starts_at + LONGEST {
            let message = "must be after the start, and at most three years after it";
            return Err(GrantError::field("ends_at", "timestamp.within", message));
        }
        let row = self.mandate_row(call, starts_at, new);
        let (app, caller, kept, id) = (self.clone(), call.clone(), key.clone(), row.id);
        let written = self.db.write(move |tx| {
            let (app, caller, key, row) = (app.clone(), caller.clone(), kept.clone(), row.clone());
            Box::pin(async move {
                revision::bump(tx).await?;
                app.record(tx, &caller, row.person, (&row.covers, row.id));
                key.note(tx, row.id, row.created_at);
                tx.append(row.into_active_model());
                Ok::<_, GrantError>(())
            })
        });
        let found = match written.await {
            Ok(()) => id,
            Err(error) if error.is_duplicate() => self.answered_before(&key, error).await?,
            Err(error) => return Err(error),
        };
        Ok(store::get_mandate(call.scope(), account_of(call), self.db.read(), found).await?)
    }

    fn mandate_row(&self, call: &Call, starts_at: DateTime<Utc>, new: NewMandate) -> mandate::Model {
        let NewMandate { holder, person, mut covers, area, starts_at: _, ends_at, proof } = new;
        covers.sort_unstable();
        covers.dedup();
        mandate::Model {
            id: self.ids.next(),
            holder,
            person,
            covers: covers_text(&covers),
            area,
            starts_at,
            ends_at,
            proof,
            recorded_by: call.subject().to_owned(),
            created_at: self.clock.now(),
            revoked_at: None,
            revoked_by: None,
            revoke_reason: None,
        }
    }

    /// Ends it; one that was ended before stays as it is.
    pub(super) async fn revoke_mandate(
        &self,
        call: &Call,
        id: Uuid,
        reason: String,
    ) -> Result<mandate::Model, GrantError> {
        let (app, caller) = (self.clone(), call.clone());
        let work = self.db.write(move |tx| {
            let (app, caller, reason) = (app.clone(), caller.clone(), reason.clone());
            Box::pin(async move { app.revoke_mandate_in(tx, &caller, id, reason).await })
        });
        work.await
    }

    async fn revoke_mandate_in(
        &self,
        tx: &Tx,
        call: &Call,
        id: Uuid,
        reason: String,
    ) -> Result<mandate::Model, GrantError> {
        revision::bump(tx).await?;
        let row = store::get_mandate(call.scope(), account_of(call), tx, id).await?;
        if row.revoked_at.is_some() {
            return Ok(row);
        }
        self.record(tx, call, row.person, (&row.covers, row.id));
        let mut change = row.into_active_model();
        change.revoked_at = Set(Some(self.clock.now()));
        change.revoked_by = Set(Some(call.subject().to_owned()));
        change.revoke_reason = Set(Some(reason));
        Ok(change.update(tx).await?)
    }

    /// Mandates where the caller may look.
    pub(super) async fn list_mandates(
        &self,
        call: &Call,
        person: Option<Uuid>,
        page: &Page<Uuid>,
    ) -> Result<(Vec<mandate::Model>, String), GrantError> {
        let at = (page.after, page.limit());
        let mut rows = store::mandates(call.scope(), account_of(call), self.db.read(), person, at).await?;
        let next = page.cut(&mut rows, |row| row.id)?;
        Ok((rows, next))
    }
}

/// The account that calls; none for a subject that is no account of the gateway.
pub(super) fn account_of(call: &Call) -> Option<Uuid> {
    call.subject().parse().ok()
}
