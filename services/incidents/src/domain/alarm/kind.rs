//! What alarms are about. The list is closed: things and places, never a person.

use chrono::TimeDelta;

use super::NotTaken;
use crate::domain::codes::coded_enum;

coded_enum! {
    /// What an alarm, and so a situation, is about.
    AlarmKind, "kind of alarm" {
        /// The device itself does not work: no picture, full or broken disk, too hot.
        DeviceFault = "device_fault",
        /// Somebody or something has meddled with the device.
        DeviceTamper = "device_tamper",
        /// A technical area that nobody may enter was entered.
        Intrusion = "intrusion",
        LeftObject = "left_object",
        CrowdDensity = "crowd_density",
        Fire = "fire",
        Lift = "lift",
        Flooding = "flooding",
        /// Somebody pressed the button.
        Manual = "manual",
        /// Ours: a device that should give signs of life gives none.
        SourceSilent = "source_silent",
    }
}

coded_enum! {
    /// Where a situation stands.
    SituationState, "state of a situation" {
        Open = "open",
        Real = "real",
        False = "false",
    }
}

/// Words by which systems call what recognises or follows people or their vehicles. They are refused by name, so that whoever
/// sends them learns why.
const ABOUT_PERSONS: [&str; 20] = [
    "behavior",
    "behaviour",
    "face",
    "face_match",
    "fast_movement",
    "gait",
    "license_plate",
    "licence_plate",
    "line_crossing",
    "loitering",
    "moving_object",
    "pedestrian",
    "people_flow",
    "person",
    "person_search",
    "plate",
    "stranger",
    "track",
    "vehicle",
    "wrong_way",
];

impl AlarmKind {
    /// The kind a partner names.
    pub fn accept(code: &str) -> Result<Self, NotTaken> {
        if ABOUT_PERSONS.contains(&code) {
            return Err(NotTaken::AboutPersons { kind: code.to_owned() });
        }
        match code.parse() {
            Ok(Self::SourceSilent) | Err(_) => Err(NotTaken::UnknownKind { kind: code.to_owned() }),
            Ok(kind) => Ok(kind),
        }
    }

    /// The kinds that partners may raise.
    pub fn accepted() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| *kind != Self::SourceSilent)
    }

    /// Whether people may be in danger now.
    pub const fn endangers(self) -> bool {
        matches!(self, Self::Fire | Self::Lift | Self::Flooding | Self::CrowdDensity | Self::Manual)
    }

    /// How long it may wait for somebody to look at it.
    pub const fn look_within(self) -> TimeDelta {
        match self {
            _ if self.endangers() => TimeDelta::minutes(2),
            Self::SourceSilent => TimeDelta::minutes(60),
            _ => TimeDelta::minutes(15),
        }
    }

    /// How long after a person has looked a device opens nothing new of this kind, unless it is set for the device.
    pub const fn damping(self) -> TimeDelta {
        if self.endangers() { TimeDelta::minutes(1) } else { TimeDelta::hours(1) }
    }
}
