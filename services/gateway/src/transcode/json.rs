//! Canonical proto3 JSON, read into a message. Every field that is unknown, given twice or of the wrong type is named with
//! its path.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fmt,
};

use chassis::Violation;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{refused::Refused, scalar::Scalar, well_known};

/// Deeper than any contract goes, and shallow enough for the services' decoder, which stops at 100.
const DEEPEST: usize = 64;
/// More than this many things wrong with one body are not told.
const MOST: usize = 50;

/// Reads a body that is a whole request.
pub(crate) fn read(message: &MessageDescriptor, text: &[u8]) -> Result<DynamicMessage, Refused> {
    let (notes, at) = (Notes::default(), At::Root);
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Message { of: message, at: &at, notes: &notes }.deserialize(&mut json);
    notes.judge(read.and_then(|message| json.end().map(|()| message)))
}

/// Reads a body that is one field of the request. Null leaves it unset.
pub(crate) fn read_field(field: &FieldDescriptor, text: &[u8]) -> Result<Option<Value>, Refused> {
    let notes = Notes::default();
    let at = At::Field(&At::Root, field.name());
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = Field { of: field, at: &at, notes: &notes }.deserialize(&mut json);
    notes.judge(read.and_then(|value| json.end().map(|()| value)))
}

/// Where in the request something stands.
enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
    Key(&'a At<'a>, &'a str),
}

impl At<'_> {
    fn depth(&self) -> usize {
        match self {
            Self::Root => 0,
            Self::Field(above, _) | Self::Item(above, _) | Self::Key(above, _) => above.depth() + 1,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(above, name) => write!(f, "{above}.{name}"),
            Self::Item(above, index) => write!(f, "{above}[{index}]"),
            Self::Key(above, key) => write!(f, "{above}[{key:?}]"),
        }
    }
}

/// What is wrong so far.
#[derive(Default)]
struct Notes {
    found: RefCell<Vec<Violation>>,
    /// Reading ended at something that is noted.
    stopped: Cell<bool>,
}

impl Notes {
    fn note(&self, at: &At<'_>, rule: &'static str, message: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() < MOST {
            let field = match at {
                At::Root => "body".to_owned(),
                at => at.to_string(),
            };
            found.push(Violation { field, rule, message: message.into() });
        }
    }

    /// Notes something that reading cannot go on after.
    fn stop<E: Error>(&self, at: &At<'_>, rule: &'static str, message: impl Into<String>) -> E {
        self.note(at, rule, message);
        self.stopped.set(true);
        E::custom("noted")
    }

    /// Notes an error at the innermost place it passes; the places around it let it through as it is, since its kind says
    /// whether the text is JSON at all.
    fn pass<E: Error>(&self, at: &At<'_>, error: E) -> E {
        if !self.stopped.replace(true) {
            self.note(at, "json.type", error.to_string());
        }
        error
    }

    fn judge<T>(self, read: Result<T, serde_json::Error>) -> Result<T, Refused> {
        let found = self.found.into_inner();
        match read {
            Err(error) if !error.is_data() => Err(Refused::NotJson(error.to_string())),
            Err(error) if found.is_empty() => Err(Refused::field("body", "json.type", error.to_string())),
            Ok(value) if found.is_empty() => Ok(value),
            _ => Err(Refused::Fields(found)),
        }
    }
}

/// A message, as an object or as its type's own form.
struct Message<'a> {
    of: &'a MessageDescriptor,
    at: &'a At<'a>,
    notes: &'a Notes,
}

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = DynamicMessage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynamicMessage, D::Error> {
        if self.at.depth() > DEEPEST {
            return Err(self.notes.stop(self.at, "json.depth", "is nested too deep"));
        }
        let (at, notes) = (self.at, self.notes);
        let read = match well_known::form(self.of) {
            Some(form) => form.read(self.of, deserializer),
            None => deserializer.deserialize_map(self),
        };
        read.map_err(|error| notes.pass(at, error))
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = DynamicMessage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", self.of.name())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DynamicMessage, A::Error> {
        let mut message = DynamicMessage::new(self.of.clone());
        let mut given: Vec<u32> = Vec::new();
        while let Some(name) = map.next_key_seed(Name(&self))? {
            let Some(field) = name else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let at = At::Field(self.at, field.name());
            if given.contains(&field.number()) {
                self.notes.note(&at, "json.duplicate", "is given twice: give it once");
            }
            given.push(field.number());
            let Some(value) = map.next_value_seed(Field { of: &field, at: &at, notes: self.notes })? else { continue };
            if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
                && let Some(other) = oneof.fields().find(|f| f.number() != field.number() && message.has_field(f))
            {
                let told = format!("cannot be given together with {}: give one of the two", other.name());
                self.notes.note(&at, "json.oneof", told);
            }
            message.set_field(&field, value);
        }
        Ok(message)
    }
}

/// The name of a field: as JSON writes it or as the contract does. Nothing where the message has no such field.
struct Name<'a>(&'a Message<'a>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<FieldDescriptor>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<FieldDescriptor>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let Message { of: message, at, notes } = self.0;
        let field = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name));
        if field.is_none() {
            let told = format!("is no field of {}: take it out or correct its name", message.name());
            notes.note(&At::Field(at, name), "json.unknown_field", told);
        }
        Ok(field)
    }
}

/// A field's value; nothing where it is null.
struct Field<'a> {
    of: &'a FieldDescriptor,
    at: &'a At<'a>,
    notes: &'a Notes,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(if self.of.is_list() || self.of.is_map() { None } else { well_known::null(&self.of.kind()) })
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let Self { of: field, at, notes } = self;
        let kind = &field.kind();
        let read = if field.is_map() {
            deserializer.deserialize_map(Map { kind, at, notes })
        } else if field.is_list() {
            deserializer.deserialize_seq(List { kind, at, notes })
        } else {
            return One { kind, at, notes }.deserialize(deserializer).map(Some);
        };
        read.map(Some).map_err(|error| notes.pass(at, error))
    }
}

/// One value, or one item of a list or map; null is none.
struct One<'a> {
    kind: &'a Kind,
    at: &'a At<'a>,
    notes: &'a Notes,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Self { kind, at, notes } = self;
        match kind {
            Kind::Message(of) => Message { of, at, notes }.deserialize(deserializer).map(Value::Message),
            Kind::Enum(kind) if well_known::is_null(kind) => well_known::read_null(deserializer),
            kind => Scalar(kind).deserialize(deserializer).map_err(|error| notes.pass(at, error)),
        }
    }
}

struct List<'a> {
    kind: &'a Kind,
    at: &'a At<'a>,
    notes: &'a Notes,
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let Self { kind, at, notes } = self;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(One { kind, at: &At::Item(at, values.len()), notes })? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
}

struct Map<'a> {
    kind: &'a Kind,
    at: &'a At<'a>,
    notes: &'a Notes,
}

impl<'de> Visitor<'de> for Map<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Self { kind, at, notes } = self;
        let Kind::Message(entry) = kind else { return Err(A::Error::custom("its type is no map")) };
        let (keys, values) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let mut read = HashMap::new();
        while let Some(text) = map.next_key::<String>()? {
            let at = At::Key(at, &text);
            let value = map.next_value_seed(One { kind: &values, at: &at, notes })?;
            let Some(key) = key(&keys, &text) else {
                return Err(notes.stop(&at, "json.type", format!("the key must be {}", Scalar(&keys))));
            };
            if read.insert(key, value).is_some() {
                notes.note(&at, "json.duplicate", "is given twice: give it once");
            }
        }
        Ok(Value::Map(read))
    }
}

fn key(kind: &Kind, text: &str) -> Option<MapKey> {
    Scalar(kind).in_address(text).ok()?.into_map_key()
}
