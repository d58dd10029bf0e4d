//! Who of several copies does what only one may do.

#![expect(unreachable_pub, reason = "the derives of an entity want its types public")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{
    ExprTrait, PaginatorTrait,
    entity::prelude::*,
    sea_query::{OnConflict, Query},
};

use crate::data::{Clock, Db, Tx};

/// One row of `lease`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub owner: String,
    /// Grows with every new holder.
    pub token: i64,
    pub until: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes, keeps and gives back one lease by its name.
#[derive(Clone, Debug)]
pub struct Lease {
    db: Db,
    clock: Clock,
    name: &'static str,
    owner: Uuid,
    time: Duration,
}

/// A lease that this process holds, or held and does not yet know that it lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    name: &'static str,
    token: i64,
}

impl Held {
    /// True where it is still held. Part of every statement that its holder writes with: one who was away for too long
    /// changes nothing.
    pub fn still(&self) -> Expr {
        let row = Query::select()
            .expr(Expr::val(1))
            .from(Entity)
            .and_where(Column::Name.eq(self.name))
            .and_where(Column::Token.eq(self.token))
            .to_owned();
        Expr::exists(row)
    }
}

impl Lease {
    /// `owner` is this process and no other; `time` is how long the lease outlives its holder.
    pub fn new(db: Db, clock: Clock, name: &'static str, owner: Uuid, time: Duration) -> Self {
        Self { db, clock, name, owner, time }
    }

    /// Takes the lease where it is free, has run out or is one's own already. `None`: another holds it.
    pub async fn acquire(&self) -> Result<Option<Held>, DbErr> {
        let free =
            Expr::col((Entity, Column::Until))
                .lte(self.after(Duration::ZERO))
                .or(Expr::col((Entity, Column::Owner)).eq(self.owner.to_string()));
        let take = OnConflict::column(Column::Name)
            .update_columns([Column::Owner, Column::Until])
            .value(Column::Token, Expr::col((Entity, Column::Token)).add(1))
            .action_and_where(free)
            .to_owned();
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::Name, Column::Owner, Column::Token, Column::Until])
            .values_panic([self.name.into(), self.owner.to_string().into(), 1.into(), self.after(self.time)])
            .on_conflict(take)
            .returning_col(Column::Token)
            .to_owned();
        let row = self.db.write(move |tx: &Tx| {
            let insert = insert.clone();
            Box::pin(async move { tx.query_one(&insert).await })
        });
        row.await?.map(|row| Ok(Held { name: self.name, token: row.try_get_by_index(0)? })).transpose()
    }

    /// Keeps it for another while; false where another has taken it.
    pub async fn renew(&self, held: Held) -> Result<bool, DbErr> {
        self.set_until(held, self.time).await
    }

    /// Gives it back, so that another need not wait.
    pub async fn release(&self, held: Held) -> Result<(), DbErr> {
        self.set_until(held, Duration::ZERO).await.map(|_| ())
    }

    async fn set_until(&self, held: Held, time: Duration) -> Result<bool, DbErr> {
        let until = self.after(time);
        let update = self.db.write(move |tx: &Tx| {
            let until = until.clone();
            Box::pin(async move {
                let mine =
                    Entity::update_many().filter(Column::Name.eq(held.name)).filter(Column::Token.eq(held.token));
                mine.col_expr(Column::Until, until).exec(tx).await
            })
        });
        Ok(update.await?.rows_affected == 1)
    }

    fn after(&self, time: Duration) -> Expr {
        after(&self.db, &self.clock, time)
    }
}

/// Whether the service was ever started on this database: its relay has then held a lease.
pub async fn has_served(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(Entity::find().count(db).await? > 0)
}

/// So long from now, by the clock that rules leases: the database's where several machines share one, and on SQLite the
/// program's.
pub(super) fn after(db: &Db, clock: &Clock, time: Duration) -> Expr {
    match db.backend() {
        sea_orm::DbBackend::Postgres => {
            Expr::cust_with_values("(clock_timestamp() + make_interval(secs => $1))", [time.as_secs_f64()])
        }
        _ => Expr::val(clock.now() + time),
    }
}
