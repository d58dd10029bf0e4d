//! Who lives here: areas, dwellings, households, residents and the care they need.

pub mod domain;

pub mod survey;
