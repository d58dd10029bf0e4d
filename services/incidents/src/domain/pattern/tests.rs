use uuid::Uuid;

use super::*;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

const NOW: &str = "2026-06-20T04:00:00Z";

/// Reports of blocked drains at one corner, at these times.
fn drains(times: &[&str]) -> Vec<Sighting> {
    let at = |(number, text): (u128, &&str)| Sighting {
        incident: IncidentId(Uuid::from_u128(number)),
        area: "511903001008002".parse().expect("an area"),
        category: "utilities.drain".to_owned(),
        point: Some((31.8601, 106.7503)),
        at: time(text),
    };
    (1..).zip(times).map(at).collect()
}

fn found(sightings: Vec<Sighting>) -> Vec<(RuleKind, usize, u32)> {
    let found = find(sightings, time(NOW), &PatternRules::default());
    found.iter().map(|found| (found.rule.kind(), found.reports.len(), found.rule.slot())).collect()
}

#[test]
fn often_is_so_many_in_so_many_days() {
    let recent = ["2026-06-01T00:00:00Z", "2026-06-05T00:00:00Z", "2026-06-09T00:00:00Z", "2026-06-13T00:00:00Z"];
    assert_eq!(found(drains(&recent)), []);
    let one_more = [&recent[..], &["2026-06-18T00:00:00Z"]].concat();
    assert_eq!(found(drains(&one_more)), [(RuleKind::Often, 5, 0)]);
    let one_long_ago = [&recent[..], &["2026-05-20T00:00:00Z"]].concat();
    assert_eq!(found(drains(&one_long_ago)), []);
    // The next house, two hundred metres on.
    let mut elsewhere = drains(&one_more);
    elsewhere[0].point = Some((31.8641, 106.7503));
    assert_eq!(found(elsewhere), []);
}

#[test]
fn a_season_is_proposed_before_it_comes() {
    // On 20 June it is July that is two weeks ahead; midnight is that of China.
    let two_years = [
        "2024-06-30T16:00:00Z",
        "2024-07-10T00:00:00Z",
        "2024-07-31T15:59:59Z",
        "2025-07-01T00:00:00Z",
        "2025-07-02T00:00:00Z",
        "2025-07-20T00:00:00Z",
    ];
    assert_eq!(found(drains(&two_years)), [(RuleKind::Season, 6, 7)]);
    let mut moved = two_years;
    moved[2] = "2024-07-31T16:00:00Z";
    assert_eq!(found(drains(&moved)), [], "that is August in China");
    let rules = PatternRules::default();
    for at in two_years.map(time) {
        assert!(periods(time(NOW), &rules).iter().any(|(from, until)| (*from..*until).contains(&at)), "{at}");
    }
}

#[test]
fn a_weekday_stands_out_among_all() {
    // Mondays.
    let mondays = ["2026-05-11", "2026-05-18", "2026-05-25", "2026-06-01", "2026-06-08", "2026-06-15", "2026-04-27"];
    let mondays = mondays.map(|day| format!("{day}T02:00:00Z"));
    let mut times: Vec<&str> = mondays.iter().map(String::as_str).collect();
    assert!(found(drains(&times)).contains(&(RuleKind::Weekday, 7, 1)));
    times.extend(["2026-05-12T02:00:00Z"; 7]);
    assert!(found(drains(&times)).iter().all(|(rule, ..)| *rule != RuleKind::Weekday), "half of them are not");
}

#[test]
fn a_wide_area_without_a_point_is_no_place() {
    let mut sightings = drains(&["2026-06-18T00:00:00Z"; 9]);
    for sighting in &mut sightings {
        sighting.point = None;
    }
    assert_eq!(found(sightings.clone()), [(RuleKind::Often, 9, 0)], "the grid is one");
    for sighting in &mut sightings {
        sighting.area = "511903001008".parse().expect("an area");
    }
    assert_eq!(found(sightings), []);
}

#[test]
fn a_night_is_before_the_morning() {
    assert_eq!(next_night(time("2026-06-19T18:29:59Z")), time("2026-06-19T18:30:00Z"));
    assert_eq!(next_night(time("2026-06-19T18:30:00Z")), time("2026-06-20T18:30:00Z"));
}

#[test]
fn a_square_is_where_its_middle_lies() {
    let spot = Spot::of(34.2722, -118.4098);
    let (latitude, longitude) = spot.middle();
    assert_eq!(Spot::of(latitude, longitude), spot);
    assert!((latitude - 34.2722).abs() <= 0.001 && (longitude + 118.4098).abs() <= 0.001);
}
