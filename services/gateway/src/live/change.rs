//! An event as its followers get it.

use std::{fmt, str::FromStr, sync::Arc};

use bytes::Bytes;
use chassis::{
    data::AreaCode,
    events::{Event, Numbered},
};
use linju_proto::gateway::v1;
use prost::Message;
use prost_types::{Struct, Timestamp, value::Kind};
use serde_json::Value;

/// What is known of somebody's health is not told to whoever follows an area.
const WITHHELD: &[&str] = &["careTags"];

/// A place in the order of events: `NUMBER-TAG`. The tag is of the event's own id and tells this number from the same one
/// of a bus that was made anew; 0 where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) tag: u32,
}

impl Place {
    pub(super) fn of(numbered: &Numbered) -> Self {
        let [.., a, b, c, d] = *numbered.event.id.as_bytes();
        Self { number: numbered.number, tag: u32::from_be_bytes([a, b, c, d]) }
    }

    /// The message that says that nothing else has happened up to here.
    pub(super) fn sign_of_life(self) -> Bytes {
        v1::Change { event_id: self.to_string(), ..v1::Change::default() }.encode_to_vec().into()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.number, self.tag)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, tag) = text.split_once('-').ok_or(())?;
        let digits = number.bytes().all(|b| b.is_ascii_digit()) && tag.len() == 8;
        let place = Self { number: number.parse().map_err(drop)?, tag: u32::from_str_radix(tag, 16).map_err(drop)? };
        // Written in one way only.
        (digits && place.to_string() == text && i64::try_from(place.number).is_ok()).then_some(place).ok_or(())
    }
}

/// One change, encoded once for everybody.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) place: Place,
    /// None: it is known of no area, and only whoever may see everything follows it.
    pub(super) area: Option<AreaCode>,
    pub(super) service: Box<str>,
    /// A `linju.gateway.v1.Change`.
    pub(super) message: Bytes,
}

impl Shared {
    pub(super) fn new(numbered: &Numbered) -> Arc<Self> {
        let Event { id: _, kind, source, subject, key, version, at, trace: _, data } = &numbered.event;
        let place = Place::of(numbered);
        let body: Value = serde_json::from_str(data).unwrap_or_default();
        let area = area(subject, &body);
        let change = v1::Change {
            event_id: place.to_string(),
            service: source.clone(),
            kind: kind.rsplit('.').next().unwrap_or(kind).to_owned(),
            record_id: key.to_string(),
            version: *version,
            area_code: area.map(|area| area.to_string()).unwrap_or_default(),
            at: Some(Timestamp {
                seconds: at.timestamp(),
                nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
            }),
            body: Some(fields(body)),
        };
        let message = change.encode_to_vec().into();
        Arc::new(Self { place, area, service: source.as_str().into(), message })
    }

    /// About what it holds of memory.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.service.len() + self.message.len()
    }
}

/// The smallest area that subject and data agree on.
fn area(subject: &str, body: &Value) -> Option<AreaCode> {
    let tokens: Vec<&str> = subject.split('.').skip(3).take(3).take_while(|token| *token != "-").collect();
    let of_subject: AreaCode = tokens.concat().parse().ok()?;
    let of_data = body.get("areaCode").and_then(Value::as_str).and_then(|code| code.parse().ok());
    Some(of_data.filter(|code| of_subject.contains(*code)).unwrap_or(of_subject))
}

fn fields(body: Value) -> Struct {
    match body {
        Value::Object(members) => Struct {
            fields: members
                .into_iter()
                .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
                .map(|(name, value)| (name, self::value(value)))
                .collect(),
        },
        _ => Struct::default(),
    }
}

fn value(json: Value) -> prost_types::Value {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(yes) => Kind::BoolValue(yes),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(list) => Kind::ListValue(prost_types::ListValue { values: list.into_iter().map(value).collect() }),
        object @ Value::Object(_) => Kind::StructValue(fields(object)),
    };
    prost_types::Value { kind: Some(kind) }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// An event of a community, and of a grid in it where one is named.
    pub(crate) fn event(number: u64, community: &str, grid: &str) -> Numbered {
        let subject = format!("linju.incidents.v1.511903.001.{community}.incident_reported");
        let data = format!(
            r#"{{"areaCode":"511903001{community}{grid}","n":{number},"careTags":["X"],"deep":[{{"careTags":1}}]}}"#
        );
        let event = Event {
            id: Uuid::from_u128(u128::from(number) * 7),
            kind: "linju.incidents.v1.IncidentReported".to_owned(),
            source: "incidents".to_owned(),
            subject,
            key: Uuid::from_u128(1),
            version: 3,
            at: DateTime::from_timestamp(1_795_420_800, 5_000).unwrap_or_default(),
            trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            data,
        };
        Numbered { number, event }
    }

    #[test]
    fn an_event_becomes_a_change() -> Result<(), prost::DecodeError> {
        let shared = Shared::new(&event(9, "008", "002"));
        let change = v1::Change::decode(shared.message.clone())?;
        assert_eq!((change.kind.as_str(), change.service.as_str()), ("IncidentReported", "incidents"));
        assert_eq!((change.event_id.as_str(), change.area_code.as_str()), ("9-0000003f", "511903001008002"));
        assert_eq!(change.record_id, Uuid::from_u128(1).to_string());
        assert_eq!(change.at.map(|at| (at.seconds, at.nanos)), Some((1_795_420_800, 5_000)));
        let body = change.body.unwrap_or_default();
        assert_eq!(body.fields.keys().collect::<Vec<_>>(), ["areaCode", "deep", "n"]);
        assert!(!format!("{body:?}").contains("careTags"), "{body:?}");
        Ok(())
    }

    #[test]
    fn an_area_of_the_data_must_lie_in_that_of_the_subject() {
        let area = |subject, data: &str| {
            let body = serde_json::from_str(data).unwrap_or_default();
            super::area(subject, &body).map(|area| area.to_string())
        };
        let subject = "linju.incidents.v1.511903.001.008.x";
        assert_eq!(area(subject, r#"{"areaCode":"511903001008002"}"#).as_deref(), Some("511903001008002"));
        assert_eq!(area(subject, r#"{"areaCode":"511903001009002"}"#).as_deref(), Some("511903001008"));
        assert_eq!(area(subject, "{}").as_deref(), Some("511903001008"));
        assert_eq!(area("linju.incidents.v1.511903.001.-.x", "{}").as_deref(), Some("511903001"));
        assert_eq!(area("linju.last.v1.-", r#"{"areaCode":"511903001009002"}"#), None);
    }

    #[test]
    fn what_is_no_place() {
        for wrong in [
            "",
            "-",
            "1",
            "1-",
            "1-0",
            "-00000001",
            "+1-00000001",
            "01-00000001",
            "1-0000000G",
            "1-000000AB",
            "18446744073709551615-00000001",
            "1-00000001 ",
            "１-00000001",
        ] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_read_as_it_was_written(number in 0..i64::MAX, tag: u32) {
            let place = Place { number: number.cast_unsigned(), tag };
            prop_assert_eq!(place.to_string().parse(), Ok(place));
        }
    }
}
