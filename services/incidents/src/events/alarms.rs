//! What is told of alarms: situations and silent sources. Ids, codes and numbers.

use chassis::{
    data::{AreaCode, Ids},
    events::{Event, Head},
};
use chrono::{DateTime, Utc};
use linju_proto::incidents::v1;
use uuid::Uuid;

use crate::{
    domain::alarm::Gathered,
    store::alarms::{device, situation},
};

/// Alarms make something that somebody must look at.
pub fn opened(ids: &Ids, gathered: &Gathered, at: DateTime<Utc>) -> Event {
    let message = v1::AlarmSituationOpened {
        situation_id: gathered.id.to_string(),
        area_code: gathered.area.to_string(),
        kind: gathered.kind.to_string(),
        priority: gathered.priority,
        storm: gathered.storm,
    };
    Event::new(head(ids, gathered.id.0, 1, gathered.area, at), &message)
}

/// Nobody has looked in time.
pub fn escalated(ids: &Ids, row: &situation::Model, escalated: i32, at: DateTime<Utc>) -> Event {
    let message = v1::AlarmSituationEscalated {
        situation_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        kind: row.kind.0.to_string(),
        escalated,
    };
    Event::new(head(ids, row.id, row.version + 1, row.area_code, at), &message)
}

/// Somebody has looked.
pub fn verified(ids: &Ids, row: &situation::Model, real: bool, at: DateTime<Utc>) -> Event {
    let message = v1::AlarmSituationVerified {
        situation_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        kind: row.kind.0.to_string(),
        real,
    };
    Event::new(head(ids, row.id, row.version + 1, row.area_code, at), &message)
}

/// A device is no longer heard.
pub fn silent(ids: &Ids, row: &device::Model, at: DateTime<Utc>) -> Event {
    let message = v1::SourceSilent {
        device_id: row.id.to_string(),
        area_code: row.area_code.to_string(),
        partner: row.partner.clone(),
    };
    // A device has no version of its own; its silences come in the order of their times.
    Event::new(head(ids, row.id, at.timestamp_micros(), row.area_code, at), &message)
}

fn head(ids: &Ids, key: Uuid, version: i64, area: AreaCode, at: DateTime<Utc>) -> Head {
    Head { id: ids.next(), key, version, area, at }
}
