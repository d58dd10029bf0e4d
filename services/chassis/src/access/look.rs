//! Looking at personal data: nothing leaves in clear before the look is written down.

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

/// Writes the looks of this call to the audit log, then lets its answer out in clear. A call without a purpose changes
/// nothing and stays masked. Where the log cannot be written the call fails: there is no look that nobody recorded.
pub async fn look(db: &Db, ids: &Ids, clock: &Clock, call: &Call, looks: Vec<Look>) -> Result<(), Fault> {
    let Some(purpose) = call.purpose() else { return Ok(()) };
    let purpose = purpose_code(purpose as i32).unwrap_or_default();
    let (ids, clock, caller) = (ids.clone(), clock.clone(), call.clone());
    db.write(move |tx| {
        for look in &looks {
            let entry = audit::Entry {
                who: caller.subject().to_owned(),
                on_behalf: caller.on_behalf().map(str::to_owned),
                purpose: purpose.clone(),
                method: caller.method().to_owned(),
                subject: look.subject.to_string(),
                fields: look.fields.to_owned(),
                request: caller.trace().to_owned(),
            };
            audit::record(tx, &ids, &clock, entry);
        }
        Box::pin(async { Ok::<_, Fault>(()) })
    })
    .await?;
    call.reveal();
    Ok(())
}
