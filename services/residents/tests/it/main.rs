//! The tests of the service from outside, one file per use case.

mod survey_files;
mod survey_reading;
