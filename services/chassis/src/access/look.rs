//! Looking at personal data: nothing leaves in clear before the look is written down.

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use super::{Call, audit, call::purpose_code};
use crate::{
    Fault,
    data::{Clock, Db, Ids},
};

/// One look: whose data, which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The record looked at.
    pub subject: Uuid,
    /// Names of the fields, for example `national_id,phone`.
    pub fields: &'static str,
}

/// A look, and what permitted it beside role and purpose: an approval, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permitted {
    pub look: Look,
    pub basis: Option<Uuid>,
}

/// Writes the looks of this call to the audit log, then lets its answer out in clear. A call without a purpose changes
/// nothing and stays masked. Where the log cannot be written the call fails: there is no look that nobody recorded.
pub async fn look(db: &Db, ids: &Ids, clock: &Clock, call: &Call, looks: Vec<Look>) -> Result<(), Fault> {
    look_by(db, ids, clock, call, looks.into_iter().map(|look| Permitted { look, basis: None }).collect()).await
}

/// As [`look`], for looks that needed an approval.
pub async fn look_by(db: &Db, ids: &Ids, clock: &Clock, call: &Call, looks: Vec<Permitted>) -> Result<(), Fault> {
    let Some(purpose) = call.purpose() else { return Ok(()) };
    let purpose = purpose_code(purpose as i32).unwrap_or_default();
    let acting = call.scope().acting();
    let (ids, clock, caller) = (ids.clone(), clock.clone(), call.clone());
    db.write(move |tx| {
        for Permitted { look, basis } in &looks {
            let entry = audit::Entry {
                who: caller.subject().to_owned(),
                on_behalf: caller.on_behalf().map(str::to_owned),
                purpose: purpose.clone(),
                method: caller.method().to_owned(),
                subject: look.subject.to_string(),
                fields: look.fields.to_owned(),
                request: caller.trace().to_owned(),
                acting: Some(acting.clone()).filter(|acting| !acting.is_empty()),
                basis: basis.map(|id| id.to_string()),
            };
            audit::record(tx, &ids, &clock, entry);
        }
        Box::pin(async { Ok::<_, Fault>(()) })
    })
    .await?;
    call.reveal();
    Ok(())
}

/// By what a resident is told who looked: eight hexadecimal digits, the same for the same account in every service, from
/// which nobody learns the account's id. The office, which has the ids, can compute it for each.
pub fn staff_code(who: &str) -> String {
    hex::encode(&digest(&SHA256, format!("linju staff code {who}").as_bytes()).as_ref()[..4])
}
