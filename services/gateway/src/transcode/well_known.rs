//! The types of `google.protobuf` that JSON writes in a form of their own.

use std::fmt;

use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MessageDescriptor, Value};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor, value::StrDeserializer};

use super::scalar::Scalar;

/// A form that is not an object with the message's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A string: timestamps, durations, field masks.
    Text,
    /// The value alone: `StringValue` and its like.
    Wrapper,
    /// Any JSON: `Struct`, `Value`, `ListValue`, `Any`.
    Free,
}

/// The form of a message, where it has one.
pub(crate) fn form(message: &MessageDescriptor) -> Option<Form> {
    match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" | "Duration" | "FieldMask" => Some(Form::Text),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value" | "BoolValue"
        | "StringValue" | "BytesValue" => Some(Form::Wrapper),
        "Struct" | "Value" | "ListValue" | "Any" => Some(Form::Free),
        _ => None,
    }
}

impl Form {
    /// Reads it from JSON.
    pub(crate) fn read<'de, D: Deserializer<'de>>(
        self,
        message: &MessageDescriptor,
        deserializer: D,
    ) -> Result<DynamicMessage, D::Error> {
        match self {
            Self::Text => DynamicMessage::deserialize(message.clone(), deserializer),
            Self::Wrapper => wrap(message, |kind| serde::de::DeserializeSeed::deserialize(Scalar(kind), deserializer)),
            Self::Free => {
                let free = Strict::deserialize(deserializer)?.0;
                DynamicMessage::deserialize(message.clone(), free).map_err(D::Error::custom)
            }
        }
    }

    /// Reads it from text in an address.
    pub(crate) fn in_address(self, message: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
        match self {
            Self::Text if message.name() == "FieldMask" => field_mask(message, text),
            Self::Text => {
                let text = StrDeserializer::<serde::de::value::Error>::new(text);
                DynamicMessage::deserialize(message.clone(), text).map_err(|error| match message.name() {
                    "Timestamp" => format!("must be a time such as 2026-11-23T08:00:00Z ({error})"),
                    _ => format!("must be a number of seconds such as 1.5s ({error})"),
                })
            }
            Self::Wrapper => wrap(message, |kind| Scalar(kind).in_address(text).map_err(Message)).map_err(|e| e.0),
            Self::Free => Err("cannot stand in a query: send it in a body".to_owned()),
        }
    }
}

/// An error that is its message.
struct Message(String);

fn wrap<E>(message: &MessageDescriptor, value: impl FnOnce(&Kind) -> Result<Value, E>) -> Result<DynamicMessage, E> {
    let mut wrapper = DynamicMessage::new(message.clone());
    if let Some(field) = message.get_field(1) {
        wrapper.set_field(&field, value(&field.kind())?);
    }
    Ok(wrapper)
}

/// Paths with commas between, written as JSON or as the contract writes them.
fn field_mask(message: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
    let mut paths = Vec::new();
    for path in text.split(',').filter(|path| !path.is_empty()) {
        if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.') {
            return Err(format!("holds {path:?}, which names no field"));
        }
        let mut snake = String::with_capacity(path.len() + 4);
        for c in path.chars() {
            if c.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        }
        paths.push(Value::String(snake));
    }
    let mut mask = DynamicMessage::new(message.clone());
    mask.set_field_by_name("paths", Value::List(paths));
    Ok(mask)
}

/// What null is to a field: nothing, but for the types that null is a value of.
pub(crate) fn null(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Message(message) if message.full_name() == "google.protobuf.Value" => {
            let null = DynamicMessage::deserialize(message.clone(), serde_json::Value::Null);
            null.ok().map(Value::Message)
        }
        Kind::Enum(kind) if is_null(kind) => Some(Value::EnumNumber(0)),
        _ => None,
    }
}

pub(crate) fn is_null(kind: &EnumDescriptor) -> bool {
    kind.full_name() == "google.protobuf.NullValue"
}

/// The one value of `NullValue`.
pub(crate) fn read_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(Value::EnumNumber(0)),
        serde_json::Value::String(name) if name == "NULL_VALUE" => Ok(Value::EnumNumber(0)),
        _ => Err(D::Error::custom("must be null")),
    }
}

/// Any JSON in which no object has a key twice.
struct Strict(serde_json::Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything).map(Self)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = serde_json::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(serde_json::Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, _>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("holds the key {key:?} twice: give it once")));
            }
            object.insert(key, value);
        }
        Ok(object.into())
    }
}
