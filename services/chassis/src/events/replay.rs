//! Fills a lost stream again from the outbox.

use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    Bus, BusError, Event,
    outbox::{Column, Entity},
};
use crate::data::Db;

const AT_ONCE: u64 = 500;

/// Why a replay ended early. It may be run again: what is on the bus already is not published twice.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the outbox cannot be read")]
    Db(#[from] DbErr),
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// Publishes again, in order, what was published at or after `from` and is still kept; `progress` hears how many so far.
/// What was not published yet is left to the relay. Consumers know what they have handled and pass over it.
pub async fn replay(
    db: &Db,
    bus: &dyn Bus,
    from: DateTime<Utc>,
    mut progress: impl FnMut(u64) + Send,
) -> Result<u64, ReplayError> {
    let (mut count, mut after) = (0, 0);
    loop {
        let page = Entity::find()
            .filter(Column::Position.gt(after))
            .filter(Column::PublishedAt.gte(from))
            .order_by_asc(Column::Position)
            .limit(AT_ONCE)
            .all(db.read())
            .await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = last.position;
        let events: Vec<Event> = page.into_iter().map(Event::from).collect();
        bus.publish(&events).await?;
        count += events.len() as u64;
        progress(count);
    }
}
