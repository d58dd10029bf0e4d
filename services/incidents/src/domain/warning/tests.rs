use chrono::{TimeDelta, TimeZone};
use proptest::prelude::*;

use super::*;

fn sent() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 7, 20, 16, 5, 0).single().expect("a time")
}

fn info() -> Info {
    Info {
        categories: vec![Category::Meteorological],
        event: "暴雨".to_owned(),
        responses: vec![Response::Prepare, Response::Avoid],
        urgency: Urgency::Expected,
        severity: Colour::Orange.severity(),
        certainty: Certainty::Likely,
        colour: Some(Colour::Orange),
        effective: None,
        onset: Some(sent() + TimeDelta::hours(2)),
        expires: sent() + TimeDelta::hours(12),
        sender_name: "登科街道办事处".to_owned(),
        headline: "今夜有暴雨，<低处>住户请做好准备".to_owned(),
        description: String::new(),
        instruction: "请把贵重物品移到高处。".to_owned(),
        web: String::new(),
        contact: "网格员 & 值班室".to_owned(),
        areas: vec![Area {
            description: "白玉社区沿河一带".to_owned(),
            code: "511903001008".to_owned(),
            buildings: vec![WarnedBuilding { compound: "白玉小区".to_owned(), building: "3栋".to_owned() }],
            polygon: vec![(31.85, 106.74), (31.86, 106.74), (31.86, 106.75), (31.85, 106.74)],
        }],
    }
}

fn head(status: Status) -> Head {
    Head {
        identifier: "W-1".to_owned(),
        sender: "linju.511903001".to_owned(),
        sent: sent(),
        status,
        note: String::new(),
    }
}

fn next(identifier: &str, after: TimeDelta, note: &str) -> Next {
    Next { identifier: identifier.to_owned(), sent: sent() + after, note: note.to_owned() }
}

#[test]
fn a_message_reads_as_the_protocol_says() {
    let alert = Message::alert(head(Status::Actual), info()).expect("a warning");
    insta::assert_snapshot!(alert.to_cap());
}

#[test]
fn an_exercise_says_so_and_stays_one() {
    let drill = Message::alert(head(Status::Exercise), info()).expect("a warning");
    let update = drill.update(next("W-2", TimeDelta::hours(1), ""), info()).expect("an update");
    assert_eq!(update.status, Status::Exercise);
    assert!(update.to_cap().contains("<headline>【演练】"));
}

#[test]
fn a_cancel_names_everything_it_ends() {
    let alert = Message::alert(head(Status::Actual), info()).expect("a warning");
    let update = alert.update(next("W-2", TimeDelta::hours(1), ""), info()).expect("an update");
    let cancel = update.cancel(next("W-3", TimeDelta::hours(2), "雨停了")).expect("a cancel");
    assert_eq!(cancel.references, [alert.reference(), update.reference()]);
    assert!(cancel.to_cap().contains(
        "<references>linju.511903001,W-1,2026-07-21T00:05:00+08:00 linju.511903001,W-2,2026-07-21T01:05:00+08:00"
    ));
    assert!(!cancel.holds_at(sent()));
    assert_eq!(cancel.update(next("W-4", TimeDelta::hours(3), ""), info()), Err(NotAWarning::Cancelled));
    assert!(matches!(
        alert.cancel(next("W-5", TimeDelta::hours(1), " ")),
        Err(NotAWarning::Field { field: "note", .. })
    ));
}

#[test]
fn what_has_expired_is_not_updated() {
    let alert = Message::alert(head(Status::Actual), info()).expect("a warning");
    assert_eq!(alert.update(next("W-2", TimeDelta::hours(12), ""), info()), Err(NotAWarning::Expired));
    assert!(!alert.holds_at(sent() + TimeDelta::hours(12)));
}

#[test]
fn each_rule_names_its_field() {
    type Breaks = fn(&mut Info);
    let wrong: [(Breaks, &str); 9] = [
        (|i| i.categories.clear(), "categories"),
        (|i| i.headline = " ".to_owned(), "headline"),
        (|i| i.instruction.clear(), "instruction"),
        (|i| i.expires = sent(), "expires"),
        (|i| i.expires = sent() + TimeDelta::days(31), "expires"),
        (|i| i.onset = Some(i.expires), "onset"),
        (|i| i.web = "javascript:alert(1)".to_owned(), "web"),
        (|i| i.areas.clear(), "areas"),
        (|i| i.areas[0].polygon[0] = (31.0, 106.0), "areas.polygon"),
    ];
    for (break_it, expected) in wrong {
        let mut info = info();
        break_it(&mut info);
        match info.check(sent()) {
            Err(NotAWarning::Field { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

proptest! {
    /// Whatever somebody writes, the document stays well-formed and says it again.
    #[test]
    fn any_text_survives(text in "\\PC{1,40}", more in any::<String>()) {
        let mut info = info();
        info.headline = format!("x{text}");
        info.description = more;
        let xml = Message::alert(head(Status::Actual), info.clone()).expect("a warning").to_cap();
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut depth = 0_i32;
        let mut ended = false;
        while !ended {
            match reader.read_event().expect("well-formed") {
                quick_xml::events::Event::Start(_) => depth += 1,
                quick_xml::events::Event::End(_) => depth -= 1,
                quick_xml::events::Event::Eof => ended = true,
                _ => {}
            }
        }
        prop_assert_eq!(depth, 0);
    }
}
