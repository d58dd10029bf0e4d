//! The tables `offers` and `offer_uses`.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Code, Page},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{Condition, ConnectionTrait, ExprTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};

use crate::domain::organisation::{
    OfferId, OrganisationId,
    offer::{Kind, Terms},
};

/// The last day of what has no end.
pub const WITHOUT_END: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// One row of `offers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "offers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OfferId,
    pub organisation_id: OrganisationId,
    pub area_code: AreaCode,
    pub kind: Code<Kind>,
    pub what: String,
    /// 0: without a limit.
    pub quantity: i64,
    pub unit: String,
    pub from_day: NaiveDate,
    pub until: NaiveDate,
    pub taken_up: i64,
    pub withdrawn_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn terms(&self) -> Terms {
        Terms {
            quantity: (self.quantity > 0).then_some(self.quantity),
            taken_up: self.taken_up,
            until: (self.until != WITHOUT_END).then_some(self.until),
            withdrawn: self.withdrawn_at.is_some(),
        }
    }
}

/// What was taken up, and for what.
pub mod taken {
    use super::OfferId;
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `offer_uses`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "offer_uses")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub offer_id: OfferId,
        pub at: DateTime<Utc>,
        pub quantity: i64,
        pub occasion: String,
        pub by: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An offer of the caller's areas.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: OfferId) -> Result<Model, Fault> {
    let find = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(Column::Id.eq(id));
    find.one(db).await?.ok_or(Fault::NotFound("offer"))
}

/// The same, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: OfferId) -> Result<Model, Fault> {
    let find = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(Column::Id.eq(id)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("offer"))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// Which offers a list is about.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    pub organisation: Option<OrganisationId>,
    /// Only those of which something is left on this day.
    pub open_on: Option<NaiveDate>,
}

/// Offers, those that end first first, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: Wanted,
    page: &Page<(NaiveDate, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, organisation, open_on } = wanted;
    let mut query = Entity::find().filter(scope.areas.hold(Column::AreaCode)).filter(area.holds(Column::AreaCode));
    if let Some(organisation) = organisation {
        query = query.filter(Column::OrganisationId.eq(organisation));
    }
    if let Some(day) = open_on {
        let left = Condition::any()
            .add(Column::Quantity.eq(0))
            .add(Expr::col(Column::TakenUp).lt(Expr::col(Column::Quantity)));
        query = query.filter(Column::WithdrawnAt.is_null()).filter(Column::Until.gte(day)).filter(left);
    }
    if let Some((until, id)) = page.after {
        let later = Condition::all().add(Column::Until.eq(until)).add(Column::Id.gt(id));
        query = query.filter(Condition::any().add(Column::Until.gt(until)).add(later));
    }
    let query = query.order_by_asc(Column::Until).order_by_asc(Column::Id);
    let mut rows = query.limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| (row.until, row.id.0))?;
    Ok((rows, next))
}
