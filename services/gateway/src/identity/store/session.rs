//! The tables `sessions` and `bearers`: who is signed in, and the hashes of the tokens that say so.

use chassis::data::{Sealed, SealedColumn};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set, ExprTrait, FromQueryResult, JoinType, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::Expr,
};

use super::account;
use crate::identity::domain::{bearer::BearerHash, session::Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub account_id: Uuid,
    pub kind: Kind,
    pub label: Option<Sealed>,
    /// The second factor was passed.
    pub factor: bool,
    /// What of the account's rights it has, as JSON; null: all.
    pub subset: Option<String>,
    /// Rights that a provider's claims gave for this session, as JSON.
    pub claimed: Option<String>,
    /// What the provider calls this session (`sid`), for its logout; empty where it gives it no name.
    pub provider_session: Option<String>,
    pub created_at: DateTime<Utc>,
    pub seen_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "account::Entity", from = "Column::AccountId", to = "account::Column::Id")]
    Account,
}

impl ActiveModelBehavior for ActiveModel {}

pub const LABEL: SealedColumn = SealedColumn { table: "sessions", column: "label", id_column: "id" };

/// The table `bearers`.
pub mod bearer {
    use super::{BearerHash, DateTime, Utc};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "bearers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: BearerHash,
        pub session_id: Uuid,
        pub expires_at: DateTime<Utc>,
        /// A refresh token serves once; it is kept to notice that somebody brings it again.
        pub used_at: Option<DateTime<Utc>>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::Entity", from = "Column::SessionId", to = "super::Column::Id")]
        Session,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// All that one look at a token needs: one indexed read of three tables.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Found {
    pub session_id: Uuid,
    pub account_id: Uuid,
    pub kind: Kind,
    pub factor: bool,
    pub subset: Option<String>,
    pub claimed: Option<String>,
    pub provider_session: Option<String>,
    pub created_at: DateTime<Utc>,
    pub seen_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub bearer_expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub state: account::State,
    pub totp_set: bool,
}

/// The session, account and state of a token.
pub async fn find_bearer(connection: &impl ConnectionTrait, hash: &BearerHash) -> Result<Option<Found>, DbErr> {
    bearer::Entity::find_by_id(hash.clone())
        .select_only()
        .join(JoinType::InnerJoin, bearer::Relation::Session.def())
        .join(JoinType::InnerJoin, Relation::Account.def())
        .columns([bearer::Column::SessionId, bearer::Column::UsedAt])
        .column_as(bearer::Column::ExpiresAt, "bearer_expires_at")
        .columns([
            Column::AccountId,
            Column::Kind,
            Column::Factor,
            Column::Subset,
            Column::Claimed,
            Column::ProviderSession,
            Column::CreatedAt,
            Column::SeenAt,
            Column::ExpiresAt,
            Column::EndedAt,
        ])
        .column(account::Column::State)
        .column_as(account::Column::Totp.is_not_null(), "totp_set")
        .into_model::<Found>()
        .one(connection)
        .await
}

/// Adds a token to a session.
pub async fn add_bearer(
    connection: &impl ConnectionTrait,
    session: Uuid,
    hash: BearerHash,
    expires_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = bearer::ActiveModel {
        hash: Set(hash),
        session_id: Set(session),
        expires_at: Set(expires_at),
        used_at: Set(None),
    };
    bearer::Entity::insert(row).exec_without_returning(connection).await.map(|_| ())
}

/// Marks a token as used; false where somebody else did at the same moment.
pub async fn use_up(connection: &impl ConnectionTrait, hash: &BearerHash, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let marked = bearer::Entity::update_many()
        .col_expr(bearer::Column::UsedAt, Expr::value(now))
        .filter(bearer::Column::Hash.eq(hash.clone()))
        .filter(bearer::Column::UsedAt.is_null())
        .exec(connection)
        .await?;
    Ok(marked.rows_affected == 1)
}

/// Takes all tokens of a session away, but not the session: new ones follow.
pub async fn clear_bearers(connection: &impl ConnectionTrait, session: Uuid) -> Result<(), DbErr> {
    bearer::Entity::delete_many().filter(bearer::Column::SessionId.eq(session)).exec(connection).await.map(|_| ())
}

pub async fn find(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(connection).await
}

/// Sessions of an account of these kinds that have not ended, the newest first.
pub async fn list(
    connection: &impl ConnectionTrait,
    account: Uuid,
    kinds: &[Kind],
    now: DateTime<Utc>,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::Kind.is_in(kinds.iter().copied()))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .order_by_desc(Column::Id)
        .all(connection)
        .await
}

/// Ends one session of an account; says whether it did.
pub async fn end(
    connection: &impl ConnectionTrait,
    account: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let ended = ending(now).filter(Column::AccountId.eq(account)).filter(Column::Id.eq(id)).exec(connection).await?;
    Ok(ended.rows_affected == 1)
}

/// Ends sessions of an account of these kinds, except one; says how many.
pub async fn end_all(
    connection: &impl ConnectionTrait,
    account: Uuid,
    kinds: &[Kind],
    except: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let mut ending =
        ending(now).filter(Column::AccountId.eq(account)).filter(Column::Kind.is_in(kinds.iter().copied()));
    if let Some(except) = except {
        ending = ending.filter(Column::Id.ne(except));
    }
    Ok(ending.exec(connection).await?.rows_affected)
}

/// Ends the sessions of an account that a provider calls `sid`, or all that came from the provider where it names none.
pub async fn end_of_provider(
    connection: &impl ConnectionTrait,
    account: Uuid,
    sid: Option<&str>,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let of_account = ending(now).filter(Column::AccountId.eq(account));
    let these = match sid {
        Some(sid) => of_account.filter(Column::ProviderSession.eq(sid)),
        None => of_account.filter(Column::Kind.ne(Kind::Personal)),
    };
    Ok(these.exec(connection).await?.rows_affected)
}

fn ending(now: DateTime<Utc>) -> sea_orm::UpdateMany<Entity> {
    Entity::update_many().col_expr(Column::EndedAt, Expr::value(now)).filter(Column::EndedAt.is_null())
}

/// No session of the account has passed a second factor any more.
pub async fn unpass(connection: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Factor, Expr::value(false))
        .filter(Column::AccountId.eq(account))
        .exec(connection)
        .await
        .map(|_| ())
}

/// Notes that a session was used.
pub async fn saw(connection: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .exec(connection)
        .await
        .map(|_| ())
}

/// Ended sessions are kept so long, so that an old refresh token is still noticed.
const KEPT: TimeDelta = TimeDelta::days(7);

/// Removes sessions that ended or expired a week ago, and tokens that expired as long ago.
pub async fn prune(connection: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    let before = now - KEPT;
    bearer::Entity::delete_many().filter(bearer::Column::ExpiresAt.lt(before)).exec(connection).await?;
    let gone = Column::ExpiresAt.lt(before).or(Column::EndedAt.lt(before));
    Entity::delete_many().filter(gone).exec(connection).await.map(|_| ())
}
