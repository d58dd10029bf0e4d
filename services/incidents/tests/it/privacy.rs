//! Who reads what, and what no table shows.

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, Channel, Visibility},
};
use uuid::Uuid;

use crate::ground::{
    COMMUNITY, Ground, NOWHERE, Person, SUBDISTRICT, WORDS, clerk, dispatcher, handler, lamp, rand, reason, resident,
};

#[tokio::test]
async fn a_reporter_reads_own_words_and_public_notes() -> Result<()> {
    for ground in Ground::both().await? {
        let own = ground.report(&resident()).await?;
        let steps = ground.steps(&own);
        steps.to_dispatched().await?;
        steps.note(&handler(), "明天来修", Visibility::Public).await?;
        steps.note(&handler(), "这家人常投诉", Visibility::Internal).await?;
        steps.give_back(&handler(), "不归我们").await?;

        assert_eq!(ground.get(&resident(), &own.id).await?.description, "", "masked without a purpose");
        assert_eq!(ground.count("audit").await?, 0);
        let reader = resident().because("own_matter");
        let read = ground.get(&reader, &own.id).await?;
        assert_eq!(
            (read.description.as_str(), read.place.unwrap_or_default().address.as_str()),
            (WORDS, "白玉小区3栋2单元")
        );
        assert_eq!(ground.count("audit").await?, 1);
        let timeline = ground.timeline(&reader, &own.id).await?;
        let kinds: Vec<_> = timeline.iter().map(|entry| (entry.kind.as_str(), entry.text.as_str())).collect();
        assert_eq!(
            kinds,
            [("reported", ""), ("triaged", ""), ("dispatched", ""), ("promised", ""), ("note_added", "明天来修")]
        );
        let all = ground.timeline(&dispatcher().because("case_handling"), &own.id).await?;
        assert_eq!(
            all.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(),
            ["", "", "", "", "明天来修", "这家人常投诉", "不归我们"]
        );
        assert!(ground.timeline(&dispatcher(), &own.id).await?.iter().all(|entry| entry.text.is_empty()));
    }
    Ok(())
}

#[tokio::test]
async fn a_resident_sees_own_rows_only() -> Result<()> {
    for ground in Ground::both().await? {
        let own = ground.report(&resident()).await?;
        let neighbour = Person::new("u-neighbour", Role::Resident, SUBDISTRICT);
        let other = ground.report(&neighbour).await?;
        assert_eq!(ids(&ground, &resident()).await?, [own.id.as_str()]);
        assert_eq!(ids(&ground, &neighbour).await?, [other.id.as_str()]);
        assert_eq!(ids(&ground, &dispatcher()).await?, [other.id.as_str(), own.id.as_str()]);
        for who in [resident(), resident().because("own_matter")] {
            assert!(ground.get(&who, &other.id).await.is_err());
            assert!(ground.timeline(&who, &other.id).await.is_err());
        }
        // A grid worker who lives here: the purpose of one's own matter opens nobody else's.
        let worker = Person::new("u-resident", Role::GridWorker, COMMUNITY).and(&resident());
        assert_eq!(ids(&ground, &worker).await?.len(), 2);
        assert_eq!(ids(&ground, &worker.clone().because("own_matter")).await?, [own.id.as_str()]);
        assert!(ground.get(&worker.because("own_matter"), &other.id).await.is_err());
        // An office role alone has no matter of its own.
        let request = ground.of(&clerk().because("own_matter"), v1::GetIncidentRequest { id: own.id })?;
        assert_eq!(reason(ground.door.clone().get_incident(request).await), "PermissionDenied PURPOSE_NOT_ALLOWED");
    }
    Ok(())
}

async fn ids(ground: &Ground, who: &Person) -> Result<Vec<String>> {
    Ok(ground.list(who).await?.into_iter().map(|incident| incident.id).collect())
}

#[tokio::test]
async fn pages_and_filters() -> Result<()> {
    for ground in Ground::both().await? {
        for _ in 0..5 {
            let reported = ground.report(&resident()).await?;
            ground.clock.advance(chrono::TimeDelta::milliseconds(500));
            ground.steps(&reported).triage(&clerk(), "roads.street_light", v1::Urgency::Routine, NOWHERE).await?;
        }
        let untouched = ground.report(&resident()).await?;
        let list = async |change: &dyn Fn(&mut v1::ListIncidentsRequest)| {
            let mut request =
                v1::ListIncidentsRequest { area_code: COMMUNITY.to_owned(), page_size: 2, ..Default::default() };
            change(&mut request);
            ground.door.clone().list_incidents(ground.of(&dispatcher(), request).expect("a request")).await
        };
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(&|r| r.page_token.clone_from(&token)).await?.into_inner();
            seen.extend(
                page.incidents.into_iter().map(|incident| incident.reported_at.map(|at| (at.seconds, at.nanos))),
            );
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
        let page = list(&|r| r.states = vec![v1::IncidentState::Reported.into()]).await?.into_inner();
        assert_eq!(page.incidents.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), [untouched.id.as_str()]);
        let page = list(&|r| r.category = "roads".to_owned()).await?.into_inner();
        assert_eq!(page.incidents.len(), 2);
        let other = list(&|r| {
            r.category = "other".to_owned();
            r.page_token.clone_from(&page.next_page_token);
        })
        .await;
        assert_eq!(reason(other), "InvalidArgument PAGE_TOKEN_OF_ANOTHER_QUERY");
        assert!(list(&|r| r.category = "sanitation".to_owned()).await?.into_inner().incidents.is_empty());
    }
    Ok(())
}

const CANARIES: [&str; 5] = ["CANARY-WORDS", "CANARY-PLACE", "CANARY-NAME", "13900004242", "CANARY-NOTE"];

#[tokio::test]
async fn no_table_shows_what_was_said() -> Result<()> {
    for ground in Ground::both().await? {
        let request = v1::ReportIncidentRequest {
            channel: Channel::Phone.into(),
            place: Some(v1::Place {
                area_code: COMMUNITY.to_owned(),
                address: "CANARY-PLACE".to_owned(),
                ..Default::default()
            }),
            description: "CANARY-WORDS".to_owned(),
            reporter: Some(v1::Reporter { name: "CANARY-NAME".to_owned(), phone: "13900004242".to_owned() }),
            ..lamp(Uuid::from_u128(rand()))
        };
        let reported = ground.door.clone().report_incident(ground.of(&clerk(), request)?).await?.into_inner();
        let steps = ground.steps(&reported);
        steps.to_dispatched().await?;
        steps.note(&handler(), "CANARY-NOTE", Visibility::Internal).await?;
        let masked = ground.get(&dispatcher(), &reported.id).await?;
        let hidden = masked.reporter.unwrap_or_default();
        assert_eq!((hidden.name.as_str(), hidden.phone.as_str()), ("C*", "139****4242"));
        let shown = ground.get(&dispatcher().because("case_handling"), &reported.id).await?;
        let seen = shown.reporter.unwrap_or_default();
        assert_eq!((seen.name.as_str(), seen.phone.as_str()), ("CANARY-NAME", "13900004242"));

        let dump = dump(&ground).await?;
        assert!(dump.windows(reported.id.len()).any(|part| part == reported.id.as_bytes()), "the dump holds the rows");
        for canary in CANARIES {
            for form in [canary.to_owned(), hex(canary)] {
                assert!(!dump.windows(form.len()).any(|part| part == form.as_bytes()), "{form}");
            }
        }
    }
    Ok(())
}

/// As Postgres prints bytes.
fn hex(text: &str) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16);
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// Every row of every table; of SQLite the files themselves.
async fn dump(ground: &Ground) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    if ground.is_postgres() {
        for table in ground.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await? {
            for row in ground.rows(&format!("SELECT t::text FROM \"{table}\" t")).await? {
                all.extend(row.into_bytes());
            }
        }
    } else {
        for file in ["incidents.db", "incidents.db-wal"] {
            all.extend(std::fs::read(ground.folder.path().join(file))?);
        }
    }
    Ok(all)
}

#[tokio::test]
async fn the_timeline_is_never_changed() -> Result<()> {
    for ground in Ground::both().await? {
        let reported = ground.report(&resident()).await?;
        ground.steps(&reported).note(&dispatcher(), "说过的话", Visibility::Public).await?;
        let mut forbidden = vec![
            "DELETE FROM timeline",
            "UPDATE timeline SET actor = 'somebody'",
            "UPDATE timeline SET facts = '{}'",
            "UPDATE timeline SET visibility = 'internal'",
            "UPDATE timeline SET text = NULL",
            "UPDATE timeline SET text = text",
        ];
        if ground.is_postgres() {
            forbidden.push("TRUNCATE timeline");
        }
        for statement in forbidden {
            let refused = ground.run(statement).await.expect_err(statement);
            assert!(refused.to_string().contains("append-only"), "{statement}: {refused}");
        }

        // A new data key may seal the texts anew, and nothing is lost.
        ground.keys.rotate().await?;
        let column = linju_incidents::store::timeline::TEXT;
        let progress = chassis::data::reseal_column(&ground.db, &ground.keys, column, None, |_| {}).await?;
        assert_eq!((progress.seen, progress.resealed, progress.unreadable), (1, 1, 0));
        let timeline = ground.timeline(&dispatcher().because("case_handling"), &reported.id).await?;
        assert_eq!(timeline[1].text, "说过的话");
    }
    Ok(())
}
