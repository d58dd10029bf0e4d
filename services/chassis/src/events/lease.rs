//! Who of several copies does what only one may do.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};
use uuid::Uuid;

use crate::data::{Clock, Db, Tx};

/// A lease that this process holds or held. Whatever its holder writes checks [`Held::token`] in the same statement, so
/// that one who was away too long, and does not know it yet, changes nothing.
#[derive(Clone, Debug)]
pub struct Held {
    pub name: &'static str,
    /// Grows with every new holder.
    pub token: i64,
}

/// Takes, keeps and gives back one lease by name.
#[derive(Clone, Debug)]
pub struct Lease {
    db: Db,
    clock: Clock,
    name: &'static str,
    owner: String,
    time: Duration,
}

impl Lease {
    /// `owner` is unique to the process; `time` is how long the lease outlives its holder.
    pub fn new(db: Db, clock: Clock, name: &'static str, owner: Uuid, time: Duration) -> Self {
        Self { db, clock, name, owner: owner.to_string(), time }
    }

    /// Takes the lease where it is free, has run out or is one's own. `None`: another holds it.
    pub async fn acquire(&self) -> Result<Option<Held>, DbErr> {
        let sql = format!(
            "INSERT INTO lease (name, owner, token, until) VALUES ($1, $2, 1, {until}) \
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = lease.token + 1, until = excluded.until \
             WHERE lease.until <= {now} OR lease.owner = excluded.owner RETURNING token",
            now = now(self.backend(), 3),
            until = later(self.backend(), 3, 4),
        );
        let lease = self.clone();
        let row = self.db.write(move |tx: &Tx| {
            let statement = lease.statement(&sql, []);
            Box::pin(async move { tx.query_one_raw(statement).await })
        });
        row.await?.map(|row| Ok(Held { name: self.name, token: row.try_get("", "token")? })).transpose()
    }

    /// Keeps it for another while; false where another has taken it.
    pub async fn renew(&self, held: &Held) -> Result<bool, DbErr> {
        let sql = format!(
            "UPDATE lease SET until = {} WHERE name = $1 AND owner = $2 AND token = $5",
            later(self.backend(), 3, 4)
        );
        self.update(&sql, held).await
    }

    /// Gives it back, so that another need not wait.
    pub async fn release(&self, held: &Held) -> Result<(), DbErr> {
        // $4, the time, is not needed here; both databases want every parameter named.
        let now = later(self.backend(), 3, 4).replace('+', "-");
        let sql = format!("UPDATE lease SET until = {now} WHERE name = $1 AND owner = $2 AND token = $5");
        self.update(&sql, held).await.map(|_| ())
    }

    async fn update(&self, sql: &str, held: &Held) -> Result<bool, DbErr> {
        let (lease, sql, token) = (self.clone(), sql.to_owned(), held.token);
        let run = self.db.write(move |tx: &Tx| {
            let statement = lease.statement(&sql, [token.into()]);
            Box::pin(async move { Ok(tx.execute_raw(statement).await?.rows_affected() == 1) })
        });
        run.await
    }
}
