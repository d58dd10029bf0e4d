//! The files that the journeys load.

use std::path::{Path, PathBuf};

use chassis::{data::Ids, sea_orm::prelude::Uuid};

/// A building of the survey that is among its first 800 rows: area, compound, building. Five people are registered in it,
/// three of whom need help: lines 7 (very old), 8 and 11 (children left behind).
pub(crate) const ENDANGERED: (&str, &str, &str) = ("511903001234", "安置小区", "13栋");

fn services(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../services").join(path)
}

/// County, subdistricts and communities.
pub(crate) fn areas() -> PathBuf {
    services("residents/tests/data/areas_enyang.csv")
}

/// `survey_dengke.csv`, or its first rows in another form.
pub(crate) fn survey(name: &str) -> PathBuf {
    services("residents/tests/data").join(name)
}

/// 9,999 requests of Los Angeles.
pub(crate) fn la_requests() -> PathBuf {
    services("incidents/tests/data/requests_la311_2017.csv")
}

/// How to read them.
pub(crate) fn la_mapping() -> PathBuf {
    services("incidents/mappings/la311.toml")
}

/// An id of the caller's making.
pub(crate) fn id() -> String {
    Ids::random().next::<Uuid>().to_string()
}
