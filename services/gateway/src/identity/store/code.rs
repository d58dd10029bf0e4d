//! The table `account_codes`: codes that serve once. They are found by a keyed hash, so that a copy of the database gives
//! nothing to guess against.

use chassis::data::Keyring;
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, entity::prelude::*};

use super::index_bytes;
use crate::identity::domain::codes;

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    /// Sets the password of its account.
    #[sea_orm(string_value = "invitation")]
    Invitation,
    /// Stands for one code of the second factor.
    #[sea_orm(string_value = "recovery")]
    Recovery,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account_codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: Vec<u8>,
    pub account_id: Uuid,
    pub kind: Kind,
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn index(keys: &Keyring, typed: &str) -> Vec<u8> {
    index_bytes(keys.index("account_codes.code", codes::read(typed)))
}

/// A row for the code `written`.
pub fn row(keys: &Keyring, written: &str, account: Uuid, kind: Kind, expires_at: Option<DateTime<Utc>>) -> ActiveModel {
    ActiveModel {
        code: Set(index(keys, written)),
        account_id: Set(account),
        kind: Set(kind),
        expires_at: Set(expires_at),
    }
}

/// Uses a code up, and says whose it was. Of two that bring the same code at once only one gets an answer.
pub async fn take(
    connection: &impl ConnectionTrait,
    keys: &Keyring,
    typed: &str,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, DbErr> {
    let Some(found) = Entity::find_by_id(index(keys, typed)).one(connection).await? else { return Ok(None) };
    if found.kind != kind || found.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    let account = found.account_id;
    let deleted = found.delete(connection).await?.rows_affected;
    Ok((deleted == 1).then_some(account))
}

/// Whose a code is, without using it up.
pub async fn owner(
    connection: &impl ConnectionTrait,
    keys: &Keyring,
    typed: &str,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, DbErr> {
    let found = Entity::find_by_id(index(keys, typed)).one(connection).await?;
    let valid = found.filter(|code| code.kind == kind && code.expires_at.is_none_or(|end| end > now));
    Ok(valid.map(|code| code.account_id))
}

/// Takes away all codes of this kind that an account has.
pub async fn clear(connection: &impl ConnectionTrait, account: Uuid, kind: Kind) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::AccountId.eq(account))
        .filter(Column::Kind.eq(kind))
        .exec(connection)
        .await
        .map(|_| ())
}
