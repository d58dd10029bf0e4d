//! Who looked at what somebody reported, as that person is told.

use chassis::{
    access::{
        Call,
        audit::{self, Looked},
    },
    data::{Page, Tx},
};
use uuid::Uuid;

use super::App;
use crate::{domain::IncidentId, error::Error, store::incident};

/// So many reports of one's own are looked through, the latest.
const MOST_REPORTS: u64 = 1_000;

impl App {
    /// Looks at the caller's own reports, or at one of them, the latest first; and the token of the next page.
    pub async fn my_looks(
        &self,
        call: &Call,
        asked: Option<IncidentId>,
        page: Page<Uuid>,
    ) -> Result<(Vec<Looked>, String), Error> {
        let db = self.db.read();
        let reports = match asked {
            Some(id) => vec![incident::get(db, call.scope(), id).await?.id],
            None => incident::newest_ids(db, call.scope(), MOST_REPORTS).await?,
        };
        let mut looks = audit::looks_at(db, &reports, page.after, page.limit()).await?;
        let next = page.cut(&mut looks, |look| look.id)?;
        Ok((looks, next))
    }

    /// Writes into the audit log who it was that acted for the reporter: the timeline names the person.
    pub(super) fn note_mandate(&self, tx: &Tx, call: &Call, incident: Uuid) {
        let Some(person) = call.on_behalf() else { return };
        let entry = audit::Entry {
            who: call.subject().to_owned(),
            on_behalf: Some(person.to_owned()),
            purpose: String::new(),
            method: call.method().to_owned(),
            subject: incident.to_string(),
            fields: String::new(),
            request: call.trace().to_owned(),
            acting: Some(call.scope().acting()).filter(|acting| !acting.is_empty()),
            basis: None,
        };
        audit::record(tx, &self.ids, &self.clock, entry);
    }
}

/// What people call a field of a report.
pub fn field_label(field: &str) -> &str {
    match field {
        "description" => "反映的内容",
        "place.address" => "地址",
        "reporter.name" => "姓名",
        "reporter.phone" => "手机号",
        "answers.values" => "补充回答",
        "timeline.text" => "办理记录",
        other => other,
    }
}
