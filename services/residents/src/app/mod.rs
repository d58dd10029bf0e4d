//! The use cases. Each reads, asks a rule, and writes rows and events in one transaction.

mod areas;
mod call_list;
mod care_list;
mod care_tags;
mod corrections;
mod create_resident;
mod data_requests;
mod demo;
mod figures;
mod households;
mod import;
mod merge;
mod minor_access;
mod minors;
mod move_resident;
mod my_data;
mod read;
mod search;
mod update_resident;

use chassis::{
    access::Scope,
    data::{Clock, Db, Ids, Keyring, SecretText, Tx},
    events::Outbox,
};
use chrono::{FixedOffset, NaiveDate};

pub use areas::{AreaProblem, AreasOutcome};
pub use call_list::{CallListView, CallView, DESTROY, Warned};
pub use care_list::{CareList, CareListEntry, CareListOf, Needs};
pub use care_tags::{ClearCareTag, SetCareTag};
pub use create_resident::CreateResident;
pub(crate) use data_requests::DUE;
pub use data_requests::{Ask, DataRequestView, ListDataRequests, RequestAboutData, RequestDue};
pub use demo::{DemoOptions, DemoOutcome};
pub use figures::FiguresOf;
pub use households::{Address, CreateHousehold, DwellingView, HouseholdView, MemberView};
pub use import::{ImportError, ImportOptions, Progress, SurveyOutcome};
pub use merge::{MergeResidents, UnmergeResident};
pub use minor_access::{MinorAccessFigures, MinorAccessView, RequestMinorAccess};
pub use minors::{Emergency, Opened, Reader, Whose};
pub use move_resident::{End, EndResidence, MoveResident};
pub(crate) use my_data::address;
pub use my_data::{Export, HeldFact, Home, MyRecord};
pub use read::{ListResidents, ResidentPage};
pub use search::SearchResidents;
pub(crate) use update_resident::agree;
pub use update_resident::{ResidentChange, UpdateResident};

use crate::{
    Error,
    config::MinorSettings,
    domain::facts::Source,
    events::{Told, told},
    store::{
        ResidentId, care_tag,
        resident::{self, Reads},
    },
};

/// The use cases of this service.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    /// Residents by their ids.
    pub reads: Reads,
    pub clock: Clock,
    pub ids: Ids,
    pub keys: Keyring,
    pub outbox: Outbox,
    pub minors: MinorSettings,
}

/// Who changes something.
#[derive(Clone, Debug)]
pub struct By {
    pub scope: Scope,
    pub who: String,
    /// What a statement of this caller counts as.
    pub source: Source,
}

/// A person with what belongs to the record.
#[derive(Clone, Debug)]
pub struct Record {
    pub row: resident::Model,
    /// Those that hold today.
    pub tags: Vec<care_tag::Model>,
    pub national_id: Option<SecretText>,
    pub phone: Option<SecretText>,
}

impl App {
    /// The day it is in China, which has one time for all.
    pub fn today(&self) -> NaiveDate {
        const EIGHT_HOURS: i32 = 8 * 3600;
        let now = self.clock.now();
        FixedOffset::east_opt(EIGHT_HOURS)
            .map_or_else(|| now.date_naive(), |china| now.with_timezone(&china).date_naive())
    }

    /// Writes a change of a person: the row, then each event under a version of its own. With nothing to tell the version is
    /// new all the same, as who holds the record must read it again.
    async fn save(&self, tx: &Tx, mut row: resident::Model, events: Vec<Told>) -> Result<(), Error> {
        row.updated_at = self.clock.now();
        if events.is_empty() {
            row.version += 1;
        }
        for event in events {
            row.version += 1;
            self.outbox.add(tx, told(&self.ids, &row, &event));
        }
        Ok(resident::save(tx, row).await?)
    }

    /// Completes rows to records. The caller has found the rows within the scope.
    async fn records(&self, rows: Vec<resident::Model>) -> Result<Vec<Record>, Error> {
        let ids: Vec<ResidentId> = rows.iter().map(|row| row.id).collect();
        let today = self.today();
        let mut tags = care_tag::of(self.db.read(), &ids).await?;
        tags.retain(|tag| tag.holds_on(today));
        let mut records = Vec::with_capacity(rows.len());
        for row in rows {
            let own = tags.iter().filter(|tag| tag.resident_id == row.id).cloned().collect();
            records.push(self.opened(row, own).await?);
        }
        Ok(records)
    }

    async fn opened(&self, row: resident::Model, tags: Vec<care_tag::Model>) -> Result<Record, Error> {
        let national_id = row.open_national_id(&self.keys).await?;
        let phone = row.open_phone(&self.keys).await?;
        Ok(Record { row, tags, national_id, phone })
    }

    /// A day that has come.
    fn not_future(&self, field: &'static str, day: NaiveDate) -> Result<NaiveDate, Error> {
        if day > self.today() {
            return Err(Error::field(field, "date.past", format!("is {day}, in the future: give the day it happened")));
        }
        Ok(day)
    }
}
