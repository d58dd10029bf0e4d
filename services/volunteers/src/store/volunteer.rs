//! The tables `volunteers`, `volunteer_words` and `volunteer_changes`.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, BlindIndex, Code, Page, Place, Sealed, SealedColumn},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select, entity::prelude::*,
};

use crate::domain::{
    VolunteerId,
    availability::Availability,
    life::{By, Life, Reason, State},
    qualification,
};

use super::{json, qualification as proofs};

/// One row of `volunteers`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "volunteers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VolunteerId,
    #[sea_orm(unique)]
    pub number: String,
    pub area_code: AreaCode,
    pub state: Code<State>,
    pub reason: Option<Code<Reason>>,
    pub resume_on: Option<NaiveDate>,
    /// At whose word it came to this state.
    pub state_by: Code<By>,
    pub name: String,
    pub phone: Option<Sealed>,
    #[sea_orm(unique)]
    pub identity_index: BlindIndex,
    pub birth_date: NaiveDate,
    pub resident_id: Option<Uuid>,
    /// Subject of the volunteer's own token.
    #[sea_orm(unique)]
    pub account: Option<String>,
    /// JSON array of codes.
    #[sea_orm(column_type = "Text")]
    pub skills: String,
    /// JSON array of BCP 47 tags.
    #[sea_orm(column_type = "Text")]
    pub languages: String,
    /// JSON array of windows.
    #[sea_orm(column_type = "Text")]
    pub availability: String,
    /// JSON array of area codes.
    #[sea_orm(column_type = "Text")]
    pub service_areas: String,
    /// 0: the office's limit.
    pub weekly_minutes: i32,
    pub risks_told: bool,
    /// Made by `linju demo`.
    pub synthetic: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const TABLE: &str = "volunteers";
pub const PHONE: SealedColumn = SealedColumn { table: TABLE, column: "phone", id_column: "id" };

impl Model {
    pub fn phone_place(&self) -> Place {
        PHONE.at(self.id.0)
    }

    /// Where the volunteer stands.
    pub fn life(&self) -> Life {
        Life {
            state: self.state.0,
            reason: self.reason.map(|Code(reason)| reason),
            resume_on: self.resume_on,
            by: self.state_by.0,
        }
    }

    /// The same with another standing.
    pub fn put_life(&mut self, life: Life) {
        let Life { state, reason, resume_on, by } = life;
        self.state = Code(state);
        self.reason = reason.map(Code);
        self.resume_on = resume_on;
        self.state_by = Code(by);
    }

    pub fn skills(&self) -> Result<Vec<String>, Fault> {
        json::read(TABLE, self.id.0, &self.skills)
    }

    pub fn languages(&self) -> Result<Vec<String>, Fault> {
        json::read(TABLE, self.id.0, &self.languages)
    }

    pub fn availability(&self) -> Result<Availability, Fault> {
        json::read(TABLE, self.id.0, &self.availability)
    }

    pub fn service_areas(&self) -> Result<Vec<AreaCode>, Fault> {
        json::areas(TABLE, self.id.0, &self.service_areas)
    }
}

/// What volunteers are found by beside their area.
pub mod word {
    use crate::domain::VolunteerId;
    use sea_orm::entity::prelude::*;

    /// One row of `volunteer_words`: `s:haircut`, `l:csl` or `a:511903001008`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "volunteer_words")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub word: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub volunteer_id: VolunteerId,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The life cycle, step by step.
pub mod change {
    use super::{By, Code, Reason, State};
    use crate::domain::VolunteerId;
    use chrono::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `volunteer_changes`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "volunteer_changes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub volunteer_id: VolunteerId,
        /// The volunteer's version after it.
        pub version: i64,
        pub at: DateTime<Utc>,
        pub from_state: Code<State>,
        pub state: Code<State>,
        pub reason: Option<Code<Reason>>,
        pub state_by: Code<By>,
        /// The account that did it, or `system`.
        pub actor: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn within(scope: &Scope) -> Select<Entity> {
    Entity::find().filter(scope.rows(Column::AreaCode, Some(Column::Account)))
}

/// A volunteer that the caller may touch.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: VolunteerId) -> Result<Model, Fault> {
    within(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Fault::NotFound("volunteer"))
}

/// The same, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: VolunteerId) -> Result<Model, Fault> {
    let find = within(scope).filter(Column::Id.eq(id)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("volunteer"))
}

/// The volunteer of an account.
pub async fn of_account(db: &impl ConnectionTrait, account: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Account.eq(account)).one(db).await
}

/// Those of these volunteers that there are; for the program itself.
pub async fn of_ids(db: &impl ConnectionTrait, ids: &[VolunteerId]) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(chassis::data::any_of(db.get_database_backend(), Column::Id, ids.iter().map(|id| id.0)))
        .all(db)
        .await
}

/// Which volunteers a list is about.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub area: AreaCode,
    /// Empty: all but archived.
    pub states: Vec<State>,
    pub skill: Option<String>,
    pub language: Option<String>,
    /// Of a qualification that holds on that day.
    pub qualified: Option<(qualification::Kind, NaiveDate)>,
}

/// Volunteers that the caller may touch in the order in which they came, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    wanted: &Wanted,
    page: &Page<Uuid>,
) -> Result<(Vec<Model>, String), Fault> {
    let Wanted { area, states, skill, language, qualified } = wanted;
    let mut query = within(scope).filter(area.holds(Column::AreaCode));
    query = if states.is_empty() {
        query.filter(Column::State.ne(Code(State::Archived)))
    } else {
        query.filter(Column::State.is_in(states.iter().copied().map(Code)))
    };
    let words = skill.iter().map(|skill| format!("s:{skill}")).chain(language.iter().map(|tag| format!("l:{tag}")));
    for word in words {
        let with =
            word::Entity::find().select_only().column(word::Column::VolunteerId).filter(word::Column::Word.eq(word));
        query = query.filter(Column::Id.in_subquery(with.into_query()));
    }
    if let Some((kind, day)) = qualified {
        let holding = proofs::Entity::find()
            .select_only()
            .column(proofs::Column::VolunteerId)
            .filter(proofs::holding(*kind, *day));
        query = query.filter(Column::Id.in_subquery(holding.into_query()));
    }
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    let mut rows = query.order_by_asc(Column::Id).limit(page.limit()).all(db).await?;
    let next = page.cut(&mut rows, |row| row.id.0)?;
    Ok((rows, next))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = row.into_active_model().reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// Writes what the row is found by.
pub async fn save_words(db: &impl ConnectionTrait, row: &Model) -> Result<(), Fault> {
    word::Entity::delete_many().filter(word::Column::VolunteerId.eq(row.id)).exec(db).await?;
    word::Entity::insert_many(words(row)?).exec_without_returning(db).await?;
    Ok(())
}

/// What a row is found by.
pub fn words(row: &Model) -> Result<Vec<word::ActiveModel>, Fault> {
    let areas = row.service_areas()?.into_iter().chain([row.area_code]).map(|area| format!("a:{area}"));
    let skills = row.skills()?.into_iter().map(|skill| format!("s:{skill}"));
    let languages = row.languages()?.into_iter().map(|tag| format!("l:{tag}"));
    let mut words: Vec<String> = areas.chain(skills).chain(languages).collect();
    words.sort_unstable();
    words.dedup();
    Ok(words.into_iter().map(|word| word::ActiveModel { word: Set(word), volunteer_id: Set(row.id) }).collect())
}

/// The steps of a volunteer that the caller was found to be allowed to see, the first first.
pub async fn changes(db: &impl ConnectionTrait, id: VolunteerId) -> Result<Vec<change::Model>, DbErr> {
    let find = change::Entity::find().filter(change::Column::VolunteerId.eq(id));
    find.order_by_asc(change::Column::Version).all(db).await
}
