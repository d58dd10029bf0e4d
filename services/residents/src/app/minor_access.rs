//! Leave to look at a minor's record is asked for, given, taken back, reviewed and counted.

use chassis::{
    Fault,
    access::{Purpose, Scope, audit, purpose_code},
    data::{AreaCode, Page, RequestKey, SecretText},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use uuid::Uuid;

use super::{App, By};
use crate::{
    Error,
    domain::minors::{AccessAction, AccessState, is_minor},
    store::{
        MinorAccessId, ResidentId,
        minor_access::{self, Model},
        resident,
    },
};

/// Whose record, for what, how long.
#[derive(Clone, Debug)]
pub struct RequestMinorAccess {
    pub resident: ResidentId,
    pub purpose: Purpose,
    pub reason: String,
    /// 0: one.
    pub days: i32,
}

/// A row with what people wrote.
#[derive(Clone, Debug)]
pub struct MinorAccessView {
    pub row: Model,
    pub reason: Option<SecretText>,
    pub decision: Option<SecretText>,
}

/// A year of it in counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinorAccessFigures {
    pub requested: i64,
    pub approved: i64,
    pub declined: i64,
    pub undecided: i64,
    pub ended_early: i64,
    pub emergencies: i64,
    pub in_order: i64,
    pub not_in_order: i64,
    pub to_review: i64,
    pub looks: i64,
}

impl App {
    /// Asks for leave; somebody else will decide.
    pub async fn request_minor_access(
        &self,
        by: &By,
        key: RequestKey,
        command: RequestMinorAccess,
    ) -> Result<MinorAccessView, Error> {
        let longest = self.minors.longest_days;
        if command.days > longest {
            let message = format!("is more than this office allows: ask for {longest} days at most");
            return Err(Error::field("days", "int32.lte", message));
        }
        let row = resident::get(&by.scope, self.db.read(), command.resident).await?;
        if !is_minor(row.birth_date, self.today()) {
            return Err(Error::NotAMinor);
        }
        let id = self.ids.next::<MinorAccessId>();
        let new = Model {
            id,
            resident_id: row.id,
            area_code: row.area_code,
            purpose: purpose_code(command.purpose as i32).unwrap_or_default(),
            reader: by.who.clone(),
            reason: minor_access::seal(&self.keys, id, "reason", &command.reason)?,
            state: AccessState::Requested,
            requested_at: self.clock.now(),
            days: command.days.max(1),
            decided_by: None,
            decided_at: None,
            decision: None,
            until: None,
            ended_at: None,
        };
        let (most, kept) = (self.minors.most_open, key.clone());
        let written = self.db.write(move |tx| {
            let (new, key) = (new.clone(), kept.clone());
            Box::pin(async move {
                if minor_access::open_of(tx, &new.reader, new.requested_at).await? >= most {
                    return Err(Error::MinorAccessInBulk(most));
                }
                key.note(tx, new.id.0, new.requested_at);
                tx.append(new.into_active_model());
                Ok::<_, Error>(())
            })
        });
        let found = match written.await {
            Ok(()) => id,
            // A repeated request may be refused by what it did itself the first time.
            Err(error) => MinorAccessId(key.find(self.db.read()).await?.ok_or(error)?),
        };
        self.minor_access_view(minor_access::get(&by.scope, self.db.read(), found).await?).await
    }

    /// Approves, declines, ends or reviews, with a word about it.
    pub async fn decide_minor_access(
        &self,
        by: &By,
        id: MinorAccessId,
        (action, word): (AccessAction, String),
    ) -> Result<MinorAccessView, Error> {
        let (app, by) = (self.clone(), by.clone());
        let decided = self.db.write(move |tx| {
            let (app, by, word) = (app.clone(), by.clone(), word.clone());
            Box::pin(async move {
                let mut row = minor_access::lock(&by.scope, tx, id).await?;
                let now = app.clock.now();
                row.state = row.state.apply(action, &by.who, &row.reader)?;
                if action == AccessAction::End {
                    row.ended_at = Some(now);
                } else {
                    row.decided_by = Some(by.who);
                    row.decided_at = Some(now);
                    row.decision = minor_access::seal(&app.keys, id, "decision", &word)?;
                }
                if action == AccessAction::Approve {
                    let days = row.days.clamp(1, app.minors.longest_days);
                    row.until = Some(now + TimeDelta::days(i64::from(days)));
                }
                Ok::<_, Error>(row.into_active_model().reset_all().update(tx).await?)
            })
        });
        let row = decided.await?;
        self.minor_access_view(row).await
    }

    /// Ends what the caller asked for, or, for a manager, anybody's.
    pub async fn end_minor_access(
        &self,
        by: &By,
        id: MinorAccessId,
        is_manager: bool,
    ) -> Result<MinorAccessView, Error> {
        let row = minor_access::get(&by.scope, self.db.read(), id).await?;
        if row.reader != by.who && !is_manager {
            return Err(Fault::NotFound("request").into());
        }
        self.decide_minor_access(by, id, (AccessAction::End, String::new())).await
    }

    /// Rows of the scope.
    pub async fn list_minor_access(
        &self,
        scope: &Scope,
        state: Option<AccessState>,
        page: Page<Uuid>,
    ) -> Result<(Vec<MinorAccessView>, String), Error> {
        let mut rows = minor_access::list(scope, self.db.read(), state, page.after, page.limit()).await?;
        let next = page.cut(&mut rows, |row| row.id.0)?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            views.push(self.minor_access_view(row).await?);
        }
        Ok((views, next))
    }

    async fn minor_access_view(&self, row: Model) -> Result<MinorAccessView, Error> {
        let reason = row.open(&self.keys, "reason", row.reason.as_ref()).await?;
        let decision = row.open(&self.keys, "decision", row.decision.as_ref()).await?;
        Ok(MinorAccessView { row, reason, decision })
    }

    /// Counts what began in a year, for an area within the scope.
    pub async fn minor_access_figures(
        &self,
        scope: &Scope,
        area: AreaCode,
        year: i32,
    ) -> Result<MinorAccessFigures, Error> {
        if !scope.areas.contain(area) {
            return Err(Fault::NotFound("area").into());
        }
        let time = (start_of(year)?, start_of(year + 1)?);
        let rows = minor_access::of_time(self.db.read(), area, time).await?;
        let mut figures = MinorAccessFigures::default();
        for row in &rows {
            figures.count(row.state, row.until.is_some());
        }
        let bases: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        figures.looks = i64::try_from(audit::looks_on(self.db.read(), &bases).await?).unwrap_or(i64::MAX);
        Ok(figures)
    }
}

impl MinorAccessFigures {
    fn count(&mut self, state: AccessState, was_approved: bool) {
        let is_emergency = matches!(state, AccessState::ToReview | AccessState::InOrder | AccessState::NotInOrder);
        *if is_emergency { &mut self.emergencies } else { &mut self.requested } += 1;
        self.approved += i64::from(was_approved);
        match state {
            AccessState::Requested => self.undecided += 1,
            AccessState::Declined => self.declined += 1,
            AccessState::Ended if was_approved => self.ended_early += 1,
            AccessState::ToReview => self.to_review += 1,
            AccessState::InOrder => self.in_order += 1,
            AccessState::NotInOrder => self.not_in_order += 1,
            // Taken back before anybody decided; or approved, which is counted above.
            AccessState::Ended | AccessState::Approved => {}
        }
    }
}

/// When a year begins in China.
fn start_of(year: i32) -> Result<DateTime<Utc>, Error> {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let day = day.ok_or_else(|| Error::field("year", "int32.lte", "is no year of the calendar"))?;
    Ok(day.and_utc() - TimeDelta::hours(8))
}
