//! What organisations are lent and what they offer, in the contract's words and in ours.

use chassis::{
    Fault,
    data::{Code, Page, etag},
};
use chrono::NaiveDate;
use linju_proto::volunteers::v1;

use super::{area, codes, day, day_or_none, id, id_or_none, missing, request};
use crate::{
    Error,
    app::{
        Request,
        organisations::{
            assets::{AssetsOf, Change, NewAsset, ShownAsset},
            offers::{NewOffer, OffersOf, ShownOffer},
        },
    },
    domain::organisation::{
        AssetId, OfferId,
        ledger::{Account, AssetKind},
        offer::{Kind, State},
    },
    store::organisation::{
        asset::{Model, Wanted, entry},
        offer::{self, WITHOUT_END},
    },
};

fn count(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn shown_day(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// Premises or equipment to be taken in.
pub fn new_asset(message: v1::CreateAssetRequest) -> Result<(Request, NewAsset), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::CreateAssetRequest { asset, quantity, request_id: _ } = message;
    let v1::Asset { id: _, name, kind, area_code, place, unit, holdings: _, etag: _ } =
        asset.ok_or_else(|| missing("asset"))?;
    if name.trim().is_empty() {
        return Err(Fault::field("asset.name", "blank", "is blank: say what it is").into());
    }
    let (kind, area) = (some_asset_kind("asset.kind", kind)?, area("asset.area_code", &area_code)?);
    Ok((request, NewAsset { name, kind, area, place, unit, quantity: quantity.into() }))
}

/// Something lent.
pub fn lend(message: v1::LendAssetRequest) -> Result<(Request, AssetId, Change), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::LendAssetRequest { id: asset, organisation_id, quantity, due_on, request_id: _ } = message;
    let (to, due_on) = (id("organisation_id", &organisation_id)?, day("due_on", &due_on)?);
    Ok((request, id("id", &asset)?, Change::Lend { to, quantity: quantity.into(), due_on }))
}

/// Something given back.
pub fn give_back(message: v1::ReturnAssetRequest) -> Result<(Request, AssetId, Change), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::ReturnAssetRequest { id: asset, organisation_id, whole, damaged, note, request_id: _ } = message;
    let from = id("organisation_id", &organisation_id)?;
    let change = Change::Return { from, whole: whole.into(), damaged: damaged.into(), note };
    Ok((request, id("id", &asset)?, change))
}

/// Another movement inside the office.
pub fn movement(message: v1::MoveAssetRequest) -> Result<(Request, AssetId, Change), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::MoveAssetRequest { id: asset, from, to, quantity, note, request_id: _ } = message;
    let (from, to) = (own_account("from", from)?, own_account("to", to)?);
    Ok((request, id("id", &asset)?, Change::Move { from, to, quantity: quantity.into(), note }))
}

/// An account of the office itself. What is lent goes to somebody and comes from somebody, which is said by other methods.
fn own_account(field: &'static str, number: i32) -> Result<Account, Error> {
    match v1::AssetAccount::try_from(number) {
        Ok(v1::AssetAccount::Source) => Ok(Account::Source),
        Ok(v1::AssetAccount::Store) => Ok(Account::Store),
        Ok(v1::AssetAccount::Damaged) => Ok(Account::Damaged),
        Ok(v1::AssetAccount::WrittenOff) => Ok(Account::WrittenOff),
        Ok(v1::AssetAccount::Lent) => {
            Err(Fault::field(field, "account", "is what organisations have: lend it, or take it back").into())
        }
        Ok(v1::AssetAccount::Unspecified) | Err(_) => Err(missing(field)),
    }
}

/// Which assets a list is about.
pub fn assets_of(message: v1::ListAssetsRequest) -> Result<AssetsOf, Error> {
    let v1::ListAssetsRequest { area_code, kind, lent_to, page_size, page_token } = message;
    let kind = if kind == 0 { None } else { Some(some_asset_kind("kind", kind)?) };
    let query = ["assets", &area_code, kind.map_or("", AssetKind::code), &lent_to];
    let page = Page::read(&query, page_size, &page_token)?;
    let lent_to = id_or_none("lent_to", &lent_to)?;
    Ok(AssetsOf { wanted: Wanted { area: area("area_code", &area_code)?, kind, lent_to }, page })
}

/// Whose ledger, and which page of it.
pub fn entries_of(message: v1::ListAssetEntriesRequest) -> Result<(AssetId, Page<i64>), Error> {
    let v1::ListAssetEntriesRequest { asset_id, page_size, page_token } = message;
    let page = Page::read(&["asset entries", &asset_id], page_size, &page_token)?;
    Ok((id("asset_id", &asset_id)?, page))
}

/// An asset as the contract shows it.
pub fn asset(shown: ShownAsset) -> v1::Asset {
    let ShownAsset { row, holdings } = shown;
    let Model { id, name, kind: Code(kind), area_code, place, unit, updated_at: _, version } = row;
    let lent = holdings.lent.iter().map(|(organisation, loan)| v1::Loan {
        organisation_id: organisation.to_string(),
        quantity: count(loan.values().sum()),
        due_on: shown_day(loan.keys().next().copied()),
    });
    v1::Asset {
        id: id.to_string(),
        name,
        kind: asset_kind(kind).into(),
        area_code: area_code.to_string(),
        place,
        unit,
        holdings: Some(v1::Holdings {
            in_store: count(holdings.in_store),
            damaged: count(holdings.damaged),
            written_off: count(holdings.written_off),
            lent: lent.collect(),
        }),
        etag: etag(version),
    }
}

/// An entry of the ledger as the contract shows it.
pub fn entry(row: entry::Model) -> Result<v1::AssetEntry, Error> {
    let sides = row.entry()?;
    let entry::Model {
        id,
        asset_id: _,
        position: _,
        at,
        from_account: _,
        to_account: _,
        organisation_id,
        quantity,
        due_on,
        note,
        by,
    } = row;
    Ok(v1::AssetEntry {
        id: id.to_string(),
        at: Some(codes::time(at)),
        from: account(sides.from).into(),
        to: account(sides.to).into(),
        organisation_id: organisation_id.map(|id| id.to_string()).unwrap_or_default(),
        quantity: count(quantity),
        due_on: shown_day(due_on),
        note,
        by,
    })
}

fn account(account: Account) -> v1::AssetAccount {
    match account {
        Account::Source => v1::AssetAccount::Source,
        Account::Store => v1::AssetAccount::Store,
        Account::Lent(_) => v1::AssetAccount::Lent,
        Account::Damaged => v1::AssetAccount::Damaged,
        Account::WrittenOff => v1::AssetAccount::WrittenOff,
    }
}

fn some_asset_kind(field: &'static str, number: i32) -> Result<AssetKind, Error> {
    match v1::AssetKind::try_from(number) {
        Ok(v1::AssetKind::Premises) => Ok(AssetKind::Premises),
        Ok(v1::AssetKind::Equipment) => Ok(AssetKind::Equipment),
        Ok(v1::AssetKind::Unspecified) | Err(_) => Err(missing(field)),
    }
}

fn asset_kind(kind: AssetKind) -> v1::AssetKind {
    match kind {
        AssetKind::Premises => v1::AssetKind::Premises,
        AssetKind::Equipment => v1::AssetKind::Equipment,
    }
}

/// Something that a partner gives.
pub fn new_offer(message: v1::CreateOfferRequest) -> Result<(Request, NewOffer), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::CreateOfferRequest { organisation_id, offer, request_id: _ } = message;
    let said = offer.ok_or_else(|| missing("offer"))?;
    let new = NewOffer {
        organisation: id("organisation_id", &organisation_id)?,
        kind: some_offer_kind(said.kind)?,
        what: said.what,
        quantity: said.quantity.into(),
        unit: said.unit,
        from: day_or_none("offer.from", &said.from)?,
        until: day_or_none("offer.until", &said.until)?,
    };
    Ok((request, new))
}

/// Which offers a list is about.
pub fn offers_of(message: v1::ListOffersRequest) -> Result<OffersOf, Error> {
    let v1::ListOffersRequest { area_code, organisation_id, open_only, page_size, page_token } = message;
    let query = ["offers", &area_code, &organisation_id, if open_only { "open" } else { "" }];
    let page = Page::read(&query, page_size, &page_token)?;
    let organisation = id_or_none("organisation_id", &organisation_id)?;
    Ok(OffersOf { area: area("area_code", &area_code)?, organisation, open_only, page })
}

/// How much of which offer is taken up, and for what.
pub fn take_up(message: v1::TakeUpOfferRequest) -> Result<(Request, OfferId, (i64, String)), Error> {
    let request = request(&message.request_id, &message)?;
    let v1::TakeUpOfferRequest { id: offer, quantity, occasion, request_id: _ } = message;
    Ok((request, id("id", &offer)?, (quantity.into(), occasion)))
}

/// An offer as the contract shows it.
pub fn offer(shown: ShownOffer) -> v1::Offer {
    let ShownOffer { row, state } = shown;
    let offer::Model {
        id,
        organisation_id,
        area_code,
        kind: Code(kind),
        what,
        quantity,
        unit,
        from_day,
        until,
        taken_up,
        withdrawn_at: _,
    } = row;
    v1::Offer {
        id: id.to_string(),
        organisation_id: organisation_id.to_string(),
        kind: offer_kind(kind).into(),
        what,
        quantity: count(quantity),
        unit,
        from: from_day.to_string(),
        until: shown_day((until != WITHOUT_END).then_some(until)),
        taken_up: count(taken_up),
        state: offer_state(state).into(),
        area_code: area_code.to_string(),
    }
}

fn some_offer_kind(number: i32) -> Result<Kind, Error> {
    match v1::OfferKind::try_from(number) {
        Ok(v1::OfferKind::People) => Ok(Kind::People),
        Ok(v1::OfferKind::Room) => Ok(Kind::Room),
        Ok(v1::OfferKind::Goods) => Ok(Kind::Goods),
        Ok(v1::OfferKind::Course) => Ok(Kind::Course),
        Ok(v1::OfferKind::Service) => Ok(Kind::Service),
        Ok(v1::OfferKind::Unspecified) | Err(_) => Err(missing("offer.kind")),
    }
}

fn offer_kind(kind: Kind) -> v1::OfferKind {
    match kind {
        Kind::People => v1::OfferKind::People,
        Kind::Room => v1::OfferKind::Room,
        Kind::Goods => v1::OfferKind::Goods,
        Kind::Course => v1::OfferKind::Course,
        Kind::Service => v1::OfferKind::Service,
    }
}

fn offer_state(state: State) -> v1::OfferState {
    match state {
        State::Open => v1::OfferState::Open,
        State::UsedUp => v1::OfferState::UsedUp,
        State::Ended => v1::OfferState::Ended,
        State::Withdrawn => v1::OfferState::Withdrawn,
    }
}
