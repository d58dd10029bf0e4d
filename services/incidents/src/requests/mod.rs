//! Reads any city's export of service requests. A [`Mapping`] (a TOML file) says which column is what and what each
//! value means; [`RequestReader`] turns each row into a [`RequestRow`] or into the list of what is wrong with it.
//! Nothing is guessed: a value that the mapping does not name is a problem, never a default.

mod decode;
mod local_time;
pub mod mapping;
pub mod reader;
pub mod report;
pub mod row;

pub use mapping::{Ambiguous, Mapping, MappingError, Outcome};
pub use reader::{ReadError, RequestReader};
pub use report::ReportWriter;
pub use row::{Point, Problem, ReadRow, RequestRow, RowProblem};

#[cfg(test)]
mod tests;
