//! What the operator does and sees.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use linju_proto::residents::v1::{GetAreaRequest, SearchResidentsRequest};
use serde_json::Value;

use super::Office;
use crate::ground::{House, Install, holds};

pub(super) async fn a_token_from_the_command_line_works(house: &House) -> Result<()> {
    let made =
        house.install.told(&["keys", "token", "--role", "dispatcher", "--scope", "511903001", "--subject", "u-cli"])?;
    let caller = house.caller_with(made["token"].as_str().context("a token")?).await?;
    let area = caller.areas().get_area(GetAreaRequest { code: "511903001234".to_owned() }).await?.into_inner();
    assert_eq!(area.name, "狮子山村民委员会");
    let search = SearchResidentsRequest { area_code: area.code, query: "zcy".to_owned(), ..Default::default() };
    assert!(!caller.residents().search_residents(search).await?.into_inner().residents.is_empty());
    Ok(())
}

/// Every event that was written is on the bus once, and says ids, codes, counts and places only.
pub(super) async fn events_name_nobody(install: &Install) -> Result<()> {
    holds("every event is published", async || install.is_drained().await).await?;
    let events = install.events().await?;
    let mut ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    ids.sort_unstable();
    assert_eq!(ids, install.outbox_ids().await?, "each once");
    let kinds: BTreeSet<&str> = events.iter().filter_map(|event| event.subject.rsplit('.').next()).collect();
    for kind in
        ["resident_registered", "incident_reported", "incident_state_changed", "building_endangered", "care_list_drawn"]
    {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
    for event in &events {
        assert!(event.head.is_ascii(), "{event:?}");
        let data: Value = serde_json::from_str(&event.data)?;
        for (name, value) in data.as_object().context("an object")? {
            let place = matches!(name.as_str(), "compound" | "building");
            assert!(place || is_code(value), "{name} in {event:?}");
        }
    }
    Ok(())
}

/// The last of them, as an operator sees them: one JSON object a line.
pub(super) fn the_last_events_are_shown(install: &Install) -> Result<()> {
    let done = install.run(&["--json", "events", "--last", "3", "--service", "incidents"])?;
    assert_eq!(done.code, Some(0), "{done:?}");
    let events = done.stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let kinds: Vec<_> = events.iter().filter_map(|event| event["data"]["kind"].as_str()).collect();
    assert_eq!(kinds, ["reopened", "solution_proposed", "closed"]);
    Ok(())
}

/// An id, a code, a count, a state: no Chinese, nothing that could be a phone or ID number.
fn is_code(value: &Value) -> bool {
    match value {
        Value::String(text) => {
            text.is_ascii() && !(matches!(text.len(), 11 | 18) && text.starts_with(|c: char| c.is_ascii_digit()))
        }
        Value::Array(list) => list.iter().all(is_code),
        Value::Number(_) | Value::Bool(_) => true,
        Value::Null | Value::Object(_) => false,
    }
}

/// New keys while the services run: what was sealed before and after is found and read.
pub(super) async fn keys_are_changed_while_serving(house: &House, office: &Office) -> Result<()> {
    let told = house.install.told(&["keys", "rotate"])?;
    for service in ["residents", "incidents"] {
        let (seen, resealed) = (&told[service]["seen"], &told[service]["resealed"]);
        assert!(seen.as_u64().is_some_and(|seen| seen > 0) && seen == resealed, "{told}");
    }
    for query in ["511903201407059371", "15881847639"] {
        let search = SearchResidentsRequest {
            area_code: "511903001234".to_owned(),
            query: query.to_owned(),
            ..Default::default()
        };
        let found = office.worker.because("home_visit").residents().search_residents(search).await?.into_inner();
        assert_eq!(
            found.residents.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(),
            ["张超怡"],
            "{query}"
        );
    }
    Ok(())
}

/// Verified, signed, and verified against what was signed.
pub(super) fn the_audit_log_holds(install: &Install) -> Result<()> {
    let told = install.told(&["audit", "verify"])?;
    assert!(told["residents"]["entries"].as_u64().is_some_and(|entries| entries >= 4), "{told}");
    let folder = install.folder().join("checkpoints");
    let folder = folder.to_str().context("UTF-8")?;
    install.told(&["audit", "checkpoint", "--out", folder])?;
    install.told(&["audit", "verify", "--checkpoints", folder])?;
    Ok(())
}

pub(super) fn doctor_is_content(install: &Install) -> Result<()> {
    let told = install.told(&["doctor"])?;
    let findings = told.as_array().context("a list")?;
    assert!(findings.len() >= 8 && findings.iter().all(|finding| finding["well"] == true), "{told}");
    Ok(())
}
