//! The tables of emergencies: what each one is, its reports, and what is left of it when its personal data is destroyed.

use chassis::{
    Fault,
    access::Scope,
    data::{AreaCode, Page, Sealed, SealedColumn},
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{Condition, ConnectionTrait, QueryOrder, QuerySelect, Select, entity::prelude::*};

use super::{Code, incident, public::publication, timeline};
use crate::domain::{
    IncidentId,
    emergency::{Emergency, Grade, Kind, Level, ReportType},
};

/// One row of `emergencies`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "emergencies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Unique: an incident is one emergency at most.
    #[sea_orm(unique)]
    pub incident_id: Uuid,
    pub area_code: AreaCode,
    pub kind: Code<Kind>,
    pub level: Option<Code<Level>>,
    pub declared_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub phoned_at: Option<DateTime<Utc>>,
    pub first_at: Option<DateTime<Utc>>,
    pub final_at: Option<DateTime<Utc>>,
    pub followed_up_at: Option<DateTime<Utc>>,
    pub destroy_on: Option<NaiveDate>,
    pub destroyed_at: Option<DateTime<Utc>>,
    /// Why the data is kept for longer; the newest.
    #[sea_orm(column_type = "Text", nullable)]
    pub assessment: Option<String>,
    pub assessed_by: Option<String>,
    /// JSON: of which reports it was told that they are overdue.
    #[sea_orm(column_type = "Text")]
    pub overdue_told: String,
    /// Who declared it over; none while it goes on.
    pub ended_by: Option<String>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the rules need to know of it.
    pub fn emergency(&self) -> Result<Emergency, Fault> {
        let grade = Grade::new(self.kind.0, self.level.map(|Code(level)| level))
            .map_err(|e| Fault::Internal(format!("emergency {} has a damaged grade: {e}", self.id)))?;
        Ok(Emergency {
            grade,
            declared_at: self.declared_at,
            ended_at: self.ended_at,
            phoned_at: self.phoned_at,
            first_at: self.first_at,
            final_at: self.final_at,
            followed_up_at: self.followed_up_at,
            destroy_on: self.destroy_on,
            destroyed_at: self.destroyed_at,
            told: serde_json::from_str(&self.overdue_told).map_err(|e| {
                Fault::Internal(format!("emergency {} has a damaged list of what was told: {e}", self.id))
            })?,
        })
    }

    /// The row after the rules have changed the emergency.
    pub fn becomes(self, emergency: &Emergency) -> Result<Self, Fault> {
        let Emergency {
            grade,
            declared_at,
            ended_at,
            phoned_at,
            first_at,
            final_at,
            followed_up_at,
            destroy_on,
            destroyed_at,
            told,
        } = emergency.clone();
        Ok(Self {
            kind: Code(grade.kind()),
            level: grade.level().map(Code),
            declared_at,
            ended_at,
            phoned_at,
            first_at,
            final_at,
            followed_up_at,
            destroy_on,
            destroyed_at,
            overdue_told: serde_json::to_string(&told).map_err(|e| Fault::Internal(e.to_string()))?,
            version: self.version + 1,
            ..self
        })
    }

    fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.declared_at, self.id)
    }
}

/// Reports, as they were given.
pub mod report {
    use super::{Code, DateTime, ReportType, Sealed, SealedColumn, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `emergency_reports`.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "emergency_reports")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub emergency_id: Uuid,
        pub kind: Code<ReportType>,
        /// What it says, as JSON; none once it was destroyed.
        pub contents: Option<Sealed>,
        pub filed_at: DateTime<Utc>,
        pub filed_by: String,
        pub late: bool,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    pub const CONTENTS: SealedColumn = SealedColumn { table: "emergency_reports", column: "contents", id_column: "id" };
}

/// What was destroyed.
pub mod certificate {
    use super::{DateTime, Utc};
    use sea_orm::entity::prelude::*;

    /// One row of `destruction_certificates`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "destruction_certificates")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub emergency_id: Uuid,
        pub destroyed_at: DateTime<Utc>,
        #[sea_orm(column_type = "Text")]
        pub rule: String,
        pub incidents: i32,
        pub timeline_texts: i32,
        pub reports: i32,
        /// All of the above in one line, of which `digest` is the SHA-256.
        #[sea_orm(column_type = "Text")]
        pub line: String,
        pub digest: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Incidents whose timeline may lose its texts.
pub mod destroyed {
    use sea_orm::entity::prelude::*;

    /// One row of `destroyed_incidents`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "destroyed_incidents")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        pub emergency_id: Uuid,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn within(scope: &Scope) -> Select<Entity> {
    Entity::find().filter(scope.areas.hold(Column::AreaCode))
}

/// An emergency that the caller may see.
pub async fn get(db: &impl ConnectionTrait, scope: &Scope, id: Uuid) -> Result<Model, Fault> {
    within(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Fault::NotFound("emergency"))
}

/// The same, locked until the commit.
pub async fn lock(db: &impl ConnectionTrait, scope: &Scope, id: Uuid) -> Result<Model, Fault> {
    let find = within(scope).filter(Column::Id.eq(id)).lock_exclusive();
    find.one(db).await?.ok_or(Fault::NotFound("emergency"))
}

/// Emergencies that the caller may see, the newest first, and the token of the next page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &Scope,
    (area, ended): (AreaCode, bool),
    page: &Page<(DateTime<Utc>, Uuid)>,
) -> Result<(Vec<Model>, String), Fault> {
    let mut query = within(scope).filter(area.holds(Column::AreaCode));
    if !ended {
        query = query.filter(Column::EndedAt.is_null());
    }
    if let Some((at, id)) = page.after {
        let same_time = Condition::all().add(Column::DeclaredAt.eq(at)).add(Column::Id.lt(id));
        query = query.filter(Condition::any().add(Column::DeclaredAt.lt(at)).add(same_time));
    }
    let query = query.order_by_desc(Column::DeclaredAt).order_by_desc(Column::Id).limit(page.limit());
    let mut rows = query.all(db).await?;
    let next = page.cut(&mut rows, Model::key)?;
    Ok((rows, next))
}

/// Writes the row as it is now.
pub async fn save(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let id = row.id;
    let changed = sea_orm::IntoActiveModel::into_active_model(row).reset_all();
    Entity::update_many().set(changed).filter(Column::Id.eq(id)).exec(db).await.map(|_| ())
}

/// The reports of an emergency that the caller was found to be allowed to see, in order.
pub async fn reports(db: &impl ConnectionTrait, id: Uuid) -> Result<Vec<report::Model>, DbErr> {
    let find = report::Entity::find().filter(report::Column::EmergencyId.eq(id));
    find.order_by_asc(report::Column::FiledAt).order_by_asc(report::Column::Id).all(db).await
}

/// What was destroyed of an emergency that the caller was found to be allowed to see.
pub async fn certificate(db: &impl ConnectionTrait, id: Uuid) -> Result<certificate::Model, Fault> {
    certificate::Entity::find_by_id(id).one(db).await?.ok_or(Fault::NotFound("certificate"))
}

/// The incident and all that were joined to it.
pub async fn incidents_of(db: &impl ConnectionTrait, incident: IncidentId) -> Result<Vec<Uuid>, DbErr> {
    let of =
        Condition::any().add(incident::Column::Id.eq(incident.0)).add(incident::Column::DuplicateOf.eq(incident.0));
    let find = incident::Entity::find().select_only().column(incident::Column::Id).filter(of);
    find.order_by_asc(incident::Column::Id).into_tuple().all(db).await
}

/// How much was emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emptied {
    pub incidents: u64,
    pub timeline_texts: u64,
    pub reports: u64,
}

/// Empties every personal field of these incidents, their timelines and the emergency's reports.
pub async fn empty(db: &impl ConnectionTrait, emergency: Uuid, incidents: &[Uuid]) -> Result<Emptied, DbErr> {
    let marks = incidents.iter().map(|id| {
        let row = destroyed::Model { incident_id: *id, emergency_id: emergency };
        sea_orm::IntoActiveModel::into_active_model(row)
    });
    let known = sea_orm::sea_query::OnConflict::column(destroyed::Column::IncidentId).do_nothing().to_owned();
    destroyed::Entity::insert_many::<destroyed::ActiveModel, _>(marks)
        .on_conflict(known)
        .exec_without_returning(db)
        .await?;
    let nothing = || Expr::val(Option::<Vec<u8>>::None);
    let rows = incident::Entity::update_many()
        .col_expr(incident::Column::Description, nothing())
        .col_expr(incident::Column::Address, nothing())
        .col_expr(incident::Column::ReporterName, nothing())
        .col_expr(incident::Column::ReporterPhone, nothing())
        .col_expr(incident::Column::Answers, nothing())
        .col_expr(incident::Column::Reporter, Expr::val(Option::<String>::None))
        .filter(incident::Column::Id.is_in(incidents.iter().copied()))
        .exec(db)
        .await?;
    publication::Entity::update_many()
        .col_expr(publication::Column::MediaUrls, nothing())
        .filter(publication::Column::IncidentId.is_in(incidents.iter().copied()))
        .exec(db)
        .await?;
    let texts = timeline::Entity::update_many()
        .col_expr(timeline::Column::Text, nothing())
        .filter(timeline::Column::IncidentId.is_in(incidents.iter().copied()))
        .filter(timeline::Column::Text.is_not_null())
        .exec(db)
        .await?;
    let reports = report::Entity::update_many()
        .col_expr(report::Column::Contents, nothing())
        .filter(report::Column::EmergencyId.eq(emergency))
        .filter(report::Column::Contents.is_not_null())
        .exec(db)
        .await?;
    Ok(Emptied { incidents: rows.rows_affected, timeline_texts: texts.rows_affected, reports: reports.rows_affected })
}
