//! What partners give, and what is taken up of it.

use chassis::{
    access::Call,
    data::{Code, Page},
};
use chrono::NaiveDate;
use sea_orm::IntoActiveModel;
use uuid::Uuid;

use super::super::{App, proofs::Request};
use crate::{
    domain::organisation::{
        OfferId, OrganisationId, Refused, Stage,
        offer::{Kind, State},
    },
    error::Error,
    store::organisation::{
        self as organisations,
        offer::{self as table, Model, WITHOUT_END, Wanted, taken},
    },
};

/// Something that a partner gives.
#[derive(Clone, Debug)]
pub struct NewOffer {
    pub organisation: OrganisationId,
    pub kind: Kind,
    pub what: String,
    /// 0: without a limit.
    pub quantity: i64,
    pub unit: String,
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
}

/// An offer on its way to a caller.
#[derive(Clone, Debug)]
pub struct ShownOffer {
    pub row: Model,
    pub state: State,
}

/// A list of offers that somebody asks for.
#[derive(Clone, Debug)]
pub struct OffersOf {
    pub area: chassis::data::AreaCode,
    pub organisation: Option<OrganisationId>,
    pub open_only: bool,
    pub page: Page<(NaiveDate, Uuid)>,
}

impl App {
    fn shown_offer(&self, row: Model) -> ShownOffer {
        let state = row.terms().state(self.today());
        ShownOffer { row, state }
    }

    /// Records what a partner offers.
    pub async fn create_offer(&self, call: &Call, request: Request, new: NewOffer) -> Result<ShownOffer, Error> {
        let from_day = new.from.unwrap_or_else(|| self.today());
        let until = new.until.unwrap_or(WITHOUT_END);
        if until < from_day.max(self.today()) {
            let message = "is before the first day, or past: say when the offer ends";
            return Err(Refused::Field { field: "offer.until", message }.into());
        }
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, noted) = (self.clone(), call.clone(), key.clone());
        let done = self.db.write(move |tx| {
            let (app, call, noted, new) = (app.clone(), caller.clone(), noted.clone(), new.clone());
            Box::pin(async move {
                let NewOffer { organisation, kind, what, quantity, unit, from: _, until: _ } = new;
                let of = organisations::lock(tx, call.scope(), organisation).await?;
                if of.stage.0 == Stage::Left {
                    return Err(Refused::HasLeft.into());
                }
                let row = Model {
                    id: app.ids.next(),
                    organisation_id: organisation,
                    area_code: of.area_code,
                    kind: Code(kind),
                    what,
                    quantity,
                    unit,
                    from_day,
                    until,
                    taken_up: 0,
                    withdrawn_at: None,
                };
                tx.append(row.clone().into_active_model());
                noted.note(tx, row.id.0, app.clock.now());
                Ok::<_, Error>(row)
            })
        });
        match done.await {
            Ok(row) => Ok(self.shown_offer(row)),
            Err(error) => self.shown_offer_of(call, OfferId(self.made_before(&key, error).await?)).await,
        }
    }

    async fn shown_offer_of(&self, call: &Call, id: OfferId) -> Result<ShownOffer, Error> {
        Ok(self.shown_offer(table::get(self.db.read(), call.scope(), id).await?))
    }

    /// Offers of an area, and the token of the next page.
    pub async fn offers(&self, call: &Call, of: OffersOf) -> Result<(Vec<ShownOffer>, String), Error> {
        let OffersOf { area, organisation, open_only, page } = of;
        let wanted = Wanted { area, organisation, open_on: open_only.then(|| self.today()) };
        let (rows, next) = table::list(self.db.read(), call.scope(), wanted, &page).await?;
        Ok((rows.into_iter().map(|row| self.shown_offer(row)).collect(), next))
    }

    /// Takes up some of an offer, once for one request.
    pub async fn take_up_offer(
        &self,
        call: &Call,
        request: Request,
        id: OfferId,
        (quantity, occasion): (i64, String),
    ) -> Result<ShownOffer, Error> {
        let key = self.request_key(call, request.id, &request.content);
        let (app, caller, noted) = (self.clone(), call.clone(), key.clone());
        let done = self.db.write(move |tx| {
            let (app, call, noted, occasion) = (app.clone(), caller.clone(), noted.clone(), occasion.clone());
            Box::pin(async move {
                let mut row = table::lock(tx, call.scope(), id).await?;
                row.taken_up = row.terms().take_up(quantity, app.today())?;
                let (at, by) = (app.clock.now(), call.subject().to_owned());
                let used = taken::Model { id: app.ids.next(), offer_id: id, at, quantity, occasion, by };
                tx.append(used.into_active_model());
                noted.note(tx, id.0, at);
                table::save(tx, row.clone()).await?;
                Ok::<_, Error>(row)
            })
        });
        match done.await {
            Ok(row) => Ok(self.shown_offer(row)),
            Err(error) => self.shown_offer_of(call, OfferId(self.made_before(&key, error).await?)).await,
        }
    }

    /// Withdraws an offer. What was taken up stays; again, nothing happens.
    pub async fn withdraw_offer(&self, call: &Call, id: OfferId) -> Result<ShownOffer, Error> {
        let (app, caller) = (self.clone(), call.clone());
        let written = self.db.write(move |tx| {
            let (app, call) = (app.clone(), caller.clone());
            Box::pin(async move {
                let mut row = table::lock(tx, call.scope(), id).await?;
                if row.withdrawn_at.is_none() {
                    row.withdrawn_at = Some(app.clock.now());
                    table::save(tx, row.clone()).await?;
                }
                Ok::<_, Error>(row)
            })
        });
        Ok(self.shown_offer(written.await?))
    }
}
