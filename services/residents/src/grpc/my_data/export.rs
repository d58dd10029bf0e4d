//! What a resident takes away: one JSON document, and the facts as CSV.

use chassis::{Fault, access::told, data::SecretText};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use crate::{
    Error,
    app::{DataRequestView, DwellingView, Export, Home, address},
    domain::my_data::{CorrectionField, field_label, plain_cell},
};

/// So that spreadsheets read the file as UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
const HEADER: [&str; 6] = ["section", "field", "label", "value", "source", "observed_on"];

/// Both files. `viewer` is who takes them away.
pub(super) fn files(export: &Export, viewer: &str, at: DateTime<Utc>) -> Result<(String, String), Error> {
    let broken = |reason: String| Error::Fault(Fault::Internal(reason));
    let json = serde_json::to_string_pretty(&document(export, viewer, at)).map_err(|e| broken(e.to_string()))?;
    Ok((json, csv(export).map_err(|e| broken(e.to_string()))?))
}

fn clear(text: Option<&SecretText>) -> Option<&str> {
    text.map(SecretText::expose)
}

fn document(export: &Export, viewer: &str, at: DateTime<Utc>) -> Value {
    let Export { mine, homes, tags, requests, looks } = export;
    let row = &mine.record.row;
    let facts = mine.facts.iter().map(|fact| {
        json!({
            "field": fact.field, "label": fact.label, "value": fact.value,
            "source": fact.source.as_str(), "source_label": fact.source.label(),
            "observed_on": fact.observed_on.to_string(),
        })
    });
    let tags = tags.iter().map(|tag| {
        json!({
            "kind": tag.kind.as_str(), "label": tag.kind.label(), "source": tag.source.as_str(),
            "observed_on": tag.observed_on.to_string(), "expires_on": day(tag.expires_on),
            "cleared_on": day(tag.cleared_on),
        })
    });
    let looks = looks.iter().map(|look| {
        let told = told(look, viewer, field_label);
        json!({
            "at": look.at.to_rfc3339(), "roles": told.roles, "staff_code": told.staff_code, "purpose": look.purpose,
            "method": told.method, "fields": told.fields, "summary": told.summary,
        })
    });
    json!({
        "format": "linju.residents.v1 export",
        "exported_at": at.to_rfc3339(),
        "record": {
            "id": row.id.to_string(), "area_code": row.area_code.to_string(), "state": row.state.as_str(),
            "ended_on": day(row.ended_on),
            "created_at": row.created_at.to_rfc3339(), "updated_at": row.updated_at.to_rfc3339(),
        },
        "facts": facts.collect::<Vec<_>>(),
        "homes": homes.iter().map(home).collect::<Vec<_>>(),
        "care_tags": tags.collect::<Vec<_>>(),
        "requests": requests.iter().map(request).collect::<Vec<_>>(),
        "looks": looks.collect::<Vec<_>>(),
    })
}

fn day(day: Option<NaiveDate>) -> Option<String> {
    day.map(|day| day.to_string())
}

fn home(home: &Home) -> Value {
    let Home { from, until, relation, number, dwelling } = home;
    let place = dwelling.as_ref().map(|view| {
        let DwellingView { row, unit, room } = view;
        json!({
            "area_code": row.area_code.to_string(), "compound": row.compound, "building": row.building,
            "unit": clear(unit.as_ref()), "room": clear(room.as_ref()),
        })
    });
    json!({
        "from": from.to_string(), "until": day(*until), "relation": relation.as_str(), "household_number": number,
        "dwelling": place,
    })
}

fn request(view: &DataRequestView) -> Value {
    let DataRequestView { row, whose: _, value, reason, answer, before } = view;
    json!({
        "id": row.id.to_string(), "kind": row.kind.as_str(), "field": row.field.map(CorrectionField::as_str),
        "purpose": row.purpose, "value": clear(value.as_ref()), "reason": clear(reason.as_ref()),
        "state": row.state.as_str(), "requested_at": row.requested_at.to_rfc3339(),
        "due_at": row.due_at.to_rfc3339(), "answered_at": row.answered_at.map(|at| at.to_rfc3339()),
        "answer": clear(answer.as_ref()), "before": clear(before.as_ref()),
    })
}

fn csv(export: &Export) -> Result<String, Box<dyn std::error::Error>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(HEADER)?;
    for fact in &export.mine.facts {
        let (value, on) = (plain_cell(&fact.value), fact.observed_on.to_string());
        table.write_record(["facts", fact.field, fact.label, &value, fact.source.label(), &on])?;
    }
    for home in &export.homes {
        let place = home.dwelling.as_ref().map(address).unwrap_or_default();
        let time = format!("{} - {}", home.from, day(home.until).unwrap_or_default());
        table.write_record(["homes", "dwelling", "住址", &plain_cell(&place), "", &time])?;
    }
    Ok(BYTE_ORDER_MARK.to_owned() + &String::from_utf8(table.into_inner()?)?)
}
