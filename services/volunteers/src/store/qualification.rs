//! The tables `qualifications`, `insurances` and `guardian_consents`, and what the gate reads of them.

use std::collections::HashMap;

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Code, Page, Sealed, SealedColumn, any_of},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};

use crate::domain::{
    QualificationId, VolunteerId,
    consent::Consent,
    gate::Facts,
    qualification::{Kind, Revocation, State, Term},
};

use super::volunteer;

/// One row of `qualifications`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "qualifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: QualificationId,
    pub volunteer_id: VolunteerId,
    pub area_code: AreaCode,
    pub kind: Code<Kind>,
    pub state: Code<State>,
    pub issued_on: NaiveDate,
    pub expires_on: Option<NaiveDate>,
    pub issuer: String,
    pub reference: Option<Sealed>,
    /// When it was told that it will end.
    pub warned_at: Option<DateTime<Utc>>,
    pub revocation: Option<Code<Revocation>>,
    pub recorded_by: String,
    pub recorded_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const REFERENCE: SealedColumn = SealedColumn { table: "qualifications", column: "reference", id_column: "id" };

impl Model {
    pub fn term(&self) -> Term {
        Term { from: self.issued_on, until: self.expires_on }
    }
}

/// Insurance.
pub mod insurance {
    use super::{DateTime, NaiveDate, Sealed, SealedColumn, Utc, VolunteerId};
    use sea_orm::entity::prelude::*;

    /// One row of `insurances`.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "insurances")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub volunteer_id: VolunteerId,
        pub insurer: String,
        pub policy_number: Option<Sealed>,
        pub covers_from: NaiveDate,
        pub covers_until: NaiveDate,
        pub recorded_by: String,
        pub recorded_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    pub const POLICY_NUMBER: SealedColumn =
        SealedColumn { table: "insurances", column: "policy_number", id_column: "id" };
}

/// Guardians' consents.
pub mod consent {
    use super::{Code, Consent, DateTime, NaiveDate, Sealed, SealedColumn, Utc, VolunteerId};
    use crate::domain::consent::Channel;
    use sea_orm::entity::prelude::*;

    /// One row of `guardian_consents`.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "guardian_consents")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub volunteer_id: VolunteerId,
        pub guardian_name: Sealed,
        pub guardian_phone: Sealed,
        pub channel: Code<Channel>,
        pub text_version: String,
        pub given_on: NaiveDate,
        pub expires_on: NaiveDate,
        pub unaccompanied: bool,
        pub withdrawn_at: Option<DateTime<Utc>>,
        pub recorded_by: String,
        pub recorded_at: DateTime<Utc>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    pub const GUARDIAN_NAME: SealedColumn =
        SealedColumn { table: "guardian_consents", column: "guardian_name", id_column: "id" };
    pub const GUARDIAN_PHONE: SealedColumn =
        SealedColumn { table: "guardian_consents", column: "guardian_phone", id_column: "id" };

    impl Model {
        /// What the rules need to know of it.
        pub fn consent(&self) -> Consent {
            Consent {
                given_on: self.given_on,
                expires_on: self.expires_on,
                unaccompanied: self.unaccompanied,
                withdrawn_at: self.withdrawn_at,
            }
        }
    }
}

/// Rows of a qualification of this kind that holds on that day.
pub(super) fn holding(kind: Kind, day: NaiveDate) -> Condition {
    let open = Condition::any().add(Column::ExpiresOn.is_null()).add(Column::ExpiresOn.gte(day));
    Condition::all()
        .add(Column::Kind.eq(Code(kind)))
        .add(Column::State.eq(Code(State::Holds)))
        .add(Column::IssuedOn.lte(day))
        .add(open)
}

/// The qualifications of a volunteer that the caller was found to be allowed to see, the latest first.
pub async fn of(db: &impl ConnectionTrait, id: VolunteerId) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::VolunteerId.eq(id)).order_by_desc(Column::Id).all(db).await
}

/// One qualification, locked until the commit. Whose it is, and so who may touch it, is the caller's to check.
pub async fn lock(db: &impl ConnectionTrait, id: QualificationId) -> Result<Model, Fault> {
    let find = Entity::find().filter(Column::Id.eq(id)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("qualification"))
}

/// One qualification, as it stands.
pub async fn get(db: &impl ConnectionTrait, id: QualificationId) -> Result<Model, Fault> {
    Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("qualification"))
}

/// Qualifications of the caller's areas that hold now and end by a day, the soonest first.
pub async fn ending(
    db: &impl ConnectionTrait,
    scope: &Scope,
    (area, until): (AreaCode, NaiveDate),
    page: &Page<(NaiveDate, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = Entity::find()
        .filter(scope.areas.hold(Column::AreaCode))
        .filter(area.holds(Column::AreaCode))
        .filter(Column::State.eq(Code(State::Holds)))
        .filter(Column::ExpiresOn.lte(until));
    if let Some((day, id)) = page.after {
        let same_day = Condition::all().add(Column::ExpiresOn.eq(day)).add(Column::Id.gt(id));
        query = query.filter(Condition::any().add(Column::ExpiresOn.gt(day)).add(same_day));
    }
    let query = query.order_by_asc(Column::ExpiresOn).order_by_asc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, |row| (row.expires_on.unwrap_or(NaiveDate::MAX), row.id.0))?;
    Ok((rows, next))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// The insurance of a volunteer that the caller was found to be allowed to see, the latest first.
pub async fn insurance_of(db: &impl ConnectionTrait, id: VolunteerId) -> Result<Vec<insurance::Model>, DbErr> {
    let find = insurance::Entity::find().filter(insurance::Column::VolunteerId.eq(id));
    find.order_by_desc(insurance::Column::Id).all(db).await
}

/// The consents for a volunteer whom the caller was found to be allowed to see, the latest first.
pub async fn consents_of(db: &impl ConnectionTrait, id: VolunteerId) -> Result<Vec<consent::Model>, DbErr> {
    let find = consent::Entity::find().filter(consent::Column::VolunteerId.eq(id));
    find.order_by_desc(consent::Column::Id).all(db).await
}

/// One consent, as it stands.
pub async fn consent(db: &impl ConnectionTrait, id: Uuid) -> Result<consent::Model, Fault> {
    consent::Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("guardian's consent"))
}

/// Notes that a consent was withdrawn.
pub async fn withdraw(db: &impl ConnectionTrait, id: Uuid, at: DateTime<Utc>) -> Result<(), DbErr> {
    let update = consent::Entity::update_many()
        .col_expr(consent::Column::WithdrawnAt, at.into())
        .filter(consent::Column::Id.eq(id))
        .filter(consent::Column::WithdrawnAt.is_null());
    update.exec(db).await.map(|_| ())
}

/// What the gate looks at, of many volunteers in four statements.
pub async fn facts(db: &impl ConnectionTrait, ids: &[VolunteerId]) -> Result<HashMap<VolunteerId, Facts>, DbErr> {
    let backend = db.get_database_backend();
    let uuids = || ids.iter().map(|id| id.0);
    let rows = volunteer::of_ids(db, ids).await?;
    let mut facts: HashMap<_, _> = rows.iter().map(|row| (row.id, bare(row))).collect();
    let held = Entity::find()
        .filter(any_of(backend, Column::VolunteerId, uuids()))
        .filter(Column::State.eq(Code(State::Holds)))
        .all(db);
    for row in held.await? {
        if let Some(facts) = facts.get_mut(&row.volunteer_id) {
            facts.qualifications.push((row.kind.0, row.term()));
        }
    }
    let insured = insurance::Entity::find().filter(any_of(backend, insurance::Column::VolunteerId, uuids())).all(db);
    for row in insured.await? {
        if let Some(facts) = facts.get_mut(&row.volunteer_id) {
            facts.insured.push((row.covers_from, row.covers_until));
        }
    }
    let consents = consent::Entity::find()
        .filter(any_of(backend, consent::Column::VolunteerId, uuids()))
        .order_by_asc(consent::Column::Id)
        .all(db);
    for row in consents.await? {
        if let Some(facts) = facts.get_mut(&row.volunteer_id) {
            facts.consent = Some(row.consent());
        }
    }
    Ok(facts)
}

fn bare(row: &volunteer::Model) -> Facts {
    Facts {
        state: row.state.0,
        resume_on: row.resume_on,
        birth_date: row.birth_date,
        qualifications: Vec::new(),
        insured: Vec::new(),
        consent: None,
    }
}
