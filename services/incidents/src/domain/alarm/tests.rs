use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_420_800, 0).expect("a time")
}

fn alarm(device: u128, kind: AlarmKind, area: &str) -> Alarm {
    Alarm { device: Uuid::from_u128(device), kind, area: area.parse().expect("an area"), priority: 0, damping: None }
}

struct Try {
    desk: Desk,
    next: u128,
    rules: AlarmRules,
}

impl Try {
    fn new() -> Self {
        Self { desk: Desk::default(), next: 1, rules: AlarmRules::default() }
    }

    fn take(&mut self, alarm: Alarm, at: DateTime<Utc>) -> (SituationId, How) {
        let id = SituationId(Uuid::from_u128(self.next << 64));
        self.next += 1;
        self.desk.take(alarm, id, at, &self.rules)
    }
}

#[test]
fn every_kind_is_accepted_or_says_why_not() {
    for kind in AlarmKind::accepted() {
        assert_eq!(AlarmKind::accept(kind.code()), Ok(kind));
    }
    for person in ["loitering", "face", "plate", "gait", "track", "wrong_way", "line_crossing"] {
        let refused = AlarmKind::accept(person).expect_err("about a person");
        assert_eq!(refused.reason(), "ABOUT_PERSONS");
        assert!(refused.to_string().contains("people"), "{refused}");
    }
    for unknown in ["source_silent", "", "FIRE", "earthquake"] {
        let refused = AlarmKind::accept(unknown).expect_err("not ours");
        assert_eq!(refused.reason(), "UNKNOWN_KIND");
        assert!(refused.to_string().contains("left_object"));
    }
}

#[test]
fn a_device_that_says_it_again_is_heard_once() {
    let mut t = Try::new();
    let lift = alarm(1, AlarmKind::Lift, "511903001008002");
    let (first, how) = t.take(lift, now());
    assert_eq!(how, How::Opened);
    assert_eq!(t.take(lift, now() + TimeDelta::seconds(59)), (first, How::Repeated));
    // Nobody has looked yet: however long that takes, it is the same thing.
    assert_eq!(t.take(lift, now() + TimeDelta::hours(5)), (first, How::Joined));
    let gathered = t.desk.changed().next().expect("one");
    assert_eq!((gathered.alarms, gathered.repeats, gathered.devices), (3, 1, 1));
}

fn looked_at(kind: AlarmKind, damping: Option<TimeDelta>, after: TimeDelta) -> How {
    let old = SituationId(Uuid::from_u128(99));
    let mark = Mark { situation: old, last_at: now(), verified_at: Some(now()) };
    let alarm = Alarm { damping, ..alarm(1, kind, "511903001008002") };
    let mut t = Try::new();
    t.desk = Desk::new(Vec::new(), HashMap::from([((alarm.device, kind), mark)]));
    t.take(alarm, now() + after).1
}

#[test]
fn after_somebody_has_looked_a_device_is_quiet_for_a_while() {
    let minutes = TimeDelta::minutes;
    assert_eq!(looked_at(AlarmKind::DeviceFault, None, minutes(59)), How::Damped);
    assert_eq!(looked_at(AlarmKind::DeviceFault, None, minutes(60)), How::Opened);
    // Where people are in danger, a wrong verdict does not silence the device for long.
    assert_eq!(looked_at(AlarmKind::Fire, None, minutes(1)), How::Opened);
    assert_eq!(looked_at(AlarmKind::DeviceFault, Some(TimeDelta::zero()), TimeDelta::zero()), How::Opened);
    assert_eq!(looked_at(AlarmKind::Fire, Some(minutes(10)), minutes(9)), How::Damped);
}

#[test]
fn a_damped_device_stays_damped_only_as_long_as_it_was_said() {
    let old = SituationId(Uuid::from_u128(99));
    let mark = Mark { situation: old, last_at: now(), verified_at: Some(now()) };
    let fault = alarm(1, AlarmKind::DeviceFault, "511903001008002");
    let mut t = Try::new();
    t.desk = Desk::new(Vec::new(), HashMap::from([((fault.device, fault.kind), mark)]));
    // It rings every half minute; the hour after the look ends all the same.
    let rung = (1..=121).map(|n| t.take(fault, now() + TimeDelta::seconds(30 * n)).1);
    let rung: Vec<_> = rung.collect();
    assert_eq!(rung.iter().filter(|how| **how == How::Damped).count(), 119);
    assert_eq!(rung[119], How::Opened);
}

#[test]
fn four_hundred_alarms_are_a_handful_of_situations() {
    let mut t = Try::new();
    // A power cut: 400 cameras in 16 communities lose their picture within a minute.
    for n in 0..400u32 {
        let area = format!("511903001{:03}{:03}", 1 + n % 16, 1 + n / 16 % 9);
        t.take(alarm(n.into(), AlarmKind::DeviceFault, &area), now() + TimeDelta::milliseconds(i64::from(n) * 150));
    }
    let changed: Vec<_> = t.desk.changed().collect();
    assert!(changed.len() <= 7, "{}", changed.len());
    assert_eq!(changed.iter().map(|gathered| gathered.alarms).sum::<i32>(), 400);
    let storm = changed.iter().find(|gathered| gathered.storm).expect("a storm");
    assert_eq!(storm.area.to_string(), "511903001");
}

#[test]
fn two_kinds_are_two_things_and_two_places_too() {
    let mut t = Try::new();
    let (fire, _) = t.take(alarm(1, AlarmKind::Fire, "511903001008002"), now());
    let (water, _) = t.take(alarm(2, AlarmKind::Flooding, "511903001008002"), now());
    let (elsewhere, _) = t.take(alarm(3, AlarmKind::Fire, "511903001009001"), now());
    let (same, how) = t.take(alarm(4, AlarmKind::Fire, "511903001008002"), now());
    assert!(fire != water && fire != elsewhere);
    assert_eq!((same, how), (fire, How::Joined));
    let later = now() + TimeDelta::minutes(11);
    assert_eq!(t.take(alarm(5, AlarmKind::Fire, "511903001008002"), later).1, How::Opened);
}

#[test]
fn a_bucket_gives_its_rate_and_a_burst() {
    let mut bucket = Bucket::full(50, now());
    assert_eq!(bucket.take(600, 50, now()), 500);
    assert_eq!(bucket.take(1, 50, now()), 0);
    assert_eq!(bucket.take(600, 50, now() + TimeDelta::seconds(2)), 100);
    assert_eq!(bucket.take(1, 50, now()), 0, "a clock that goes back fills nothing");
    assert_eq!(bucket.take(9_999, 50, now() + TimeDelta::days(1)), 500, "and it holds no more than the burst");
}

fn kinds() -> impl Strategy<Value = AlarmKind> {
    prop::sample::select(vec![AlarmKind::Fire, AlarmKind::DeviceFault, AlarmKind::Flooding])
}

proptest! {
    /// Whatever comes within one window: every alarm lies in exactly one situation of its kind whose area holds its place;
    /// no more is open in a subdistrict than the rules say; nothing is counted twice or lost.
    #[test]
    fn whatever_comes_is_gathered(
        alarms in prop::collection::vec((0u128..200, kinds(), 1u32..17, 1u32..9, 0i64..500, 0i32..5), 1..400),
    ) {
        let mut t = Try::new();
        let mut alarms = alarms;
        alarms.sort_by_key(|a| a.4);
        let mut places = HashMap::new();
        let mut put: Vec<(Alarm, SituationId)> = Vec::new();
        for (device, kind, community, grid, at, priority) in &alarms {
            // A device stands in one place.
            let area = places.entry(*device).or_insert_with(|| format!("511903001{community:03}{grid:03}"));
            let alarm = Alarm { priority: *priority, ..alarm(*device, *kind, area) };
            let (situation, how) = t.take(alarm, now() + TimeDelta::seconds(*at));
            prop_assert!(how != How::Damped, "nobody has looked");
            put.push((alarm, situation));
        }
        let changed: Vec<_> = t.desk.changed().cloned().collect();
        prop_assert_eq!(changed.iter().map(|g| g.alarms).sum::<i32>(), i32::try_from(alarms.len())?);
        for kind in AlarmKind::accepted() {
            prop_assert!(changed.iter().filter(|g| g.kind == kind).count() <= t.rules.subdistrict + 1);
        }
        for gathered in &changed {
            let here: Vec<_> = put.iter().filter(|(_, id)| *id == gathered.id).map(|(alarm, _)| alarm).collect();
            prop_assert_eq!(here.len(), usize::try_from(gathered.alarms)?);
            let devices: std::collections::HashSet<_> = here.iter().map(|a| a.device).collect();
            prop_assert_eq!(devices.len(), usize::try_from(gathered.devices)?);
            prop_assert!(here.iter().all(|a| a.kind == gathered.kind && gathered.area.contains(a.area)));
            let urgent = here.iter().map(|a| a.priority).filter(|p| *p > 0).min().unwrap_or(0);
            prop_assert_eq!(gathered.priority, urgent);
        }
    }
}
