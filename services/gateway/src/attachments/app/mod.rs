//! What is done with attachments.

mod read;
mod remove;
mod tidy;
mod upload;

use chassis::data::SecretText;

pub use tidy::Swept;
pub(super) use upload::Head;

use super::store::Model;

/// An attachment on its way to a caller.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(super) row: Model,
    pub(super) filename: SecretText,
    /// Whether the caller added it.
    pub(super) own: bool,
}
