//! The tables `assets` and `asset_entries`.

use std::collections::HashMap;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Code, Page, any_of},
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, entity::prelude::*};

use crate::domain::organisation::{
    AssetId, OrganisationId,
    ledger::{Account, AssetKind, Entry, Holdings},
};

/// One row of `assets`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AssetId,
    pub name: String,
    pub kind: Code<AssetKind>,
    pub area_code: AreaCode,
    pub place: String,
    pub unit: String,
    pub updated_at: DateTime<Utc>,
    /// Not below the position of the newest entry.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The ledger.
pub mod entry {
    use super::{AssetId, OrganisationId};
    use chrono::{DateTime, NaiveDate, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `asset_entries`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "asset_entries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub asset_id: AssetId,
        /// From 1, rising, each once: the order of the ledger, whatever clocks say.
        pub position: i64,
        pub at: DateTime<Utc>,
        pub from_account: String,
        pub to_account: String,
        pub organisation_id: Option<OrganisationId>,
        pub quantity: i64,
        pub due_on: Option<NaiveDate>,
        pub note: String,
        pub by: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl entry::Model {
    /// The two sides of it.
    pub fn entry(&self) -> Result<Entry, Fault> {
        let damaged = || Fault::Internal(format!("row {} of asset_entries is damaged", self.id));
        Ok(Entry {
            from: Account::of(&self.from_account, self.organisation_id).ok_or_else(damaged)?,
            to: Account::of(&self.to_account, self.organisation_id).ok_or_else(damaged)?,
            quantity: self.quantity,
            due_on: self.due_on,
        })
    }
}

/// An asset of the caller's areas.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: AssetId) -> Result<Model, Fault> {
    let find = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(Column::Id.eq(id));
    find.one(db).await?.ok_or(Fault::NotFound("asset"))
}

/// The same, locked until the commit: it is the lock of its ledger.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: AssetId) -> Result<Model, Fault> {
    let find = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(Column::Id.eq(id)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("asset"))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// What of each of these assets is where.
pub async fn holdings(db: &impl ConnectionTrait, ids: &[AssetId]) -> Result<HashMap<AssetId, Holdings>, Fault> {
    let rows = entry::Entity::find()
        .filter(any_of(db.get_database_backend(), entry::Column::AssetId, ids.iter().map(|id| id.0)))
        .order_by_asc(entry::Column::Position)
        .all(db)
        .await?;
    let mut holdings: HashMap<AssetId, Holdings> = ids.iter().map(|id| (*id, Holdings::default())).collect();
    for row in rows {
        let of = holdings.entry(row.asset_id).or_default();
        of.enter(row.entry()?)
            .map_err(|e| Fault::Internal(format!("the ledger of {} is damaged: {e}", row.asset_id)))?;
    }
    Ok(holdings)
}

/// The assets that an organisation was ever lent.
pub async fn ever_lent(db: &impl ConnectionTrait, to: OrganisationId) -> Result<Vec<AssetId>, DbErr> {
    entry::Entity::find()
        .select_only()
        .column(entry::Column::AssetId)
        .distinct()
        .filter(entry::Column::OrganisationId.eq(to))
        .into_tuple()
        .all(db)
        .await
}

/// Which assets a list is about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    pub kind: Option<AssetKind>,
    /// Only what this organisation has now.
    pub lent_to: Option<OrganisationId>,
}

/// Assets in the order in which they came, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: Wanted,
    page: &Page<Uuid>,
) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, kind, lent_to } = wanted;
    let mut query = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(area.holds(Column::AreaCode));
    if let Some(kind) = kind {
        query = query.filter(Column::Kind.eq(Code(kind)));
    }
    if let Some(organisation) = lent_to {
        query = query.filter(Column::Id.in_subquery(has_now(organisation)));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    let mut rows = query.order_by_asc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.id.0)?;
    Ok((rows, next))
}

/// The assets of which more went to the organisation than came back.
fn has_now(organisation: OrganisationId) -> sea_orm::sea_query::SelectStatement {
    let signed = Expr::cust("SUM(CASE WHEN to_account = 'lent' THEN quantity ELSE -quantity END) > 0");
    let mut select = entry::Entity::find()
        .select_only()
        .column(entry::Column::AssetId)
        .filter(entry::Column::OrganisationId.eq(organisation))
        .group_by(entry::Column::AssetId)
        .into_query();
    select.and_having(signed);
    select
}

/// The ledger of an asset, the first entry first, and the token of the next page.
pub async fn entries(
    db: &impl ConnectionTrait,
    id: AssetId,
    page: &Page<i64>,
) -> Result<(Vec<entry::Model>, String), Fault> {
    let mut query = entry::Entity::find().filter(entry::Column::AssetId.eq(id));
    if let Some(after) = page.after {
        query = query.filter(entry::Column::Position.gt(after));
    }
    let mut rows = query.order_by_asc(entry::Column::Position).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.position)?;
    Ok((rows, next))
}
