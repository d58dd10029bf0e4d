//! The tree of categories: read by anybody, kept by the office, and asked what a report may say.

use anyhow::Result;
use linju_proto::incidents::v1::{self, Channel, Urgency};
use uuid::Uuid;

use crate::ground::{GRID, Ground, NOWHERE, Person, clerk, dispatcher, lamp, manager, rand, reason, resident};

impl Ground {
    async fn category(&self, who: &Person, code: &str) -> Result<v1::Category, tonic::Status> {
        let request = self.of(who, v1::GetCategoryRequest { code: code.to_owned() }).expect("a request");
        Ok(self.categories().get_category(request).await?.into_inner())
    }

    async fn update_category(&self, who: &Person, category: v1::Category) -> Result<v1::Category, tonic::Status> {
        let request = self.of(who, v1::UpdateCategoryRequest { category: Some(category) }).expect("a request");
        Ok(self.categories().update_category(request).await?.into_inner())
    }

    async fn report_as(&self, who: &Person, request: v1::ReportIncidentRequest) -> Result<v1::Incident, tonic::Status> {
        let request = self.of(who, request).expect("a request");
        Ok(self.door.clone().report_incident(request).await?.into_inner())
    }
}

fn named(category: &str, answers: &[(&str, &[&str])]) -> v1::ReportIncidentRequest {
    let answer = |(code, values): &(&str, &[&str])| v1::Answer {
        code: (*code).to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    v1::ReportIncidentRequest {
        category: category.to_owned(),
        answers: answers.iter().map(answer).collect(),
        ..lamp(Uuid::from_u128(rand()))
    }
}

#[tokio::test]
async fn anybody_reads_the_tree_and_the_office_reads_who_handles() -> Result<()> {
    for ground in Ground::both().await? {
        let list = v1::ListCategoriesRequest { group: "roads".to_owned(), include_retired: false };
        let all = ground.categories().list_categories(list.clone()).await?.into_inner().categories;
        let codes: Vec<_> = all.iter().map(|category| category.code.as_str()).collect();
        assert_eq!(codes[..3], ["roads", "roads.surface", "roads.street_light"]);
        assert!(all[0].group && !all[1].group);
        assert!(all.iter().all(|category| category.units.is_empty() && !category.promises.is_empty()));
        let stuck =
            ground.categories().get_category(v1::GetCategoryRequest { code: "building.lift".to_owned() }).await?;
        assert_eq!(stuck.into_inner().questions[0].code, "trapped");
        let light = ground.category(&clerk(), "roads.street_light").await?;
        let units: Vec<_> = light.units.iter().map(|route| route.unit.as_str()).collect();
        assert_eq!((units, light.parent.as_str(), light.publishable), (vec!["lights", "roads"], "roads", Some(true)));
        assert!(ground.category(&resident(), "roads.street_light").await?.units.is_empty());
        assert_eq!(reason(ground.category(&clerk(), "roads.potato").await), "NotFound NOT_FOUND");
    }
    Ok(())
}

#[tokio::test]
async fn the_office_keeps_the_tree() -> Result<()> {
    for ground in Ground::both().await? {
        let new = v1::Category {
            code: "roads.snow".to_owned(),
            zh: "积雪结冰".to_owned(),
            en: "Snow and ice".to_owned(),
            ..Default::default()
        };
        let create = async |category: v1::Category| {
            let request = ground.of(&manager(), v1::CreateCategoryRequest { category: Some(category) }).expect("one");
            ground.categories().create_category(request).await
        };
        let made = create(new.clone()).await?.into_inner();
        assert_eq!((made.etag.as_str(), made.units[0].unit.as_str()), ("v1", "roads"), "the group's units");
        assert_eq!(reason(create(new.clone()).await), "InvalidArgument INVALID_FIELD");
        let orphan = v1::Category { code: "sky.moon".to_owned(), ..new.clone() };
        assert_eq!(reason(create(orphan).await), "InvalidArgument INVALID_FIELD");

        let promises = vec![v1::TimePromise { resolve: "6h".to_owned(), ..Default::default() }];
        let better = v1::Category { promises, etag: made.etag.clone(), ..made.clone() };
        let updated = ground.update_category(&manager(), better.clone()).await?;
        assert_eq!((updated.etag.as_str(), updated.promises[0].resolve.as_str()), ("v2", "6h"));
        assert_eq!(reason(ground.update_category(&manager(), better.clone()).await), "Aborted STALE_ETAG");
        assert_eq!(reason(ground.update_category(&clerk(), better).await), "PermissionDenied ROLE_NOT_ALLOWED");

        let retire = async |code: &str, undo| {
            let message = v1::RetireCategoryRequest { code: code.to_owned(), undo, etag: String::new() };
            let request = ground.of(&manager(), message).expect("a request");
            ground.categories().retire_category(request).await
        };
        assert_eq!(reason(retire("roads", false).await), "InvalidArgument INVALID_FIELD");
        assert!(retire("roads.snow", false).await?.into_inner().retired);
        let refused = ground.report_as(&resident(), named("roads.snow", &[])).await;
        assert_eq!(reason(refused), "InvalidArgument INVALID_FIELD");
        retire("roads.snow", true).await?;
        ground.report_as(&resident(), named("roads.snow", &[])).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_taken_whole_or_not_at_all_and_twice_changes_nothing() -> Result<()> {
    for ground in Ground::both().await? {
        let file = "[[category]]\ncode = \"roads\"\nzh = \"道路\"\nen = \"Roads\"\n\n\
                    [[category]]\ncode = \"roads.ice\"\nzh = \"结冰\"\nen = \"Ice\"\n";
        let taken = ground.app.import_categories(file).await?.expect("a good file");
        assert_eq!((taken.created, taken.updated, taken.unchanged, taken.untouched), (1, 1, 0, 61));
        let again = ground.app.import_categories(file).await?.expect("a good file");
        assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 2));
        let before = ground.count("categories").await?;
        let wrong = file.replace("code = \"roads.ice\"", "code = \"lakes.ice\"").replace("en = \"Roads\"", "en = \"\"");
        let problems = ground.app.import_categories(&wrong).await?.expect_err("a bad file");
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 7]);
        assert_eq!(ground.count("categories").await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn a_mapping_that_names_no_category_is_refused_before_any_row() -> Result<()> {
    let mapping = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/mappings/la311.toml"))?;
    let mapping =
        mapping.replace("\"roads.street_light\"", "\"roads.lamp\"").replace("\"other.feedback\"", "\"other\"");
    for ground in Ground::both().await? {
        let mut seen = 0;
        let options =
            linju_incidents::app::ImportOptions { dry_run: false, progress: &mut |_| seen += 1, problem: &mut |_| {} };
        let outcome = ground.app.import_requests(&b"x"[..], &mapping.parse()?, options).await;
        insta::assert_snapshot!("unusable_categories", outcome.expect_err("it names no category").to_string());
        assert_eq!(seen, 0);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_asked_is_answered_and_sealed() -> Result<()> {
    for ground in Ground::both().await? {
        for (answers, wanted) in [
            (&[][..], "InvalidArgument INVALID_FIELD"),
            (&[("trapped", &["perhaps"][..])][..], "InvalidArgument INVALID_FIELD"),
            (&[("trapped", &[][..])][..], "InvalidArgument INVALID_FIELD"),
            (&[("trapped", &["no"][..]), ("colour", &["red"])][..], "InvalidArgument INVALID_FIELD"),
        ] {
            let outcome = ground.report_as(&resident(), named("building.lift", answers)).await;
            assert_eq!(reason(outcome), wanted, "{answers:?}");
        }
        assert_eq!(
            reason(ground.report_as(&resident(), named("", &[("trapped", &["no"])])).await),
            "InvalidArgument INVALID_FIELD"
        );
        let answers: &[(&str, &[&str])] = &[("trapped", &["no"]), ("lift_number", &["王阿姨楼下那部"])];
        let reported = ground.report_as(&resident(), named("building.lift", answers)).await?;
        assert_eq!(reported.answers[1].values, [""], "masked without a purpose");
        let seen = ground.get(&clerk().because("case_handling"), &reported.id).await?;
        assert_eq!(seen.answers[1].values, ["王阿姨楼下那部"]);
        assert_eq!(ground.count("incidents WHERE answers IS NOT NULL").await?, 1);
        // Triage with the same category leaves them; another category has other questions.
        let steps = ground.steps(&reported);
        steps.triage(&dispatcher(), "building.lift", Urgency::Urgent, NOWHERE).await?;
        assert_eq!(ground.get(&clerk(), &reported.id).await?.answers.len(), 2);
        steps.triage(&dispatcher(), "roads.street_light", Urgency::Urgent, NOWHERE).await?;
        assert!(ground.get(&clerk(), &reported.id).await?.answers.is_empty());
        let unasked = steps.triage(&dispatcher(), "building.lift", Urgency::Routine, NOWHERE).await;
        assert_eq!(reason(unasked), "InvalidArgument INVALID_FIELD");
        // Nobody knows; or there is no time to ask.
        let unknown = v1::TriageIncidentRequest {
            id: reported.id.clone(),
            category: "building.lift".to_owned(),
            urgency: Urgency::Routine.into(),
            answers: vec![v1::Answer { code: "trapped".to_owned(), values: Vec::new() }],
            ..Default::default()
        };
        ground.door.clone().triage_incident(ground.of(&dispatcher(), unknown)?).await?;
        steps.triage(&dispatcher(), "utilities.gas", Urgency::Emergency, NOWHERE).await?;
        let group = steps.triage(&dispatcher(), "utilities", Urgency::Emergency, NOWHERE).await;
        assert_eq!(reason(group), "InvalidArgument INVALID_FIELD");
    }
    Ok(())
}

#[tokio::test]
async fn the_catalogue_says_who_is_asked_first() -> Result<()> {
    for ground in Ground::both().await? {
        let light = ground.category(&manager(), "roads.street_light").await?;
        let mut units = light.units.clone();
        units.push(v1::Route { unit: "grid_lights".to_owned(), area_code: GRID.to_owned() });
        ground.update_category(&manager(), v1::Category { units, etag: String::new(), ..light }).await?;
        let steps_of = ground.report(&resident()).await?;
        let steps = ground.steps(&steps_of);
        steps.triage(&dispatcher(), "roads.street_light", Urgency::Routine, NOWHERE).await?;
        assert_eq!(steps.dispatch(&dispatcher(), "").await?.unit, "grid_lights");
        // It has not accepted: the next is asked.
        assert_eq!(steps.dispatch(&dispatcher(), "").await?.unit, "lights");
    }
    Ok(())
}

#[tokio::test]
async fn the_hotline_passes_a_matter_on_once() -> Result<()> {
    for ground in Ground::both().await? {
        let deadline = prost_types::Timestamp { seconds: (ground.clock.now().timestamp()) + 6 * 3600, nanos: 0 };
        let external = v1::External {
            system: "hotline12345".to_owned(),
            number: "2026112300017".to_owned(),
            deadline: Some(deadline),
        };
        let passed_on = || v1::ReportIncidentRequest {
            channel: Channel::Hotline12345.into(),
            external: Some(external.clone()),
            ..lamp(Uuid::from_u128(rand()))
        };
        let first = ground.report_as(&clerk(), passed_on()).await?;
        assert_eq!((first.channel(), first.external.clone()), (Channel::Hotline12345, Some(external.clone())));
        let again = ground.report_as(&clerk(), passed_on()).await?;
        assert_eq!((again.id, ground.count("incidents").await?), (first.id.clone(), 1));
        let unnumbered = v1::ReportIncidentRequest { external: None, ..passed_on() };
        assert_eq!(reason(ground.report_as(&clerk(), unnumbered).await), "InvalidArgument INVALID_FIELD");
        let own = v1::ReportIncidentRequest { channel: Channel::App.into(), ..passed_on() };
        assert_eq!(reason(ground.report_as(&resident(), own).await), "InvalidArgument INVALID_FIELD");
        // Its deadline is sooner than what the category promises, and not ours to move.
        let steps = ground.steps(&first);
        let dispatched = steps.to_dispatched().await?;
        assert_eq!(dispatched.expected_at, Some(deadline));
    }
    Ok(())
}
