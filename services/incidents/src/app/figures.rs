//! Figures of an area and period: counts by the database, times and rates from the timelines.

use std::collections::BTreeMap;

use chassis::{
    access::Call,
    data::{AreaCode, AreaLevel},
};
use chrono::TimeDelta;

use super::App;
use crate::{
    domain::{
        Status,
        rates::{Figures, Measure, Tally},
    },
    error::Error,
    store::{
        counts::{self, Counted},
        timeline,
    },
};

/// Timelines read at once.
const BATCH: u64 = 500;

/// What figures somebody asks for.
#[derive(Clone, Copy, Debug)]
pub struct FiguresOf {
    pub counted: Counted,
    /// How long after its first dispatch the reporter must have been contacted; none: the office's own limit.
    pub contact_limit: Option<TimeDelta>,
}

/// All figures of an area and period.
#[derive(Clone, Debug)]
pub struct AreaFigures {
    /// None: not triaged.
    pub by_category: Vec<(Option<String>, i64)>,
    pub by_state: Vec<(Status, i64)>,
    /// Of the areas one level below the one asked for; of that itself where the place is not known more closely.
    pub by_area: BTreeMap<AreaCode, i64>,
    pub figures: Figures,
}

impl App {
    /// Counts, times and rates, as far as the caller's areas go.
    pub async fn figures(
        &self,
        call: &Call,
        FiguresOf { counted, contact_limit }: FiguresOf,
    ) -> Result<AreaFigures, Error> {
        let (db, scope) = (self.db.read(), call.scope());
        let mut tally = Tally::new(Measure { formulae: self.formulae(contact_limit), as_of: self.clock.now() });
        let mut after = None;
        loop {
            let ids = counts::ids(db, scope, &counted, after, BATCH).await?;
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            for (id, timeline) in timeline::of_incidents(db, &ids).await? {
                tally.add(id, &timeline);
            }
        }
        let mut by_area = BTreeMap::new();
        for (area, count) in counts::by_area(db, scope, &counted).await? {
            *by_area.entry(below(counted.area, area)).or_default() += count;
        }
        Ok(AreaFigures {
            by_category: counts::by_category(db, scope, &counted).await?,
            by_state: counts::by_state(db, scope, &counted).await?,
            by_area,
            figures: tally.finish(),
        })
    }
}

/// The part of `whole`, one level down, in which `area` lies.
pub(super) fn below(whole: AreaCode, area: AreaCode) -> AreaCode {
    let level = match whole.level() {
        AreaLevel::County => AreaLevel::Subdistrict,
        AreaLevel::Subdistrict => AreaLevel::Community,
        AreaLevel::Community | AreaLevel::Grid => AreaLevel::Grid,
    };
    area.at(level).unwrap_or(area)
}
