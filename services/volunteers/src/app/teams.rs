//! Teams and who belongs to them. Nobody does without having said yes.

use chassis::{
    Fault,
    access::{Call, Look, Role as Acting, look},
    data::{AreaCode, Code, Page, SecretText, Tx, check_etag},
};
use chrono::NaiveDate;
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, entity::prelude::*};
use uuid::Uuid;

use super::{App, proofs::Request};
use crate::{
    domain::{
        Refused, TeamId, VolunteerId,
        age::is_minor,
        duty::DutyState,
        gate::Needs,
        team::{DisbandReason, End, Standing, TeamKind, TeamState},
    },
    error::Error,
    events,
    store::{
        json, rota,
        team::{self, Model, Wanted, membership},
        volunteer,
    },
};

/// The personal fields of a member, as the audit log names them.
const FIELDS: &str = "name,phone";

/// A team to be founded.
#[derive(Clone, Debug)]
pub struct NewTeam {
    pub name: String,
    pub kind: TeamKind,
    pub area: AreaCode,
    pub service_areas: Vec<AreaCode>,
    pub founded_on: Option<NaiveDate>,
    pub organisation_id: Option<Uuid>,
    pub needs: Needs,
}

/// What is changed of a team; none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct TeamUpdate {
    pub name: Option<String>,
    pub kind: Option<TeamKind>,
    pub area: Option<AreaCode>,
    pub service_areas: Option<Vec<AreaCode>>,
    pub founded_on: Option<NaiveDate>,
    /// None within: of no organisation.
    pub organisation_id: Option<Option<Uuid>>,
    pub needs: Option<Needs>,
}

/// A team with how many people it has.
#[derive(Clone, Debug)]
pub struct ShownTeam {
    pub row: Model,
    pub members: i64,
}

/// A list of teams that somebody asks for.
#[derive(Clone, Debug)]
pub struct TeamsOf {
    pub wanted: Wanted,
    pub page: Page<Uuid>,
}

/// A member on the way to a caller.
#[derive(Clone, Debug)]
pub struct ShownMember {
    pub row: membership::Model,
    pub volunteer: volunteer::Model,
    /// None: not the caller's to see.
    pub phone: Option<SecretText>,
    /// Whether the name may leave in clear, if the call shows anything in clear.
    pub clear: bool,
}

/// The roles of the office that act for any team of their areas.
const OFFICE: [Acting; 3] = [Acting::GridWorker, Acting::CommunityManager, Acting::SubdistrictManager];

impl App {
    /// Founds a team.
    pub async fn create_team(&self, call: &Call, request: Request, new: NewTeam) -> Result<ShownTeam, Error> {
        if !call.scope().areas.contain(new.area) {
            return Err(Error::AreaNotGranted { field: "team.area_code" });
        }
        let key = self.request_key(call, request.id, &request.content);
        let row = self.new_team(&new, false)?;
        let (app, written, noted) = (self.clone(), row.clone(), key.clone());
        let done = self.db.write(move |tx| {
            app.append_team(tx, &written);
            noted.note(tx, written.id.0, written.updated_at);
            Box::pin(async { Ok::<_, Error>(()) })
        });
        match done.await {
            Err(error) if error.is_duplicate() => {
                let known = key.find(self.db.read()).await?.ok_or(error)?;
                self.team(TeamId(known)).await
            }
            done => done.map(|()| ShownTeam { row, members: 0 }),
        }
    }

    pub(crate) fn new_team(&self, new: &NewTeam, synthetic: bool) -> Result<Model, Error> {
        let NewTeam { name, kind, area, service_areas, founded_on, organisation_id, needs } = new;
        Ok(Model {
            id: self.ids.next(),
            name: name.clone(),
            kind: Code(*kind),
            area_code: *area,
            service_areas: json::write_areas(service_areas)?,
            founded_on: founded_on.unwrap_or_else(|| self.today()),
            organisation_id: *organisation_id,
            needs: json::write(needs)?,
            state: Code(TeamState::Forming),
            disband_reason: None,
            synthetic,
            updated_at: self.clock.now(),
            version: 1,
        })
    }

    pub(crate) fn append_team(&self, tx: &Tx, row: &Model) {
        tx.append(row.clone().into_active_model());
        self.outbox.add(tx, events::team_changed(&self.ids, row));
    }

    /// One team.
    pub async fn team(&self, id: TeamId) -> Result<ShownTeam, Error> {
        let row = team::get(self.db.read(), id).await?;
        let mut shown = self.with_sizes(vec![row]).await?;
        Ok(shown.remove(0))
    }

    /// Teams of an area, and the token of the next page.
    pub async fn teams(&self, of: TeamsOf) -> Result<(Vec<ShownTeam>, String), Error> {
        let (rows, next) = team::list(self.db.read(), of.wanted, &of.page).await?;
        Ok((self.with_sizes(rows).await?, next))
    }

    async fn with_sizes(&self, rows: Vec<Model>) -> Result<Vec<ShownTeam>, Error> {
        let ids: Vec<TeamId> = rows.iter().map(|row| row.id).collect();
        let sizes = team::sizes(self.db.read(), &ids).await?;
        let shown = rows.into_iter().map(|row| ShownTeam { members: sizes.get(&row.id).copied().unwrap_or(0), row });
        Ok(shown.collect())
    }

    /// Changes a team. What it asks counts for duties that are planned from now on.
    pub async fn update_team(
        &self,
        call: &Call,
        (id, etag): (TeamId, String),
        update: TeamUpdate,
    ) -> Result<ShownTeam, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call, etag, update) = (app.clone(), caller.clone(), etag.clone(), update.clone());
            Box::pin(async move {
                let mut row = app.team_of_office(tx, &call, id).await?;
                check_etag(&etag, row.version)?;
                let TeamUpdate { name, kind, area, service_areas, founded_on, organisation_id, needs } = update;
                if area.is_some_and(|area| !call.scope().areas.contain(area)) {
                    return Err(Error::AreaNotGranted { field: "team.area_code" });
                }
                row.name = name.unwrap_or(row.name);
                row.kind = kind.map_or(row.kind, Code);
                row.area_code = area.unwrap_or(row.area_code);
                row.founded_on = founded_on.unwrap_or(row.founded_on);
                row.organisation_id = organisation_id.unwrap_or(row.organisation_id);
                if let Some(areas) = service_areas {
                    row.service_areas = json::write_areas(&areas)?;
                }
                if let Some(needs) = needs {
                    row.needs = json::write(&needs)?;
                }
                app.save_team(tx, row).await
            })
        });
        written.await?;
        self.team(id).await
    }

    /// A team of the caller's areas that is not over, locked.
    async fn team_of_office(&self, tx: &Tx, call: &Call, id: TeamId) -> Result<Model, Error> {
        let row = team::lock(tx, id).await?;
        if !office(call, row.area_code) {
            return Err(Fault::NotFound("team").into());
        }
        if row.state.0 == TeamState::Disbanded { Err(Refused::TeamIsOver.into()) } else { Ok(row) }
    }

    pub(super) async fn save_team(&self, tx: &Tx, mut row: Model) -> Result<(), Error> {
        row.version += 1;
        row.updated_at = self.clock.now();
        self.outbox.add(tx, events::team_changed(&self.ids, &row));
        Ok(team::save(tx, row).await?)
    }

    /// Ends a team: its memberships end, its duties are cancelled.
    pub async fn disband_team(
        &self,
        call: &Call,
        (id, etag): (TeamId, String),
        reason: DisbandReason,
    ) -> Result<ShownTeam, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call, etag) = (app.clone(), caller.clone(), etag.clone());
            Box::pin(async move {
                let mut row = app.team_of_office(tx, &call, id).await?;
                check_etag(&etag, row.version)?;
                row.state = Code(TeamState::Disbanded);
                row.disband_reason = Some(Code(reason));
                app.save_team(tx, row).await?;
                let of = Condition::all().add(membership::Column::TeamId.eq(id));
                app.end_memberships(tx, of, End::Disbanded).await?;
                for duty_id in rota::coming(tx, id, app.clock.now()).await? {
                    let mut duty = rota::lock(tx, duty_id).await?;
                    duty.state = Code(DutyState::Cancelled);
                    duty.version += 1;
                    rota::save(tx, duty).await?;
                }
                Ok::<_, Error>(())
            })
        });
        written.await?;
        self.team(id).await
    }

    /// Whether the caller leads this team: by a membership, not by an account's role alone.
    pub(crate) async fn leads(&self, db: &impl ConnectionTrait, call: &Call, team: TeamId) -> Result<bool, Error> {
        let Some(me) = volunteer::of_account(db, call.subject()).await? else { return Ok(false) };
        let place = team::open_membership(db, team, me.id).await?;
        Ok(place.is_some_and(|row| row.standing.0 == Standing::Member && row.role.0.leads()))
    }

    /// Whether the caller speaks for the team: leads it, or is of the office there.
    pub(crate) async fn speaks_for(&self, db: &impl ConnectionTrait, call: &Call, team: &Model) -> Result<bool, Error> {
        Ok(office(call, team.area_code) || self.leads(db, call, team.id).await?)
    }

    /// The members of a team, for those who serve in it and for the office. Telephone numbers are for leaders and the office.
    pub async fn members(
        &self,
        call: &Call,
        of: (TeamId, bool),
        page: &Page<Uuid>,
    ) -> Result<(Vec<ShownMember>, String), Error> {
        let team = team::get(self.db.read(), of.0).await?;
        let whole = call.scope().acts_as(Acting::Auditor, team.area_code) || desk(call, team.area_code);
        let leads = self.leads(self.db.read(), call, team.id).await?;
        if !whole && !leads && !self.serves_in(call, team.id).await? {
            return Err(Error::NotYourTeam);
        }
        let (rows, next) = team::members(self.db.read(), of, page).await?;
        let ids: Vec<VolunteerId> = rows.iter().map(|row| row.volunteer_id).collect();
        let people = volunteer::of_ids(self.db.read(), &ids).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let found = people.iter().find(|person| person.id == row.volunteer_id);
            let volunteer = found.cloned().ok_or(Fault::NotFound("volunteer"))?;
            let clear = !is_minor(volunteer.birth_date, self.today());
            let phone = if clear && (whole || leads) {
                self.open(volunteer.phone_place(), volunteer.phone.as_ref()).await?
            } else {
                None
            };
            shown.push(ShownMember { row, volunteer, phone, clear });
        }
        let looks = shown.iter().filter(|member| member.clear);
        let looks = looks.map(|member| Look { subject: member.volunteer.id.0, fields: FIELDS }).collect();
        look(&self.db, &self.ids, &self.clock, call, looks).await?;
        Ok((shown, next))
    }

    async fn serves_in(&self, call: &Call, team: TeamId) -> Result<bool, Error> {
        let Some(me) = volunteer::of_account(self.db.read(), call.subject()).await? else { return Ok(false) };
        let place = team::open_membership(self.db.read(), team, me.id).await?;
        Ok(place.is_some_and(|row| row.standing.0 == Standing::Member))
    }

    /// The times of a volunteer in teams, the latest first.
    pub async fn memberships(&self, call: &Call, id: VolunteerId) -> Result<Vec<membership::Model>, Error> {
        volunteer::get(self.db.read(), call.scope(), id).await?;
        Ok(team::memberships_of(self.db.read(), id).await?)
    }
}

/// Whether the caller acts for any team there. A team leader's role does not: it counts for the own team alone.
pub(super) fn office(call: &Call, area: AreaCode) -> bool {
    OFFICE.into_iter().any(|role| call.scope().acts_as(role, area))
}

/// Whether the caller works at the office's desks there: also clerks and dispatchers.
fn desk(call: &Call, area: AreaCode) -> bool {
    let desk = [Acting::CallClerk, Acting::Dispatcher].into_iter().any(|role| call.scope().acts_as(role, area));
    desk || office(call, area)
}
