//! Reading household surveys as offices keep them: CSV (UTF-8 or GB18030) and XLSX, Chinese headers in any order.
//!
//! [`source::SurveyFile`] gives raw rows, [`header::Header`] finds the columns, [`row::RowRules`] judge a row, and
//! [`reader::read_survey`] puts them together. Nothing here asks a clock or a database: the day and the known
//! areas are passed in.

pub mod areas;
mod csv_file;
mod date;
pub mod header;
pub mod limits;
pub mod problem;
pub mod reader;
pub mod report;
pub mod row;
pub mod source;
mod xlsx_file;
