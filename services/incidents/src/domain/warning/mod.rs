//! Public warnings after the Common Alerting Protocol 1.2 (OASIS): what one says, and how one follows another.

mod cap;

use chassis::data::AreaCode;
use chrono::{DateTime, Utc};
use thiserror::Error;

use super::codes::coded_enum;

coded_enum! {
    /// How seriously it is meant. An exercise runs through everything, and says at every step that it is one.
    Status, "warning status" {
        Actual = "Actual",
        Exercise = "Exercise",
        System = "System",
        Test = "Test",
        Draft = "Draft",
    }
}

coded_enum! {
    /// Whether it is the first word, a newer one, or the end.
    MessageType, "message type" {
        Alert = "Alert",
        Update = "Update",
        Cancel = "Cancel",
    }
}

coded_enum! {
    /// What kind of danger it is about.
    Category, "warning category" {
        Geological = "Geo",
        Meteorological = "Met",
        Safety = "Safety",
        Security = "Security",
        Rescue = "Rescue",
        Fire = "Fire",
        Health = "Health",
        Environment = "Env",
        Transport = "Transport",
        Infrastructure = "Infra",
        WeaponsOfMassDestruction = "CBRNE",
        Other = "Other",
    }
}

coded_enum! {
    /// What people should do.
    Response, "response type" {
        Shelter = "Shelter",
        Evacuate = "Evacuate",
        Prepare = "Prepare",
        Execute = "Execute",
        Avoid = "Avoid",
        Monitor = "Monitor",
        Assess = "Assess",
        AllClear = "AllClear",
        None = "None",
    }
}

coded_enum! {
    /// How soon to act.
    Urgency, "warning urgency" {
        Immediate = "Immediate",
        Expected = "Expected",
        Future = "Future",
        Past = "Past",
        Unknown = "Unknown",
    }
}

coded_enum! {
    /// How bad it is.
    Severity, "severity" {
        Extreme = "Extreme",
        Severe = "Severe",
        Moderate = "Moderate",
        Minor = "Minor",
        Unknown = "Unknown",
    }
}

coded_enum! {
    /// How sure it is.
    Certainty, "certainty" {
        Observed = "Observed",
        Likely = "Likely",
        Possible = "Possible",
        Unlikely = "Unlikely",
        Unknown = "Unknown",
    }
}

coded_enum! {
    /// Warning levels 1 to 4 of the Emergency Response Law (2024), Art. 63.
    Colour, "warning colour" {
        Red = "red",
        Orange = "orange",
        Yellow = "yellow",
        Blue = "blue",
    }
}

impl Colour {
    /// What the level means in the protocol's words.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Red => Severity::Extreme,
            Self::Orange => Severity::Severe,
            Self::Yellow => Severity::Moderate,
            Self::Blue => Severity::Minor,
        }
    }
}

/// A message, as it goes out. It is never changed: another one follows it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// Unique with the sender; no spaces, commas, `<` or `&`.
    pub identifier: String,
    pub sender: String,
    pub sent: DateTime<Utc>,
    pub status: Status,
    pub kind: MessageType,
    /// Why it was cancelled, or what the exercise is about.
    pub note: String,
    /// The messages that this one follows, the oldest first.
    pub references: Vec<Reference>,
    pub info: Info,
}

/// Names an earlier message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reference {
    pub sender: String,
    pub identifier: String,
    pub sent: DateTime<Utc>,
}

/// What a warning says.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Info {
    pub categories: Vec<Category>,
    /// What happens, in a word or two: 暴雨.
    pub event: String,
    pub responses: Vec<Response>,
    pub urgency: Urgency,
    pub severity: Severity,
    pub certainty: Certainty,
    pub colour: Option<Colour>,
    /// From when it holds; none: from when it is sent.
    pub effective: Option<DateTime<Utc>>,
    /// When the event itself is expected to begin.
    pub onset: Option<DateTime<Utc>>,
    pub expires: DateTime<Utc>,
    pub sender_name: String,
    pub headline: String,
    pub description: String,
    /// What to do, in short sentences.
    pub instruction: String,
    /// An `https` address that tells more; empty: none.
    pub web: String,
    pub contact: String,
    pub areas: Vec<Area>,
}

/// Where it holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Area {
    pub description: String,
    /// GB/T 2260 and what extends it, as digits.
    pub code: String,
    /// Buildings in it; empty: all of the area.
    pub buildings: Vec<WarnedBuilding>,
    /// WGS84 latitude and longitude, closed; empty: none.
    pub polygon: Vec<(f64, f64)>,
}

/// One building.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WarnedBuilding {
    pub compound: String,
    pub building: String,
}

/// Why a message cannot go out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAWarning {
    #[error("{field} {what}")]
    Field { field: &'static str, what: &'static str },
    #[error("the warning was cancelled: compose a new one")]
    Cancelled,
    #[error("the warning has expired: compose a new one")]
    Expired,
    #[error("a newer message follows this one: update or cancel that one")]
    Followed,
}

/// How long a message may hold at most.
pub const LONGEST: chrono::TimeDelta = chrono::TimeDelta::days(30);
/// Corners of a polygon, the first repeated at the end.
const FEWEST_CORNERS: usize = 4;

const fn wrong(field: &'static str, what: &'static str) -> NotAWarning {
    NotAWarning::Field { field, what }
}

impl Info {
    /// What the protocol and sense ask of it, for a message that is sent at `sent`.
    pub fn check(&self, sent: DateTime<Utc>) -> Result<(), NotAWarning> {
        if self.categories.is_empty() {
            return Err(wrong("categories", "is empty: say what kind of danger it is"));
        }
        let texts = [("event", &self.event), ("headline", &self.headline), ("instruction", &self.instruction)];
        if let Some((field, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(wrong(field, "is blank: people must know what happens and what to do"));
        }
        let begins = self.effective.unwrap_or(sent).max(sent);
        if self.expires <= begins {
            return Err(wrong("expires", "is not after the beginning: say until when the warning holds"));
        }
        if self.expires - sent > LONGEST {
            return Err(wrong("expires", "lies more than 30 days ahead: warn for a shorter time, and update"));
        }
        if self.onset.is_some_and(|onset| onset >= self.expires) {
            return Err(wrong("onset", "is not before `expires`"));
        }
        if !(self.web.is_empty() || self.web.starts_with("https://")) {
            return Err(wrong("web", "must be an https address"));
        }
        if self.areas.is_empty() {
            return Err(wrong("areas", "is empty: say where it holds"));
        }
        self.areas.iter().try_for_each(Area::check)
    }
}

impl Area {
    fn check(&self) -> Result<(), NotAWarning> {
        self.code.parse::<AreaCode>().map_err(|_| wrong("areas.area_code", "is not an area code"))?;
        if self.description.trim().is_empty() {
            return Err(wrong("areas.description", "is blank: name the place as people call it"));
        }
        let Some((first, last)) = self.polygon.first().zip(self.polygon.last()) else { return Ok(()) };
        if self.polygon.len() < FEWEST_CORNERS || first != last {
            return Err(wrong("areas.polygon", "must have at least four points, the last the same as the first"));
        }
        let on_earth = |(lat, lon): &(f64, f64)| (-90.0..=90.0).contains(lat) && (-180.0..=180.0).contains(lon);
        if self.polygon.iter().all(on_earth) {
            Ok(())
        } else {
            Err(wrong("areas.polygon", "has a point that is not on earth: latitude first, WGS84 degrees"))
        }
    }
}

impl Message {
    /// The first message about something.
    pub fn alert(head: Head, info: Info) -> Result<Self, NotAWarning> {
        info.check(head.sent)?;
        let Head { identifier, sender, sent, status, note } = head;
        Ok(Self { identifier, sender, sent, status, kind: MessageType::Alert, note, references: Vec::new(), info })
    }

    /// Another word about the same; it holds in place of this one. It is as serious or as much an exercise as the first.
    pub fn update(&self, next: Next, info: Info) -> Result<Self, NotAWarning> {
        self.check_open(next.sent)?;
        info.check(next.sent)?;
        Ok(self.followed(MessageType::Update, next, info))
    }

    /// The danger is over, or never was. It repeats what it ends, for those who hear only this.
    pub fn cancel(&self, next: Next) -> Result<Self, NotAWarning> {
        self.check_open(next.sent)?;
        if next.note.trim().is_empty() {
            return Err(wrong("note", "is blank: say why it is over"));
        }
        let mut info = self.info.clone();
        info.responses = vec![Response::AllClear];
        info.urgency = Urgency::Past;
        Ok(self.followed(MessageType::Cancel, next, info))
    }

    fn check_open(&self, now: DateTime<Utc>) -> Result<(), NotAWarning> {
        match self.kind {
            MessageType::Cancel => Err(NotAWarning::Cancelled),
            MessageType::Alert | MessageType::Update if self.info.expires <= now => Err(NotAWarning::Expired),
            MessageType::Alert | MessageType::Update => Ok(()),
        }
    }

    fn followed(&self, kind: MessageType, next: Next, info: Info) -> Self {
        let Next { identifier, sent, note } = next;
        let mut references = self.references.clone();
        references.push(self.reference());
        Self { identifier, sender: self.sender.clone(), sent, status: self.status, kind, note, references, info }
    }

    /// How a later message names this one.
    pub fn reference(&self) -> Reference {
        Reference { sender: self.sender.clone(), identifier: self.identifier.clone(), sent: self.sent }
    }

    /// Whether people should be told now.
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.kind != MessageType::Cancel && now < self.info.expires
    }

    /// Whether it is only practised.
    pub fn is_exercise(&self) -> bool {
        matches!(self.status, Status::Exercise | Status::Test)
    }
}

/// What a first message is sent with.
#[derive(Clone, Debug)]
pub struct Head {
    pub identifier: String,
    pub sender: String,
    pub sent: DateTime<Utc>,
    pub status: Status,
    pub note: String,
}

/// What a following message is sent with.
#[derive(Clone, Debug)]
pub struct Next {
    pub identifier: String,
    pub sent: DateTime<Utc>,
    pub note: String,
}

#[cfg(test)]
mod tests;
