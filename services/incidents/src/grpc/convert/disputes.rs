//! Disputes, in the contract's words and in ours.

use chassis::{Fault, data::Page};
use linju_proto::incidents::v1;

use super::{
    codes::pairs,
    promise::time,
    request::{area, id, missing},
};
use crate::{
    Error,
    app::{Change, Decide, DisputesOf, Order},
    domain::{
        Command, Unit,
        dispute::{Basis, Outcome, Ruling},
    },
    store::{Code, dispute::Model},
};

pairs!(basis, basis_of, Basis, DisputeBasis {
    DutyList = DutyList,
    Territory = Territory,
    Ownership = Ownership,
    Statute = Statute,
});

pairs!(outcome, outcome_of, Outcome, DisputeOutcome {
    Stays = Stays,
    Moves = Moves,
    Shared = Shared,
    Elsewhere = Elsewhere,
    Moot = Moot,
});

impl TryFrom<v1::DisputeDispatchRequest> for Change {
    type Error = Error;

    fn try_from(request: v1::DisputeDispatchRequest) -> Result<Self, Error> {
        let v1::DisputeDispatchRequest { id: id_text, basis, reference, reason, etag } = request;
        let basis = basis_of(basis).ok_or_else(|| missing("basis"))?;
        let order = Order::Command(Command::DisputeDispatch { basis });
        Ok(Self { id: id("id", &id_text)?, etag, order, text: format!("{reference}\n{reason}") })
    }
}

impl TryFrom<v1::DecideDisputeRequest> for Decide {
    type Error = Error;

    fn try_from(request: v1::DecideDisputeRequest) -> Result<Self, Error> {
        let v1::DecideDisputeRequest { id: id_text, outcome, unit, shared_with, explanation, go_to, etag } = request;
        let outcome = outcome_of(outcome).ok_or_else(|| missing("outcome"))?;
        let fits = |field: &'static str, is_set: bool, of: &[Outcome]| match (is_set, of.contains(&outcome)) {
            (true, false) => {
                Err(Fault::field(field, "outcome", format!("says nothing where it {outcome}: leave it out")))
            }
            (false, true) => Err(Fault::field(field, "outcome", format!("is missing where the outcome is {outcome}"))),
            _ => Ok(()),
        };
        fits("unit", !unit.is_empty(), &[Outcome::Moves, Outcome::Shared])?;
        fits("shared_with", !shared_with.is_empty(), &[Outcome::Shared])?;
        fits("go_to", !go_to.is_empty(), &[Outcome::Elsewhere])?;
        let ruling = match outcome {
            Outcome::Stays => Ruling::Stays,
            Outcome::Moves => Ruling::Moves { unit: Unit(unit) },
            Outcome::Shared => Ruling::Shared { main: Unit(unit), with: shared_with.into_iter().map(Unit).collect() },
            Outcome::Elsewhere => Ruling::Elsewhere,
            Outcome::Moot => return Err(missing("outcome")),
        };
        let text = if go_to.is_empty() { explanation } else { format!("{explanation}\n{go_to}") };
        Ok(Self { id: id("id", &id_text)?, etag, ruling, text })
    }
}

impl TryFrom<v1::ListDisputesRequest> for DisputesOf {
    type Error = Error;

    fn try_from(request: v1::ListDisputesRequest) -> Result<Self, Error> {
        let v1::ListDisputesRequest { area_code, decided, page_size, page_token } = request;
        let which = if decided { "all" } else { "open" };
        let page = Page::read(&[&area_code, which], page_size, &page_token)?;
        Ok(Self { area: area("area_code", &area_code)?, decided, page })
    }
}

impl From<Model> for v1::Dispute {
    fn from(row: Model) -> Self {
        let Model {
            id: _,
            incident_id,
            area_code,
            unit,
            basis: Code(based_on),
            disputed_at,
            due_at,
            overdue,
            outcome: ended_with,
            decided_at,
            decided_by,
        } = row;
        Self {
            incident_id: incident_id.to_string(),
            area_code: area_code.to_string(),
            unit,
            basis: basis(based_on).into(),
            disputed_at: Some(time(disputed_at)),
            due_at: Some(time(due_at)),
            overdue,
            outcome: ended_with.map_or(v1::DisputeOutcome::Unspecified, |Code(ended)| outcome(ended)).into(),
            decided_at: decided_at.map(time),
            decided_by: decided_by.unwrap_or_default(),
        }
    }
}
