//! The cases that a rate is made of.

use std::collections::HashMap;

use chassis::{access::Call, data::Page};
use chrono::TimeDelta;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        CategoryCode,
        rates::{Formulae, Measure, RateKind, Standing, Verdict, verdicts},
    },
    error::Error,
    store::{
        counts::{self, Case, Counted},
        timeline,
    },
};

/// Timelines read at once.
const BATCH: u64 = 500;

/// Which cases somebody asks for.
#[derive(Clone, Debug)]
pub struct CasesOf {
    pub counted: Counted,
    pub rate: RateKind,
    /// A category or a group; none: all.
    pub category: Option<CategoryCode>,
    /// None: all.
    pub unit: Option<String>,
    /// None: all.
    pub standing: Option<Standing>,
    /// None: the office's own.
    pub contact_limit: Option<TimeDelta>,
    pub page: Page<Uuid>,
}

/// A case and where it stands.
#[derive(Clone, Debug)]
pub struct ShownCase {
    pub case: Case,
    pub verdict: Verdict,
}

impl App {
    /// The formulae, with another limit where one is asked for.
    pub(super) fn formulae(&self, contact_limit: Option<TimeDelta>) -> Formulae {
        let formulae = self.closed_loop.formulae;
        Formulae { contact_limit: contact_limit.unwrap_or(formulae.contact_limit), ..formulae }
    }

    /// The cases of a rate in the order of ids, and the token of the next page.
    pub async fn rate_cases(&self, call: &Call, of: CasesOf) -> Result<(Vec<ShownCase>, String), Error> {
        let CasesOf { counted, rate, category, unit, standing, contact_limit, page } = of;
        let codes = match &category {
            None => None,
            Some(group) => Some(self.codes_within(group).await?),
        };
        let measure = Measure { formulae: self.formulae(contact_limit), as_of: self.clock.now() };
        let narrowed = counts::Narrowed { counted, categories: codes.as_deref(), unit: unit.as_deref() };
        let most = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let (db, mut after, mut found) = (self.db.read(), page.after, Vec::new());
        while found.len() < most {
            let cases = counts::cases(db, call.scope(), narrowed, after, BATCH).await?;
            let Some(last) = cases.last() else { break };
            after = Some(last.id);
            let ids: Vec<_> = cases.iter().map(|case| case.id).collect();
            let mut timelines: HashMap<_, _> = timeline::of_incidents(db, &ids).await?.into_iter().collect();
            for case in cases {
                let timeline = timelines.remove(&crate::domain::IncidentId(case.id)).unwrap_or_default();
                let verdict = rate.of(&verdicts(&timeline, measure));
                if standing.is_none_or(|wanted| wanted == Standing::of(verdict)) {
                    found.push(ShownCase { case, verdict });
                }
            }
        }
        found.truncate(most);
        let next = page.cut(&mut found, |shown| shown.case.id)?;
        Ok((found, next))
    }
}
