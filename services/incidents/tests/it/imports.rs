//! Imports: the real week of Los Angeles, and a small city whose file changes.

use std::{fs, path::Path};

use anyhow::Result;
use linju_incidents::{
    app::{ImportOptions, Outcome},
    requests::{Mapping, RowProblem},
};
use linju_proto::incidents::v1::{self, IncidentState};

use crate::ground::{Ground, SUBDISTRICT, clerk, dispatcher, reason};

impl Ground {
    async fn import(&self, mapping: &str, file: &[u8], dry_run: bool) -> Result<(Outcome, Vec<RowProblem>)> {
        let mapping: Mapping = mapping.parse()?;
        let mut problems = Vec::new();
        let mut last = Outcome::default();
        let options = ImportOptions {
            dry_run,
            progress: &mut |outcome| last = *outcome,
            problem: &mut |problem| problems.push(problem.clone()),
        };
        let outcome = self.app.import_requests(file, &mapping, options).await?;
        assert_eq!(outcome, last, "the last progress is the outcome");
        assert_eq!(outcome.rows, outcome.created + outcome.updated + outcome.unchanged + outcome.rejected);
        Ok((outcome, problems))
    }
}

fn here(path: &str) -> Result<Vec<u8>> {
    Ok(fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))?)
}

#[tokio::test]
async fn a_week_of_los_angeles() -> Result<()> {
    let mapping = String::from_utf8(here("mappings/la311.toml")?)?;
    let file = here("tests/data/requests_la311_2017.csv")?;
    for ground in Ground::both().await? {
        let (dry, _) = ground.import(&mapping, &file, true).await?;
        assert_eq!((dry.created, ground.count("incidents").await?), (9_987, 0));
        let (outcome, problems) = ground.import(&mapping, &file, false).await?;
        let expected = Outcome { rows: 9_999, created: 9_987, updated: 0, unchanged: 0, rejected: 12, problems: 12 };
        assert_eq!((outcome, problems.len()), (expected, 12));
        let by_state =
            ground.rows("SELECT state || ' ' || count(*) FROM incidents GROUP BY state ORDER BY state").await?;
        assert_eq!(by_state, ["closed 9727", "referred 9", "reported 5", "withdrawn 246"]);
        let entries = ground.rows("SELECT kind || ' ' || count(*) FROM timeline GROUP BY kind ORDER BY kind").await?;
        assert_eq!(entries, ["closed 9727", "referred_elsewhere 9", "reported 9987", "withdrawn 246"]);
        assert_eq!(ground.rows("SELECT DISTINCT actor FROM timeline").await?, ["import:la311"]);
        assert_eq!(ground.count("outbox").await?, 9_987 + 9_727 + 9 + 246);
        assert_eq!(ground.count("incidents WHERE address IS NULL").await?, 0);
        assert_eq!(ground.count("incidents WHERE latitude IS NULL").await?, 1_753);

        let (again, _) = ground.import(&mapping, &file, false).await?;
        assert_eq!((again.created, again.updated, again.unchanged, again.rejected), (0, 0, 9_987, 12));
        assert_eq!(ground.count("outbox").await?, 9_987 + 9_727 + 9 + 246);

        // The oracle's median and last: counted from the file by other means.
        let request = v1::GetIncidentFiguresRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let figures = ground.door.clone().get_incident_figures(ground.of(&dispatcher(), request)?).await?.into_inner();
        let categories: i64 = figures.by_category.iter().map(|count| count.incidents).sum();
        assert_eq!((figures.incidents, categories), (9_987, 9_987));
        let bulky = figures.by_category.iter().find(|count| count.category == "sanitation.bulky_waste");
        assert_eq!(bulky.map(|count| count.incidents), Some(4_432));
        let excluded: Vec<_> = figures
            .resolution
            .iter()
            .flat_map(|rate| &rate.excluded)
            .map(|e| (e.reason.as_str(), e.incidents))
            .collect();
        assert_eq!(excluded, [("withdrawn", 246), ("imported", 9_727), ("referred", 9), ("no_call_back", 5)]);
        assert_eq!(figures.close.map(|times| times.counted), Some(9_727));
    }
    Ok(())
}

const MAPPING: &str = r#"
system = "city"
area = "511903001008"
time_zone = "Asia/Shanghai"
time_format = "%Y-%m-%d %H:%M:%S"
[columns]
number = "no"
created = "created"
updated = "updated"
closed = "closed"
category = "type"
status = "state"
address = "where"
[category]
"路灯" = "roads.street_light"
"垃圾" = "sanitation.illegal_dumping"
[status]
"受理" = "open"
"办结" = "closed"
"撤销" = "withdrawn"
"#;

fn file(rows: &[&str]) -> Vec<u8> {
    format!("no,created,updated,closed,type,state,where\n{}\n", rows.join("\n")).into_bytes()
}

#[tokio::test]
async fn a_later_file_updates_and_an_older_one_does_not() -> Result<()> {
    for ground in Ground::both().await? {
        let first = file(&["1,2026-03-01 08:00:00,2026-03-01 08:00:00,,路灯,受理,白玉街1号"]);
        let closed = file(&["1,2026-03-01 08:00:00,2026-03-05 10:00:00,2026-03-05 10:00:00,垃圾,办结,白玉街2号"]);
        let open = file(&["1,2026-03-01 08:00:00,2026-03-06 10:00:00,,垃圾,受理,白玉街2号"]);
        let counts = async |content: &[u8]| {
            let (outcome, _) = ground.import(MAPPING, content, false).await?;
            anyhow::Ok((outcome.created, outcome.updated, outcome.unchanged))
        };
        assert_eq!(counts(&first).await?, (1, 0, 0));
        assert_eq!(counts(&closed).await?, (0, 1, 0));
        assert_eq!(counts(&first).await?, (0, 0, 1), "it is older");
        assert_eq!(counts(&closed).await?, (0, 0, 1), "it is the same");
        assert_eq!(counts(&open).await?, (0, 1, 0));
        assert_eq!(counts(&open).await?, (0, 0, 1));
        let moved = file(&["1,2026-03-01 08:00:00,2026-03-07 10:00:00,,垃圾,受理,白玉街3号"]);
        assert_eq!(counts(&moved).await?, (0, 1, 0));
        assert_eq!(counts(&moved).await?, (0, 0, 1));
        let request = v1::ListIncidentsRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let who = dispatcher().because("case_handling");
        let list = ground.door.clone().list_incidents(ground.of(&who, request)?).await?.into_inner().incidents;
        let incident = &list[0];
        assert_eq!(
            (incident.state(), incident.category.as_str()),
            (IncidentState::Triaged, "sanitation.illegal_dumping")
        );
        assert_eq!(incident.place.as_ref().map(|place| place.address.as_str()), Some("白玉街3号"));
        assert_eq!(incident.etag, "v5", "also a new address makes a version");
        let kinds: Vec<_> = ground.timeline(&who, &incident.id).await?.into_iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, ["reported", "corrected", "closed", "reopened", "corrected"]);
        insta::assert_snapshot!("steps", ground.told().await?.join("\n"));

        // Somebody here takes it up: from now on the file has no say.
        ground.steps(incident).dispatch(&dispatcher(), "sanitation").await?;
        let late = file(&["1,2026-03-01 08:00:00,2026-04-01 10:00:00,2026-04-01 10:00:00,垃圾,撤销,白玉街2号"]);
        assert_eq!(counts(&late).await?, (0, 0, 1));
        assert_eq!(ground.get(&dispatcher(), &incident.id).await?.state(), IncidentState::Dispatched);
    }
    Ok(())
}

#[tokio::test]
async fn an_imported_incident_can_be_worked_on() -> Result<()> {
    for ground in Ground::both().await? {
        let rows = [
            "1,2026-03-01 08:00:00,2026-03-01 08:00:00,,路灯,受理,",
            "2,2026-03-01 08:00:00,,,路灯,办结,",
            "3,x,,,灯,受理,",
        ];
        let (outcome, problems) = ground.import(MAPPING, &file(&rows), false).await?;
        assert_eq!((outcome.created, outcome.rejected, outcome.problems), (1, 2, 3));
        let told: Vec<_> = problems.iter().map(|p| (p.line, p.column.as_str(), p.problem.reason())).collect();
        assert_eq!(
            told,
            [(3, "closed", "MISSING_CLOSED_TIME"), (4, "created", "BAD_TIME"), (4, "type", "UNKNOWN_CATEGORY")]
        );
        let request = v1::ListIncidentsRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let list = ground.door.clone().list_incidents(ground.of(&dispatcher(), request)?).await?.into_inner().incidents;
        let steps = ground.steps(&list[0]);
        steps.to_proposed().await?;
        assert_eq!(reason(steps.confirm(&clerk(), v1::Satisfaction::Satisfied).await), "no refusal");
    }
    Ok(())
}
