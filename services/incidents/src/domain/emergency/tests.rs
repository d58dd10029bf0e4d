use chrono::TimeZone;
use proptest::prelude::*;

use super::*;

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 20, 8, 0, 0).single().expect("a time")
}

fn rules() -> Rules {
    Rules::from_toml(include_str!("../../../data/emergencies.toml")).expect("the rules that come with the program")
}

fn accident() -> Emergency {
    Emergency {
        grade: Grade::new(Kind::Accident, Some(Level::General)).expect("a grade"),
        declared_at: start(),
        ended_at: None,
        phoned_at: None,
        first_at: None,
        final_at: None,
        followed_up_at: None,
        destroy_on: None,
        destroyed_at: None,
        told: Vec::new(),
    }
}

fn whole() -> Contents {
    Contents {
        source: "网格员电话".to_owned(),
        occurred_at: Some(start()),
        place: "白玉社区".to_owned(),
        dead: Some(0),
        injured: Some(2),
        missing: None,
        loss_fen: Some(1_000_000),
        course: "施工脚手架倒塌".to_owned(),
        trend: "已控制".to_owned(),
        measures: "送医、警戒".to_owned(),
        cause: "违规拆除".to_owned(),
    }
}

fn at(minutes: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minutes)
}

fn types(due: &[Due]) -> Vec<ReportType> {
    due.iter().map(|due| due.report).collect()
}

#[test]
fn levels_are_only_where_the_law_has_them() {
    assert_eq!(Grade::new(Kind::SocialSecurity, Some(Level::General)), Err(Refused::NoLevels));
    for kind in [Kind::NaturalDisaster, Kind::Accident, Kind::PublicHealth] {
        assert_eq!(Grade::new(kind, None), Err(Refused::LevelMissing));
    }
    assert!(Grade::new(Kind::SocialSecurity, None).is_ok());
}

#[test]
fn reports_fall_due_one_after_the_other() {
    let (rules, mut emergency) = (rules(), accident());
    assert_eq!(
        emergency.due(&rules),
        [Due { report: ReportType::Phone, at: at(30) }, Due { report: ReportType::First, at: at(60) }]
    );
    assert_eq!(emergency.file(ReportType::Phone, &whole(), &rules, at(10)), Ok(false));
    assert_eq!(types(&emergency.due(&rules)), [ReportType::First]);
    assert_eq!(emergency.file(ReportType::First, &whole(), &rules, at(61)), Ok(true), "a minute late");
    assert_eq!(emergency.due(&rules), [Due { report: ReportType::FollowUp, at: at(61 + 240) }]);
    emergency.end(&rules, at(300), start().date_naive()).expect("it ends");
    assert_eq!(emergency.due(&rules), [Due { report: ReportType::Final, at: at(300) + TimeDelta::days(30) }]);
    assert_eq!(emergency.file(ReportType::Final, &whole(), &rules, at(400)), Ok(false));
    assert!(emergency.due(&rules).is_empty());
    assert_eq!(emergency.file(ReportType::First, &whole(), &rules, at(500)), Err(Refused::Reported));
}

#[test]
fn the_final_report_waits_for_the_end() {
    let mut emergency = accident();
    assert_eq!(emergency.file(ReportType::Final, &whole(), &rules(), at(1)), Err(Refused::GoesOn));
    emergency.end(&rules(), at(2), start().date_naive()).expect("it ends");
    assert_eq!(emergency.file(ReportType::FollowUp, &whole(), &rules(), at(3)), Err(Refused::IsOver));
    assert_eq!(emergency.end(&rules(), at(4), start().date_naive()), Err(Refused::IsOver));
}

#[test]
fn every_part_that_is_needed_is_asked_for_by_name() {
    type Remove = fn(&mut Contents);
    let without: [(&str, Remove); 5] = [
        ("place", |c| c.place = " ".to_owned()),
        ("dead", |c| c.dead = None),
        ("loss_fen", |c| c.loss_fen = None),
        ("course", |c| c.course.clear()),
        ("cause", |c| c.cause.clear()),
    ];
    for (field, remove) in without {
        for report in ReportType::ALL.iter().copied().filter(|report| needed(*report).contains(&field)) {
            let mut contents = whole();
            remove(&mut contents);
            assert_eq!(contents.check(report, at(5)), Err(Refused::PartMissing { field }), "{report}");
        }
    }
    let future = Contents { occurred_at: Some(at(10)), ..whole() };
    assert_eq!(future.check(ReportType::First, at(5)), Err(Refused::NotYet));
}

#[test]
fn data_is_kept_by_assessment_only_and_not_for_ever() {
    let today = start().date_naive();
    let mut emergency = accident();
    assert_eq!(emergency.keep(today, today), Err(Refused::NothingToKeep));
    emergency.end(&rules(), at(1), today).expect("it ends");
    let planned = today + Days::new(30);
    assert_eq!(emergency.destroy_on, Some(planned));
    assert_eq!(emergency.keep(planned, today), Err(Refused::KeptForTooLong));
    assert_eq!(emergency.keep(today + Days::new(367), today), Err(Refused::KeptForTooLong));
    assert_eq!(emergency.keep(today + Days::new(300), today), Ok(()));
    emergency.destroyed_at = Some(at(5));
    assert_eq!(emergency.keep(today + Days::new(310), today), Err(Refused::Destroyed));
}

#[test]
fn rules_that_leave_a_gap_are_refused() {
    let text = include_str!("../../../data/emergencies.toml");
    let without = text.replace("kind = \"public_health\"", "kind = \"accident\"\nlevel = \"large\"");
    assert_eq!(Rules::from_toml(&without), Err(BadRules::Missing(Kind::PublicHealth)));
    let twice = text.replace("level = \"serious\"", "level = \"extraordinary\"");
    assert!(matches!(Rules::from_toml(&twice), Err(BadRules::Twice(_))));
    let levelled = format!(
        "{text}\n[[rule]]\nkind = \"social_security\"\nlevel = \"large\"\nphone_minutes = 1\nfirst_minutes = 1\n\
         follow_up_minutes = 1\nfinal_days = 1\n"
    );
    assert_eq!(Rules::from_toml(&levelled), Err(BadRules::NoLevels));
}

proptest! {
    /// Whatever is filed in whatever order, what was given is not asked for again, and nothing is due twice.
    #[test]
    fn nothing_is_due_twice(steps in prop::collection::vec((0_u8..5, 1_i64..600), 1..20)) {
        let (rules, mut emergency, mut minute) = (rules(), accident(), 0);
        for (step, later) in steps {
            minute += later;
            let filed = match step {
                0 => emergency.file(ReportType::Phone, &whole(), &rules, at(minute)).map(|_| Some(ReportType::Phone)),
                1 => emergency.file(ReportType::First, &whole(), &rules, at(minute)).map(|_| Some(ReportType::First)),
                2 => emergency.file(ReportType::FollowUp, &whole(), &rules, at(minute)).map(|_| None),
                3 => emergency.file(ReportType::Final, &whole(), &rules, at(minute)).map(|_| Some(ReportType::Final)),
                _ => emergency.end(&rules, at(minute), start().date_naive()).map(|()| None),
            };
            let due = types(&emergency.due(&rules));
            if let Ok(Some(filed)) = filed {
                prop_assert!(!due.contains(&filed));
            }
            let mut once = due.clone();
            once.dedup();
            prop_assert_eq!(due, once);
        }
    }
}
