//! The times of the week at which somebody can help.

use chrono::{DateTime, Datelike, NaiveTime, Timelike, Utc, Weekday};

use super::{Refused, china};

const DAY_MINUTES: u16 = 24 * 60;

/// A time of a weekday, in minutes after midnight in China; `until` is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// 1 Monday to 7 Sunday (ISO 8601).
    pub weekday: u8,
    pub from: u16,
    pub until: u16,
}

/// Windows in order, of which none touches another.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Availability(Vec<Window>);

impl Availability {
    /// Brings windows in order and joins those that touch.
    pub fn new(mut windows: Vec<Window>) -> Result<Self, Refused> {
        let sound = |w: &Window| (1..=7).contains(&w.weekday) && w.from < w.until && w.until <= DAY_MINUTES;
        if !windows.iter().all(sound) {
            return Err(Refused::field("volunteer.availability", "has a time that ends before it begins: check it"));
        }
        windows.sort_unstable();
        let mut joined: Vec<Window> = Vec::with_capacity(windows.len());
        for window in windows {
            match joined.last_mut() {
                Some(last) if last.weekday == window.weekday && window.from <= last.until => {
                    last.until = last.until.max(window.until);
                }
                _ => joined.push(window),
            }
        }
        Ok(Self(joined))
    }

    pub fn windows(&self) -> &[Window] {
        &self.0
    }

    /// Whether all of a time lies within. Whoever has named no times can always be asked.
    pub fn covers(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let (mut at, end) = (china::local(from), china::local(until));
        while at < end {
            let weekday = number(at.weekday());
            let minute = minute_of(at.time());
            let Some(window) = self.0.iter().find(|w| w.weekday == weekday && w.from <= minute && minute < w.until)
            else {
                return false;
            };
            at = at.date().and_time(NaiveTime::MIN) + chrono::TimeDelta::minutes(window.until.into());
        }
        true
    }
}

fn number(weekday: Weekday) -> u8 {
    u8::try_from(weekday.number_from_monday()).unwrap_or_default()
}

fn minute_of(time: NaiveTime) -> u16 {
    u16::try_from(time.hour() * 60 + time.minute()).unwrap_or_default()
}

/// Reads `HH:MM`; `24:00` is the end of a day.
pub fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let sum = hours * 60 + minutes;
    (minutes < 60 && sum <= DAY_MINUTES).then_some(sum)
}

/// Writes `HH:MM`.
pub fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn window(weekday: u8, from: &str, until: &str) -> Window {
        Window { weekday, from: minutes(from).expect("a time"), until: minutes(until).expect("a time") }
    }

    #[test]
    fn windows_that_touch_are_one() {
        let given = vec![window(2, "14:00", "16:00"), window(1, "09:00", "12:00"), window(1, "12:00", "13:30")];
        let availability = Availability::new(given).expect("times");
        assert_eq!(availability.windows(), [window(1, "09:00", "13:30"), window(2, "14:00", "16:00")]);
        assert!(Availability::new(vec![window(1, "12:00", "09:00")]).is_err());
        assert_eq!((minutes("24:00"), minutes("24:01"), minutes("9:60")), (Some(1440), None, None));
    }

    #[test]
    fn a_night_goes_over_two_days() {
        let nights = vec![window(1, "22:00", "24:00"), window(2, "00:00", "02:00")];
        let availability = Availability::new(nights).expect("times");
        // Monday, 23 November 2026, 22:00 in China.
        let from: DateTime<Utc> = "2026-11-23T14:00:00Z".parse().expect("a time");
        assert!(availability.covers(from, from + TimeDelta::hours(4)));
        assert!(!availability.covers(from, from + TimeDelta::hours(5)));
        assert!(!availability.covers(from - TimeDelta::minutes(1), from));
        assert!(Availability::default().covers(from, from + TimeDelta::hours(5)));
    }

    proptest! {
        #[test]
        fn order_does_not_matter(
            mut windows in prop::collection::vec((1u8..=7, 0u16..1439, 1u16..300), 1..20)
        ) {
            let make = |windows: &[(u8, u16, u16)]| {
                let windows = windows.iter().map(|(weekday, from, length)| Window {
                    weekday: *weekday, from: *from, until: (from + length).min(DAY_MINUTES),
                });
                Availability::new(windows.collect()).expect("times")
            };
            let one = make(&windows);
            windows.reverse();
            prop_assert_eq!(&one, &make(&windows));
            let apart = one.windows().windows(2).all(|w| w[0].weekday < w[1].weekday || w[0].until < w[1].from);
            prop_assert!(apart);
        }
    }
}
