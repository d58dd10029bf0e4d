//! What everybody may read: no more than that, and nothing of who sent it.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, IncidentState, Visibility, public_service_client::PublicServiceClient},
};
use tonic::Request;
use uuid::Uuid;

use crate::ground::{
    COMMUNITY, GRID, Gated, Ground, Person, SUBDISTRICT, WORDS, clerk, dispatcher, handler, lamp, manager, rand,
    reason, resident,
};

const PHONE: &str = "139 1234 1550";

impl Ground {
    fn everybody(&self) -> PublicServiceClient<Gated> {
        PublicServiceClient::new(self.gated.clone())
    }

    async fn submit(&self, sent: v1::SubmitReportRequest) -> Result<v1::SubmittedReport> {
        Ok(self.everybody().submit_report(self.of(&partner(), sent)?).await?.into_inner())
    }

    async fn shown(&self, numbers: &[&str]) -> Result<Vec<v1::PublishedIncident>> {
        let numbers = numbers.iter().map(|number| (*number).to_owned()).collect();
        let request = v1::ListPublishedIncidentsRequest { numbers, with_entries: true, ..Default::default() };
        Ok(self.everybody().list_published_incidents(request).await?.into_inner().incidents)
    }

    async fn entries(&self) -> Result<Vec<v1::PublishedEntry>> {
        let request =
            v1::ListPublishedEntriesRequest { from: Some(prost_types::Timestamp::default()), ..Default::default() };
        Ok(self.everybody().list_published_entries(request).await?.into_inner().entries)
    }

    async fn look_up(&self, number: &str, digits: &str) -> Result<v1::ReportStatus, tonic::Status> {
        let asked = v1::LookUpReportRequest { number: number.to_owned(), phone_suffix: digits.to_owned() };
        Ok(self.everybody().look_up_report(asked).await?.into_inner())
    }

    async fn add_update(&self, who: &Person, number: &str, id: &str, reopen: bool) -> Result<String, tonic::Status> {
        let update = v1::AddPublicUpdateRequest {
            number: number.to_owned(),
            update_id: id.to_owned(),
            text: format!("还没有人来 {id}"),
            reopen,
        };
        let request = self.of(who, update).map_err(|e| tonic::Status::internal(e.to_string()))?;
        Ok(self.everybody().add_public_update(request).await?.into_inner().id)
    }

    /// A report by telephone, with the caller's number.
    async fn phoned(&self) -> Result<v1::Incident> {
        let report = v1::ReportIncidentRequest {
            channel: v1::Channel::Phone.into(),
            category: "roads.street_light".to_owned(),
            reporter: Some(v1::Reporter { name: "张清秀".to_owned(), phone: PHONE.to_owned() }),
            ..lamp(Uuid::from_u128(rand()))
        };
        Ok(self.door.clone().report_incident(self.of(&clerk(), report)?).await?.into_inner())
    }
}

/// Somebody whose software forwards reports.
fn partner() -> Person {
    Person::new("p-fixmystreet", Role::Partner, SUBDISTRICT)
}

/// A report that everybody will read.
fn pothole() -> v1::SubmitReportRequest {
    v1::SubmitReportRequest {
        category: "roads.surface".to_owned(),
        area_code: GRID.to_owned(),
        address: "白玉街12号门前".to_owned(),
        latitude: Some(31.860_491_27),
        longitude: Some(106.751_237_9),
        description: "路面有个大坑 <script>&\"'\r\n第二行".to_owned(),
        reporter: Some(v1::Reporter { name: "王小丽".to_owned(), phone: PHONE.to_owned() }),
        answers: vec![v1::Answer { code: "size".to_owned(), values: vec!["large".to_owned()] }],
        media_urls: vec!["https://pictures.example.org/1.jpg".to_owned()],
        request_id: Uuid::from_u128(rand()).to_string(),
    }
}

#[tokio::test]
async fn what_came_for_the_public_is_shown_as_it_was_sent() -> Result<()> {
    for ground in Ground::both().await? {
        let sent = pothole();
        let made = ground.submit(sent.clone()).await?;
        let shown = ground.shown(&[&made.number]).await?;
        let [shown] = shown.as_slice() else { anyhow::bail!("one: {shown:?}") };
        assert_eq!((&shown.description, &shown.address), (&sent.description, &sent.address));
        assert_eq!((shown.latitude, shown.longitude), (sent.latitude, sent.longitude));
        assert_eq!((&shown.category, &shown.area_code), (&sent.category, &sent.area_code));
        assert_eq!(shown.media_urls, sent.media_urls);
        assert_eq!((shown.state(), shown.open), (IncidentState::Reported, true));
        assert_eq!(shown.category_name.as_ref().map(|name| name.en.as_str()), Some("Damaged road or pavement"));
        let everything = format!("{shown:?}");
        for inside in ["王小丽", "1550", "p-fixmystreet", "large"] {
            assert!(!everything.contains(inside), "{inside}: {everything}");
        }
        let office = ground.get(&dispatcher().because("case_handling"), &made.id).await?;
        assert_eq!(office.channel(), v1::Channel::Open311);
        assert_eq!(office.reporter.as_ref().map(|r| (r.name.as_str(), r.phone.as_str())), Some(("王小丽", PHONE)));
        assert_eq!(office.answers.first().map(|answer| answer.values.clone()), Some(vec!["large".to_owned()]));

        let again = ground.submit(sent.clone()).await?;
        assert_eq!((again.number, ground.count("incidents").await?), (made.number, 1), "the same request");
        assert_eq!(ground.count("publications").await?, 1);
        assert!(
            ground.rows("SELECT CAST(count(*) AS TEXT) FROM publications WHERE media_urls IS NULL").await?[0] == "0"
        );
    }
    Ok(())
}

#[tokio::test]
async fn of_any_other_report_only_the_kind_and_a_coarse_place() -> Result<()> {
    for ground in Ground::both().await? {
        let phoned = ground.phoned().await?;
        let steps = ground.steps(&phoned);
        steps.to_dispatched().await?;
        steps.note(&dispatcher(), "张清秀您好，明天来修", Visibility::Public).await?;
        let shown = ground.shown(&[&phoned.number]).await?;
        let shown = shown.first().context("one")?;
        assert_eq!((shown.latitude, shown.longitude), (Some(31.86), Some(106.75)));
        assert_eq!(shown.area_code, COMMUNITY);
        assert!(shown.expected_at.is_some(), "the promise");
        let everything = format!("{shown:?}");
        for inside in [WORDS, "白玉小区", "张清秀", "1550", "u-clerk", "lights"] {
            assert!(!everything.contains(inside), "{inside}: {everything}");
        }
        assert!(shown.entries.is_empty() && ground.entries().await?.is_empty());

        // What a category does not let be shown is not there, under whatever filter.
        let quarrel =
            v1::ReportIncidentRequest { category: "neighbours.dispute".to_owned(), ..lamp(Uuid::from_u128(rand())) };
        let hidden = ground.door.clone().report_incident(ground.of(&resident(), quarrel)?).await?.into_inner();
        ground.report(&resident()).await?;
        assert!(ground.shown(&[&hidden.number]).await?.is_empty());
        let request = v1::ListPublishedIncidentsRequest {
            categories: vec!["neighbours.dispute".to_owned(), "nothing".to_owned()],
            ..Default::default()
        };
        assert!(ground.everybody().list_published_incidents(request).await?.into_inner().incidents.is_empty());
        assert_eq!(ground.shown(&[]).await?.len(), 1, "and one that has no category");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_public_is_never_reported_by_accident() -> Result<()> {
    for ground in Ground::both().await? {
        let slip = v1::ReportIncidentRequest { channel: v1::Channel::Open311.into(), ..lamp(Uuid::from_u128(rand())) };
        let refused = ground.door.clone().report_incident(ground.of(&resident(), slip)?).await;
        assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
        let wrong = |change: fn(&mut v1::SubmitReportRequest)| {
            let mut sent = pothole();
            change(&mut sent);
            sent
        };
        for (what, sent) in [
            ("not for the public", wrong(|sent| "neighbours.dispute".clone_into(&mut sent.category))),
            ("a group", wrong(|sent| "roads".clone_into(&mut sent.category))),
            ("no such category", wrong(|sent| "roads.nothing".clone_into(&mut sent.category))),
            (
                "nowhere",
                wrong(|sent| {
                    (sent.latitude, sent.longitude) = (None, None);
                    sent.address.clear();
                    sent.area_code.clear();
                }),
            ),
            ("half a point", wrong(|sent| sent.longitude = None)),
            ("an unknown attribute", wrong(|sent| "colour".clone_into(&mut sent.answers[0].code))),
            ("an unknown value", wrong(|sent| sent.answers[0].values = vec!["huge".to_owned()])),
            (
                "a required attribute",
                wrong(|sent| {
                    sent.answers.clear();
                    "utilities.gas".clone_into(&mut sent.category);
                }),
            ),
            ("too much", wrong(|sent| sent.description = "坑".repeat(4_001))),
            ("no address of a picture", wrong(|sent| sent.media_urls = vec!["javascript:alert(1)".to_owned()])),
        ] {
            let refused = ground.everybody().submit_report(ground.of(&partner(), sent)?).await;
            assert!(reason(refused).starts_with("InvalidArgument"), "{what}");
        }
        let elsewhere = wrong(|sent| "511903002001".clone_into(&mut sent.area_code));
        let refused = ground.everybody().submit_report(ground.of(&partner(), elsewhere)?).await;
        assert_eq!(reason(refused), "PermissionDenied AREA_NOT_GRANTED");
        assert_eq!(
            reason(ground.everybody().submit_report(Request::new(pothole())).await),
            "Unauthenticated NOT_SIGNED_IN"
        );
        assert_eq!(ground.count("incidents").await?, 0);

        // Whoever may report in one area only need not say in which.
        let somewhere = ground.submit(wrong(|sent| sent.area_code.clear())).await?;
        assert_eq!(ground.shown(&[&somewhere.number]).await?[0].area_code, SUBDISTRICT);
        let two = partner().and(&Person::new("p", Role::Partner, "511903002"));
        let refused = ground.everybody().submit_report(ground.of(&two, wrong(|sent| sent.area_code.clear()))?).await;
        assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
    }
    Ok(())
}

#[tokio::test]
async fn updates_tell_how_it_went() -> Result<()> {
    use IncidentState::{Accepted, Closed, Dispatched, InProgress, SolutionProposed, Triaged};
    for ground in Ground::both().await? {
        let made = ground.submit(pothole()).await?;
        let incident = ground.get(&dispatcher(), &made.id).await?;
        let steps = ground.steps(&incident);
        steps.triage(&dispatcher(), "roads.surface", v1::Urgency::Routine, crate::ground::NOWHERE).await?;
        steps.dispatch(&dispatcher(), "lights").await?;
        steps.note(&dispatcher(), "内部：找老李", Visibility::Internal).await?;
        ground.clock.advance(TimeDelta::minutes(5));
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        let first = ground.add_update(&partner(), &made.number, "c-1", false).await?;
        assert_eq!(ground.add_update(&partner(), &made.number, "c-1", false).await?, first, "it came only once");
        steps.propose(&handler(), "已填平").await?;
        let shown = ground.shown(&[&made.number]).await?;
        assert_eq!((shown[0].note.as_str(), shown[0].open), ("已填平", true), "done is not yet confirmed");
        let reopened = ground.add_update(&partner(), &made.number, "c-2", true).await?;
        assert_ne!(first, reopened);
        assert_eq!(ground.get(&dispatcher(), &made.id).await?.state(), IncidentState::InProgress);
        steps.propose(&handler(), "又填了一次").await?;
        steps.confirm(&clerk(), v1::Satisfaction::Satisfied).await?;

        let entries = ground.entries().await?;
        let told: Vec<_> = entries.iter().map(|e| (e.kind.as_str(), e.state(), e.solved, e.text.as_str())).collect();
        assert_eq!(
            told,
            [
                ("triaged", Triaged, false, ""),
                ("dispatched", Dispatched, false, ""),
                ("promised", Dispatched, false, ""),
                ("accepted", Accepted, false, ""),
                ("work_started", InProgress, false, ""),
                ("note_added", InProgress, false, "还没有人来 c-1"),
                ("solution_proposed", SolutionProposed, false, "已填平"),
                ("reopened", InProgress, false, ""),
                ("solution_proposed", SolutionProposed, false, "又填了一次"),
                ("closed", Closed, true, ""),
            ]
        );
        assert!(entries.iter().any(|entry| entry.id == first) && entries.iter().any(|entry| entry.id == reopened));
        assert!(!format!("{entries:?}").contains("老李"));
        // Paging by number and by token meet the same entries.
        let mut paged = Vec::new();
        for skip in (0..12).step_by(4) {
            let request = v1::ListPublishedEntriesRequest {
                numbers: vec![made.number.clone()],
                from: Some(prost_types::Timestamp::default()),
                skip,
                page_size: 4,
                ..Default::default()
            };
            paged.extend(ground.everybody().list_published_entries(request).await?.into_inner().entries);
        }
        assert_eq!(paged, entries);
        let late = v1::ListPublishedEntriesRequest {
            from: Some(prost_types::Timestamp { seconds: ground.clock.now().timestamp() - 60, nanos: 0 }),
            ..Default::default()
        };
        assert_eq!(ground.everybody().list_published_entries(late).await?.into_inner().entries, entries[3..]);
        // What the reporter adds is no answer of the office: the clock of its first word runs on until the solution.
        let request = v1::GetIncidentFiguresRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let figures = ground.door.clone().get_incident_figures(ground.of(&dispatcher(), request)?).await?.into_inner();
        assert_eq!(figures.first_answer.and_then(|times| times.median_seconds), Some(300));
    }
    Ok(())
}

#[tokio::test]
async fn only_who_submitted_a_report_adds_to_it() -> Result<()> {
    for ground in Ground::both().await? {
        let made = ground.submit(pothole()).await?;
        let other = partner().named("p-other");
        for (who, number) in [(&other, made.number.as_str()), (&partner(), "20261123-000000"), (&partner(), "x")] {
            assert_eq!(reason(ground.add_update(who, number, "c", false).await), "NotFound NOT_FOUND", "{number}");
        }
        let phoned = ground.phoned().await?;
        assert_eq!(reason(ground.add_update(&partner(), &phoned.number, "c", false).await), "NotFound NOT_FOUND");
        assert_eq!(
            reason(ground.add_update(&dispatcher(), &made.number, "c", false).await),
            "PermissionDenied ROLE_NOT_ALLOWED"
        );
        assert_eq!(ground.count("posted_updates").await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn of_two_equal_updates_at_once_one_is_written() -> Result<()> {
    for ground in Ground::both().await? {
        let made = ground.submit(pothole()).await?;
        let partner = partner();
        let (a, b) = tokio::join!(
            ground.add_update(&partner, &made.number, "c-1", false),
            ground.add_update(&partner, &made.number, "c-1", false)
        );
        assert_eq!(a?, b?, "who came second is told the same");
        assert_eq!(ground.count("timeline WHERE kind = 'note_added'").await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn the_office_takes_a_report_out() -> Result<()> {
    for ground in Ground::both().await? {
        let made = ground.submit(pothole()).await?;
        let phoned = ground.phoned().await?;
        ground.steps(&phoned).to_dispatched().await?;
        let withhold = async |who: &Person, id: &str, withheld| -> Result<_> {
            let request = v1::WithholdIncidentRequest { id: id.to_owned(), withheld };
            Ok(reason(ground.everybody().withhold_incident(ground.of(who, request)?).await))
        };
        assert_eq!(withhold(&partner(), &made.id, true).await?, "PermissionDenied ROLE_NOT_ALLOWED");
        let elsewhere = Person::new("u", Role::Dispatcher, "511903002");
        assert_eq!(withhold(&elsewhere, &made.id, true).await?, "NotFound NOT_FOUND");
        assert_eq!(withhold(&dispatcher(), &made.id, true).await?, "no refusal");
        assert_eq!(withhold(&manager(), &phoned.id, true).await?, "no refusal");
        assert!(ground.shown(&[]).await?.is_empty() && ground.shown(&[&made.number]).await?.is_empty());
        assert!(ground.entries().await?.is_empty());
        assert_eq!(withhold(&manager(), &made.id, false).await?, "no refusal");
        let shown = ground.shown(&[]).await?;
        assert_eq!(shown.iter().map(|report| report.media_urls.len()).collect::<Vec<_>>(), [1], "with its pictures");
        let decided = ground.rows("SELECT decided_by FROM publications ORDER BY decided_by").await?;
        assert_eq!(decided, ["u-manager", "u-manager"]);
        // Whoever takes a report back takes its words with it.
        ground.steps(&ground.get(&dispatcher(), &made.id).await?).withdraw(&clerk(), "弄错了").await?;
        let shown = ground.shown(&[&made.number]).await?;
        assert_eq!((shown[0].state(), shown[0].open), (IncidentState::Withdrawn, false));
        assert!(shown[0].description.is_empty() && shown[0].address.is_empty() && shown[0].media_urls.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_reporter_sees_where_it_stands() -> Result<()> {
    for ground in Ground::both().await? {
        let phoned = ground.phoned().await?;
        let steps = ground.steps(&phoned);
        steps.to_dispatched().await?;
        steps.note(&dispatcher(), "张清秀您好，明天来修", Visibility::Public).await?;
        steps.note(&dispatcher(), "内部", Visibility::Internal).await?;
        let typed = phoned.number.to_lowercase().replace('-', " ");
        let status = ground.look_up(&typed, "1550").await?;
        assert_eq!((status.number.as_str(), status.state()), (phoned.number.as_str(), IncidentState::Dispatched));
        assert_eq!(status.words.as_ref().map(|words| words.zh.as_str()), Some("已派给责任单位"));
        assert_eq!(status.category.as_ref().map(|words| words.en.as_str()), Some("One street light out"));
        assert!(status.expected_at.is_some());
        let told: Vec<_> = status.steps.iter().filter_map(|step| Some(step.words.as_ref()?.en.as_str())).collect();
        assert_eq!(told, ["Received", "Looked at", "Given to a unit", "Promised for a day", "There is news"]);
        let everything = format!("{status:?}");
        for inside in ["张", "1550", "白玉", WORDS, "u-", "明天", "lights"] {
            assert!(!everything.contains(inside), "{inside}: {everything}");
        }
        // Also of what no category lets everybody see.
        let quarrel = v1::ReportIncidentRequest {
            channel: v1::Channel::Phone.into(),
            category: "neighbours.dispute".to_owned(),
            reporter: Some(v1::Reporter { name: String::new(), phone: PHONE.to_owned() }),
            ..lamp(Uuid::from_u128(rand()))
        };
        let quarrel = ground.door.clone().report_incident(ground.of(&clerk(), quarrel)?).await?.into_inner();
        assert_eq!(ground.look_up(&quarrel.number, "1550").await?.state(), IncidentState::Reported);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_guesses_the_end_of_a_phone_number() -> Result<()> {
    for ground in Ground::both().await? {
        let (phoned, mine) = (ground.phoned().await?, ground.report(&resident()).await?);
        let unknown = "20261123-000000";
        for number in [phoned.number.as_str(), mine.number.as_str(), unknown] {
            let mut told = Vec::new();
            for guess in 0..10 {
                let refused = ground.look_up(number, &format!("{guess:04}")).await;
                told.push((reason(refused.clone()), refused.err().map(|status| status.message().to_owned())));
            }
            told.dedup();
            assert_eq!(told.len(), 1, "all refusals are the same");
            assert_eq!(told[0].0, "NotFound NO_SUCH_REPORT");
            // From now on the right digits do not help, and whether there is such a report is not told either.
            assert_eq!(reason(ground.look_up(number, "1550").await), "PermissionDenied TRIED_TOO_OFTEN", "{number}");
        }
        // It is kept where another copy of the program finds it, and forgotten after a day.
        assert_eq!(ground.count("status_tries WHERE wrong > 10").await?, 3);
        ground.clock.advance(TimeDelta::hours(25));
        assert_eq!(ground.look_up(&phoned.number, "1550").await?.number, phoned.number);
        assert_eq!(ground.count("status_tries").await?, 1, "others are gone");
        // Right look-ups are not counted.
        for _ in 0..20 {
            ground.look_up(&phoned.number, "1550").await?;
        }
        for wrong in ["", "1234", "20261123-7K3M9", "20261123-7K3M9U1"] {
            assert!(ground.look_up(wrong, "1550").await.is_err());
        }
        assert_eq!(ground.count("status_tries").await?, 1, "what is no number is not counted");
        for digits in ["", "155", "15501", "١٢٣٤", "%%%%"] {
            assert_eq!(
                reason(ground.look_up(&phoned.number, digits).await),
                "InvalidArgument INVALID_FIELD",
                "{digits}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn many_guesses_at_once_gain_nothing() -> Result<()> {
    for ground in Ground::both().await? {
        let phoned = ground.phoned().await?;
        let guesses = (0..40).map(|guess| {
            let (ground, number) = (&ground, phoned.number.as_str());
            async move { reason(ground.look_up(number, &format!("{guess:04}")).await) }
        });
        let told = futures::future::join_all(guesses).await;
        assert_eq!(told.iter().filter(|told| *told == "NotFound NO_SUCH_REPORT").count(), 10);
    }
    Ok(())
}

#[tokio::test]
async fn lists_are_cut_and_filtered() -> Result<()> {
    for ground in Ground::both().await? {
        let mut numbers = Vec::new();
        for minute in 0..7 {
            let category = if minute % 2 == 0 { "roads.surface" } else { "sanitation.graffiti" };
            let sent = v1::SubmitReportRequest { category: category.to_owned(), answers: Vec::new(), ..pothole() };
            numbers.push(ground.submit(sent).await?.number);
            ground.clock.advance(TimeDelta::minutes(1));
        }
        numbers.reverse();
        let list = async |request: v1::ListPublishedIncidentsRequest| -> Result<_> {
            let answer = ground.everybody().list_published_incidents(request).await?.into_inner();
            let found: Vec<_> = answer.incidents.into_iter().map(|report| report.number).collect();
            Ok((found, answer.next_page_token))
        };
        let of = |skip, page_size| v1::ListPublishedIncidentsRequest { skip, page_size, ..Default::default() };
        assert_eq!(list(of(0, 0)).await?.0, numbers);
        assert_eq!(list(of(2, 3)).await?.0, numbers[2..5]);
        assert!(list(of(7, 3)).await?.0.is_empty());
        let (first, token) = list(of(0, 5)).await?;
        let (second, end) = list(v1::ListPublishedIncidentsRequest { page_token: token, ..of(0, 5) }).await?;
        assert_eq!((first, second, end.as_str()), (numbers[..5].to_vec(), numbers[5..].to_vec(), ""));
        let graffiti = v1::ListPublishedIncidentsRequest {
            categories: vec!["sanitation.graffiti".to_owned()],
            open: Some(true),
            ..Default::default()
        };
        assert_eq!(list(graffiti.clone()).await?.0.len(), 3);
        assert!(list(v1::ListPublishedIncidentsRequest { open: Some(false), ..graffiti }).await?.0.is_empty());
        let at = |minutes: i64| {
            let at = crate::ground::morning() + TimeDelta::minutes(minutes);
            Some(prost_types::Timestamp { seconds: at.timestamp(), nanos: 0 })
        };
        let window = v1::ListPublishedIncidentsRequest { from: at(2), until: at(4), ..Default::default() };
        assert_eq!(list(window).await?.0.len(), 2, "the end is not within");
    }
    Ok(())
}

#[tokio::test]
async fn the_catalogue_of_the_public() -> Result<()> {
    for ground in Ground::both().await? {
        let found =
            ground.everybody().list_published_categories(v1::ListPublishedCategoriesRequest {}).await?.into_inner();
        let codes: Vec<_> = found.categories.iter().map(|category| category.code.as_str()).collect();
        assert!(codes.contains(&"roads.surface") && codes.contains(&"utilities.gas"));
        for hidden in ["roads", "neighbours.noise", "people.elder_help", "other.feedback"] {
            assert!(!codes.contains(&hidden), "{hidden}");
        }
        let one = |code: &str| v1::GetPublishedCategoryRequest { code: code.to_owned() };
        let gas = ground.everybody().get_published_category(one("utilities.gas")).await?.into_inner();
        assert_eq!((gas.call_first.as_slice(), gas.questions.len()), (&["119".to_owned()][..], 2));
        assert_eq!(gas.group.as_ref().map(|group| group.zh.as_str()), Some("水电气"));
        for hidden in ["roads", "neighbours.noise", "roads.nothing"] {
            assert_eq!(reason(ground.everybody().get_published_category(one(hidden)).await), "NotFound NOT_FOUND");
        }
        let retire = v1::RetireCategoryRequest { code: "utilities.gas".to_owned(), ..Default::default() };
        ground.categories().retire_category(ground.of(&manager(), retire)?).await?;
        assert_eq!(reason(ground.everybody().get_published_category(one("utilities.gas")).await), "NotFound NOT_FOUND");
    }
    Ok(())
}
