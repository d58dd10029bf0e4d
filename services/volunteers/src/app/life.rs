//! The life cycle of a volunteer, and what follows from where one stands.

use chassis::{
    Fault,
    access::Call,
    data::{Code, Tx, check_etag},
};
use chrono::NaiveDate;
use sea_orm::{ActiveValue::Set, Condition, entity::prelude::*};

use super::{App, people::Shown};
use crate::{
    domain::{
        VolunteerId,
        duty::Span,
        gate::{Needs, Obstacle},
        life::{Action, By, Life, Reason},
        team::End,
    },
    error::Error,
    events,
    store::{
        qualification as proofs,
        team::membership,
        volunteer::{self, Model, change},
    },
};

/// What is done about a volunteer's standing.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Review,
    Activate,
    Pause { reason: Reason, resume_on: Option<NaiveDate> },
    Resume,
    Archive { reason: Reason },
    Reinstate,
}

impl App {
    /// Takes one step of the life cycle. Whoever decides about an application is somebody else than who applied.
    pub async fn step(&self, call: &Call, (id, etag): (VolunteerId, String), step: Step) -> Result<Shown, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let row = self.db.write(move |tx| {
            let (app, call, etag) = (app.clone(), caller.clone(), etag.clone());
            Box::pin(async move {
                let mut row = volunteer::lock(tx, call.scope(), id).await?;
                check_etag(&etag, row.version)?;
                let own = row.account.as_deref() == Some(call.subject());
                let by = if own { By::Oneself } else { By::Office };
                let action = app.action(tx, &row, step).await?;
                let next = row.life().apply(action, by, app.today())?;
                app.put_life(tx, &mut row, next, call.subject());
                if matches!(step, Step::Archive { .. }) {
                    app.end_memberships(tx, membership_of(row.id), End::Archived).await?;
                }
                app.refresh(tx, row).await
            })
        });
        self.show_one(call, row.await?).await
    }

    async fn action(&self, tx: &Tx, row: &Model, step: Step) -> Result<Action, Error> {
        let facts = proofs::facts(tx, &[row.id]).await?;
        let consented = facts.get(&row.id).is_some_and(|facts| facts.consented_on(self.today()));
        Ok(match step {
            Step::Review => Action::Review,
            Step::Activate => Action::Activate { risks_told: row.risks_told, consented },
            Step::Pause { reason, resume_on } => Action::Pause { reason, resume_on },
            Step::Resume => Action::Resume { consented },
            Step::Archive { reason } => Action::Archive { reason },
            Step::Reinstate => Action::Reinstate,
        })
    }

    /// Puts a new standing into the row, and its entry and event into the commit. The caller saves the row.
    pub(crate) fn put_life(&self, tx: &Tx, row: &mut Model, next: Life, actor: &str) {
        let from = row.life();
        row.put_life(next);
        row.version += 1;
        row.updated_at = self.clock.now();
        self.append_change(tx, row, from, actor);
        self.outbox.add(tx, events::state_changed(&self.ids, row, from.state));
    }

    /// Ties an account to a volunteer; what is the volunteer's own can then be seen with it.
    pub async fn link_account(
        &self,
        call: &Call,
        (id, etag): (VolunteerId, String),
        account: String,
    ) -> Result<Shown, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let row = self.db.write(move |tx| {
            let (app, call, etag, account) = (app.clone(), caller.clone(), etag.clone(), account.clone());
            Box::pin(async move {
                let mut row = volunteer::lock(tx, call.scope(), id).await?;
                check_etag(&etag, row.version)?;
                row.account = Some(account);
                row.version += 1;
                row.updated_at = app.clock.now();
                volunteer::save(tx, row.clone()).await?;
                Ok::<_, Error>(row)
            })
        });
        match row.await {
            Err(error) if error.is_duplicate() => Err(Error::AccountTaken),
            row => self.show_one(call, row?).await,
        }
    }

    /// The steps of a volunteer's life cycle, the first first.
    pub async fn volunteer_changes(&self, call: &Call, id: VolunteerId) -> Result<Vec<change::Model>, Error> {
        volunteer::get(self.db.read(), call.scope(), id).await?;
        Ok(volunteer::changes(self.db.read(), id).await?)
    }

    /// Everything that stands against some work; nothing: go.
    pub async fn eligibility(
        &self,
        call: &Call,
        id: VolunteerId,
        needs: &Needs,
        span: Span,
    ) -> Result<Vec<Obstacle>, Error> {
        volunteer::get(self.db.read(), call.scope(), id).await?;
        let facts = proofs::facts(self.db.read(), &[id]).await?;
        let facts = facts.get(&id).ok_or(Fault::NotFound("volunteer"))?;
        Ok(facts.obstacles(needs, span.from, span.until))
    }

    pub(super) fn append_change(&self, tx: &Tx, row: &Model, from: Life, actor: &str) {
        tx.append(change::ActiveModel {
            id: Set(self.ids.next()),
            volunteer_id: Set(row.id),
            version: Set(row.version),
            at: Set(self.clock.now()),
            from_state: Set(Code(from.state)),
            state: Set(row.state),
            reason: Set(row.reason),
            state_by: Set(row.state_by),
            actor: Set(actor.to_owned()),
        });
    }
}

/// The open places of a volunteer in teams.
fn membership_of(id: VolunteerId) -> Condition {
    Condition::all().add(membership::Column::VolunteerId.eq(id))
}
