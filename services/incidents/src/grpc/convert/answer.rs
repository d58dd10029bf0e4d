//! What the app found, as messages of the contract.

use std::collections::{BTreeMap, HashMap};

use chassis::{
    Fault,
    data::{SecretText, etag},
};
use chrono::{DateTime, Utc};
use linju_proto::incidents::v1;
use serde_json::Value;

use super::{catalogue, codes};
use crate::{
    Error,
    app::{AreaFigures, Shown, ShownEntry},
    domain::rates::{self, Figures},
    store::{
        Code,
        incident::{Building, Model},
    },
};

pub(crate) fn time(at: DateTime<Utc>) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

fn exposed(text: Option<SecretText>) -> String {
    text.map(|text| text.expose().to_owned()).unwrap_or_default()
}

impl From<Shown> for v1::Incident {
    fn from(shown: Shown) -> Self {
        let Shown { row, description, address, reporter_name, reporter_phone, only_own, answers, expected_at } = shown;
        // How many neighbours need help is the office's; its timeline entry is internal too.
        let danger = row.endangers().filter(|_| !only_own);
        let endangers = danger.map(|Building { area, compound, building }| v1::Building {
            area_code: area.to_string(),
            compound,
            building,
        });
        let reporter = (reporter_name.is_some() || reporter_phone.is_some())
            .then(|| v1::Reporter { name: exposed(reporter_name), phone: exposed(reporter_phone) });
        // The rules, which every change asks, refuse one that is damaged.
        let handing = row.handing().unwrap_or_default();
        let Model {
            id,
            number,
            area_code,
            channel: Code(channel),
            state: Code(state),
            category,
            urgency,
            description: _,
            address: _,
            latitude,
            longitude,
            reporter: _,
            reporter_name: _,
            reporter_phone: _,
            unit,
            handing: _,
            worked_by: _,
            proposed_by: _,
            duplicate_of,
            next_look_on,
            endangers_area: _,
            endangers_compound: _,
            endangers_building: _,
            need_help,
            satisfaction,
            reported_at,
            closed_at,
            updated_at,
            version,
            source_system,
            source_number,
            source_content: _,
            source_updated_at: _,
            source_version: _,
            source_deadline,
            answers: _,
        } = row;
        Self {
            id: id.to_string(),
            disputed: handing.is_disputed() && !only_own,
            shared_with: handing.shared_with.into_iter().map(|unit| unit.0).collect(),
            number,
            state: codes::state(state).into(),
            channel: codes::channel(channel).into(),
            place: Some(v1::Place { area_code: area_code.to_string(), address: exposed(address), latitude, longitude }),
            description: exposed(description),
            reporter,
            category: category.unwrap_or_default(),
            urgency: codes::urgency(urgency.map(|Code(urgency)| urgency)).into(),
            endangers,
            need_help: need_help.filter(|_| !only_own),
            unit: unit.unwrap_or_default(),
            duplicate_of: duplicate_of.map(|id| id.to_string()).unwrap_or_default(),
            next_look_on: next_look_on.map(|day| day.to_string()).unwrap_or_default(),
            satisfaction: codes::satisfaction(satisfaction.map(|Code(satisfaction)| satisfaction)).into(),
            reported_at: Some(time(reported_at)),
            updated_at: Some(time(updated_at)),
            closed_at: closed_at.map(time),
            etag: etag(version),
            expected_at: expected_at.map(time),
            answers: catalogue::shown_answers(answers),
            external: source_system.zip(source_number).map(|(system, number)| v1::External {
                system,
                number,
                deadline: source_deadline.map(time),
            }),
        }
    }
}

pub(crate) fn timeline(entries: Vec<ShownEntry>) -> Result<v1::ListTimelineResponse, Error> {
    let entries = entries.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(v1::ListTimelineResponse { entries })
}

fn entry(ShownEntry { row, text }: ShownEntry) -> Result<v1::TimelineEntry, Error> {
    let damaged = || Fault::Internal(format!("timeline entry {} cannot be shown", row.id));
    Ok(v1::TimelineEntry {
        version: i32::try_from(row.version).map_err(|_| damaged())?,
        kind: row.kind.0.code().to_owned(),
        at: Some(time(row.at)),
        actor: row.actor.clone(),
        visibility: codes::visibility(row.visibility.0).into(),
        text: exposed(text),
        facts: facts(serde_json::from_str(&row.facts).map_err(|_| damaged())?),
    })
}

/// What the event says besides what has a field of its own. Who reported it is the actor, or nobody the office knows.
pub(super) fn facts(event: BTreeMap<String, Value>) -> HashMap<String, String> {
    let apart = |name: &str| matches!(name, "kind" | "visibility" | "reporter" | "worked_by" | "proposed_by");
    let told = event.into_iter().filter(|(name, value)| !apart(name) && !value.is_null());
    told.map(|(name, value)| match value {
        Value::String(text) => (name, text),
        other => (name, other.to_string()),
    })
    .collect()
}

impl From<AreaFigures> for v1::IncidentFigures {
    fn from(found: AreaFigures) -> Self {
        let AreaFigures { by_category, by_state, by_area, figures } = found;
        let Figures { incidents, first_answer, close, response, resolution, satisfaction } = figures;
        let by_category = by_category
            .into_iter()
            .map(|(category, incidents)| v1::CategoryCount { category: category.unwrap_or_default(), incidents });
        let by_state = by_state
            .into_iter()
            .map(|(state, incidents)| v1::StateCount { state: codes::state(state).into(), incidents });
        let by_area =
            by_area.into_iter().map(|(area, incidents)| v1::AreaCount { area_code: area.to_string(), incidents });
        Self {
            incidents: count(incidents),
            by_category: by_category.collect(),
            by_state: by_state.collect(),
            by_area: by_area.collect(),
            first_answer: Some(times(&first_answer)),
            close: Some(times(&close)),
            response: Some(rate(&response)),
            resolution: Some(rate(&resolution)),
            satisfaction: Some(rate(&satisfaction)),
        }
    }
}

fn times(times: &rates::Times) -> v1::Times {
    let rates::Times { counted, median, p90 } = times;
    v1::Times {
        counted: count(*counted),
        median_seconds: median.map(|time| time.num_seconds()),
        p90_seconds: p90.map(|time| time.num_seconds()),
    }
}

fn rate(rate: &rates::Rate) -> v1::Rate {
    let rates::Rate { counted, of, excluded } = rate;
    let excluded = excluded
        .iter()
        .map(|(reason, ids)| v1::Exclusion { reason: reason.code().to_owned(), incidents: count(ids.len() as u64) });
    v1::Rate { counted: count(*counted), of: count(*of), excluded: excluded.collect() }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
