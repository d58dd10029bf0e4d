//! People say what is wrong in the register, or object to its use; staff answer in time.

use async_trait::async_trait;
use chassis::{
    access::{Purpose, Scope, purpose_code},
    data::{AreaCode, Page, RequestKey, SecretText, Tx},
    events::{HandlerError, Timer, TimerHandler, timers},
};
use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use uuid::Uuid;

use super::{
    App, By, UpdateResident, Whose,
    corrections::{change_of, kept},
};
use crate::{
    Error,
    domain::{
        facts::Source,
        my_data::{CorrectionField, RequestKind, RequestState},
    },
    events::overdue,
    store::{
        DataRequestId, ResidentId,
        data_request::{self, Model},
        resident,
    },
};

/// GB/T 35273-2020, 8.7: answered within thirty days.
const IN_TIME: TimeDelta = TimeDelta::days(30);
/// The timer that looks whether a request was answered.
pub(crate) const DUE: &str = "residents.data_request_due";
/// Open requests that one record may have: more is no request but a flood.
const MOST_OPEN: u64 = 30;

/// What is asked.
#[derive(Clone, Debug)]
pub enum Ask {
    Correct { field: CorrectionField, value: String },
    Object { purpose: Purpose },
}

/// What is asked of whose data, and why.
#[derive(Clone, Debug)]
pub struct RequestAboutData {
    pub resident: Option<ResidentId>,
    pub ask: Ask,
    pub reason: String,
}

/// A request with what people wrote.
#[derive(Clone, Debug)]
pub struct DataRequestView {
    pub row: Model,
    pub whose: Whose,
    pub value: Option<SecretText>,
    pub reason: Option<SecretText>,
    pub answer: Option<SecretText>,
    pub before: Option<SecretText>,
}

/// Which requests to list.
#[derive(Clone, Debug)]
pub struct ListDataRequests {
    pub kind: RequestKind,
    pub area: Option<AreaCode>,
    pub answered: bool,
    pub page: Page<Uuid>,
}

impl App {
    /// Takes down what somebody asks about their own record, and sets the time to answer.
    pub async fn ask_about_data(
        &self,
        by: &By,
        key: RequestKey,
        command: RequestAboutData,
    ) -> Result<DataRequestView, Error> {
        let own = self.own_record(&by.scope, command.resident).await?;
        let new = self.new_request(by, &own, command)?;
        let (app, kept, id) = (self.clone(), key.clone(), new.id);
        let written = self.db.write(move |tx| {
            let (app, new, key) = (app.clone(), new.clone(), kept.clone());
            Box::pin(async move { app.write_request(tx, key, new).await })
        });
        let found = match written.await {
            Ok(()) => id,
            // A repeated request may be refused by what it did itself the first time.
            Err(error) => DataRequestId(key.find(self.db.read()).await?.ok_or(error)?),
        };
        let row = data_request::get(&by.scope, self.db.read(), found).await?;
        self.request_view(row, Whose::from(&own)).await
    }

    async fn write_request(&self, tx: &Tx, key: RequestKey, new: Model) -> Result<(), Error> {
        if data_request::open_about(tx, &[new.resident_id]).await? >= MOST_OPEN {
            return Err(Error::TooManyOpen(MOST_OPEN));
        }
        let timer =
            Timer { kind: DUE.to_owned(), key: new.id.to_string(), due_at: new.due_at, payload: "{}".to_owned() };
        timers::set(tx, &timer).await?;
        key.note(tx, new.id.0, new.requested_at);
        tx.append(new.into_active_model());
        Ok(())
    }

    fn new_request(&self, by: &By, own: &resident::Model, command: RequestAboutData) -> Result<Model, Error> {
        let RequestAboutData { resident: _, ask, reason } = command;
        let (id, now) = (self.ids.next::<DataRequestId>(), self.clock.now());
        let (kind, field, purpose, value) = match ask {
            Ask::Correct { field, value } => {
                // What the register could not take over is refused now, not after a month.
                change_of(field, &value)?;
                (RequestKind::Correction, Some(field), None, value)
            }
            Ask::Object { purpose } => (RequestKind::Objection, None, purpose_code(purpose as i32), String::new()),
        };
        let missing = || Error::field("reason", "string.min_len", "is missing: say why");
        Ok(Model {
            id,
            kind,
            resident_id: own.id,
            area_code: own.area_code,
            field,
            purpose,
            value: data_request::seal(&self.keys, id, "value", &value)?,
            reason: data_request::seal(&self.keys, id, "reason", &reason)?.ok_or_else(missing)?,
            state: RequestState::Open,
            requested_by: by.who.clone(),
            requested_at: now,
            due_at: now + IN_TIME,
            overdue_at: None,
            answered_by: None,
            answered_at: None,
            answer: None,
            before: None,
        })
    }

    /// Requests that the caller may see.
    pub async fn list_data_requests(
        &self,
        scope: &Scope,
        wanted: ListDataRequests,
    ) -> Result<(Vec<DataRequestView>, String), Error> {
        let ListDataRequests { kind, area, answered, page } = wanted;
        let wanted = data_request::Wanted { kind, area, answered };
        let mut rows = data_request::list(scope, self.db.read(), wanted, page.after, page.limit()).await?;
        let next = page.cut(&mut rows, |row| row.id.0)?;
        Ok((self.request_views(rows).await?, next))
    }

    /// Rows with the people they are about. The caller has found them within the scope.
    pub(super) async fn request_views(&self, rows: Vec<Model>) -> Result<Vec<DataRequestView>, Error> {
        let ids: Vec<ResidentId> = rows.iter().map(|row| row.resident_id).collect();
        let people = resident::by_ids(&Scope::everything(), self.db.read(), &ids).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(person) = people.iter().find(|person| person.id == row.resident_id) else { continue };
            views.push(self.request_view(row, Whose::from(person)).await?);
        }
        Ok(views)
    }

    async fn request_view(&self, row: Model, whose: Whose) -> Result<DataRequestView, Error> {
        let value = row.open(&self.keys, "value", row.value.as_ref()).await?;
        let reason = row.open(&self.keys, "reason", Some(&row.reason)).await?;
        let answer = row.open(&self.keys, "answer", row.answer.as_ref()).await?;
        let before = row.open(&self.keys, "before", row.before.as_ref()).await?;
        Ok(DataRequestView { row, whose, value, reason, answer, before })
    }

    /// Answers a request of this kind; a correction that is accepted is taken over into the register, and what was kept
    /// before stays with the request.
    pub async fn answer_data_request(
        &self,
        by: &By,
        (kind, id): (RequestKind, DataRequestId),
        (accepted, answer): (bool, String),
    ) -> Result<DataRequestView, Error> {
        let (app, own) = (self.clone(), by.clone());
        let work = self.db.write(move |tx| {
            let (app, by, answer) = (app.clone(), own.clone(), answer.clone());
            Box::pin(async move {
                let row = data_request::lock(&by.scope, tx, (kind, id)).await?;
                app.answer_in(tx, &by, row, (accepted, &answer)).await
            })
        });
        let row =
            work.await.map_err(|error: Error| if error.is_duplicate() { Error::NationalIdTaken } else { error })?;
        self.request_views(vec![row]).await?.pop().ok_or_else(|| chassis::Fault::NotFound("request").into())
    }

    async fn answer_in(
        &self,
        tx: &Tx,
        by: &By,
        mut row: Model,
        (accepted, answer): (bool, &str),
    ) -> Result<Model, Error> {
        if row.state != RequestState::Open {
            return Err(Error::IsAnswered);
        }
        if accepted && let Some(field) = row.field {
            row.before = self.correct(tx, by, (&row, field)).await?;
        }
        row.state = if accepted { RequestState::Accepted } else { RequestState::Declined };
        row.answered_by = Some(by.who.clone());
        row.answered_at = Some(self.clock.now());
        row.answer = data_request::seal(&self.keys, row.id, "answer", answer)?;
        timers::cancel(tx, DUE, &row.id.to_string()).await?;
        Ok(row.into_active_model().reset_all().update(tx).await?)
    }

    /// Takes the proposal over, and gives what was kept before. Fields that have methods of their own were changed by those.
    async fn correct(
        &self,
        tx: &Tx,
        by: &By,
        (row, field): (&Model, CorrectionField),
    ) -> Result<Option<chassis::data::Sealed>, Error> {
        let value = row.open(&self.keys, "value", row.value.as_ref()).await?;
        let value = value.as_ref().map_or("", SecretText::expose);
        let Some(change) = change_of(field, value)? else { return Ok(None) };
        let person = resident::lock(&by.scope, tx, row.resident_id).await?;
        let before = kept(&self.keys, &person, field).await?;
        // The person says so, and somebody of the office has looked at it today.
        let by = By { source: Source::Resident, ..by.clone() };
        let update = UpdateResident { id: person.id, etag: String::new(), observed_on: None, change };
        self.update_in(tx, &by, &update, self.today()).await?;
        Ok(data_request::seal(&self.keys, row.id, "before", &before)?)
    }
}

/// Marks a request that was not answered in time, and tells it, without a word about whom.
pub struct RequestDue(pub App);

#[async_trait]
impl TimerHandler for RequestDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let id = timer.key.parse().map_err(|_| HandlerError::Useless("the key is no UUID".to_owned()))?;
        let Some(mut row) = data_request::lock_open(tx, id).await? else { return Ok(()) };
        row.overdue_at = Some(self.0.clock.now());
        let row = row.into_active_model().reset_all().update(tx).await?;
        self.0.outbox.add(tx, overdue(&self.0.ids, &row, self.0.clock.now()));
        Ok(())
    }
}
