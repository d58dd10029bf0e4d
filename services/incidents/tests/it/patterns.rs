//! Recurring patterns, over the real week of Los Angeles: found, and computed a second time from the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, Result};
use chassis::events::{Timer, timers};
use chrono::{DateTime, TimeDelta, Utc};
use linju_incidents::{
    app::{FIND_PATTERNS, ImportOptions},
    requests::Mapping,
};
use linju_proto::incidents::v1::{
    self, Channel, PatternRule, PatternState, pattern_service_client::PatternServiceClient,
};

use crate::ground::{Gated, Ground, SUBDISTRICT, dispatcher, manager, reason, resident};

/// The week after, in China.
fn new_year() -> Result<DateTime<Utc>> {
    Ok("2018-01-02T04:00:00Z".parse()?)
}

fn here(path: &str) -> Result<Vec<u8>> {
    Ok(fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?)
}

impl Ground {
    fn patterns(&self) -> PatternServiceClient<Gated> {
        PatternServiceClient::new(self.gated.clone())
    }

    async fn los_angeles(&self) -> Result<()> {
        let mapping: Mapping = String::from_utf8(here("mappings/la311.toml")?)?.parse()?;
        let options = ImportOptions { dry_run: false, progress: &mut |_| {}, problem: &mut |_| {} };
        self.app.import_requests(&here("tests/data/requests_la311_2017.csv")?[..], &mapping, options).await?;
        self.clock.advance(new_year()? - self.clock.now());
        Ok(())
    }

    /// What a new install is set to do at once.
    async fn look_for_patterns(&self) -> Result<()> {
        let due_at = self.clock.now();
        let search =
            Timer { kind: FIND_PATTERNS.to_owned(), key: "nightly".to_owned(), due_at, payload: "{}".to_owned() };
        self.db
            .write(move |tx| {
                let search = search.clone();
                Box::pin(async move { timers::set(tx, &search).await })
            })
            .await?;
        self.fire_timers().await
    }

    async fn found(&self, state: PatternState) -> Result<Vec<v1::Pattern>> {
        let request = v1::ListPatternsRequest {
            area_code: SUBDISTRICT.to_owned(),
            state: state.into(),
            page_size: 1000,
            ..Default::default()
        };
        Ok(self.patterns().list_patterns(self.of(&manager(), request)?).await?.into_inner().patterns)
    }
}

type Square = (String, i64, i64);

/// The same, straight from the file: by type, square of 1/500 degree, and number, without the cancelled.
#[expect(clippy::cast_possible_truncation, reason = "degrees times 500")]
fn from_the_file() -> Result<BTreeMap<Square, BTreeSet<String>>> {
    let mut squares: BTreeMap<Square, BTreeSet<String>> = BTreeMap::new();
    let file = here("tests/data/requests_la311_2017.csv")?;
    let mut reader = csv::Reader::from_reader(&file[..]);
    for row in reader.records() {
        let row = row?;
        let field = |at: usize| row.get(at).unwrap_or_default();
        let (Ok(latitude), Ok(longitude)) = (field(9).parse::<f64>(), field(10).parse::<f64>()) else { continue };
        if field(5) == "Cancelled" {
            continue;
        }
        let square = |degrees: f64| (degrees * 500.0).floor() as i64;
        let key = (field(4).to_owned(), square(latitude), square(longitude));
        squares.entry(key).or_default().insert(field(0).to_owned());
    }
    squares.retain(|_, numbers| numbers.len() >= 5);
    Ok(squares)
}

#[tokio::test]
async fn what_recurs_in_los_angeles_is_found_and_nothing_else() -> Result<()> {
    let expected = from_the_file()?;
    assert!(expected.len() > 10, "{}", expected.len());
    for ground in Ground::both().await? {
        ground.los_angeles().await?;
        ground.look_for_patterns().await?;
        let found = ground.found(PatternState::Proposed).await?;
        let mut evidence = BTreeMap::new();
        for pattern in &found {
            assert_eq!(pattern.rule(), PatternRule::Often, "{pattern:?}");
            assert_eq!(pattern.incident_ids.len(), usize::try_from(pattern.reports)?);
            let ids: Vec<_> = pattern.incident_ids.iter().map(String::as_str).collect();
            evidence.insert(ids.join(","), pattern.reports);
        }
        let numbers = ground.rows("SELECT CAST(id AS text) || ' ' || source_number FROM incidents").await;
        let numbers = match numbers {
            Ok(rows) if ground.is_postgres() => rows,
            _ => ground.rows("SELECT lower(hex(id)) || ' ' || source_number FROM incidents").await?,
        };
        let by_id: BTreeMap<String, String> = numbers
            .iter()
            .filter_map(|row| row.split_once(' '))
            .map(|(id, number)| (id.replace('-', ""), number.to_owned()))
            .collect();
        let mut reported: BTreeSet<BTreeSet<String>> = BTreeSet::new();
        for ids in evidence.keys() {
            let of = ids.split(',').map(|id| by_id.get(&id.replace('-', "")).cloned().context("an incident"));
            reported.insert(of.collect::<Result<_>>()?);
        }
        let computed: BTreeSet<BTreeSet<String>> = expected.values().cloned().collect();
        assert_eq!(reported, computed);
        let told = ground.told().await?.iter().filter(|line| line.contains("PatternFound")).count();
        assert_eq!(told, found.len());
    }
    Ok(())
}

#[tokio::test]
async fn a_pattern_becomes_work_or_is_dismissed_and_stays_quiet() -> Result<()> {
    for ground in Ground::both().await? {
        ground.los_angeles().await?;
        ground.look_for_patterns().await?;
        let found = ground.found(PatternState::Proposed).await?;
        let [accepted, tasked, dismissed] = &found[..3] else { anyhow::bail!("too few patterns") };

        let accept = v1::AcceptPatternRequest { id: accepted.id.clone(), ..Default::default() };
        let done = ground.patterns().accept_pattern(ground.of(&manager(), accept.clone())?).await?.into_inner();
        assert_eq!((done.state(), done.decided_by.as_str()), (PatternState::Accepted, "u-manager"));
        let again = ground.patterns().accept_pattern(ground.of(&manager(), accept.clone())?).await;
        assert_eq!(reason(again), "FailedPrecondition PATTERN_DECIDED");
        let by_dispatcher = ground.patterns().accept_pattern(ground.of(&dispatcher(), accept)?).await;
        assert_eq!(reason(by_dispatcher), "PermissionDenied ROLE_NOT_ALLOWED");
        let incident = ground.get(&dispatcher().because("case_handling"), &done.incident_id).await?;
        assert_eq!((incident.channel(), incident.category.as_str()), (Channel::Worker, accepted.category.as_str()));
        assert!(incident.description.contains("未诉先办") && incident.reporter.is_none());

        let matter = ground.raise(&resident(), |_| {}).await?;
        let task = v1::accept_pattern_request::MatterTask {
            matter_id: matter.id.clone(),
            unit: "sanitation".to_owned(),
            due_on: "2018-02-01".to_owned(),
        };
        let accept = v1::AcceptPatternRequest { id: tasked.id.clone(), task: Some(task), ..Default::default() };
        let early = ground.patterns().accept_pattern(ground.of(&manager(), accept.clone())?).await;
        assert_eq!(reason(early), "FailedPrecondition WRONG_STAGE");
        ground.to_work(&matter.id).await?;
        ground.patterns().accept_pattern(ground.of(&manager(), accept)?).await?;
        assert_eq!(ground.matter(&matter.id).await?.tasks.len(), 2);

        let dismiss = v1::DismissPatternRequest {
            id: dismissed.id.clone(),
            reason: "已列入改造".to_owned(),
            etag: String::new(),
        };
        let gone = ground.patterns().dismiss_pattern(ground.of(&manager(), dismiss)?).await?.into_inner();
        assert_eq!(gone.state(), PatternState::Dismissed);

        // The next night finds the same, and proposes nothing again.
        ground.clock.advance(TimeDelta::days(1));
        ground.fire_timers().await?;
        assert_eq!(ground.found(PatternState::Proposed).await?.len(), found.len() - 3);
        assert_eq!(ground.found(PatternState::Unspecified).await?.len(), found.len());
        let next = ground.rows("SELECT kind FROM timers WHERE kind = 'incidents.find_patterns'").await?;
        assert_eq!(next.len(), 1, "and the night after");
    }
    Ok(())
}
