//! Video stays where it is: a reference is given once the look-up is in the register.

use chassis::{
    Fault,
    access::{Call, Look, look, purpose_code},
    data::SecretText,
};
use sea_orm::ActiveValue::Set;
use uuid::Uuid;

use super::AlarmDesk;
use crate::{
    error::Error,
    store::alarms::{
        alarm::{self, VIDEO},
        look_up::{self, DETAIL},
    },
};

/// Why a video is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoReason {
    VerifyAlarm,
    HandleIncident,
    Authority,
    MissingPerson,
    Maintenance,
}

impl VideoReason {
    pub const ALL: [Self; 5] =
        [Self::VerifyAlarm, Self::HandleIncident, Self::Authority, Self::MissingPerson, Self::Maintenance];

    /// The stable code of this value.
    pub const fn code(self) -> &'static str {
        match self {
            Self::VerifyAlarm => "verify_alarm",
            Self::HandleIncident => "handle_incident",
            Self::Authority => "authority",
            Self::MissingPerson => "missing_person",
            Self::Maintenance => "maintenance",
        }
    }
}

/// Who wants to see which video, and why.
#[derive(Clone, Debug)]
pub struct LookUp {
    pub alarm: Uuid,
    pub reason: VideoReason,
    pub detail: String,
}

/// A reference, on its way to a caller.
pub struct VideoShown {
    pub look_up: Uuid,
    pub url: SecretText,
}

impl AlarmDesk {
    /// Notes the look-up, then gives the reference. Where it cannot be noted, nothing is given.
    pub async fn look_up_video(&self, call: &Call, wanted: LookUp) -> Result<VideoShown, Error> {
        let purpose = call.needs_purpose()?;
        let LookUp { alarm, reason, detail } = wanted;
        let row = alarm::get(self.app.db.read(), call.scope(), alarm).await?;
        let sealed = self.open_text(VIDEO.at(row.id), row.video.as_ref()).await?;
        let url = sealed.ok_or(Fault::NotFound("video of this alarm"))?;
        let id: Uuid = self.app.ids.next();
        let entry = look_up::ActiveModel {
            id: Set(id),
            at: Set(self.app.clock.now()),
            who: Set(call.subject().to_owned()),
            reason: Set(reason.code().to_owned()),
            detail: Set(self.app.keys.seal(DETAIL.at(id), &detail)?),
            purpose: Set(purpose_code(purpose as i32).unwrap_or_default()),
            alarm_id: Set(row.id),
            situation_id: Set(row.situation_id),
            device: Set(row.device.clone()),
            area_code: Set(row.area_code),
        };
        let written = self.app.db.write::<_, Error, _>(move |tx| {
            tx.append(entry.clone());
            Box::pin(async { Ok(()) })
        });
        written.await?;
        let looks = vec![Look { subject: row.id, fields: "video" }];
        look(&self.app.db, &self.app.ids, &self.app.clock, call, looks).await?;
        Ok(VideoShown { look_up: id, url })
    }
}
