//! The rules of the register. Pure: no clock, no random, no connection; "today" is passed in.

#[macro_use]
pub(crate) mod text_code;

pub mod call;
pub mod care;
pub mod facts;
pub mod figures;
pub mod minors;
pub mod my_data;
pub mod name;
pub mod national_id;
pub mod person;
pub mod phone;
pub mod search;
pub mod standing;
pub mod suppression;
pub mod text;

pub use text_code::UnknownCode;
