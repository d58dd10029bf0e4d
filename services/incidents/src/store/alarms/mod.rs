//! The tables of partners' alarms, and every query on them.

pub mod alarm;
pub mod device;
pub mod look_up;
pub mod mark;
pub mod partner;
pub mod refused;
pub mod situation;

use chassis::data::AreaCode;
use sea_orm::{ColumnTrait, Condition};

/// `column` holds a place around `area`: one of those it is a part of.
pub(crate) fn around(column: impl ColumnTrait, area: AreaCode) -> Condition {
    let around = std::iter::successors(area.parent(), |area| area.parent()).map(|area| *area.range().start());
    Condition::all().add(column.is_in(around))
}
