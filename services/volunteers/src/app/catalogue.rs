//! The catalogue: read by anybody, kept by the office, and its owners reminded.

use chassis::{
    Fault,
    access::{Areas, Call},
    data::{AreaCode, Code, Tx, check_etag},
    events::{Timer, timers},
};
use chrono::NaiveDate;
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        catalogue::{
            Details, Form, Item, Refused, ServiceItemId, Status,
            freshness::{Rule, Step},
            hsds::{self, Depth, Page, Provider, Providers, Wanted},
        },
        china::start_of,
        organisation::OrganisationId,
    },
    error::Error,
    events,
    store::{
        json, organisation,
        service_item::{self as table, Model},
    },
};

/// The timer of an item: the next day on which somebody may have to be reminded of it.
pub const SERVICE_ITEM: &str = "volunteers.service_item";

/// What the office says of an item.
#[derive(Clone, Debug)]
pub struct Said {
    pub code: String,
    pub area: AreaCode,
    pub details: Details,
    pub owner: String,
}

/// An item on its way to a caller.
#[derive(Clone, Debug)]
pub struct ShownItem {
    pub item: Item,
    pub version: i64,
    /// Longer ago than the office allows.
    pub stale: bool,
    /// Whether the caller belongs to the office and reads who answers for it.
    pub of_office: bool,
}

/// Which items a list is about.
#[derive(Clone, Copy, Debug)]
pub struct ItemsOf {
    pub form: Option<Form>,
    pub ended: bool,
    pub stale_only: bool,
}

impl App {
    fn freshness(&self) -> Rule {
        let settings = &self.settings.catalogue;
        Rule { assured_days: settings.assured_days, again_days: settings.again_days }
    }

    fn shown_item(&self, call: &Call, row: Model) -> Result<ShownItem, Error> {
        let version = row.version;
        let item = row.item()?;
        let stale = !item.status.is_ended() && self.freshness().is_stale(item.assured_on, self.today());
        Ok(ShownItem { item, version, stale, of_office: call.scope().areas != Areas::Within(Vec::new()) })
    }

    /// One item.
    pub async fn service_item(&self, call: &Call, code: &str) -> Result<ShownItem, Error> {
        self.shown_item(call, table::get(self.db.read(), code).await?)
    }

    /// The items in the office's order.
    pub async fn service_items(&self, call: &Call, of: ItemsOf) -> Result<Vec<ShownItem>, Error> {
        let rows = table::all(self.db.read()).await?;
        let shown = rows.into_iter().map(|row| self.shown_item(call, row)).collect::<Result<Vec<_>, _>>()?;
        let wanted = |shown: &ShownItem| {
            of.form.is_none_or(|form| form == shown.item.details.form)
                && (of.ended || !shown.item.status.is_ended())
                && (!of.stale_only || shown.stale)
        };
        Ok(shown.into_iter().filter(wanted).collect())
    }

    /// Adds an item behind all others. Whoever adds it says that it is true.
    pub async fn create_service_item(&self, call: &Call, said: Said) -> Result<ShownItem, Error> {
        said.details.check()?;
        self.check_organisation(call, &said.details).await?;
        if !call.scope().areas.contain(said.area) {
            return Err(Error::AreaNotGranted { field: "item.area_code" });
        }
        let app = self.clone();
        let written = self.db.write(move |tx| {
            let (app, said) = (app.clone(), said.clone());
            Box::pin(async move {
                let Said { code, area, details, owner } = said;
                let row = Model {
                    id: app.ids.next(),
                    code,
                    area_code: area,
                    position: table::next_position(tx).await?,
                    details: json::write(&details)?,
                    status: Code(Status::Active),
                    alert: String::new(),
                    owner,
                    assured_on: app.today(),
                    reminded: 0,
                    updated_at: app.clock.now(),
                    version: 1,
                };
                tx.append(row.clone().into_active_model());
                app.set_item_timer(tx, &row).await?;
                Ok::<_, Error>(row)
            })
        });
        match written.await {
            Err(error) if error.is_duplicate() => Err(Refused::CodeTaken.into()),
            written => self.shown_item(call, written?),
        }
    }

    /// Replaces everything about an item but its code, its status and the day it was assured on.
    pub async fn update_service_item(&self, call: &Call, said: Said, etag: &str) -> Result<ShownItem, Error> {
        said.details.check()?;
        self.check_organisation(call, &said.details).await?;
        if !call.scope().areas.contain(said.area) {
            return Err(Error::AreaNotGranted { field: "item.area_code" });
        }
        let (code, details) = (said.code.clone(), json::write(&said.details)?);
        self.change_item(call, code, etag, move |_, row| {
            (row.area_code, row.owner, row.details) = (said.area, said.owner.clone(), details.clone());
        })
        .await
    }

    /// Says that everything an item states is true today.
    pub async fn assure_service_item(&self, call: &Call, code: String, etag: &str) -> Result<ShownItem, Error> {
        self.change_item(call, code, etag, |app, row| {
            (row.assured_on, row.reminded) = (app.today(), 0);
        })
        .await
    }

    /// Opens, closes or ends an item, with what the public is told.
    pub async fn set_service_status(
        &self,
        call: &Call,
        code: String,
        (status, alert): (Status, String),
        etag: &str,
    ) -> Result<ShownItem, Error> {
        if status == Status::TemporarilyClosed && alert.trim().is_empty() {
            return Err(Refused::AlertMissing.into());
        }
        self.change_item(call, code, etag, move |_, row| {
            (row.status, row.alert) = (Code(status), alert.clone());
            if status.is_ended() {
                row.reminded = 0;
            }
        })
        .await
    }

    /// Changes an item of the caller's areas, or one that the caller answers for.
    async fn change_item<F>(&self, call: &Call, code: String, etag: &str, change: F) -> Result<ShownItem, Error>
    where
        F: Fn(&Self, &mut Model) + Clone + Send + Sync + 'static,
    {
        let (app, caller, etag) = (self.clone(), call.clone(), etag.to_owned());
        let written = self.db.write(move |tx| {
            let (app, call, code) = (app.clone(), caller.clone(), code.clone());
            let (etag, change) = (etag.clone(), change.clone());
            Box::pin(async move {
                let mut row = table::lock(tx, &code).await?;
                if !call.scope().areas.contain(row.area_code) && call.subject() != row.owner {
                    return Err(Refused::NotItsOwner.into());
                }
                check_etag(&etag, row.version)?;
                change(&app, &mut row);
                row.updated_at = app.clock.now();
                row.version += 1;
                app.set_item_timer(tx, &row).await?;
                table::save(tx, row.clone()).await?;
                Ok::<_, Error>(row)
            })
        });
        self.shown_item(call, written.await?)
    }

    async fn set_item_timer(&self, tx: &Tx, row: &Model) -> Result<(), Error> {
        let key = row.id.to_string();
        if row.status.0.is_ended() {
            timers::cancel(tx, SERVICE_ITEM, &key).await?;
            return Ok(());
        }
        let day = match self.freshness().step(row.assured_on, self.today()) {
            Step::Wait(day) => day,
            Step::Remind { .. } => self.today(),
        };
        // Who changes something about an item that is old already does not bring the next reminder forward.
        if row.reminded > 0 { Ok(()) } else { set_timer(tx, key, day).await }
    }

    /// The day of an item's timer has come.
    pub(crate) async fn service_item_due(&self, tx: &Tx, id: ServiceItemId) -> Result<(), Error> {
        let Some(mut row) = table::lock_id(tx, id).await? else { return Ok(()) };
        if row.status.0.is_ended() {
            return Ok(());
        }
        match self.freshness().step(row.assured_on, self.today()) {
            Step::Wait(day) => set_timer(tx, id.to_string(), day).await,
            Step::Remind { again_on } => {
                // The row's version is the event's: what is told of one item stays in order.
                row.version += 1;
                self.outbox.add(tx, events::service_item_stale(&self.ids, &row, self.clock.now()));
                row.reminded = row.reminded.saturating_add(1);
                table::save(tx, row).await?;
                set_timer(tx, id.to_string(), again_on).await
            }
        }
    }

    /// Who does these items, as far as the public knows them.
    async fn providers(&self, items: &[Item]) -> Result<Providers, Error> {
        let ids: Vec<Uuid> = items.iter().filter_map(|item| item.details.organisation_id).collect();
        let known = organisation::known_to_all(self.db.read(), &ids).await?.into_iter();
        let organisations =
            known.map(|row| (row.id.0, Provider { name: row.name, services: row.services, uscc: row.uscc }));
        Ok(Providers { office: self.settings.catalogue.office.clone(), organisations: organisations.collect() })
    }

    /// An item is given to an organisation that is here.
    async fn check_organisation(&self, call: &Call, details: &Details) -> Result<(), Error> {
        let Some(id) = details.organisation_id else { return Ok(()) };
        match organisation::get(self.db.read(), call.scope(), OrganisationId(id)).await {
            Err(Fault::NotFound(_)) => {
                let message = "is no organisation of your areas: enter it first";
                Err(Refused::Field { field: "item.organisation_id", message }.into())
            }
            found => Ok(found.map(|_| ())?),
        }
    }

    /// A page of the published directory.
    pub async fn directory(&self, wanted: &Wanted, depth: Depth, page: (usize, usize)) -> Result<Page, Error> {
        let rows = table::all(self.db.read()).await?;
        let items = rows.into_iter().map(Model::item).collect::<Result<Vec<_>, _>>()?;
        Ok(hsds::page(&items, &self.providers(&items).await?, wanted, depth, page))
    }

    /// One service of the published directory.
    pub async fn directory_service(&self, id: ServiceItemId, depth: Depth) -> Result<serde_json::Value, Error> {
        let row = table::of_id(self.db.read(), id).await?.ok_or(Fault::NotFound("service"))?;
        let item = row.item()?;
        let by = self.providers(std::slice::from_ref(&item)).await?;
        Ok(hsds::service(&item, &by, depth))
    }
}

async fn set_timer(tx: &Tx, key: String, day: NaiveDate) -> Result<(), Error> {
    let timer = Timer { kind: SERVICE_ITEM.to_owned(), key, due_at: start_of(day), payload: String::new() };
    Ok(timers::set(tx, &timer).await?)
}
