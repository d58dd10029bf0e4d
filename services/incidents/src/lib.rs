//! Incidents: what is wrong in the neighbourhood, and whether it was put right.

pub mod domain;
pub mod requests;
