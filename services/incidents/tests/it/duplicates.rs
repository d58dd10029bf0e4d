//! What may be the same is suggested: near, recent, of the same or a related category, and nobody is shown.

use anyhow::Result;
use chassis::access::Scope;
use chrono::TimeDelta;
use linju_incidents::{
    domain::near::Point,
    store::near::{self, Wanted},
};
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, DuplicateReason, IncidentState, Satisfaction, problem_service_client::ProblemServiceClient},
};
use sea_orm::{DbBackend, QueryTrait, Statement, sea_query::Condition};
use tonic::Status;
use uuid::Uuid;

use crate::ground::{GRID, Gated, Ground, Person, clerk, dispatcher, lamp, manager, rand, reason, resident};

const LAMP: &str = "roads.street_light";
/// About 11 m.
const STEP: f64 = 0.0001;

fn neighbour() -> Person {
    Person::new("u-neighbour", Role::Resident, "511903001")
}

fn draft(category: &str, north: f64) -> v1::SuggestDuplicatesRequest {
    v1::SuggestDuplicatesRequest {
        area_code: GRID.to_owned(),
        category: category.to_owned(),
        latitude: 31.86 + north,
        longitude: 106.75,
        at: None,
    }
}

impl Ground {
    fn problems(&self) -> ProblemServiceClient<Gated> {
        ProblemServiceClient::new(self.gated.clone())
    }

    /// Somebody reports something so many degrees north of the others.
    async fn report_at(&self, who: &Person, category: &str, north: f64) -> Result<v1::Incident> {
        let mut report = lamp(Uuid::from_u128(rand()));
        report.category = category.to_owned();
        report.place.get_or_insert_default().latitude = Some(31.86 + north);
        Ok(self.door.clone().report_incident(self.of(who, report)?).await?.into_inner())
    }

    async fn suggest(
        &self,
        who: &Person,
        request: v1::SuggestDuplicatesRequest,
    ) -> Result<Vec<v1::DuplicateSuggestion>, Status> {
        let request = self.of(who, request).map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.problems().suggest_duplicates(request).await?.into_inner().suggestions)
    }

    async fn duplicates(&self, who: &Person, id: &str) -> Result<Vec<v1::DuplicateSuggestion>, Status> {
        let request = self.of(who, v1::ListDuplicatesRequest { id: id.to_owned() });
        let request = request.map_err(|e| Status::internal(e.to_string()))?;
        Ok(self.problems().list_duplicates(request).await?.into_inner().suggestions)
    }
}

fn found(suggestions: &[v1::DuplicateSuggestion]) -> Vec<(&str, DuplicateReason, i32)> {
    suggestions.iter().map(|found| (found.incident_id.as_str(), found.reason(), found.distance_m)).collect()
}

#[tokio::test]
async fn the_nearest_is_suggested_first_with_its_reason() -> Result<()> {
    use DuplicateReason::{RelatedOpen, SameClosed, SameOpen};
    for ground in Ground::both().await? {
        let far = ground.report_at(&resident(), LAMP, 3.0 * STEP).await?;
        let near = ground.report_at(&resident(), LAMP, STEP).await?;
        let sign = ground.report_at(&resident(), "roads.sign", 2.0 * STEP).await?;
        // Within 500 m, and not within the 30 m of a lamp; and of another group.
        ground.report_at(&resident(), LAMP, 5.0 * STEP).await?;
        ground.report_at(&resident(), "sanitation.bins", 0.0).await?;
        let all = ground.suggest(&neighbour(), draft(LAMP, 0.0)).await?;
        let expected = [(near.id.as_str(), SameOpen, 12), (sign.id.as_str(), RelatedOpen, 23)];
        assert_eq!(found(&all), expected, "33 m are too far");
        assert_eq!(
            (all[0].number.as_str(), all[0].state(), all[0].reports),
            (near.number.as_str(), IncidentState::Reported, 1)
        );
        let words = format!("{all:?}");
        assert!(!words.contains("王阿姨") && !words.contains("u-resident") && !words.contains("白玉"), "{words}");
        // The desk asks for an incident that there is; it is not its own duplicate.
        assert_eq!(
            found(&ground.duplicates(&dispatcher(), &near.id).await?),
            [(sign.id.as_str(), RelatedOpen, 12), (far.id.as_str(), SameOpen, 23),]
        );

        // What was closed a short time ago may not be solved after all.
        let steps = ground.steps(&near);
        steps.to_proposed().await?;
        steps.confirm(&resident(), Satisfaction::Satisfied).await?;
        let closed = ground.suggest(&neighbour(), draft(LAMP, 0.0)).await?;
        assert_eq!(found(&closed)[0], (near.id.as_str(), SameClosed, 12));
        ground.clock.advance(TimeDelta::days(15));
        assert!(ground.suggest(&neighbour(), draft(LAMP, 0.0)).await?.is_empty(), "nothing moved for two weeks");
        let mut then = draft(LAMP, 0.0);
        then.at =
            Some(prost_types::Timestamp { seconds: (ground.clock.now() - TimeDelta::days(3)).timestamp(), nanos: 0 });
        assert_eq!(ground.suggest(&neighbour(), then).await?.len(), 2, "it was seen three days ago");
    }
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_shown_or_repeated_is_not_suggested() -> Result<()> {
    for ground in Ground::both().await? {
        ground.report_at(&resident(), "neighbours.dispute", 0.0).await?;
        ground.report_at(&resident(), "neighbours.fumes", 0.0).await?;
        assert!(ground.suggest(&clerk(), draft("neighbours.dispute", 0.0)).await?.is_empty(), "no two are the same");
        let of_office = ground.suggest(&clerk(), draft("neighbours.fumes", 0.0)).await?;
        assert_eq!(of_office.iter().map(|found| found.category.as_str()).collect::<Vec<_>>(), ["neighbours.fumes"]);
        assert!(ground.suggest(&neighbour(), draft("neighbours.fumes", 0.0)).await?.is_empty(), "not for the public");
        let group = ground.suggest(&clerk(), draft("neighbours", 0.0)).await;
        assert_eq!(reason(group), "InvalidArgument INVALID_FIELD");
        let elsewhere = Person::new("u-elsewhere", Role::Dispatcher, "511903002");
        assert_eq!(reason(ground.suggest(&elsewhere, draft(LAMP, 0.0)).await), "PermissionDenied AREA_NOT_GRANTED");
        let lamp = ground.report_at(&resident(), LAMP, 0.0).await?;
        assert_eq!(reason(ground.duplicates(&elsewhere, &lamp.id).await), "NotFound NOT_FOUND");
        assert_eq!(reason(ground.duplicates(&manager(), &lamp.id).await), "PermissionDenied ROLE_NOT_ALLOWED");
    }
    Ok(())
}

/// What was joined is answered with its lead, and so only the lead is suggested.
#[tokio::test]
async fn of_a_problem_its_lead_is_suggested() -> Result<()> {
    for ground in Ground::both().await? {
        let lead = ground.report_at(&resident(), LAMP, 0.0).await?;
        for _ in 0..2 {
            let again = ground.report_at(&neighbour(), LAMP, STEP).await?;
            ground.steps(&again).join(&clerk(), lead.id.clone()).await?;
            assert!(ground.duplicates(&clerk(), &again.id).await?.is_empty(), "that is known already");
        }
        let all = ground.suggest(&neighbour(), draft(LAMP, 0.0)).await?;
        assert_eq!(
            all.iter().map(|found| (found.incident_id.clone(), found.reports)).collect::<Vec<_>>(),
            [(lead.id, 3)]
        );
    }
    Ok(())
}

/// Twenty thousand incidents over ten kilometres, of which one in ten is open.
async fn many(ground: &Ground) -> Result<()> {
    let columns = "INSERT INTO incidents (id, number, area_code, channel, state, category, latitude, longitude, \
                   worked_by, reported_at, updated_at, closed_at, version) ";
    let place = "31.8 + (n % 100) * 0.001, 106.7 + (n / 100 % 100) * 0.001";
    let state = "CASE WHEN n % 10 = 0 THEN 'dispatched' ELSE 'closed' END, 'roads.street_light'";
    let sql = match ground.db.backend() {
        DbBackend::Postgres => format!(
            "{columns} SELECT gen_random_uuid(), 'N' || n, 511903001008002, 'app', {state}, {place}, '[]', \
             timestamptz '2026-11-20 00:00+00' - n * interval '1 hour', now(), \
             CASE WHEN n % 10 = 0 THEN NULL ELSE timestamptz '2026-11-20 00:00+00' - n * interval '1 hour' END, 1 \
             FROM generate_series(1, 20000) n"
        ),
        _ => format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000) \
             {columns} SELECT randomblob(16), 'N' || n, 511903001008002, 'app', {state}, {place}, '[]', \
             strftime('%Y-%m-%dT%H:%M:%S+00:00', '2026-11-20', '-' || n || ' hours'), '2026-11-20T00:00:00+00:00', \
             CASE WHEN n % 10 = 0 THEN NULL ELSE strftime('%Y-%m-%dT%H:%M:%S+00:00', '2026-11-20', '-' || n || ' hours') END, 1 \
             FROM numbers"
        ),
    };
    ground.run(&sql).await?;
    ground.run("ANALYZE").await?;
    Ok(())
}

#[tokio::test]
async fn no_suggestion_reads_all_that_there_is() -> Result<()> {
    for ground in Ground::both().await? {
        many(&ground).await?;
        let wanted = Wanted {
            point: Point { latitude: 31.86, longitude: 106.75 },
            metres: 200,
            since: ground.clock.now() - TimeDelta::days(14),
            categories: vec![LAMP.parse()?, "roads.sign".parse()?],
            rows: Wanted::rows_of(&Scope::everything(), GRID.parse()?),
            except: Some(Uuid::from_u128(1)),
        };
        let backend = ground.db.backend();
        for (query, index) in [
            (near::open(backend, &wanted), "incidents_near_open"),
            (near::closed(backend, &wanted), "incidents_near_closed"),
        ] {
            let statement: Statement = query.build(backend);
            let explain = if ground.is_postgres() { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
            let plan = ground.plan(&format!("{explain} {statement}")).await?;
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN"), "{plan}");
        }
        let found = near::find(ground.db.read(), &wanted).await?;
        assert!(found.iter().any(|found| found.closed_at.is_none()), "{found:?}");
        let everywhere = Wanted { rows: Condition::all(), except: None, ..wanted };
        assert_eq!(near::find(ground.db.read(), &everywhere).await?, found);
    }
    Ok(())
}

impl Ground {
    async fn plan(&self, sql: &str) -> Result<String> {
        use sea_orm::ConnectionTrait as _;
        let rows = self.db.raw_writer().query_all_raw(Statement::from_string(self.db.backend(), sql)).await?;
        // SQLite says it in the last of four columns.
        let column = if self.is_postgres() { 0 } else { 3 };
        let lines: Vec<String> = rows.iter().map(|row| row.try_get_by_index(column)).collect::<Result<_, _>>()?;
        Ok(lines.join("\n"))
    }
}
