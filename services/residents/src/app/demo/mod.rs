//! A town of people who do not exist, for trying things out: Dengke's real communities, filled by the same way as a survey.

mod household;
mod people;
mod random;

use std::sync::Arc;

use household::Town;
use random::Random;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    App,
    import::{BATCH, Batch, Progress, Said, Tally},
};
use crate::{Error, store::resident};

/// The subdistrict and its communities.
const AREAS: &str = include_str!("../../../data/areas_enyang.csv");

/// How large a town.
#[derive(Clone)]
pub struct DemoOptions {
    /// People; a few more, as the last household is not cut apart.
    pub residents: u32,
    /// The same seed makes the same people.
    pub seed: u64,
    pub progress: Option<Progress>,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoOutcome {
    pub residents: u64,
    pub households: u64,
    pub grids: u64,
    /// People that an earlier demo of the same seed had made.
    pub unchanged: u64,
}

impl App {
    /// Fills an install in which no real person is kept. Everybody made is marked as synthetic, with order numbers from 900
    /// on in their ID numbers.
    pub async fn demo(&self, options: DemoOptions) -> Result<DemoOutcome, Error> {
        let real = resident::Entity::find().filter(resident::Column::Synthetic.eq(false));
        if real.count(self.db.read()).await? > 0 {
            let message =
                "holds real people, and made-up ones do not belong among them: use an empty one (`--data DIR`)";
            return Err(Error::field("install", "demo.empty", message));
        }
        self.import_areas(AREAS.as_bytes()).await?;
        let mut town = Town::new(Random::of_seed(options.seed), self.today());
        let mut tally = Tally::default();
        let (mut made, mut batch) = (0, Vec::with_capacity(BATCH));
        while made < options.residents {
            let household = town.next_household();
            made += u32::try_from(household.len()).unwrap_or(u32::MAX);
            batch.extend(household.into_iter().map(|row| Said { row, is_last_word: true }));
            if batch.len() >= BATCH || made >= options.residents {
                let done = batch.len() as u64;
                let rows = Arc::new(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
                tally.add(&self.write_batch(Batch { rows, synthetic: true }).await?);
                if let Some(progress) = &options.progress {
                    progress(done);
                }
            }
        }
        let Tally { created, updated, unchanged, households_created, grids_created } = tally;
        Ok(DemoOutcome {
            residents: created,
            households: households_created,
            grids: grids_created,
            unchanged: unchanged + updated,
        })
    }
}
