//! What a person has seen. Only now somebody may be sent.

use chassis::{
    access::Call,
    data::{Tx, check_etag},
    events::timers,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};

use super::{AlarmDesk, timers::unseen};
use crate::{
    app::{External, NewReport},
    domain::{
        CategoryCode, Channel,
        alarm::{AlarmKind, SituationId, SituationState},
    },
    error::Error,
    events,
    store::{
        Code,
        alarms::{
            device,
            situation::{self, FINDING},
        },
    },
};

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Real,
    False,
}

/// What a person says of a situation.
#[derive(Clone, Debug)]
pub struct Finding {
    pub id: SituationId,
    pub verdict: Verdict,
    /// In words; needed where it is real, for it describes the incident.
    pub words: String,
    pub category: Option<CategoryCode>,
    pub etag: String,
}

impl AlarmDesk {
    /// Writes the verdict; a real situation then becomes an incident. Should that second step be cut off, the same verdict
    /// again goes on with it.
    pub async fn verify(&self, call: &Call, finding: Finding) -> Result<situation::Model, Error> {
        let (desk, said, caller) = (self.clone(), finding.clone(), call.clone());
        let row = self.app.db.write(move |tx| {
            let (desk, said, caller) = (desk.clone(), said.clone(), caller.clone());
            Box::pin(async move { desk.write_verdict(tx, &caller, said).await })
        });
        let row = row.await?;
        if finding.verdict == Verdict::False || row.incident_id.is_some() {
            return Ok(row);
        }
        let shown = self.app.report(call, report(&row, finding)).await?;
        let incident = shown.row.id;
        let linked = self.app.db.write::<_, Error, _>(move |tx| {
            let mut changed = row.clone().into_active_model();
            changed.incident_id = Set(Some(incident));
            Box::pin(async move { Ok(changed.update(tx).await?) })
        });
        linked.await
    }

    async fn write_verdict(&self, tx: &Tx, call: &Call, finding: Finding) -> Result<situation::Model, Error> {
        let Finding { id, verdict, words, category: _, etag } = finding;
        let row = situation::get_locked(tx, call.scope(), id).await?;
        let state = match verdict {
            Verdict::Real => SituationState::Real,
            Verdict::False => SituationState::False,
        };
        if row.state.0 == state {
            return Ok(row);
        }
        if row.state.0 != SituationState::Open {
            return Err(Error::SituationVerified { by: row.verified_by.unwrap_or_default() });
        }
        check_etag(&etag, row.version)?;
        let now = self.app.clock.now();
        if row.kind.0 != AlarmKind::SourceSilent {
            device::count_verdict(tx, id, verdict == Verdict::Real).await?;
        }
        // Gone with the verdict, unless it has fired already.
        timers::cancel(tx, &unseen(id, now).kind, &id.to_string()).await?;
        self.app.outbox.add(tx, events::alarms::verified(&self.app.ids, &row, verdict == Verdict::Real, now));
        let version = row.version + 1;
        let mut changed = row.into_active_model();
        changed.state = Set(Code(state));
        changed.verified_at = Set(Some(now));
        changed.verified_by = Set(Some(call.subject().to_owned()));
        changed.finding = Set(self.app.seal(FINDING.at(id.0), Some(&words))?);
        changed.version = Set(version);
        Ok(changed.update(tx).await?)
    }
}

/// The situation as a report.
fn report(row: &situation::Model, finding: Finding) -> NewReport {
    let Finding { id, verdict: _, words, category, etag: _ } = finding;
    NewReport {
        channel: Channel::Partner,
        area: row.area_code,
        address: row.place.clone(),
        latitude: Some(row.latitude),
        longitude: Some(row.longitude),
        description: words,
        name: String::new(),
        phone: String::new(),
        category,
        answers: Vec::new(),
        // Whoever says it again gets the same incident.
        external: Some(External { system: "alarms".to_owned(), number: id.to_string(), deadline: None }),
        public: None,
        request_id: id.0,
        content: id.0.as_bytes().to_vec(),
    }
}
