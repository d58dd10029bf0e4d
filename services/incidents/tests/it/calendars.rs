//! Hours of the office and its units, and the State Council's holidays.

use anyhow::Result;
use linju_incidents::app::CalendarOutcome;
use linju_proto::incidents::v1;

use crate::ground::{Ground, Person, clerk, manager, reason};

impl Ground {
    async fn set_hours(
        &self,
        who: &Person,
        calendar: v1::WorkingCalendar,
    ) -> Result<v1::WorkingCalendar, tonic::Status> {
        let request = self.of(who, v1::SetCalendarRequest { calendar: Some(calendar) }).expect("a request");
        Ok(self.calendars().set_calendar(request).await?.into_inner())
    }

    async fn hours(&self, unit: &str) -> Result<v1::WorkingCalendar> {
        Ok(self.calendars().get_calendar(v1::GetCalendarRequest { unit: unit.to_owned() }).await?.into_inner())
    }
}

#[tokio::test]
async fn a_unit_has_the_hours_of_the_office_until_it_has_its_own() -> Result<()> {
    for ground in Ground::both().await? {
        let office = ground.hours("lights").await?;
        assert_eq!((office.unit.as_str(), office.covered_years.as_slice()), ("office", &[2024, 2025, 2026][..]));
        assert_eq!(office.week[0].periods, ["09:00-12:00", "14:00-18:00"]);
        let day = |hours: &str| v1::DayHours { periods: vec![hours.to_owned()] };
        let own = v1::WorkingCalendar {
            unit: "lights".to_owned(),
            week: (0..7).map(|_| day("00:00-24:00")).collect(),
            exceptions: vec![v1::ExceptionDay { day: "2026-12-01".to_owned(), hours: None }],
            ..Default::default()
        };
        let set = ground.set_hours(&manager(), own.clone()).await?;
        assert_eq!((set.unit.as_str(), set.etag.as_str(), set.holidays), ("lights", "v1", false));
        assert_eq!(ground.hours("lights").await?, set);
        let all = ground.calendars().list_calendars(v1::ListCalendarsRequest {}).await?.into_inner().calendars;
        assert_eq!(all.iter().map(|calendar| calendar.unit.as_str()).collect::<Vec<_>>(), ["office", "lights"]);

        let stale = v1::WorkingCalendar { etag: "v0".to_owned(), ..own.clone() };
        assert_eq!(reason(ground.set_hours(&manager(), stale).await), "Aborted STALE_ETAG");
        assert_eq!(reason(ground.set_hours(&clerk(), own.clone()).await), "PermissionDenied ROLE_NOT_ALLOWED");
        let closed = v1::WorkingCalendar { week: (0..7).map(|_| v1::DayHours::default()).collect(), ..own.clone() };
        let backwards = v1::WorkingCalendar { week: (0..7).map(|_| day("18:00-09:00")).collect(), ..own.clone() };
        let no_day = v1::WorkingCalendar {
            exceptions: vec![v1::ExceptionDay { day: "2026-02-30".to_owned(), hours: None }],
            ..own
        };
        for wrong in [closed, backwards, no_day] {
            assert_eq!(reason(ground.set_hours(&manager(), wrong).await), "InvalidArgument INVALID_FIELD");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_years_notice_is_loaded_by_file() -> Result<()> {
    for ground in Ground::both().await? {
        let file = r#"{"year": 2027, "days": [{"name": "元旦", "date": "2027-01-01", "isOffDay": true}]}"#;
        let loaded = ground.app.import_calendar(file).await?.expect("a good file");
        assert_eq!(loaded, CalendarOutcome::Year { year: 2027, special_days: 1, changed: true });
        let again = ground.app.import_calendar(file).await?.expect("a good file");
        assert_eq!(again, CalendarOutcome::Year { year: 2027, special_days: 1, changed: false });
        assert_eq!(ground.hours("office").await?.covered_years, [2024, 2025, 2026, 2027]);
        let hours = "[[calendar]]\nunit = \"night\"\nweek = { mon = [\"18:00-24:00\"] }\n";
        let set = ground.app.import_calendar(hours).await?.expect("a good file");
        assert_eq!(set, CalendarOutcome::Units { changed: 1, unchanged: 0 });
        assert_eq!(ground.hours("night").await?.week[0].periods, ["18:00-24:00"]);
        let problems = ground.app.import_calendar("[[calendar]]\nunit = \"x\"\nweek = {}\n").await?.expect_err("bad");
        assert_eq!(problems[0].line, 2);
    }
    Ok(())
}
