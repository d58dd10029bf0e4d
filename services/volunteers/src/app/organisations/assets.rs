//! Premises and equipment: taken in, lent, given back, damaged, written off. Each of these is an entry in a ledger.

use chassis::{
    access::{Call, Scope},
    data::{AreaCode, Code, Page, Tx},
    events::{Timer, timers},
};
use chrono::{Days, NaiveDate};
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::super::{App, proofs::Request};
use crate::{
    domain::{
        china::{end_of, start_of},
        organisation::{
            AssetId, OrganisationId, Refused, Stage,
            ledger::{Account, AssetKind, Entry, Holdings, check_move},
        },
    },
    error::Error,
    events,
    store::organisation::{
        self as organisations,
        asset::{self as table, Model, Wanted, entry},
    },
};

/// The timer of a loan: the day after the one on which the first of it is due.
pub const LOAN: &str = "volunteers.loan";
/// Days between two reminders of the same loan.
const AGAIN: Days = Days::new(7);

/// An asset to be taken into the ledger.
#[derive(Clone, Debug)]
pub struct NewAsset {
    pub name: String,
    pub kind: AssetKind,
    pub area: AreaCode,
    pub place: String,
    pub unit: String,
    pub quantity: i64,
}

/// An asset with what of it is where.
#[derive(Clone, Debug)]
pub struct ShownAsset {
    pub row: Model,
    pub holdings: Holdings,
}

/// A list of assets that somebody asks for.
#[derive(Clone, Debug)]
pub struct AssetsOf {
    pub wanted: Wanted,
    pub page: Page<Uuid>,
}

/// What is to be entered for one asset.
#[derive(Clone, Debug)]
pub enum Change {
    Lend { to: OrganisationId, quantity: i64, due_on: NaiveDate },
    Return { from: OrganisationId, whole: i64, damaged: i64, note: String },
    Move { from: Account, to: Account, quantity: i64, note: String },
}

impl App {
    /// Takes premises or equipment into the ledger.
    pub async fn create_asset(&self, call: &Call, request: Request, new: NewAsset) -> Result<ShownAsset, Error> {
        let NewAsset { name, kind, area, place, unit, quantity } = new;
        if !call.scope().areas.contain(area) {
            return Err(Error::AreaNotGranted { field: "asset.area_code" });
        }
        if kind == AssetKind::Premises && quantity != 1 {
            return Err(Refused::OneOfEach.into());
        }
        let key = self.request_key(call, request.id, &request.content);
        let (id, updated_at) = (self.ids.next(), self.clock.now());
        let row = Model { id, name, kind: Code(kind), area_code: area, place, unit, updated_at, version: 1 };
        let first = Entry { from: Account::Source, to: Account::Store, quantity, due_on: None };
        let (app, written, noted, by) = (self.clone(), row.clone(), key.clone(), call.subject().to_owned());
        let done = self.db.write(move |tx| {
            tx.append(written.clone().into_active_model());
            app.append_entry(tx, &written, first, "", &by);
            noted.note(tx, written.id.0, written.updated_at);
            Box::pin(async { Ok::<_, Error>(()) })
        });
        match done.await {
            Ok(()) => Ok(ShownAsset { row, holdings: Holdings::of([first])? }),
            Err(error) => self.asset(call, AssetId(self.made_before(&key, error).await?)).await,
        }
    }

    /// The asset's version is the position of the entry.
    fn append_entry(&self, tx: &Tx, of: &Model, entry: Entry, note: &str, by: &str) {
        let Entry { from, to, quantity, due_on } = entry;
        let row = entry::Model {
            id: self.ids.next(),
            asset_id: of.id,
            position: of.version,
            at: of.updated_at,
            from_account: from.code().to_owned(),
            to_account: to.code().to_owned(),
            organisation_id: from.organisation().or(to.organisation()),
            quantity,
            due_on,
            note: note.to_owned(),
            by: by.to_owned(),
        };
        tx.append(row.into_active_model());
    }

    /// One asset.
    pub async fn asset(&self, call: &Call, id: AssetId) -> Result<ShownAsset, Error> {
        let row = table::get(self.db.read(), call.scope(), id).await?;
        let mut shown = self.with_holdings(vec![row]).await?;
        Ok(shown.remove(0))
    }

    /// Assets of an area, and the token of the next page.
    pub async fn assets(&self, call: &Call, of: AssetsOf) -> Result<(Vec<ShownAsset>, String), Error> {
        let (rows, next) = table::list(self.db.read(), call.scope(), of.wanted, &of.page).await?;
        Ok((self.with_holdings(rows).await?, next))
    }

    async fn with_holdings(&self, rows: Vec<Model>) -> Result<Vec<ShownAsset>, Error> {
        let ids: Vec<AssetId> = rows.iter().map(|row| row.id).collect();
        let mut holdings = table::holdings(self.db.read(), &ids).await?;
        let shown = rows.into_iter().map(|row| {
            let holdings = holdings.remove(&row.id).unwrap_or_default();
            ShownAsset { row, holdings }
        });
        Ok(shown.collect())
    }

    /// The ledger of an asset, and the token of the next page.
    pub async fn asset_entries(
        &self,
        call: &Call,
        id: AssetId,
        page: &Page<i64>,
    ) -> Result<(Vec<entry::Model>, String), Error> {
        let of = table::get(self.db.read(), call.scope(), id).await?;
        Ok(table::entries(self.db.read(), of.id, page).await?)
    }

    /// Enters a change into the ledger of an asset, once for one request.
    pub async fn change_asset(
        &self,
        call: &Call,
        request: Request,
        id: AssetId,
        change: Change,
    ) -> Result<ShownAsset, Error> {
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, noted) = (self.clone(), call.clone(), key.clone());
        let done = self.db.write(move |tx| {
            let (app, call, noted, change) = (app.clone(), caller.clone(), noted.clone(), change.clone());
            Box::pin(async move {
                let shown = app.enter_into_ledger(tx, &call, id, change).await?;
                noted.note(tx, id.0, shown.row.updated_at);
                Ok::<_, Error>(shown)
            })
        });
        match done.await {
            Ok(shown) => Ok(shown),
            Err(error) => self.asset(call, AssetId(self.made_before(&key, error).await?)).await,
        }
    }

    async fn enter_into_ledger(&self, tx: &Tx, call: &Call, id: AssetId, change: Change) -> Result<ShownAsset, Error> {
        // The organisation first, always: whoever lets it go looks for what it has under the same lock.
        if let Change::Lend { to, due_on, .. } = &change {
            self.check_borrower(tx, call, *to, *due_on).await?;
        }
        let mut row = table::lock(tx, call.scope(), id).await?;
        let mut holdings = table::holdings(tx, &[id]).await?.remove(&id).unwrap_or_default();
        let (entries, note) = entries(&row, change)?;
        row.updated_at = self.clock.now();
        for entry in &entries {
            holdings.enter(*entry)?;
            row.version += 1;
            self.append_entry(tx, &row, *entry, &note, call.subject());
        }
        for organisation in entries.iter().filter_map(|entry| entry.from.organisation().or(entry.to.organisation())) {
            set_loan_timer(tx, id, organisation, holdings.due_on(organisation).map(end_of)).await?;
        }
        table::save(tx, row.clone()).await?;
        Ok(ShownAsset { row, holdings })
    }

    async fn check_borrower(&self, tx: &Tx, call: &Call, to: OrganisationId, due_on: NaiveDate) -> Result<(), Error> {
        if due_on < self.today() {
            return Err(
                Refused::Field { field: "due_on", message: "lies in the past: say when it is to come back" }.into()
            );
        }
        match organisations::lock(tx, call.scope(), to).await?.stage.0 {
            Stage::Incubated | Stage::Settled => Ok(()),
            Stage::Left => Err(Refused::HasLeft.into()),
            Stage::Introduced | Stage::Assessed | Stage::Graduated => Err(Refused::NotHere.into()),
        }
    }

    /// The day after a loan was due has come.
    pub(crate) async fn loan_due(&self, tx: &Tx, id: AssetId, organisation: OrganisationId) -> Result<(), Error> {
        let mut row = table::lock(tx, &Scope::everything(), id).await?;
        let holdings = table::holdings(tx, &[id]).await?.remove(&id).unwrap_or_default();
        let Some(due_on) = holdings.due_on(organisation) else { return Ok(()) };
        let overdue = holdings.overdue(organisation, self.today());
        let next = if overdue > 0 {
            // Every event of an asset has a version of its own.
            row.version += 1;
            let event =
                events::organisations::loan_overdue(&self.ids, &row, organisation, (overdue, due_on), self.clock.now());
            self.outbox.add(tx, event);
            table::save(tx, row).await?;
            start_of(self.today() + AGAIN)
        } else {
            end_of(due_on)
        };
        set_loan_timer(tx, id, organisation, Some(next)).await
    }
}

/// What a change enters, and the note to it.
fn entries(row: &Model, change: Change) -> Result<(Vec<Entry>, String), Refused> {
    match change {
        Change::Lend { to, quantity, due_on } => {
            let lent = Entry { from: Account::Store, to: Account::Lent(to), quantity, due_on: Some(due_on) };
            Ok((vec![lent], String::new()))
        }
        Change::Return { from, whole, damaged, note } => {
            if damaged > 0 && note.trim().is_empty() {
                return Err(Refused::NoteMissing);
            }
            let back = |to, quantity| Entry { from: Account::Lent(from), to, quantity, due_on: None };
            let both = [back(Account::Store, whole), back(Account::Damaged, damaged)];
            let entries: Vec<Entry> = both.into_iter().filter(|entry| entry.quantity > 0).collect();
            if entries.is_empty() {
                return Err(Refused::Field {
                    field: "whole",
                    message: "is 0, and so is `damaged`: say what came back",
                });
            }
            Ok((entries, note))
        }
        Change::Move { from, to, quantity, note } => {
            check_move(row.kind.0, from, to)?;
            Ok((vec![Entry { from, to, quantity, due_on: None }], note))
        }
    }
}

/// Sets the timer of a loan, or takes it back where nothing is lent any more.
async fn set_loan_timer(
    tx: &Tx,
    id: AssetId,
    organisation: OrganisationId,
    due_at: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<(), Error> {
    let key = format!("{id}:{organisation}");
    match due_at {
        Some(due_at) => {
            timers::set(tx, &Timer { kind: LOAN.to_owned(), key, due_at, payload: String::new() }).await?;
        }
        None => {
            timers::cancel(tx, LOAN, &key).await?;
        }
    }
    Ok(())
}
