//! A resident moves within the register, leaves it, or dies.

use chassis::data::{Tx, check_etag};
use chrono::NaiveDate;
use sea_orm::ActiveValue::Set;

use super::{App, By, Record, update_resident::follow_name};
use crate::{
    Error,
    domain::{
        person::Relation,
        standing::{Presence, Standing, Status},
    },
    events::Told,
    store::{HouseholdId, ResidentId, household, membership, resident},
};

/// Into which household, from which day.
#[derive(Clone, Debug)]
pub struct MoveResident {
    pub id: ResidentId,
    pub household: HouseholdId,
    pub relation: Relation,
    pub moved_on: NaiveDate,
    pub etag: String,
}

/// Left or died, on which day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Left,
    Died,
}

/// The end of a residence.
#[derive(Clone, Debug)]
pub struct EndResidence {
    pub id: ResidentId,
    pub end: End,
    pub ended_on: NaiveDate,
    pub etag: String,
}

impl resident::Model {
    /// The state as the rules know it.
    pub(super) fn standing(&self) -> Standing<ResidentId> {
        let on = self.ended_on.unwrap_or(self.household_on);
        match (self.state, self.merged_into) {
            (Status::Merged, Some(into)) => Standing::Merged { into, on, before: Presence::Living },
            (Status::Left, _) => Standing::Own(Presence::Left { on }),
            (Status::Died, _) => Standing::Own(Presence::Died { on }),
            (Status::Living | Status::Merged, _) => Standing::Own(Presence::Living),
        }
    }

    /// Takes over a state.
    pub(super) fn stand(&mut self, standing: Standing<ResidentId>) {
        self.state = standing.status();
        (self.merged_into, self.ended_on) = match standing {
            Standing::Own(Presence::Living) => (None, None),
            Standing::Own(Presence::Left { on } | Presence::Died { on }) => (None, Some(on)),
            Standing::Merged { into, on, before: _ } => (Some(into), Some(on)),
        };
    }
}

impl App {
    /// Moves a resident into another household; one who has left returns by it.
    pub async fn move_to(&self, by: &By, command: MoveResident) -> Result<Record, Error> {
        self.not_future("moved_on", command.moved_on)?;
        let id = command.id;
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, command) = (app.clone(), own.clone(), command.clone());
            Box::pin(async move {
                let row = resident::lock(&by.scope, tx, command.id).await?;
                check_etag(&command.etag, row.version)?;
                let MoveResident { id: _, household, relation, moved_on, etag: _ } = command;
                let home = household::get(&by.scope, tx, household).await?;
                let mut next = row.clone();
                match row.standing() {
                    away @ Standing::Own(Presence::Left { .. }) => next.stand(away.return_home(moved_on, app.today())?),
                    // Refuses who died or was merged; who lives here goes on living here.
                    here => drop(here.leave(moved_on, app.today())?),
                }
                if row.household_id == Some(home.id) {
                    let message = "is the household the resident lives in already: name the new one";
                    return Err(Error::field("household_id", "household.other", message));
                }
                leave_household(tx, &row, "moved_on", moved_on).await?;
                tx.append(membership::ActiveModel {
                    id: Set(app.ids.next()),
                    household_id: Set(home.id),
                    resident_id: Set(row.id),
                    relation: Set(relation),
                    from_on: Set(moved_on),
                    until_on: Set(None),
                });
                next.area_code = home.area_code;
                next.household_id = Some(home.id);
                next.relation = relation;
                (next.household_on, next.household_from) = (moved_on, by.source);
                follow_name(tx, &row, &next).await?;
                app.save(tx, next, vec![Told::Moved { from: row.area_code, on: moved_on }]).await
            })
        });
        work.await?;
        self.get(&by.scope, id).await
    }

    /// Marks that a resident has left or died.
    pub async fn end(&self, by: &By, command: EndResidence) -> Result<Record, Error> {
        let id = command.id;
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, command) = (app.clone(), own.clone(), command.clone());
            Box::pin(async move {
                let row = resident::lock(&by.scope, tx, command.id).await?;
                check_etag(&command.etag, row.version)?;
                let on = command.ended_on;
                let standing = match command.end {
                    End::Left => row.standing().leave(on, app.today())?,
                    End::Died => row.standing().die(on, app.today())?,
                };
                leave_household(tx, &row, "ended_on", on).await?;
                let mut next = row;
                next.stand(standing);
                next.household_id = None;
                app.save(tx, next, vec![Told::Ended { on }]).await
            })
        });
        work.await?;
        self.get(&by.scope, id).await
    }
}

/// Ends the open membership, if there is one, on a day that does not lie before its beginning.
async fn leave_household(tx: &Tx, row: &resident::Model, field: &'static str, on: NaiveDate) -> Result<(), Error> {
    let Some(open) = membership::open(tx, row.id).await? else { return Ok(()) };
    if on < open.from_on {
        let message =
            format!("is {on}, before {}, the day the resident joined the household: check both", open.from_on);
        return Err(Error::field(field, "dates.in_order", message));
    }
    Ok(membership::close(tx, row.id, on).await?)
}
