//! Files that belong to a record of some service.

use sea_orm_migration::MigrationTrait;
use serde::Deserialize;

/// Where attachments lie and which are taken.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttachmentSettings {}

/// Its tables.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    Vec::new()
}
