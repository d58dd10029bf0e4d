//! Public warnings: the first word, a newer one, the end; and who may read them, which is everybody.

use chassis::{
    Fault,
    access::Call,
    data::{AreaCode, Page, RequestKey},
};
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, TryIntoModel};
use uuid::Uuid;

use super::App;
use crate::{
    domain::warning::{Head, Info, Message, MessageType, Next, NotAWarning, Status},
    error::Error,
    events,
    store::warning::{self, Wanted, calls},
};

/// A word that somebody wants sent.
#[derive(Clone, Debug)]
pub struct NewWarning {
    pub word: Word,
    pub note: String,
    pub request_id: Uuid,
    /// The whole request, to know it again.
    pub content: Vec<u8>,
}

/// Which.
#[derive(Clone, Debug)]
pub enum Word {
    First { status: Status, info: Info },
    Newer { than: Uuid, info: Info },
    End { of: Uuid },
}

/// A list that somebody asks for.
#[derive(Clone, Debug)]
pub struct WarningsOf {
    pub area: AreaCode,
    pub past: bool,
    pub page: Page<(DateTime<Utc>, Uuid)>,
}

/// A message and how the calls to people without a phone go.
#[derive(Clone, Debug)]
pub struct ShownWarning {
    pub row: warning::Model,
    pub message: Message,
    pub holds: bool,
    pub calls: Option<calls::Model>,
}

impl App {
    /// Sends it. The same request again is answered with the message that it made.
    pub async fn warn(&self, call: &Call, new: NewWarning) -> Result<ShownWarning, Error> {
        let key = RequestKey {
            caller: call.subject().to_owned(),
            method: call.method(),
            request_id: new.request_id,
            content: self.keys.index("requests.content", &new.content),
        };
        if let Some(id) = key.find(self.db.read()).await? {
            return self.warning(id).await;
        }
        let row = match self.write_warning(call, &new, &key).await {
            // The same request came twice at once, and the other was first.
            Err(Error::Fault(fault)) if fault.is_duplicate() => {
                let id = key.find(self.db.read()).await?.ok_or(fault)?;
                return self.warning(id).await;
            }
            written => written?,
        };
        self.show_warning(row).await
    }

    async fn write_warning(&self, call: &Call, new: &NewWarning, key: &RequestKey) -> Result<warning::Model, Error> {
        let (id, now) = (self.ids.next::<Uuid>(), self.clock.now());
        let (app, call, new, key) = (self.clone(), call.clone(), new.clone(), key.clone());
        self.db
            .write(move |tx| {
                let (app, call, new, key) = (app.clone(), call.clone(), new.clone(), key.clone());
                Box::pin(async move {
                    let (before, message) = app.next_message(tx, &call, id, now, new).await?;
                    let area = common_area(&message.info)?;
                    let row = warning::ActiveModel {
                        id: Set(id),
                        identifier: Set(message.identifier.clone()),
                        area_code: Set(area),
                        sent_at: Set(now),
                        expires_at: Set(message.info.expires),
                        cancels: Set(message.kind == MessageType::Cancel),
                        message: Set(serde_json::to_string(&message).map_err(|e| Fault::Internal(e.to_string()))?),
                        first_id: Set(before.as_ref().map_or(id, |before| before.first_id)),
                        follows: Set(before.as_ref().map(|before| before.id)),
                        followed_by: Set(None),
                        sent_by: Set(call.subject().to_owned()),
                    };
                    if let Some(before) = &before
                        && !warning::set_followed(tx, before.id, id).await?
                    {
                        return Err(NotAWarning::Followed.into());
                    }
                    tx.append(row.clone());
                    key.note(tx, id, now);
                    let row = row.try_into_model()?;
                    app.outbox.add(tx, events::warned(&app.ids, &row, &message));
                    Ok::<_, Error>(row)
                })
            })
            .await
    }

    /// The message to send, and the one it follows.
    async fn next_message(
        &self,
        tx: &impl sea_orm::ConnectionTrait,
        call: &Call,
        id: Uuid,
        now: DateTime<Utc>,
        new: NewWarning,
    ) -> Result<(Option<warning::Model>, Message), Error> {
        let NewWarning { word, note, .. } = new;
        let identifier = format!("LW-{}", id.simple());
        let next = Next { identifier: identifier.clone(), sent: now, note: note.clone() };
        match word {
            Word::First { status, info } => {
                check_areas(call, &info)?;
                let office = common_area(&info)?;
                let sender = format!("linju.{office}");
                let message = Message::alert(Head { identifier, sender, sent: now, status, note }, info)?;
                Ok((None, message))
            }
            Word::Newer { than, info } => {
                check_areas(call, &info)?;
                let before = sent_before(tx, call, than).await?;
                let message = before.message()?.update(next, info)?;
                Ok((Some(before), message))
            }
            Word::End { of } => {
                let before = sent_before(tx, call, of).await?;
                let message = before.message()?.cancel(next)?;
                Ok((Some(before), message))
            }
        }
    }

    /// One message.
    pub async fn warning(&self, id: Uuid) -> Result<ShownWarning, Error> {
        self.show_warning(warning::get(self.db.read(), id).await?).await
    }

    /// Messages for an area, the newest first, and the token of the next page.
    pub async fn warnings(&self, of: WarningsOf) -> Result<(Vec<ShownWarning>, String), Error> {
        let wanted = Wanted { area: of.area, holding_at: (!of.past).then(|| self.clock.now()) };
        let (rows, next) = warning::list(self.db.read(), &wanted, &of.page).await?;
        Ok((self.show_warnings(rows).await?, next))
    }

    /// Keeps what residents told of the calls to people without a phone.
    pub async fn record_calls(&self, tx: &chassis::data::Tx, figures: calls::Model) -> Result<(), Error> {
        if warning::is_known(tx, figures.first_id).await? {
            calls::put(tx, figures).await?;
        } else {
            tracing::info!(warning = %figures.first_id, "calls were counted for a warning that is not here");
        }
        Ok(())
    }

    async fn show_warning(&self, row: warning::Model) -> Result<ShownWarning, Error> {
        Ok(self.show_warnings(vec![row]).await?.remove(0))
    }

    async fn show_warnings(&self, rows: Vec<warning::Model>) -> Result<Vec<ShownWarning>, Error> {
        let chains: Vec<_> = rows.iter().map(|row| row.first_id).collect();
        let calls = calls::of(self.db.read(), &chains).await?;
        let now = self.clock.now();
        let show = |row: warning::Model| {
            let message = row.message()?;
            let calls = calls.iter().find(|calls| calls.first_id == row.first_id).cloned();
            Ok(ShownWarning { holds: message.holds_at(now) && row.followed_by.is_none(), message, calls, row })
        };
        rows.into_iter().map(show).collect()
    }
}

/// The message to follow, where the caller may speak for all that it warned.
async fn sent_before(tx: &impl sea_orm::ConnectionTrait, call: &Call, id: Uuid) -> Result<warning::Model, Error> {
    let before = warning::get(tx, id).await?;
    if !call.scope().areas.contain(before.area_code) {
        return Err(Fault::NotFound("warning").into());
    }
    if before.followed_by.is_some() {
        return Err(NotAWarning::Followed.into());
    }
    Ok(before)
}

fn check_areas(call: &Call, info: &Info) -> Result<(), Error> {
    if areas(info)?.iter().all(|area| call.scope().areas.contain(*area)) {
        Ok(())
    } else {
        Err(Error::AreaNotGranted { field: "info.areas" })
    }
}

fn areas(info: &Info) -> Result<Vec<AreaCode>, Error> {
    let read =
        |code: &str| code.parse().map_err(|e| Fault::field("info.areas.area_code", "area", format!("is wrong: {e}")));
    Ok(info.areas.iter().map(|area| read(&area.code)).collect::<Result<_, _>>()?)
}

/// The smallest area that holds all of them.
fn common_area(info: &Info) -> Result<AreaCode, Error> {
    let areas = areas(info)?;
    let mut common = areas.first().copied();
    while let Some(area) = common.filter(|area| !areas.iter().all(|other| area.contains(*other))) {
        common = area.parent();
    }
    common.ok_or_else(|| {
        Fault::field("info.areas", "areas", "lie in more than one county: send a warning for each").into()
    })
}
