//! What follows by itself: something ends, begins again, or is gone, and the rota follows.

use chassis::{
    Fault,
    access::Scope,
    data::{Code, Tx},
    events::{Timer, timers},
};
use chrono::{NaiveDate, TimeDelta};

use super::App;
use crate::{
    domain::{
        Refused, VolunteerId,
        china::start_of,
        duty::{RosterState, Span},
        gate::{Facts, Needs},
        life::{Action, By, Reason, State},
        qualification::{self, WARNING},
    },
    error::Error,
    events,
    store::{
        qualification as proofs,
        rota::{self, roster},
        volunteer::{self, Model},
    },
};

/// The timer of a volunteer: the next day on which something of theirs ends or begins.
pub const STANDING: &str = "volunteers.standing";

/// The actor of what happens by itself.
const SYSTEM: &str = "system";

impl App {
    /// Refuses whoever may not do this work for the whole of its time.
    pub(crate) async fn admit(&self, tx: &Tx, ids: &[VolunteerId], needs: &Needs, span: Span) -> Result<(), Error> {
        let facts = proofs::facts(tx, ids).await?;
        for id in ids {
            let facts = facts.get(id).ok_or(Fault::NotFound("volunteer"))?;
            let obstacles = facts.obstacles(needs, span.from, span.until);
            if !obstacles.is_empty() {
                return Err(Refused::NotEligible(obstacles).into());
            }
        }
        Ok(())
    }

    /// A day has come on which something of a volunteer ends or begins.
    pub(crate) async fn standing_due(&self, tx: &Tx, id: VolunteerId) -> Result<(), Error> {
        let row = volunteer::lock(tx, &Scope::everything(), id).await?;
        self.refresh(tx, row).await.map(|_| ())
    }

    /// Brings a volunteer, whose row is locked, up to this moment, and saves the row: what has ended is marked and told, a
    /// pause ends, a missing consent begins one, and whoever may not do a duty any more is taken off it. Then it sets the
    /// timer for the next such day. Whatever changes what a volunteer may do ends here.
    pub(crate) async fn refresh(&self, tx: &Tx, mut row: Model) -> Result<Model, Error> {
        let today = self.today();
        // Rows of this transaction that wait for the commit count, too.
        tx.flush().await?;
        let ends = self.end_qualifications(tx, &mut row, today).await?;
        let facts = proofs::facts(tx, &[row.id]).await?.remove(&row.id);
        let mut facts = facts.ok_or(Fault::NotFound("volunteer"))?;
        (facts.birth_date, facts.state, facts.resume_on) = (row.birth_date, row.state.0, row.resume_on);
        self.follow(tx, &mut row, &facts, today)?;
        (facts.state, facts.resume_on) = (row.state.0, row.resume_on);
        volunteer::save(tx, row.clone()).await?;
        self.clear_rota(tx, row.id, &facts).await?;
        self.set_standing_timer(tx, &row, &facts, ends).await?;
        Ok(row)
    }

    /// Marks what has ended, warns of what will; the next day on which one of both is due.
    async fn end_qualifications(&self, tx: &Tx, row: &mut Model, today: NaiveDate) -> Result<Option<NaiveDate>, Error> {
        let mut next: Option<NaiveDate> = None;
        for mut held in proofs::of(tx, row.id).await? {
            let Some(until) = held.expires_on.filter(|_| held.state.0 == qualification::State::Holds) else { continue };
            let warn_on = until - WARNING;
            if until < today {
                held.state = Code(qualification::State::Expired);
                row.version += 1;
                self.outbox.add(tx, events::qualification_ended(&self.ids, row, &held, self.clock.now()));
                proofs::save(tx, held).await?;
                continue;
            }
            if held.warned_at.is_none() && warn_on <= today {
                held.warned_at = Some(self.clock.now());
                row.version += 1;
                self.outbox.add(tx, events::qualification_expiring(&self.ids, row, &held, self.clock.now()));
                proofs::save(tx, held.clone()).await?;
            }
            let due = if held.warned_at.is_none() { warn_on } else { until + TimeDelta::days(1) };
            next = Some(next.map_or(due, |day| day.min(due)));
        }
        Ok(next)
    }

    /// A pause ends on its day; whoever is under 18 and has no consent pauses.
    fn follow(&self, tx: &Tx, row: &mut Model, facts: &Facts, today: NaiveDate) -> Result<(), Error> {
        let consented = facts.consented_on(today);
        match row.state.0 {
            State::Paused if row.resume_on.is_some_and(|day| day <= today) && consented => {
                let next = row.life().apply(Action::Resume { consented }, By::Rule, today)?;
                self.put_life(tx, row, next, SYSTEM);
            }
            State::Active if !consented => {
                let pause = Action::Pause { reason: Reason::ConsentMissing, resume_on: None };
                let next = row.life().apply(pause, By::Rule, today)?;
                self.put_life(tx, row, next, SYSTEM);
            }
            State::Applicant | State::InProcess | State::Active | State::Paused | State::Archived => {}
        }
        Ok(())
    }

    /// Takes a volunteer off the duties still to come that they may no longer do.
    async fn clear_rota(&self, tx: &Tx, id: VolunteerId, facts: &Facts) -> Result<(), Error> {
        let now = self.clock.now();
        for duty_id in rota::coming_of(tx, id, now).await? {
            let mut duty = rota::lock(tx, duty_id).await?;
            let Some(obstacle) = facts.obstacles(&duty.needs()?, duty.starts_at, duty.ends_at).into_iter().next()
            else {
                continue;
            };
            duty.taken -= 1;
            duty.version += 1;
            let entry = roster::Model {
                duty_id,
                volunteer_id: id,
                state: Code(RosterState::TakenOff),
                obstacle: Some(obstacle.code().to_owned()),
                changed_at: now,
            };
            rota::put_roster(tx, entry).await?;
            self.outbox.add(tx, events::duty_uncovered(&self.ids, &duty, id, obstacle, now));
            rota::save(tx, duty).await?;
        }
        Ok(())
    }

    async fn set_standing_timer(
        &self,
        tx: &Tx,
        row: &Model,
        facts: &Facts,
        ends: Option<NaiveDate>,
    ) -> Result<(), Error> {
        let today = self.today();
        let consent_ends = facts.consent.map(|consent| consent.expires_on + TimeDelta::days(1));
        let next = [ends, row.resume_on, consent_ends].into_iter().flatten().filter(|day| *day > today).min();
        let key = row.id.to_string();
        match next.filter(|_| row.state.0 != State::Archived) {
            Some(day) => {
                let timer = Timer { kind: STANDING.to_owned(), key, due_at: start_of(day), payload: String::new() };
                timers::set(tx, &timer).await?;
            }
            None => {
                timers::cancel(tx, STANDING, &key).await?;
            }
        }
        Ok(())
    }
}
