//! The rates, computed a second time from the rows of the timeline.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use linju_proto::incidents::v1::{CaseStanding, GetIncidentFiguresRequest, ListRateCasesRequest, Rate, RateKind};
use serde_json::Value;

use super::{Office, SUBDISTRICT};
use crate::ground::Install;

/// What happened to one incident, in order: the event as it is stored.
type Course = Vec<Value>;

async fn courses(install: &Install) -> Result<Vec<Course>> {
    let id = if install.is_embedded() { "lower(hex(incident_id))" } else { "incident_id::text" };
    let rows = format!("SELECT {id} || ' ' || facts FROM timeline ORDER BY incident_id, version");
    let mut courses: BTreeMap<String, Course> = BTreeMap::new();
    for row in install.texts("incidents", &rows).await? {
        let (id, facts) = row.split_once(' ').context("an id and facts")?;
        courses.entry(id.to_owned()).or_default().push(serde_json::from_str(facts)?);
    }
    Ok(courses.into_values().collect())
}

fn kind(event: &Value) -> &str {
    event["kind"].as_str().unwrap_or_default()
}

/// The last word of the reporter: solved and satisfied, or neither; none where nobody asked.
fn last_word(course: &Course) -> Option<(bool, bool)> {
    let last = course.iter().rev().find(|event| matches!(kind(event), "closed" | "reopened"))?;
    let satisfied = matches!(last["satisfaction"].as_str(), Some("satisfied" | "basically_satisfied"));
    Some((kind(last) == "closed", satisfied))
}

pub(super) async fn are_computed_again(install: &Install, office: &Office) -> Result<()> {
    let courses = courses(install).await?;
    let words: Vec<_> = courses.iter().filter_map(last_word).collect();
    let count = |number: usize| i64::try_from(number);
    let solved = words.iter().filter(|(solved, _)| *solved).count();
    let satisfied = words.iter().filter(|(_, satisfied)| *satisfied).count();
    let request = GetIncidentFiguresRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
    let figures = office.dispatcher.incidents().get_incident_figures(request).await?.into_inner();
    assert_eq!((figures.incidents, courses.len()), (2, 2));
    let parts = |rate: &Option<Rate>| rate.as_ref().map(|rate| (rate.counted, rate.of)).context("a rate");
    assert_eq!(parts(&figures.resolution)?, (count(solved)?, count(words.len())?));
    assert_eq!(parts(&figures.satisfaction)?, (count(satisfied)?, count(words.len())?));
    assert_eq!((solved, words.len()), (1, 1));
    let closings = courses.iter().flatten().filter(|event| kind(event) == "closed").count();
    assert_eq!(closings, 1, "nothing closes but by confirmation");

    for (rate, counted) in [(RateKind::Resolution, solved), (RateKind::Satisfaction, satisfied)] {
        let request =
            ListRateCasesRequest { area_code: SUBDISTRICT.to_owned(), rate: rate.into(), ..Default::default() };
        let cases = office.reviewer.rates().list_rate_cases(request).await?.into_inner().cases;
        let above = cases.iter().filter(|case| case.standing() == CaseStanding::Counted).count();
        assert_eq!((cases.len(), above), (courses.len(), counted), "{rate:?}");
    }
    Ok(())
}
