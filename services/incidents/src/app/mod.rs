//! The use cases. Two doors lead here: the calls in [`crate::grpc`] and the events in [`crate::events`].

mod care;
mod change;
mod figures;
mod import;
mod parts;
mod read;
mod report;

use chassis::{
    access::{Call, Look, look},
    data::{Clock, Db, Ids, Keyring, Place, Sealed, SecretText},
    events::Outbox,
    run::Context,
};

pub use care::{CareList, Needs};
pub use change::{Change, Order};
pub use figures::{AreaFigures, FiguresOf};
pub use import::{ImportOptions, Outcome};
pub use read::{ListOf, ShownEntry};
pub use report::NewReport;

use crate::{
    domain::Policy,
    error::Error,
    store::incident::{self, ADDRESS, DESCRIPTION, Model, REPORTER_NAME, REPORTER_PHONE},
};

/// What every use case works with.
#[derive(Clone, Debug)]
pub struct App {
    db: Db,
    clock: Clock,
    ids: Ids,
    keys: Keyring,
    outbox: Outbox,
    policy: Policy,
}

/// An incident with its texts open, on its way to a caller.
#[derive(Clone, Debug)]
pub struct Shown {
    pub row: Model,
    pub description: Option<SecretText>,
    pub address: Option<SecretText>,
    pub reporter_name: Option<SecretText>,
    pub reporter_phone: Option<SecretText>,
    /// Whether the caller sees it only because it is their own, and so reads nothing that the office keeps to itself.
    pub only_own: bool,
}

/// The personal fields of an incident, as the audit log names them.
const FIELDS: &str = "description,place.address,reporter.name,reporter.phone";

impl App {
    pub fn new(context: Context) -> Self {
        let Context { db, clock, ids, keys, outbox, message_bytes: _, settings: _ } = context;
        Self { db, clock, ids, keys, outbox, policy: Policy::default() }
    }

    /// Opens the incidents and notes the look. Without a purpose the answer is masked on its way out.
    async fn show(&self, call: &Call, rows: Vec<incident::Model>) -> Result<Vec<Shown>, Error> {
        let looks = rows.iter().map(|row| Look { subject: row.id, fields: FIELDS }).collect();
        let areas = parts::reach(call).areas;
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            shown.push(Shown {
                description: self.open(row.place(DESCRIPTION), row.description.as_ref()).await?,
                address: self.open(row.place(ADDRESS), row.address.as_ref()).await?,
                reporter_name: self.open(row.place(REPORTER_NAME), row.reporter_name.as_ref()).await?,
                reporter_phone: self.open(row.place(REPORTER_PHONE), row.reporter_phone.as_ref()).await?,
                only_own: !areas.contain(row.area_code),
                row,
            });
        }
        look(&self.db, &self.ids, &self.clock, call, looks).await?;
        Ok(shown)
    }

    async fn show_one(&self, call: &Call, row: incident::Model) -> Result<Shown, Error> {
        let mut shown = self.show(call, vec![row]).await?;
        Ok(shown.remove(0))
    }

    async fn open(&self, place: Place, sealed: Option<&Sealed>) -> Result<Option<SecretText>, Error> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(self.keys.open_fresh(place, sealed).await?))
    }

    fn seal(&self, place: Place, text: Option<&str>) -> Result<Option<Sealed>, Error> {
        let text = text.filter(|text| !text.is_empty());
        Ok(text.map(|text| self.keys.seal(place, text)).transpose()?)
    }
}
