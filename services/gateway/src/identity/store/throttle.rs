//! The table `sign_in_attempts`: counters against guessing, under keyed hashes of names and addresses.

use std::collections::HashMap;

use chassis::data::Keyring;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, QuerySelect, entity::prelude::*, sea_query::OnConflict};

use super::index_bytes;
use crate::identity::domain::throttle::Counter;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Vec<u8>,
    pub failures: i32,
    pub at: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The key of a counter.
pub fn key(keys: &Keyring, what: &str) -> Vec<u8> {
    index_bytes(keys.index("sign_in_attempts.key", what))
}

fn row(key: Vec<u8>, counter: Counter) -> ActiveModel {
    let Counter { failures, at, until } = counter;
    ActiveModel { key: Set(key), failures: Set(failures), at: Set(at), until: Set(until) }
}

/// Reads the counters of `keys`, and holds them until the transaction ends, so that attempts at the same moment are counted
/// one after the other.
pub async fn hold(tx: &impl ConnectionTrait, keys: &[Vec<u8>], now: DateTime<Utc>) -> Result<Vec<Counter>, DbErr> {
    // In one order always, or two transactions could wait for each other.
    let mut sorted = keys.to_vec();
    sorted.sort();
    let new = sorted.iter().map(|key| row(key.clone(), Counter::new(now)));
    let once = OnConflict::column(Column::Key).do_nothing().to_owned();
    Entity::insert_many(new).on_conflict(once).exec_without_returning(tx).await?;
    let mut found = HashMap::new();
    for key in sorted {
        if let Some(Model { key, failures, at, until }) = Entity::find_by_id(key).lock_exclusive().one(tx).await? {
            found.insert(key, Counter { failures, at, until });
        }
    }
    Ok(keys.iter().map(|key| found.get(key).copied().unwrap_or(Counter::new(now))).collect())
}

pub async fn write(tx: &impl ConnectionTrait, key: &[u8], counter: Counter) -> Result<(), DbErr> {
    Entity::update(row(key.to_vec(), counter)).exec(tx).await.map(|_| ())
}

/// Forgets counters that count nothing any more.
pub async fn prune(connection: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let quiet = Column::At.lt(now - TimeDelta::hours(2));
    Entity::delete_many().filter(quiet).exec(connection).await.map(|_| ())
}
