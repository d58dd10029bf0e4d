//! The JSON form: the fields of `linju.incidents.v1.ReportAlarmRequest` and `ReportHeartbeatRequest`, and no others.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{Outcome, Said, Taken, checked, name, point};
use crate::domain::alarm::{AlarmKind, NotTaken, Raised};

/// Characters of a parser's complaint that are repeated.
const COMPLAINT: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alarm {
    id: String,
    device: String,
    kind: String,
    at: DateTime<Utc>,
    #[serde(default)]
    priority: i32,
    latitude: Option<f64>,
    longitude: Option<f64>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    video: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heartbeat {
    device: String,
}

pub(super) fn read(kind: &str, body: &[u8]) -> Result<Said, NotTaken> {
    match kind {
        "alarm" => Ok(Said::Alarm(alarm(parsed(body)?)?)),
        "heartbeat" => {
            let Heartbeat { device } = parsed(body)?;
            name("device", &device)?;
            Ok(Said::Heartbeat { device })
        }
        _ => Err(NotTaken::Malformed("send to `alarm` or `heartbeat`".to_owned())),
    }
}

fn alarm(alarm: Alarm) -> Result<Raised, NotTaken> {
    let Alarm { id, device, kind, at, priority, latitude, longitude, note, video } = alarm;
    let kind = AlarmKind::accept(&kind.chars().take(40).collect::<String>())?;
    checked(Raised { id, device, kind, at, priority, point: point(latitude, longitude)?, note, video })
}

fn parsed<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, NotTaken> {
    serde_json::from_slice(body).map_err(|e| {
        let complaint = e.to_string().chars().filter(|c| !c.is_control()).take(COMPLAINT).collect::<String>();
        NotTaken::Malformed(format!("{complaint}; the fields are those of docs/asyncapi.json"))
    })
}

pub(super) fn answer(outcome: &Outcome) -> Bytes {
    let told = match outcome {
        Ok(Taken::New) => json!({ "result": "ok" }),
        Ok(Taken::Again) => json!({ "result": "ok", "repeated_alarm": true }),
        Err(refused) => json!({ "result": "error", "reason": refused.reason(), "message": refused.to_string() }),
    };
    told.to_string().into()
}
