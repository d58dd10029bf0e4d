//! Reporting: who may, and what the same request twice does.

use anyhow::Result;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, Channel},
};
use uuid::Uuid;

use crate::ground::{COMMUNITY, Ground, Person, clerk, lamp, rand, reason, resident};

#[tokio::test]
async fn the_same_request_makes_one_incident() -> Result<()> {
    for ground in Ground::both().await? {
        let request = lamp(Uuid::from_u128(rand()));
        let all = (0..100).map(|_| {
            let (mut door, request) = (ground.door.clone(), ground.of(&resident(), request.clone()));
            async move { anyhow::Ok(door.report_incident(request?).await?.into_inner()) }
        });
        let answers = futures::future::try_join_all(all).await?;
        assert!(answers.iter().all(|answer| answer.id == answers[0].id && answer.number == answers[0].number));
        assert_eq!(ground.count("incidents").await?, 1);
        assert_eq!(ground.count("timeline").await?, 1);
        assert_eq!(ground.count("outbox").await?, 1);

        let other = v1::ReportIncidentRequest { description: "别的事".to_owned(), ..request.clone() };
        let outcome = ground.door.clone().report_incident(ground.of(&resident(), other)?).await;
        assert_eq!(reason(outcome), "AlreadyExists REQUEST_ID_REUSED");
        // Somebody else's ids are their own.
        ground.door.clone().report_incident(ground.of(&clerk(), request)?).await?;
        assert_eq!(ground.count("incidents").await?, 2);
    }
    Ok(())
}

/// The busiest call makes one round trip to Postgres: whatever it writes is written by one statement.
#[tokio::test]
async fn a_report_is_one_statement() -> Result<()> {
    let ground = Ground::postgres().await?;
    ground.run("CREATE TABLE seen (part text, query text)").await?;
    ground
        .run(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO seen VALUES (TG_TABLE_NAME, current_query()); RETURN NULL; END $$",
        )
        .await?;
    for table in ["incidents", "timeline", "outbox", "requests"] {
        ground
            .run(&format!("CREATE TRIGGER note AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION note()"))
            .await?;
    }
    ground.report(&resident()).await?;
    let parts = ground.rows("SELECT part FROM seen ORDER BY part").await?;
    assert_eq!(parts, ["incidents", "outbox", "requests", "timeline"]);
    assert_eq!(ground.count("(SELECT DISTINCT query FROM seen) AS queries").await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_number_that_is_taken_is_not_given_again() -> Result<()> {
    for ground in Ground::both().await? {
        let first = ground.report(&resident()).await?;
        // What the next id would give.
        ground
            .run(&format!("UPDATE incidents SET number = '20261123-000004' WHERE number = '{}'", first.number))
            .await?;
        let second = ground.report(&resident()).await?;
        assert_ne!(second.number, "20261123-000004");
        assert_eq!(ground.count("incidents").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn doors_and_places() -> Result<()> {
    for ground in Ground::both().await? {
        let with = |change: &dyn Fn(&mut v1::ReportIncidentRequest)| {
            let mut request = lamp(Uuid::from_u128(rand()));
            change(&mut request);
            request
        };
        let refused = async |who: &Person, request: v1::ReportIncidentRequest| {
            anyhow::Ok(reason(ground.door.clone().report_incident(ground.of(who, request)?).await))
        };
        let volunteer = Person::new("u-volunteer", Role::Volunteer, COMMUNITY);
        let place = |area: &str| v1::Place { area_code: area.to_owned(), ..Default::default() };
        let elsewhere = with(&|r| r.place = Some(place("511903001009")));
        assert_eq!(refused(&volunteer, elsewhere).await?, "PermissionDenied AREA_NOT_GRANTED");
        let phone = with(&|r| r.channel = Channel::Phone.into());
        assert_eq!(refused(&volunteer, phone.clone()).await?, "InvalidArgument INVALID_FIELD");
        assert_eq!(refused(&clerk(), phone).await?, "no refusal");
        let import = with(&|r| r.channel = Channel::Import.into());
        assert_eq!(refused(&clerk(), import).await?, "InvalidArgument INVALID_FIELD");
        let wrong = [
            with(&|r| r.channel = 0),
            with(&|r| r.description = String::new()),
            with(&|r| r.description = " \n".to_owned()),
            with(&|r| r.description = "坏\0了".to_owned()),
            with(&|r| r.description = "灯".repeat(4001)),
            with(&|r| r.category = "roads.potato".to_owned()),
            with(&|r| r.request_id = "1".to_owned()),
            with(&|r| r.place = None),
            with(&|r| r.place = Some(place("5119"))),
            with(&|r| r.place = Some(place("000000000"))),
            with(&|r| r.place = Some(v1::Place { latitude: Some(31.0), ..place(COMMUNITY) })),
            with(&|r| r.place = Some(v1::Place { latitude: Some(91.0), longitude: Some(0.0), ..place(COMMUNITY) })),
        ];
        for request in wrong {
            let told = format!("{:?} {:?}", request.channel, request.request_id);
            assert_eq!(refused(&clerk(), request).await?, "InvalidArgument INVALID_FIELD", "{told}");
        }
        assert_eq!(ground.count("incidents").await?, 1);
    }
    Ok(())
}
