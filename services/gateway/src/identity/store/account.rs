//! The table `accounts`.

use chassis::data::{BlindIndex, Keyring, Page, Place, Sealed, SealedColumn};
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};

use crate::identity::domain::name::AccountName;

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum State {
    /// Its owner has not taken it up yet.
    #[sea_orm(string_value = "invited")]
    Invited,
    #[sea_orm(string_value = "active")]
    Active,
    #[sea_orm(string_value = "locked")]
    Locked,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: Sealed,
    pub name_index: BlindIndex,
    pub state: State,
    /// A PHC string of argon2id.
    pub password: Option<String>,
    /// The password was made by somebody else: it must be changed as it is used.
    pub must_change: bool,
    pub issuer: Option<String>,
    pub issuer_subject: Option<String>,
    pub totp: Option<Sealed>,
    /// A secret whose generator was not confirmed yet.
    pub totp_pending: Option<Sealed>,
    /// The step of the last code that was used.
    pub totp_step: i64,
    pub created_at: DateTime<Utc>,
    pub signed_in_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const NAME: SealedColumn = column("name");
pub const TOTP: SealedColumn = column("totp");
pub const TOTP_PENDING: SealedColumn = column("totp_pending");

const fn column(column: &'static str) -> SealedColumn {
    SealedColumn { table: "accounts", column, id_column: "id" }
}

impl Model {
    pub fn place(&self, column: SealedColumn) -> Place {
        column.at(self.id)
    }
}

/// What a name is found by.
pub fn index_of(keys: &Keyring, name: &AccountName) -> BlindIndex {
    keys.index("accounts.name", name.as_str())
}

pub async fn find(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(connection).await
}

pub async fn find_named(connection: &impl ConnectionTrait, name: BlindIndex) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::NameIndex.eq(name)).one(connection).await
}

/// The account that a provider knows by `subject`. Nothing else links the two: names and addresses change hands.
pub async fn find_of_provider(
    connection: &impl ConnectionTrait,
    issuer: &str,
    subject: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Issuer.eq(issuer)).filter(Column::IssuerSubject.eq(subject)).one(connection).await
}

/// Whether there is no account at all.
pub async fn none(connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(Entity::find().select_only().column(Column::Id).limit(1).into_tuple::<Uuid>().one(connection).await?.is_none())
}

/// One page of all accounts, in the order of ids.
pub async fn list(connection: &impl ConnectionTrait, page: &Page<Uuid>) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find().order_by_asc(Column::Id).limit(page.limit());
    if let Some(after) = page.after {
        query = query.filter(Column::Id.gt(after));
    }
    query.all(connection).await
}
