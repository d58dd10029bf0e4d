use chrono::Timelike;
use proptest::prelude::*;

use super::*;
use crate::domain::catalogue::Span;

const YEARS: [&str; 3] = [
    include_str!("../../../data/holidays_cn_2024.json"),
    include_str!("../../../data/holidays_cn_2025.json"),
    include_str!("../../../data/holidays_cn_2026.json"),
];
const OFFICE: &str = include_str!("../../../data/hours_dengke.toml");

fn holidays() -> Holidays {
    Holidays::new(YEARS.map(|text| HolidayYear::read(text).expect("a year")))
}

fn office_hours() -> Hours {
    match read(OFFICE).expect("hours") {
        CalendarFile::Units(mut units) => units.remove(0).hours,
        CalendarFile::Holidays(_) => panic!("these are hours"),
    }
}

fn office() -> WorkingCalendar {
    WorkingCalendar::new(office_hours(), holidays())
}

/// A local time of 2026 or another year, as `2026-02-13 17:00`.
fn local(text: &str) -> DateTime<Utc> {
    let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
    naive.and_utc() - TimeDelta::hours(8)
}

fn span(text: &str) -> Span {
    text.parse().expect("a span")
}

#[test]
fn a_day_of_the_office_has_seven_hours() {
    let office = office();
    assert_eq!(office.length(span("1wd")), TimeDelta::hours(7));
    // Monday; the lunch hour does not count.
    let start = local("2026-11-23 11:30");
    assert_eq!(office.add_working(start, TimeDelta::hours(1)), local("2026-11-23 14:30"));
    assert_eq!(office.add_working(start, office.length(span("5wd"))), local("2026-11-30 11:30"));
    // From the night and from the weekend it runs when the door opens.
    assert_eq!(office.add_working(local("2026-11-20 22:00"), TimeDelta::hours(3)), local("2026-11-23 12:00"));
}

#[test]
fn spring_festival_is_off_and_its_make_up_days_count() {
    let office = office();
    // 2026: off from 15 to 23 February; Saturdays 14 and 28 February are worked.
    assert_eq!(office.add_working(local("2026-02-13 17:00"), TimeDelta::hours(3)), local("2026-02-14 11:00"));
    assert_eq!(office.add_working(local("2026-02-14 17:00"), TimeDelta::hours(2)), local("2026-02-24 10:00"));
    assert_eq!(office.working_between(local("2026-02-15 00:00"), local("2026-02-24 00:00")), TimeDelta::zero());
    assert_eq!(office.working_between(local("2026-02-28 00:00"), local("2026-03-01 00:00")), TimeDelta::hours(7));
    // The first days of 2026 are off by the notice for 2026; 4 January, a Sunday, is worked.
    assert_eq!(office.working_between(local("2026-01-01 00:00"), local("2026-01-04 00:00")), TimeDelta::zero());
    assert_eq!(office.working_between(local("2026-01-04 00:00"), local("2026-01-05 00:00")), TimeDelta::hours(7));
}

#[test]
fn an_unknown_year_is_counted_as_plain_weeks_and_said() {
    let office = office();
    let (before, after) = (local("2026-12-31 09:00"), local("2027-01-01 18:00"));
    assert!(office.is_assumed(before, after));
    assert!(!office.is_assumed(before, local("2026-12-31 23:59")));
    // A Friday; the notice for 2027 is not there, so it counts.
    assert_eq!(office.working_between(local("2027-01-01 00:00"), after), TimeDelta::hours(7));
    let never_closed = Hours { holidays: false, ..office_hours() };
    assert!(!WorkingCalendar::new(never_closed, Holidays::default()).is_assumed(before, after));
}

#[test]
fn exceptions_go_before_everything() {
    let mut hours = office_hours();
    hours.exceptions.insert("2026-11-24".parse().expect("a day"), Vec::new());
    hours.exceptions.insert("2026-02-17".parse().expect("a day"), vec!["08:00-24:00".parse().expect("hours")]);
    let calendar = WorkingCalendar::new(hours, holidays());
    assert_eq!(calendar.working_between(local("2026-11-24 00:00"), local("2026-11-25 00:00")), TimeDelta::zero());
    assert_eq!(calendar.working_between(local("2026-02-17 00:00"), local("2026-02-18 00:00")), TimeDelta::hours(16));
}

#[test]
fn hours_that_cannot_be_are_refused() {
    for text in ["9:00-12:00", "09:00-09:00", "12:00-09:00", "09:00-24:01", "09:60-10:00", "09:00", "+9:00-12:00"] {
        assert!(text.parse::<Period>().is_err(), "{text}");
    }
    let file = "[[calendar]]\nunit = \"night\"\nweek = {}\n\n[[calendar]]\nunit = \"night\"\nweek = { mon = [\"09:00-12:00\", \"11:00-13:00\"] }\n";
    let problems: Vec<_> = read(file).expect_err("it is wrong").iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"));
    let two_years = r#"{"year": 2026, "days": [{"name": "x", "date": "2028-01-01", "isOffDay": true}]}"#;
    assert!(matches!(HolidayYear::read(two_years), Err(HolidayFileError::Day { .. })));
    assert!(matches!(HolidayYear::read(r#"{"year": 2026, "days": []}"#), Err(HolidayFileError::Empty { year: 2026 })));
    assert!(read("{\n\"year\": 2026,\n\"days\": 3}").expect_err("wrong")[0].line == 3);
}

fn calendars() -> impl Strategy<Value = WorkingCalendar> {
    let day = prop_oneof![
        2 => Just(Vec::new()),
        3 => Just(vec!["09:00-12:00", "14:00-18:00"]),
        1 => Just(vec!["00:00-24:00"]),
        1 => Just(vec!["22:30-24:00"]),
    ];
    (prop::array::uniform7(day), any::<bool>()).prop_filter_map("some day is open", |(days, with_holidays)| {
        let periods = |day: &Vec<&str>| day.iter().map(|text| text.parse().expect("hours")).collect::<Vec<Period>>();
        let [mon, tue, wed, thu, fri, sat, sun] = days.each_ref().map(periods);
        let week = Week { mon, tue, wed, thu, fri, sat, sun };
        let hours = Hours { week, holidays: with_holidays, exceptions: BTreeMap::new() };
        hours.check().is_ok().then(|| WorkingCalendar::new(hours, holidays()))
    })
}

fn times() -> impl Strategy<Value = DateTime<Utc>> {
    // Minutes from the middle of 2023 to the middle of 2027, so that years without a notice are met too.
    (0..2_100_000_i64).prop_map(|minutes| local("2023-06-01 00:00") + TimeDelta::minutes(minutes))
}

fn amounts() -> impl Strategy<Value = TimeDelta> {
    (0..20_000_i64).prop_map(TimeDelta::minutes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn adding_and_measuring_are_inverse(calendar in calendars(), start in times(), amount in amounts()) {
        let end = calendar.add_working(start, amount);
        prop_assert!(end >= start);
        prop_assert_eq!(calendar.working_between(start, end), amount);
    }

    #[test]
    fn adding_is_additive(calendar in calendars(), start in times(), one in amounts(), more in amounts()) {
        let twice = calendar.add_working(calendar.add_working(start, one), more);
        prop_assert_eq!(twice, calendar.add_working(start, one + more));
    }

    #[test]
    fn adding_is_monotone(calendar in calendars(), start in times(), later in amounts(), amount in amounts()) {
        prop_assert!(calendar.add_working(start, amount) <= calendar.add_working(start + later, amount));
        prop_assert!(calendar.add_working(start, amount) <= calendar.add_working(start, amount + later));
    }

    #[test]
    fn measuring_is_additive(calendar in calendars(), mut three in prop::array::uniform3(times())) {
        three.sort();
        let [a, b, c] = three;
        let parts = calendar.working_between(a, b) + calendar.working_between(b, c);
        prop_assert_eq!(parts, calendar.working_between(a, c));
        prop_assert!(calendar.working_between(a, c) <= c - a);
        prop_assert_eq!(calendar.working_between(c, a), TimeDelta::zero());
    }

    #[test]
    fn time_never_ends_while_the_office_is_closed(start in times(), amount in 1..20_000_i64) {
        let end = office().add_working(start, TimeDelta::minutes(amount)).with_timezone(&EAST_8);
        let minute = end.hour() * 60 + end.minute();
        prop_assert!((9 * 60..=12 * 60).contains(&minute) || (14 * 60..=18 * 60).contains(&minute), "{}", end);
    }
}
