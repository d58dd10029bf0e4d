//! The table `refused_messages`: why messages were not taken, and how many. What they held is not kept.

use std::collections::BTreeMap;

use chassis::{Fault, data::Tx};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Alias, ExprTrait, OnConflict, Query},
};

use crate::domain::alarm::NotTaken;

/// One row of `refused_messages`: a partner's messages of one minute that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refused_messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub reason: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub minute: DateTime<Utc>,
    pub messages: i64,
    /// What the partner was told of the last of them.
    #[sea_orm(column_type = "Text")]
    pub sample: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Counts refusals, with the commit.
pub fn count<'r>(tx: &Tx, partner: &str, refusals: impl Iterator<Item = &'r NotTaken>, now: DateTime<Utc>) {
    let mut by_reason: BTreeMap<&'static str, (i64, String)> = BTreeMap::new();
    for refusal in refusals {
        let counted = by_reason.entry(refusal.reason()).or_default();
        *counted = (counted.0 + 1, refusal.to_string());
    }
    if by_reason.is_empty() {
        return;
    }
    let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    let mut insert = Query::insert();
    insert.into_table(Entity).columns([
        Column::Partner,
        Column::Reason,
        Column::Minute,
        Column::Messages,
        Column::Sample,
    ]);
    for (reason, (messages, sample)) in by_reason {
        insert.values_panic([partner.into(), reason.into(), minute.into(), messages.into(), sample.into()]);
    }
    let more = Expr::col((Entity, Column::Messages)).add(Expr::col((Alias::new("excluded"), Column::Messages)));
    let again = OnConflict::columns([Column::Partner, Column::Reason, Column::Minute])
        .update_column(Column::Sample)
        .value(Column::Messages, more)
        .to_owned();
    tx.append_statement(insert.on_conflict(again).to_owned());
}

/// What was refused, the newest first.
pub async fn newest(db: &impl ConnectionTrait, most: u64) -> Result<Vec<Model>, Fault> {
    let order = Entity::find().order_by_desc(Column::Minute).order_by_asc(Column::Partner).order_by_asc(Column::Reason);
    Ok(order.limit(most).all(db).await?)
}

/// Forgets what was refused before `before`.
pub async fn forget(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), Fault> {
    Entity::delete_many().filter(Column::Minute.lt(before)).exec(db).await?;
    Ok(())
}
