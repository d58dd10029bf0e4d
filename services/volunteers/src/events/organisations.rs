//! What this service tells others of organisations, and what it does when a loan was due.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chassis::{
    data::{Ids, Tx},
    events::{Event, HandlerError, Head, Timer, TimerHandler, TimerHandlers},
};
use chrono::{DateTime, NaiveDate, Utc};
use linju_proto::volunteers::v1;

use super::failed;
use crate::{
    app::{App, organisations::assets::LOAN},
    domain::organisation::{OrganisationId, Stage},
    grpc::convert::organisations as codes,
    store::organisation::{Model, asset},
};

/// An organisation came, or moved along the pipeline; `row` is as it became.
pub fn organisation_moved(ids: &Ids, row: &Model, from: Option<Stage>) -> Event {
    let message = v1::OrganisationMoved {
        organisation_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        origin: codes::shown_origin(row.origin.0).into(),
        from_stage: from.map_or(v1::OrganisationStage::Unspecified, codes::stage).into(),
        stage: codes::stage(row.stage.0).into(),
    };
    let head = Head { id: ids.next(), key: row.id.0, version: row.version, area: row.area_code, at: row.updated_at };
    Event::new(head, &message)
}

/// So many are not back, the first of them due on this day.
pub fn loan_overdue(
    ids: &Ids,
    row: &asset::Model,
    organisation: OrganisationId,
    (quantity, due_on): (i64, NaiveDate),
    at: DateTime<Utc>,
) -> Event {
    let message = v1::LoanOverdue {
        asset_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        organisation_id: organisation.to_string(),
        quantity: i32::try_from(quantity).unwrap_or(i32::MAX),
        due_on: due_on.to_string(),
    };
    Event::new(Head { id: ids.next(), key: row.id.0, version: row.version, area: row.area_code, at }, &message)
}

/// The handlers of timers, by kind.
pub fn timers(app: App) -> TimerHandlers {
    HashMap::from([(LOAN, Arc::new(LoanDue(app)) as Arc<dyn TimerHandler>)])
}

struct LoanDue(App);

#[async_trait]
impl TimerHandler for LoanDue {
    async fn fire(&self, tx: &Tx, timer: &Timer) -> Result<(), HandlerError> {
        let key = timer.key.split_once(':').and_then(|(asset, to)| Some((asset.parse().ok()?, to.parse().ok()?)));
        let (asset, organisation) =
            key.ok_or_else(|| HandlerError::Useless(format!("`{}` is no asset and organisation", timer.key)))?;
        self.0.loan_due(tx, asset, organisation).await.map_err(failed)
    }
}
