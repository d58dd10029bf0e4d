//! Which minors' records an answer may show in clear.

use std::collections::{HashMap, HashSet};

use chassis::access::{Purpose, Scope, purpose_code};
use chrono::{NaiveDate, TimeDelta};
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::App;
use crate::{
    Error,
    domain::minors::{AccessState, is_minor},
    store::{
        MinorAccessId, ResidentId,
        minor_access::{self, Model},
        resident,
    },
};
use chassis::data::AreaCode;

/// Looks of one reader in an emergency within this time are reviewed once.
const ONE_EMERGENCY: TimeDelta = TimeDelta::hours(24);

/// Who reads, and why.
#[derive(Clone, Debug)]
pub struct Reader {
    pub who: String,
    pub purpose: Option<Purpose>,
}

impl Reader {
    /// The purpose's code; empty where none is stated.
    pub(super) fn purpose_code(&self) -> String {
        self.purpose.and_then(|purpose| purpose_code(purpose as i32)).unwrap_or_default()
    }
}

/// Whether the purpose of emergency help opens minors' records in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emergency {
    /// At once, to be reviewed.
    Opens,
    /// Not here: pages of a list are a copy in bulk, whatever happens.
    StaysClosed,
}

/// One person whose record an answer holds.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    pub id: ResidentId,
    pub birth_date: NaiveDate,
    pub area: AreaCode,
}

impl From<&resident::Model> for Whose {
    fn from(row: &resident::Model) -> Self {
        Self { id: row.id, birth_date: row.birth_date, area: row.area_code }
    }
}

/// What an answer may show: everybody who is not closed, minors on the basis of an approval or a review to come. Nothing is
/// turned into an answer without it.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    closed: HashSet<ResidentId>,
    basis: HashMap<ResidentId, Uuid>,
}

impl Opened {
    /// Whether the record may be shown in clear, if the call shows anything in clear.
    pub fn shows(&self, id: ResidentId) -> bool {
        !self.closed.contains(&id)
    }

    /// What opened a minor's record.
    pub fn basis(&self, id: ResidentId) -> Option<Uuid> {
        self.basis.get(&id).copied()
    }
}

impl App {
    /// Finds out which of these people's records `reader` may see in clear. Whoever reads their own matter, or acts for the
    /// person by mandate, needs nobody's approval; a call without a purpose shows nothing in clear anyway.
    pub async fn open_minors(&self, reader: &Reader, people: &[Whose], emergency: Emergency) -> Result<Opened, Error> {
        let Some(purpose) = reader.purpose else { return Ok(Opened::default()) };
        let today = self.today();
        let minors: Vec<Whose> = people.iter().filter(|whose| is_minor(whose.birth_date, today)).copied().collect();
        if purpose == Purpose::OwnMatter || minors.is_empty() {
            return Ok(Opened::default());
        }
        let basis = match (purpose, emergency) {
            (Purpose::EmergencyHelp, Emergency::Opens) => self.note_emergency(reader, &minors).await?,
            _ => self.approvals(reader, &minors).await?,
        };
        let closed = minors.iter().map(|minor| minor.id).filter(|id| !basis.contains_key(id)).collect();
        Ok(Opened { closed, basis })
    }

    /// These people, as far as the register has them.
    pub async fn whose(&self, ids: &[ResidentId]) -> Result<Vec<Whose>, Error> {
        let rows = resident::by_ids(&Scope::everything(), self.db.read(), ids).await?;
        Ok(rows.iter().map(Whose::from).collect())
    }

    async fn approvals(&self, reader: &Reader, minors: &[Whose]) -> Result<HashMap<ResidentId, Uuid>, Error> {
        let ids: Vec<ResidentId> = minors.iter().map(|minor| minor.id).collect();
        let of = (reader.who.as_str(), reader.purpose_code());
        let rows = minor_access::holding(self.db.read(), (of.0, &of.1), &ids, self.clock.now()).await?;
        Ok(rows.into_iter().map(|row| (row.resident_id, row.id.0)).collect())
    }

    /// Writes down, before anything is shown, that somebody else is to review these looks. Where the look then fails, the
    /// review finds that there was none.
    async fn note_emergency(&self, reader: &Reader, minors: &[Whose]) -> Result<HashMap<ResidentId, Uuid>, Error> {
        let ids: Vec<ResidentId> = minors.iter().map(|minor| minor.id).collect();
        let now = self.clock.now();
        let known = minor_access::to_review(self.db.read(), &reader.who, &ids, now - ONE_EMERGENCY).await?;
        let mut basis: HashMap<ResidentId, Uuid> = known.into_iter().map(|row| (row.resident_id, row.id.0)).collect();
        let new: Vec<Model> = minors
            .iter()
            .filter(|minor| !basis.contains_key(&minor.id))
            .map(|minor| Model {
                id: self.ids.next::<MinorAccessId>(),
                resident_id: minor.id,
                area_code: minor.area,
                purpose: reader.purpose_code(),
                reader: reader.who.clone(),
                reason: None,
                state: AccessState::ToReview,
                requested_at: now,
                days: 0,
                decided_by: None,
                decided_at: None,
                decision: None,
                until: None,
                ended_at: None,
            })
            .collect();
        basis.extend(new.iter().map(|row| (row.resident_id, row.id.0)));
        if !new.is_empty() {
            let write = self.db.write(move |tx| {
                for row in new.clone() {
                    tx.append(row.into_active_model());
                }
                Box::pin(async { Ok::<_, Error>(()) })
            });
            write.await?;
        }
        Ok(basis)
    }
}
