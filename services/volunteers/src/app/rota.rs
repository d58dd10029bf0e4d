//! The rota: duties of teams, and who is on them.

use chassis::{
    Fault,
    access::Call,
    data::{AreaCode, Code, Page, Tx, check_etag},
};
use chrono::{DateTime, Utc};
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::{App, proofs::Request, teams};
use crate::{
    domain::{
        DutyId, Refused, TeamId, VolunteerId,
        duty::{DutyState, RosterState, Span},
        gate::Needs,
        team::{Standing, TeamState},
    },
    error::Error,
    store::{
        json,
        rota::{self, Model, Wanted, roster},
        team, volunteer,
    },
};

/// Duties to be put on the rota.
#[derive(Clone, Debug)]
pub struct NewDuties {
    pub team: TeamId,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub place: String,
    pub wanted: i32,
    pub needs: Needs,
    pub weeks: u32,
}

/// A duty with who is on it.
#[derive(Clone, Debug)]
pub struct ShownDuty {
    pub row: Model,
    /// With the volunteers' numbers.
    pub roster: Vec<(roster::Model, String)>,
}

/// A list of duties that somebody asks for.
#[derive(Clone, Debug)]
pub struct DutiesOf {
    pub area: AreaCode,
    pub team: Option<TeamId>,
    /// None: four weeks from now.
    pub span: Option<Span>,
    pub open_only: bool,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// How far ahead a list looks that names no time.
const AHEAD: chrono::TimeDelta = chrono::TimeDelta::weeks(4);

impl App {
    /// Puts duties on the rota, one a week.
    pub async fn create_duties(&self, call: &Call, request: Request, new: NewDuties) -> Result<Vec<ShownDuty>, Error> {
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, noted) = (self.clone(), call.clone(), key.clone());
        let written = self.db.write(move |tx| {
            let (app, call, key, new) = (app.clone(), caller.clone(), noted.clone(), new.clone());
            Box::pin(async move {
                let NewDuties { team: team_id, starts_at, ends_at, place, wanted, needs, weeks } = new;
                let team = team::get(tx, team_id).await?;
                app.check_speaks(tx, &call, &team).await?;
                if team.state.0 == TeamState::Disbanded {
                    return Err(Refused::TeamIsOver.into());
                }
                let span = Span::new(starts_at, ends_at, app.clock.now())?;
                let needs = json::write(&team.needs()?.and(&needs))?;
                let first: Uuid = app.ids.next();
                for (n, Span { from, until }) in span.weekly(weeks).enumerate() {
                    let row = Model {
                        id: if n == 0 { DutyId(first) } else { app.ids.next() },
                        team_id,
                        request: first,
                        area_code: team.area_code,
                        starts_at: from,
                        ends_at: until,
                        place: place.clone(),
                        wanted,
                        taken: 0,
                        needs: needs.clone(),
                        state: Code(DutyState::Planned),
                        version: 1,
                    };
                    tx.append(row.into_active_model());
                }
                key.note(tx, first, app.clock.now());
                Ok::<_, Error>(first)
            })
        });
        let first = match written.await {
            Err(error) if error.is_duplicate() => key.find(self.db.read()).await?.ok_or(error)?,
            written => written?,
        };
        self.with_rosters(rota::of_request(self.db.read(), first).await?).await
    }

    async fn check_speaks(&self, tx: &Tx, call: &Call, team: &team::Model) -> Result<(), Error> {
        if self.speaks_for(tx, call, team).await? { Ok(()) } else { Err(Error::NotYourTeam) }
    }

    /// Duties in a time, the soonest first, and the token of the next page.
    pub async fn duties(&self, call: &Call, of: DutiesOf) -> Result<(Vec<ShownDuty>, String), Error> {
        let DutiesOf { area, team, span, open_only, page } = of;
        let now = self.clock.now();
        let wanted = Wanted { area, team, span: span.unwrap_or(Span { from: now, until: now + AHEAD }), open_only };
        let (rows, next) = rota::list(self.db.read(), call.scope(), wanted, &page).await?;
        Ok((self.with_rosters(rows).await?, next))
    }

    async fn with_rosters(&self, rows: Vec<Model>) -> Result<Vec<ShownDuty>, Error> {
        let ids: Vec<DutyId> = rows.iter().map(|row| row.id).collect();
        let entries = rota::roster_of(self.db.read(), &ids).await?;
        let mut people: Vec<VolunteerId> = entries.iter().map(|entry| entry.volunteer_id).collect();
        people.sort_unstable();
        people.dedup();
        let people = volunteer::of_ids(self.db.read(), &people).await?;
        let number = |id| people.iter().find(|person| person.id == id).map(|person| person.number.clone());
        let of = |id: DutyId| {
            let own = entries.iter().filter(move |entry| entry.duty_id == id);
            own.map(|entry| (entry.clone(), number(entry.volunteer_id).unwrap_or_default())).collect()
        };
        Ok(rows.into_iter().map(|row| ShownDuty { roster: of(row.id), row }).collect())
    }

    async fn duty(&self, row: Model) -> Result<ShownDuty, Error> {
        let mut shown = self.with_rosters(vec![row]).await?;
        Ok(shown.remove(0))
    }

    /// Goes on duty, or puts somebody on it who said yes. Two who take the last place at once: one has it.
    pub async fn take_duty(&self, call: &Call, id: DutyId, who: Option<VolunteerId>) -> Result<ShownDuty, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let who = app.meant(tx, &call, id, who).await?;
                // The volunteer's row is the lock for everything that one cannot do twice at a time.
                let volunteer = volunteer::lock(tx, &chassis::access::Scope::everything(), who).await?;
                let duty = rota::lock(tx, id).await?;
                app.put_on_duty(tx, volunteer.id, duty).await
            })
        });
        let row = written.await?;
        self.duty(row).await
    }

    /// Of whom a request speaks: of the caller, or of somebody for whom the caller may speak.
    async fn meant(&self, tx: &Tx, call: &Call, id: DutyId, who: Option<VolunteerId>) -> Result<VolunteerId, Error> {
        let me = volunteer::of_account(tx, call.subject()).await?.map(|me| me.id);
        match who {
            None => me.ok_or(Error::NoVolunteer),
            Some(who) if me == Some(who) => Ok(who),
            Some(who) => {
                let team = team::get(tx, rota::get(tx, id).await?.team_id).await?;
                self.check_speaks(tx, call, &team).await?;
                Ok(who)
            }
        }
    }

    async fn put_on_duty(&self, tx: &Tx, who: VolunteerId, mut duty: Model) -> Result<Model, Error> {
        let now = self.clock.now();
        let on = rota::on_duty(tx, &[who], duty.span()).await?;
        if on.iter().any(|(_, other)| *other == duty.id) {
            return Ok(duty);
        }
        if duty.state.0 == DutyState::Cancelled {
            return Err(Refused::DutyCancelled.into());
        }
        if duty.starts_at <= now {
            return Err(Refused::HasBegun.into());
        }
        let place = team::open_membership(tx, duty.team_id, who).await?;
        if place.is_none_or(|row| row.standing.0 != Standing::Member) {
            return Err(Refused::NotAMember.into());
        }
        self.admit(tx, &[who], &duty.needs()?, duty.span()).await?;
        if !on.is_empty() {
            return Err(Refused::OnDutyElsewhere.into());
        }
        if duty.taken >= duty.wanted {
            return Err(Refused::DutyFull.into());
        }
        duty.taken += 1;
        self.put_entry(tx, duty, (who, RosterState::On)).await
    }

    async fn put_entry(
        &self,
        tx: &Tx,
        mut duty: Model,
        (who, state): (VolunteerId, RosterState),
    ) -> Result<Model, Error> {
        duty.version += 1;
        let changed_at = self.clock.now();
        let entry =
            roster::Model { duty_id: duty.id, volunteer_id: who, state: Code(state), obstacle: None, changed_at };
        rota::put_roster(tx, entry).await?;
        rota::save(tx, duty.clone()).await?;
        Ok(duty)
    }

    /// Goes off duty, until it begins.
    pub async fn give_up_duty(&self, call: &Call, id: DutyId, who: Option<VolunteerId>) -> Result<ShownDuty, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let who = app.meant(tx, &call, id, who).await?;
                let duty = rota::lock(tx, id).await?;
                app.take_off(tx, who, duty).await
            })
        });
        let row = written.await?;
        self.duty(row).await
    }

    async fn take_off(&self, tx: &Tx, who: VolunteerId, mut duty: Model) -> Result<Model, Error> {
        let entries = rota::roster_of(tx, &[duty.id]).await?;
        let entry = entries.iter().find(|entry| entry.volunteer_id == who).ok_or(Refused::NotOnDuty)?;
        let state = entry.state.0.give_up(duty.span(), self.clock.now())?;
        duty.taken -= 1;
        self.put_entry(tx, duty, (who, state)).await
    }

    /// Whoever leaves a team goes off its duties.
    pub(crate) async fn give_up_of_team(&self, tx: &Tx, who: VolunteerId, team: TeamId) -> Result<(), Error> {
        for id in rota::coming(tx, team, self.clock.now()).await? {
            let entries = rota::roster_of(tx, &[id]).await?;
            if entries.iter().any(|entry| entry.volunteer_id == who && entry.state.0 == RosterState::On) {
                let duty = rota::lock(tx, id).await?;
                self.take_off(tx, who, duty).await?;
            }
        }
        Ok(())
    }

    /// Cancels a duty.
    pub async fn cancel_duty(&self, call: &Call, (id, etag): (DutyId, String)) -> Result<ShownDuty, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call, etag) = (app.clone(), caller.clone(), etag.clone());
            Box::pin(async move {
                let mut duty = app.duty_to_run(tx, &call, id).await?;
                check_etag(&etag, duty.version)?;
                if duty.state.0 == DutyState::Cancelled {
                    return Ok(duty);
                }
                if duty.starts_at <= app.clock.now() {
                    return Err(Refused::HasBegun.into());
                }
                duty.state = Code(DutyState::Cancelled);
                duty.version += 1;
                rota::save(tx, duty.clone()).await?;
                Ok::<_, Error>(duty)
            })
        });
        let row = written.await?;
        self.duty(row).await
    }

    /// Says who came; everybody else who was on duty did not.
    pub async fn record_attendance(&self, call: &Call, id: DutyId, came: Vec<VolunteerId>) -> Result<ShownDuty, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call, came) = (app.clone(), caller.clone(), came.clone());
            Box::pin(async move {
                let mut duty = app.duty_to_run(tx, &call, id).await?;
                if duty.state.0 == DutyState::Cancelled {
                    return Err(Refused::DutyCancelled.into());
                }
                if app.clock.now() < duty.starts_at {
                    return Err(Refused::NotBegun.into());
                }
                let entries = rota::roster_of(tx, &[id]).await?;
                if !came.iter().all(|who| entries.iter().any(|entry| entry.volunteer_id == *who)) {
                    return Err(Refused::NotOnDuty.into());
                }
                for mut entry in entries {
                    entry.state = Code(entry.state.0.attended(came.contains(&entry.volunteer_id)));
                    entry.changed_at = app.clock.now();
                    rota::put_roster(tx, entry).await?;
                }
                duty.version += 1;
                rota::save(tx, duty.clone()).await?;
                Ok::<_, Error>(duty)
            })
        });
        let row = written.await?;
        self.duty(row).await
    }

    /// A duty of a team for which the caller speaks, locked.
    async fn duty_to_run(&self, tx: &Tx, call: &Call, id: DutyId) -> Result<Model, Error> {
        let duty = rota::lock(tx, id).await?;
        let team = team::get(tx, duty.team_id).await?;
        if teams::office(call, team.area_code) || self.leads(tx, call, team.id).await? {
            return Ok(duty);
        }
        Err(Fault::NotFound("duty").into())
    }
}
