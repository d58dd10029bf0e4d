//! Figures, against what was done by hand.

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, Satisfaction},
};

use crate::ground::{GRID, Ground, Person, SUBDISTRICT, clerk, dispatcher, handler, morning, resident};

#[tokio::test]
async fn counts_times_and_rates() -> Result<()> {
    for ground in Ground::both().await? {
        // Solved and satisfied; the unit spoke two hours after the dispatch.
        let first = ground.report(&resident()).await?;
        let steps = ground.steps(&first);
        steps.to_dispatched().await?;
        ground.clock.advance(TimeDelta::hours(2));
        steps.accept(&handler()).await?;
        steps.start(&handler()).await?;
        steps.propose(&handler(), "换了灯泡").await?;
        ground.clock.advance(TimeDelta::hours(1));
        steps.confirm(&resident(), Satisfaction::Satisfied).await?;
        // Refused by the reporter.
        let second = ground.report(&resident()).await?;
        let steps = ground.steps(&second);
        steps.to_proposed().await?;
        steps.reopen(&clerk(), "还是不亮").await?;
        // Taken back; and one that nobody has touched.
        let third = ground.report(&resident()).await?;
        ground.steps(&third).withdraw(&resident(), "").await?;
        ground.report(&resident()).await?;

        let figures = figures(&ground, &dispatcher(), |_| {}).await?;
        assert_eq!(figures.incidents, 4);
        let states: Vec<_> = figures.by_state.iter().map(|c| (c.state().as_str_name(), c.incidents)).collect();
        assert_eq!(
            states,
            [
                ("INCIDENT_STATE_CLOSED", 1),
                ("INCIDENT_STATE_IN_PROGRESS", 1),
                ("INCIDENT_STATE_REPORTED", 1),
                ("INCIDENT_STATE_WITHDRAWN", 1)
            ]
        );
        let mut categories: Vec<_> = figures.by_category.iter().map(|c| (c.category.as_str(), c.incidents)).collect();
        categories.sort_unstable();
        assert_eq!(categories, [("", 2), ("roads.street_light", 2)]);
        let areas: Vec<_> = figures.by_area.iter().map(|c| (c.area_code.as_str(), c.incidents)).collect();
        assert_eq!(areas, [(&GRID[..12], 4)]);
        let close = figures.close.context("times")?;
        assert_eq!((close.counted, close.median_seconds), (1, Some(3 * 3600)));
        let answer = figures.first_answer.context("times")?;
        assert_eq!((answer.counted, answer.median_seconds, answer.p90_seconds), (2, Some(0), Some(2 * 3600)));
        assert_eq!(
            rate(figures.response)?,
            (2, 2, vec![("not_dispatched".to_owned(), 1), ("withdrawn".to_owned(), 1)])
        );
        assert_eq!(
            rate(figures.resolution)?,
            (1, 2, vec![("withdrawn".to_owned(), 1), ("no_call_back".to_owned(), 1)])
        );
        assert_eq!(rate(figures.satisfaction)?.0, 1);

        let strict = self::figures(&ground, &dispatcher(), |r| r.contact_limit_hours = 1).await?;
        assert_eq!(rate(strict.response)?.0, 1);
        let later = prost_types::Timestamp { seconds: morning().timestamp() + 1, nanos: 0 };
        assert_eq!(self::figures(&ground, &dispatcher(), |r| r.from = Some(later)).await?.incidents, 3);
        assert_eq!(self::figures(&ground, &dispatcher(), |r| r.until = Some(later)).await?.incidents, 1);
        assert_eq!(
            self::figures(&ground, &dispatcher(), |r| r.area_code = "511903001009".to_owned()).await?.incidents,
            0
        );
        let stranger = Person::new("u-stranger", Role::Dispatcher, "511903002");
        assert_eq!(self::figures(&ground, &stranger, |_| {}).await?.incidents, 0);
        let turned = self::figures(&ground, &dispatcher(), |r| {
            r.from = Some(later);
            r.until = Some(later);
        })
        .await;
        assert!(turned.is_err());
    }
    Ok(())
}

async fn figures(
    ground: &Ground,
    who: &Person,
    change: impl FnOnce(&mut v1::GetIncidentFiguresRequest),
) -> Result<v1::IncidentFigures> {
    let mut request = v1::GetIncidentFiguresRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
    change(&mut request);
    Ok(ground.door.clone().get_incident_figures(ground.of(who, request)?).await?.into_inner())
}

/// Counted, of how many, and how many stand outside for which reason.
type Told = (i64, i64, Vec<(String, i64)>);

fn rate(rate: Option<v1::Rate>) -> Result<Told> {
    let v1::Rate { counted, of, excluded } = rate.context("a rate")?;
    Ok((counted, of, excluded.into_iter().map(|e| (e.reason, e.incidents)).collect()))
}
