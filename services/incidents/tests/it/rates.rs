//! The cases of the rates, and the monthly report: computed a second time from the timelines as they are stored.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use linju_proto::{
    common::v1::Role,
    incidents::v1::{self, CaseStanding, RateKind, Satisfaction, rate_service_client::RateServiceClient},
};

use crate::ground::{Gated, Ground, Person, SUBDISTRICT, clerk, dispatcher, handler, manager, resident};

const RATES: [RateKind; 3] = [RateKind::Response, RateKind::Resolution, RateKind::Satisfaction];

impl Ground {
    fn rates(&self) -> RateServiceClient<Gated> {
        RateServiceClient::new(self.gated.clone())
    }

    /// All cases of a rate, two a page.
    async fn cases(&self, rate: RateKind, fill: impl Fn(&mut v1::ListRateCasesRequest)) -> Result<Vec<v1::RateCase>> {
        let mut request = v1::ListRateCasesRequest {
            area_code: SUBDISTRICT.to_owned(),
            rate: rate.into(),
            page_size: 2,
            ..Default::default()
        };
        fill(&mut request);
        let mut all = Vec::new();
        loop {
            let page = self.rates().list_rate_cases(self.of(&dispatcher(), request.clone())?).await?.into_inner();
            assert!(page.cases.len() <= 2);
            all.extend(page.cases);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn month(&self, who: &Person) -> Result<v1::MonthlyReport> {
        let request = v1::GetMonthlyReportRequest { area_code: SUBDISTRICT.to_owned(), month: "2026-11".to_owned() };
        Ok(self.rates().get_monthly_report(self.of(who, request)?).await?.into_inner())
    }

    /// Solved; solved after a reopening; not solved; unsolvable; withdrawn; and one that nobody has touched.
    async fn some_of_each(&self) -> Result<()> {
        let confirmed = self.report(&resident()).await?;
        self.steps(&confirmed).to_proposed().await?;
        self.steps(&confirmed).confirm(&clerk(), Satisfaction::BasicallySatisfied).await?;
        let second = self.report(&resident()).await?;
        self.steps(&second).to_proposed().await?;
        self.steps(&second).reopen(&clerk(), "还是不亮").await?;
        self.steps(&second).propose(&handler(), "又换了").await?;
        self.steps(&second).confirm(&clerk(), Satisfaction::Satisfied).await?;
        let refused = self.report(&resident()).await?;
        self.steps(&refused).to_proposed().await?;
        self.steps(&refused).reopen(&clerk(), "还是不亮").await?;
        let given_up = self.report(&resident()).await?;
        self.steps(&given_up).to_dispatched().await?;
        self.steps(&given_up).accept(&handler()).await?;
        self.steps(&given_up).give_up(&handler(), "等改造", "2027-03-01").await?;
        let withdrawn = self.report(&resident()).await?;
        self.steps(&withdrawn).withdraw(&resident(), "").await?;
        self.report(&resident()).await?;
        Ok(())
    }
}

fn standings(cases: &[v1::RateCase]) -> BTreeMap<(CaseStanding, &str), usize> {
    let mut counts = BTreeMap::new();
    for case in cases {
        *counts.entry((case.standing(), case.reason.as_str())).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn every_case_of_a_rate_is_listed_and_adds_up_to_it() -> Result<()> {
    for ground in Ground::both().await? {
        ground.some_of_each().await?;
        let request = v1::GetIncidentFiguresRequest { area_code: SUBDISTRICT.to_owned(), ..Default::default() };
        let figures = ground.door.clone().get_incident_figures(ground.of(&dispatcher(), request)?).await?.into_inner();
        let rates = [figures.response, figures.resolution, figures.satisfaction];
        for (kind, rate) in RATES.into_iter().zip(rates) {
            let (rate, cases) = (rate.context("a rate")?, ground.cases(kind, |_| {}).await?);
            assert_eq!(cases.len(), 6);
            let counts = standings(&cases);
            let of = |standing| counts.iter().filter(|((s, _), _)| *s == standing).map(|(_, n)| *n).sum::<usize>();
            let counted = of(CaseStanding::Counted);
            assert_eq!(
                (i64::try_from(counted)?, i64::try_from(counted + of(CaseStanding::NotCounted))?),
                (rate.counted, rate.of)
            );
            for excluded in &rate.excluded {
                let listed =
                    counts.get(&(CaseStanding::Excluded, excluded.reason.as_str())).copied().unwrap_or_default();
                assert_eq!(i64::try_from(listed)?, excluded.incidents, "{kind:?} {}", excluded.reason);
            }
        }
        let resolution = ground.cases(RateKind::Resolution, |_| {}).await?;
        let expected = [
            ((CaseStanding::Counted, ""), 2),
            ((CaseStanding::NotCounted, ""), 1),
            ((CaseStanding::Excluded, "no_call_back"), 1),
            ((CaseStanding::Excluded, "unsolvable"), 1),
            ((CaseStanding::Excluded, "withdrawn"), 1),
        ];
        assert_eq!(standings(&resolution), BTreeMap::from(expected));
        let missed = ground.cases(RateKind::Resolution, |r| r.standing = CaseStanding::NotCounted.into()).await?;
        assert_eq!((missed.len(), missed[0].unit.as_str()), (1, "lights"));
        assert_eq!(ground.cases(RateKind::Resolution, |r| "roads".clone_into(&mut r.unit)).await?.len(), 0);
        assert_eq!(ground.cases(RateKind::Resolution, |r| "roads".clone_into(&mut r.category)).await?.len(), 4);
        let late = ground.clock.now() + TimeDelta::seconds(1);
        let late = crate::matters::stamp(late);
        assert_eq!(ground.cases(RateKind::Resolution, |r| r.from = Some(late)).await?.len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn small_cells_are_for_whoever_sees_the_incidents() -> Result<()> {
    for ground in Ground::both().await? {
        ground.some_of_each().await?;
        let whole = ground.month(&dispatcher()).await?;
        assert!(!whole.suppressed);
        let total = whole.total.clone().context("a total")?;
        assert_eq!(total.incidents, Some(6));
        let resolution = total.resolution.context("a rate")?;
        assert_eq!((resolution.counted, resolution.of, resolution.excluded.len()), (2, 3, 3));
        let units: Vec<_> = whole.by_unit.iter().map(|row| (row.key.as_str(), row.incidents)).collect();
        assert_eq!(units, [("", Some(2)), ("lights", Some(4))]);
        for table in [&whole.by_category, &whole.by_unit, &whole.by_area] {
            assert_eq!(table.iter().filter_map(|row| row.incidents).sum::<i64>(), 6);
        }
        let stranger = Person::new("u-stranger", Role::SubdistrictManager, "511903002");
        for outside in [resident(), stranger] {
            let shown = ground.month(&outside).await?;
            assert!(shown.suppressed);
            assert!(shown.by_unit.iter().all(|row| row.incidents.is_none()), "{shown:?}");
            assert!(shown.total.context("a total")?.resolution.is_none());
        }
        let request = v1::ExportMonthlyReportRequest { area_code: SUBDISTRICT.to_owned(), month: "2026-11".to_owned() };
        let table = ground.rates().export_monthly_report(ground.of(&manager(), request.clone())?).await?.into_inner();
        assert_eq!(table.file_name, "511903001-2026-11.csv");
        let lines: Vec<_> = table.csv.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(lines[1], "total,,6,4,4,100.0,2,3,66.7,2,3,66.7");
        let shown = ground.rates().export_monthly_report(ground.of(&resident(), request)?).await?.into_inner();
        assert!(shown.csv.contains("unit,lights,*,*"), "{}", shown.csv);
        let empty = v1::GetMonthlyReportRequest { area_code: SUBDISTRICT.to_owned(), month: "2026-10".to_owned() };
        let empty = ground.rates().get_monthly_report(ground.of(&manager(), empty)?).await?.into_inner();
        assert_eq!(empty.total.context("a total")?.incidents, Some(0));
    }
    Ok(())
}
