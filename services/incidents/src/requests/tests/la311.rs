//! The real file: a week of Los Angeles. The numbers were counted from the file by other means.

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::super::*;
use crate::domain::rates::{Exclusion, Formulae, Measure, figures};
use crate::domain::{Actor, ActorKind, Channel, Decision, ImportedOutcome, IncidentId, import};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read() -> anyhow::Result<(Vec<RequestRow>, Vec<RowProblem>)> {
    let mapping: Mapping = read_to_string(here("mappings/la311.toml"))?.parse()?;
    let file = File::open(here("tests/data/requests_la311_2017.csv"))?;
    let (mut requests, mut problems) = (Vec::new(), Vec::new());
    for row in RequestReader::new(file, &mapping)? {
        match row? {
            ReadRow::Request(request) => requests.push(*request),
            ReadRow::Refused(found) => problems.extend(found),
        }
    }
    Ok((requests, problems))
}

fn count<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[test]
fn every_row_is_read_or_reported() -> anyhow::Result<()> {
    let (requests, problems) = read()?;
    assert_eq!((requests.len(), problems.len()), (9_987, 12));
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1015, 1685, 2050, 2089, 3168, 5801, 7186, 7632, 8413, 8681, 9239, 9760]);
    for problem in &problems {
        assert_eq!((problem.problem, problem.column.as_str()), (Problem::ClosedBeforeCreated, "closed"));
        assert!(problem.value.ends_with(" 12:00:00 AM"), "{problem:?}");
    }
    assert_eq!(requests.iter().filter(|row| row.point.is_none()).count(), 1_753);
    assert_eq!(requests.iter().filter(|row| row.anonymous.is_none() || row.address.is_none()).count(), 0);
    Ok(())
}

#[test]
fn states_categories_and_channels_are_those_of_the_file() -> anyhow::Result<()> {
    let (requests, _) = read()?;
    let outcomes = count(requests.iter().map(|row| match row.outcome {
        ImportedOutcome::Open => "open",
        ImportedOutcome::Closed(_) => "closed",
        ImportedOutcome::Withdrawn(_) => "withdrawn",
        ImportedOutcome::Referred(_) => "referred",
    }));
    // The twelve reported rows are closed street-light requests.
    assert_eq!(outcomes, [("open", 5), ("closed", 9_739 - 12), ("withdrawn", 246), ("referred", 9)].into());
    let categories = count(requests.iter().map(|row| row.category.as_str()));
    let expected = [
        ("sanitation.bulky_waste", 4_432),
        ("sanitation.graffiti", 2_863),
        ("sanitation.illegal_dumping", 800),
        ("sanitation.appliance", 740),
        ("sanitation.electronic_waste", 403),
        ("people.rough_sleeping", 256),
        ("sanitation.dead_animal", 229),
        ("other.unspecified", 153),
        ("roads.street_light", 51 - 9),
        ("roads.street_light_row", 43 - 3),
        ("utilities.water_leak", 28),
        ("other.feedback", 1),
    ];
    assert_eq!(categories, expected.into());
    Ok(())
}

#[test]
fn channels_and_anonymity_lose_only_the_reported_rows() -> anyhow::Result<()> {
    let (requests, _) = read()?;
    let channels = count(requests.iter().map(|row| row.channel));
    let expected = [
        (Channel::Phone, 4_188 + 1 - 2),
        (Channel::App, 2_131 + 1_621 - 9),
        (Channel::Worker, 2_019),
        (Channel::Import, 33 - 1),
        (Channel::Partner, 5),
        (Channel::Counter, 1),
    ];
    assert_eq!(channels, expected.into());
    assert_eq!(
        count(requests.iter().map(|row| row.anonymous)),
        [(Some(true), 823 - 3), (Some(false), 9_176 - 9)].into()
    );
    Ok(())
}

#[test]
fn times_are_those_of_los_angeles() -> anyhow::Result<()> {
    let (requests, _) = read()?;
    // Created on 31 December 23:59:58 (eight hours behind UTC), closed on 9 April 09:18:35 (seven hours, summer time).
    let first = &requests[0];
    let expected = RequestRow {
        line: 2,
        number: "1-870704831".to_owned(),
        created_at: utc("2018-01-01T07:59:58Z"),
        updated_at: Some(utc("2018-04-09T16:25:28Z")),
        outcome: ImportedOutcome::Closed(utc("2018-04-09T16:18:35Z")),
        category: "people.rough_sleeping".parse()?,
        channel: Channel::Phone,
        anonymous: Some(false),
        address: Some("2111 W BELLEVUE AVE, 90026".to_owned()),
        point: Some(Point { latitude: 34.073_216_645, longitude: -118.266_861_909 }),
        area: "511903001008".to_owned(),
    };
    assert_eq!(first, &expected);
    let second = &requests[1];
    assert_eq!((second.line, second.channel, second.anonymous), (3, Channel::App, Some(true)));
    assert_eq!(second.created_at, utc("2018-01-01T07:56:39Z"));
    assert_eq!(second.outcome, ImportedOutcome::Closed(utc("2018-01-03T18:11:23Z")));
    let last = requests.iter().max_by_key(|row| row.outcome.ended_at()).expect("rows");
    assert_eq!(last.outcome.ended_at(), Some(utc("2018-10-13T20:04:12Z")));
    Ok(())
}

#[test]
fn imported_incidents_claim_no_confirmation() -> anyhow::Result<()> {
    let (requests, _) = read()?;
    let importer = Actor::new("system", ActorKind::System);
    let incidents: Vec<Decision> = (0u128..)
        .zip(&requests)
        .map(|(number, row)| import(IncidentId(Uuid::from_u128(number)), row.imported(), importer.clone()))
        .collect();
    let timelines = incidents.iter().map(|incident| (incident.next.id, incident.events.as_slice()));
    let found = figures(timelines, Measure { formulae: Formulae::default(), as_of: utc("2019-01-01T00:00:00Z") });
    let outside = [(Exclusion::Imported, 9_727), (Exclusion::Withdrawn, 246), (Exclusion::Referred, 9)];
    for (rate, open) in [
        (&found.response, Exclusion::NotDispatched),
        (&found.resolution, Exclusion::NoCallBack),
        (&found.satisfaction, Exclusion::NoCallBack),
    ] {
        assert_eq!((rate.counted, rate.of), (0, 0));
        let excluded: BTreeMap<_, _> = rate.excluded.iter().map(|(reason, ids)| (*reason, ids.len())).collect();
        assert_eq!(excluded, outside.into_iter().chain([(open, 5)]).collect());
    }
    assert_eq!((found.incidents, found.close.counted, found.first_answer.counted), (9_987, 9_727, 0));
    Ok(())
}
