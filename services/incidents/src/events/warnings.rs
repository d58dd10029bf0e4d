//! What is told of public warnings, and what residents answers.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    data::{Ids, Tx},
    events::{Consumer, Counts, Event, Handler, HandlerError, Head},
};
use linju_proto::{incidents::v1, residents::v1::WarningCallsChanged};

use super::failed;
use crate::{
    app::App,
    domain::warning::Message,
    grpc::convert::warnings::{colour, message_type, severity, status, time},
    store::warning::{self, calls},
};

/// A message went out.
pub fn warned(ids: &Ids, row: &warning::Model, message: &Message) -> Event {
    let buildings = message.info.areas.iter().flat_map(|area| {
        area.buildings.iter().map(|b| v1::Building {
            area_code: area.code.clone(),
            compound: b.compound.clone(),
            building: b.building.clone(),
        })
    });
    let told = v1::WarningIssued {
        warning_id: row.id.to_string(),
        first_warning_id: row.first_id.to_string(),
        area_code: row.area_code.to_string(),
        status: status(message.status).into(),
        message_type: message_type(message.kind).into(),
        severity: severity(message.info.severity).into(),
        colour: message.info.colour.map(|c| colour(c).into()).unwrap_or_default(),
        expires_at: Some(time(row.expires_at)),
        buildings: buildings.collect(),
    };
    // Each message follows all before it in its chain.
    let version = i64::try_from(message.references.len()).unwrap_or(i64::MAX).saturating_add(1);
    let head = Head { id: ids.next(), key: row.first_id, version, area: row.area_code, at: row.sent_at };
    Event::new(head, &told)
}

/// Hears from residents how many people without a phone there are to call, and how many were reached.
pub fn calls_consumer(app: App) -> Consumer {
    Consumer {
        name: "incidents-warning-calls",
        subjects: vec!["linju.residents.v1.*.*.*.warning_calls_changed".to_owned()],
        counts: Counts::Newest,
        handler: Arc::new(CallsHandler(app)),
    }
}

struct CallsHandler(App);

#[async_trait]
impl Handler for CallsHandler {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        let told: WarningCallsChanged = event.message().map_err(HandlerError::Useless)?;
        let WarningCallsChanged { first_warning_id, area_code: _, to_call, reached } = told;
        let first_id = first_warning_id.parse().map_err(|_| {
            HandlerError::Useless(format!("`first_warning_id` is `{first_warning_id}`, which is no UUID"))
        })?;
        self.0.record_calls(tx, calls::Model { first_id, to_call, reached }).await.map_err(failed)
    }
}
