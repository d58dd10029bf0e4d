//! The table `residents`: the people of the register. ID number and phone are sealed.

use std::sync::Arc;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, BlindIndex, Db, Keyring, Sealed, SecretText, Together, any_of},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ActiveModelTrait, Condition, ExprTrait, IntoActiveModel, Iterable, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Func, InsertStatement, OnConflict, Query},
};
use serde::{Deserialize, Serialize};

use super::{HouseholdId, ResidentId, care_tag};
use crate::domain::{
    care::CareTag,
    facts::{Fact, Source},
    person::{Living, Registration, Relation as ToHead, Sex},
    standing::Status,
};

/// The table's name, as sealed values are bound to it.
pub const TABLE: &str = "residents";
/// The column of the blind index of ID numbers.
pub const NATIONAL_ID_INDEX: &str = "residents.national_id";
/// The column of the blind index of phone numbers.
pub const PHONE_INDEX: &str = "residents.phone";

/// One person's record. Each group of facts carries the day on which it was observed, and by whom; both are empty where
/// nothing of the group is known.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "residents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResidentId,
    /// The grid the person lives in, or lived in last.
    pub area_code: AreaCode,
    /// None for whoever has left or died.
    pub household_id: Option<HouseholdId>,
    pub relation: ToHead,
    pub name: String,
    pub sex: Sex,
    pub birth_date: NaiveDate,
    pub national_id: Option<Sealed>,
    /// Unique.
    pub national_id_index: Option<BlindIndex>,
    pub phone: Option<Sealed>,
    pub phone_index: Option<BlindIndex>,
    pub registration: Option<Registration>,
    pub living: Option<Living>,
    pub state: Status,
    pub merged_into: Option<ResidentId>,
    /// The day on which the person left or died; for a merged record, that of the merge.
    pub ended_on: Option<NaiveDate>,
    pub synthetic: bool,
    pub identity_on: NaiveDate,
    pub identity_from: Source,
    pub contact_on: Option<NaiveDate>,
    pub contact_from: Option<Source>,
    pub registration_on: Option<NaiveDate>,
    pub registration_from: Option<Source>,
    pub living_on: Option<NaiveDate>,
    pub living_from: Option<Source>,
    pub household_on: NaiveDate,
    pub household_from: Source,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The identity as a fact whose value is not looked at.
    pub fn identity(&self) -> Fact<()> {
        Fact { value: (), observed_on: self.identity_on, source: self.identity_from }
    }

    /// The ID number in clear.
    pub async fn open_national_id(&self, keys: &Keyring) -> Result<Option<SecretText>, Fault> {
        super::open(keys, super::place(TABLE, "national_id", self.id.0), self.national_id.as_ref()).await
    }

    /// The phone number in clear.
    pub async fn open_phone(&self, keys: &Keyring) -> Result<Option<SecretText>, Fault> {
        super::open(keys, super::place(TABLE, "phone", self.id.0), self.phone.as_ref()).await
    }

    /// Takes an ID number, sealed for this row, and its blind index.
    pub fn set_national_id(&mut self, keys: &Keyring, number: Option<&str>) -> Result<(), Fault> {
        self.national_id = number.map(|number| seal(keys, self.id, "national_id", number)).transpose()?;
        self.national_id_index = number.map(|number| keys.index(NATIONAL_ID_INDEX, number));
        Ok(())
    }

    /// Takes a phone number, sealed for this row, and its blind index.
    pub fn set_phone(&mut self, keys: &Keyring, number: Option<&str>) -> Result<(), Fault> {
        self.phone = number.map(|number| seal(keys, self.id, "phone", number)).transpose()?;
        self.phone_index = number.map(|number| keys.index(PHONE_INDEX, number));
        Ok(())
    }
}

fn seal(keys: &Keyring, id: ResidentId, column: &'static str, text: &str) -> Result<Sealed, Fault> {
    keys.seal(super::place(TABLE, column, id.0), text).map_err(super::seal_fault)
}

/// Where a page of a list ends: numbers of area and person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct After(pub i64, pub Uuid);

impl Model {
    /// This row as the end of a page.
    pub fn as_end(&self) -> After {
        After(*self.area_code.range().start(), self.id.0)
    }
}

/// Reads by id. Those that wait at the same time are one statement.
#[derive(Clone, Debug)]
pub struct Reads {
    db: Db,
    together: Arc<Together<ResidentId, Result<Option<Model>, DbErr>>>,
}

impl Reads {
    /// Statements under way at once, and people in one of them.
    const LANES: usize = 3;
    const MOST: usize = 64;

    pub fn new(db: Db) -> Self {
        Self { db, together: Arc::new(Together::new(Self::LANES, Self::MOST)) }
    }

    /// The person, if the record lies within the scope.
    pub async fn get(&self, scope: &Scope, id: ResidentId) -> Result<Model, Fault> {
        let found = loop {
            // None: the caller that asked for this one, too, has gone away.
            if let Some(found) = self.together.ask(id, |ids| self.all(ids)).await {
                break found?;
            }
        };
        found.filter(|row| scope.areas.contain(row.area_code)).ok_or(Fault::NotFound("resident"))
    }

    async fn all(&self, ids: Vec<ResidentId>) -> Vec<Result<Option<Model>, DbErr>> {
        let db = self.db.read();
        let found = Entity::find().filter(any_of(self.db.backend(), Column::Id, ids.iter().copied())).all(db).await;
        let one = |id: &ResidentId| match &found {
            Ok(rows) => Ok(rows.iter().find(|row| row.id == *id).cloned()),
            Err(error) => Err(error.clone()),
        };
        ids.iter().map(one).collect()
    }
}

/// The person, if the record lies within the scope, as a transaction sees it.
pub async fn get(scope: &Scope, tx: &impl ConnectionTrait, id: ResidentId) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode));
    find.one(tx).await?.ok_or(Fault::NotFound("resident"))
}

/// As [`get`], and on Postgres nobody else changes the record until the commit. On SQLite nobody does anyway.
pub async fn lock(scope: &Scope, tx: &impl ConnectionTrait, id: ResidentId) -> Result<Model, Fault> {
    let find = Entity::find_by_id(id).filter(scope.areas.hold(Column::AreaCode)).lock_exclusive();
    find.one(tx).await?.ok_or(Fault::NotFound("resident"))
}

/// The people with these ids within the scope, in order of their ids.
pub async fn by_ids(scope: &Scope, db: &impl ConnectionTrait, ids: &[ResidentId]) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let find = Entity::find().filter(any_of(db.get_database_backend(), Column::Id, ids.iter().copied()));
    find.filter(scope.areas.hold(Column::AreaCode)).order_by_asc(Column::Id).all(db).await
}

/// People living in `area`, with `tag` where one is asked for, after `after` by area and id.
pub async fn list(
    scope: &Scope,
    db: &impl ConnectionTrait,
    (area, tag): (AreaCode, Option<(CareTag, NaiveDate)>),
    after: Option<After>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = Entity::find()
        .filter(scope.areas.hold(Column::AreaCode))
        .filter(area.holds(Column::AreaCode))
        .filter(Column::State.eq(Status::Living));
    if let Some((kind, day)) = tag {
        let tagged = sea_orm::QueryTrait::into_query(
            care_tag::Entity::find()
                .select_only()
                .column(care_tag::Column::ResidentId)
                .filter(care_tag::Column::Kind.eq(kind))
                .filter(care_tag::holds_on(day)),
        );
        find = find.filter(Column::Id.in_subquery(tagged));
    }
    if let Some(After(area, id)) = after {
        let row = Expr::tuple([Expr::col(Column::AreaCode), Expr::col(Column::Id)]);
        find = find.filter(ExprTrait::gt(row, Expr::tuple([Expr::val(area), Expr::val(id)])));
    }
    find.order_by_asc(Column::AreaCode).order_by_asc(Column::Id).limit(limit).all(db).await
}

/// By what a number is found.
#[derive(Clone, Debug)]
pub enum Number {
    NationalId(BlindIndex),
    Phone(BlindIndex),
}

/// People of `area` with this number, in order of their ids, after `after`; a merged record with the number leads to the
/// one that stands.
pub async fn with_number(
    scope: &Scope,
    db: &impl ConnectionTrait,
    (area, number): (AreaCode, Number),
    after: Option<ResidentId>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let has = match number {
        Number::NationalId(index) => Column::NationalIdIndex.eq(index),
        Number::Phone(index) => Column::PhoneIndex.eq(index),
    };
    let standing = Func::coalesce([Expr::col(Column::MergedInto), Expr::col(Column::Id)]);
    let standing = Query::select().expr(standing).from(Entity).and_where(has).to_owned();
    let mut find = Entity::find()
        .filter(Column::Id.in_subquery(standing))
        .filter(scope.areas.hold(Column::AreaCode))
        .filter(area.holds(Column::AreaCode));
    if let Some(after) = after {
        find = find.filter(Column::Id.gt(after));
    }
    find.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// Who holds this ID number, wherever.
pub async fn holder(db: &impl ConnectionTrait, index: &BlindIndex) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::NationalIdIndex.eq(index.clone())).one(db).await
}

/// For an import: everybody who has one of the ID numbers or lives in one of the households, locked until the commit.
pub async fn to_compare(
    tx: &impl ConnectionTrait,
    numbers: Vec<BlindIndex>,
    households: Vec<HouseholdId>,
) -> Result<Vec<Model>, DbErr> {
    let mut any = Condition::any();
    if !numbers.is_empty() {
        any = any.add(any_of(tx.get_database_backend(), Column::NationalIdIndex, numbers));
    }
    if !households.is_empty() {
        any = any.add(any_of(tx.get_database_backend(), Column::HouseholdId, households));
    }
    if any.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find().filter(any).order_by_asc(Column::Id).lock_exclusive().all(tx).await
}

/// Whoever lives in one of the households and has a phone.
pub async fn with_phone_in(
    scope: &Scope,
    db: &impl ConnectionTrait,
    households: &[HouseholdId],
) -> Result<Vec<Model>, DbErr> {
    if households.is_empty() {
        return Ok(Vec::new());
    }
    let find = Entity::find().filter(Column::HouseholdId.is_in(households.iter().copied()));
    let reachable = find.filter(Column::Phone.is_not_null()).filter(scope.areas.hold(Column::AreaCode));
    reachable.order_by_asc(Column::Id).all(db).await
}

/// Writes the whole row over the one with its id.
pub async fn save(tx: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::update(row.into_active_model().reset_all()).exec(tx).await.map(drop)
}

/// Writes whole rows over those with their ids, in one statement.
pub fn put(rows: impl IntoIterator<Item = Model>) -> InsertStatement {
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    let columns = Column::iter().filter(|column| !matches!(column, Column::Id));
    let newer = OnConflict::column(Column::Id).update_columns(columns).to_owned();
    sea_orm::QueryTrait::into_query(Entity::insert_many(rows).on_conflict(newer))
}

/// For an import: these people, locked until the commit.
pub async fn lock_all(tx: &impl ConnectionTrait, ids: &[ResidentId]) -> Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let find = Entity::find().filter(any_of(tx.get_database_backend(), Column::Id, ids.iter().copied()));
    find.order_by_asc(Column::Id).lock_exclusive().all(tx).await
}

/// The record that is the caller's own, or the one it was merged into.
pub async fn own(scope: &Scope, db: &impl ConnectionTrait, id: ResidentId) -> Result<Model, Fault> {
    let missing = Fault::NotFound("record of your own");
    let find = Entity::find_by_id(id).filter(scope.about(Column::AreaCode, Column::Id));
    let Some(row) = find.one(db).await? else { return Err(missing) };
    let Some(leading) = row.merged_into else { return Ok(row) };
    let leading = Entity::find_by_id(leading).one(db).await?;
    // The grant names the record that was merged; its areas bind the one that stands.
    leading.filter(|leading| scope.is_about(id.0, leading.area_code)).ok_or(missing)
}

/// The ids of the records that were merged into this one.
pub async fn merged_into(db: &impl ConnectionTrait, id: ResidentId) -> Result<Vec<ResidentId>, DbErr> {
    let rows = Entity::find().filter(Column::MergedInto.eq(id)).all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
