//! What was collected in an emergency and destroyed by its service is destroyed here, too.
//!
//! A handler holds its transaction open, and a store far away may take its time: so this only takes the rows out of everybody's
//! sight, in the transaction that notes the event as handled. Contents, keys and rows go with the next round of
//! [`Attachments::sweep`], which tries again until they are gone.

use std::sync::Arc;

use async_trait::async_trait;
use chassis::{
    data::Tx,
    events::{Consumer, Counts, Event, Handler, HandlerError},
};
use linju_proto::incidents::v1::EmergencyRecordsDestroyed;

use super::{Attachments, records::Record, store};

impl Attachments {
    /// Hears which records were destroyed.
    pub fn consumer() -> Consumer {
        Consumer {
            name: "gateway-attachments",
            subjects: vec!["linju.incidents.v1.*.*.*.emergency_records_destroyed".to_owned()],
            counts: Counts::Every,
            handler: Arc::new(RecordsDestroyed),
        }
    }
}

struct RecordsDestroyed;

#[async_trait]
impl Handler for RecordsDestroyed {
    async fn handle(&self, tx: &Tx, event: &Event) -> Result<(), HandlerError> {
        let EmergencyRecordsDestroyed { emergency_id, area_code: _, incident_ids } =
            event.message().map_err(HandlerError::Useless)?;
        let records: Vec<Record> = incident_ids
            .iter()
            .map(|id| format!("incidents/{id}").parse())
            .collect::<Result<_, _>>()
            .map_err(|_| HandlerError::Useless("`incident_ids` names what is no UUID".to_owned()))?;
        let mut files = 0;
        for record in records {
            files += store::take_away(tx, record).await?;
        }
        tracing::info!(emergency = emergency_id, files, "files of destroyed records are taken away");
        Ok(())
    }
}
