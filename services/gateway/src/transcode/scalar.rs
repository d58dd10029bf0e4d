//! Values that are no messages, read from JSON or from text in an address.

use std::fmt;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost_reflect::{EnumDescriptor, Kind, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// Reads one value of a kind.
#[derive(Clone, Copy)]
pub(crate) struct Scalar<'a>(pub(crate) &'a Kind);

impl Scalar<'_> {
    /// From text in a path or a query: as in JSON, and numbers, booleans and enums without quotes.
    pub(crate) fn in_address(self, text: &str) -> Result<Value, String> {
        let value = match (self.0, text) {
            (Kind::Bool, "true") => Some(Value::Bool(true)),
            (Kind::Bool, "false") => Some(Value::Bool(false)),
            (Kind::Enum(_), text) => text.parse().ok().map(Value::EnumNumber).or_else(|| self.quoted(text)),
            (_, text) => self.quoted(text),
        };
        value.ok_or_else(|| format!("must be {self}"))
    }

    /// From a JSON string. 64-bit numbers come so, and others may.
    fn quoted(self, text: &str) -> Option<Value> {
        match self.0 {
            Kind::String => Some(Value::String(text.to_owned())),
            Kind::Bytes => base64(text).map(|bytes| Value::Bytes(bytes.into())),
            Kind::Enum(kind) => kind.get_value_by_name(text).map(|value| Value::EnumNumber(value.number())),
            Kind::Double => float(text).map(Value::F64),
            Kind::Float => match float(text)? {
                value if value.is_finite() => single(value),
                #[expect(clippy::cast_possible_truncation, reason = "infinities and NaN stay what they are")]
                value => Some(Value::F32(value as f32)),
            },
            Kind::Bool | Kind::Message(_) => None,
            _ => self.whole(text.parse().ok()?),
        }
    }

    /// A number without a fraction.
    fn whole(self, number: i128) -> Option<Value> {
        match self.0 {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => number.try_into().ok().map(Value::I32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => number.try_into().ok().map(Value::I64),
            Kind::Uint32 | Kind::Fixed32 => number.try_into().ok().map(Value::U32),
            Kind::Uint64 | Kind::Fixed64 => number.try_into().ok().map(Value::U64),
            Kind::Enum(_) => number.try_into().ok().map(Value::EnumNumber),
            #[expect(clippy::cast_precision_loss, reason = "JSON has one kind of number; the field is a double")]
            Kind::Double => Some(Value::F64(number as f64)),
            #[expect(clippy::cast_precision_loss, reason = "the same for a float")]
            Kind::Float => Some(Value::F32(number as f32)),
            _ => None,
        }
    }

    /// A number with a fraction, or with an exponent.
    fn real(self, number: f64) -> Option<Value> {
        match self.0 {
            Kind::Double => Some(Value::F64(number)),
            Kind::Float => single(number),
            // Larger ones are not whole numbers that a double can tell from their neighbours.
            #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and fits")]
            _ if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 => self.whole(number as i128),
            _ => None,
        }
    }

    fn or_wrong<E: Error>(self, value: Option<Value>) -> Result<Value, E> {
        value.ok_or_else(|| E::custom(format!("must be {self}")))
    }
}

/// What is wanted, as a reader of "must be …" or "expected …" needs it.
impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Double | Kind::Float => f.write_str("a number"),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => f.write_str("a whole number of 32 bits"),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => f.write_str("a whole number of 64 bits"),
            Kind::Uint32 | Kind::Fixed32 => f.write_str("a whole number of 32 bits, not negative"),
            Kind::Uint64 | Kind::Fixed64 => f.write_str("a whole number of 64 bits, not negative"),
            Kind::Bool => f.write_str("true or false"),
            Kind::String => f.write_str("a string"),
            Kind::Bytes => f.write_str("bytes in base64"),
            Kind::Enum(kind) => write!(f, "one of {}", names(kind)),
            Kind::Message(message) => write!(f, "a {}", message.name()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Scalar<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.or_wrong(matches!(self.0, Kind::Bool).then_some(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.or_wrong(self.whole(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.or_wrong(self.whole(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.or_wrong(self.real(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.or_wrong(self.quoted(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.or_wrong(None)
    }
}

fn names(kind: &EnumDescriptor) -> String {
    kind.values().map(|value| value.name().to_owned()).collect::<Vec<_>>().join(", ")
}

/// Rust reads more as a number than JSON has, such as `inf`.
fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        text if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "its range is checked; a float is less exact by its nature")]
fn single(value: f64) -> Option<Value> {
    (value.abs() <= f64::from(f32::MAX)).then_some(Value::F32(value as f32))
}

/// Both alphabets, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &Kind, json: &str) -> Option<Value> {
        Scalar(kind).deserialize(&mut serde_json::Deserializer::from_str(json)).ok()
    }

    #[test]
    fn numbers_keep_to_their_range() {
        let cases = [
            (Kind::Int32, "2147483647", Some(Value::I32(i32::MAX))),
            (Kind::Int32, "2147483648", None),
            (Kind::Int32, "1.0", Some(Value::I32(1))),
            (Kind::Int32, "1e3", Some(Value::I32(1000))),
            (Kind::Int32, "1.5", None),
            (Kind::Int32, "\"12\"", Some(Value::I32(12))),
            (Kind::Int32, "\" 12\"", None),
            (Kind::Uint32, "-1", None),
            (Kind::Int64, "\"-9223372036854775808\"", Some(Value::I64(i64::MIN))),
            (Kind::Int64, "9223372036854775808", None),
            (Kind::Uint64, "18446744073709551615", Some(Value::U64(u64::MAX))),
            (Kind::Float, "3.5e38", None),
            (Kind::Float, "\"-Infinity\"", Some(Value::F32(f32::NEG_INFINITY))),
            (Kind::Double, "\"inf\"", None),
            (Kind::Double, "\"1e400\"", None),
            (Kind::Double, "7", Some(Value::F64(7.0))),
        ];
        for (kind, json, want) in cases {
            assert_eq!(read(&kind, json), want, "{json} as {kind:?}");
        }
    }

    #[test]
    fn other_kinds_take_only_their_own() {
        let cases = [
            (Kind::Bool, "true", Some(Value::Bool(true))),
            (Kind::Bool, "\"true\"", None),
            (Kind::Bool, "1", None),
            (Kind::String, "1", None),
            (Kind::String, "null", None),
            (Kind::Bytes, "\"-_8\"", Some(Value::Bytes(vec![0xfb, 0xff].into()))),
            (Kind::Bytes, "\"+/8=\"", Some(Value::Bytes(vec![0xfb, 0xff].into()))),
            (Kind::Bytes, "\"?\"", None),
        ];
        for (kind, json, want) in cases {
            assert_eq!(read(&kind, json), want, "{json} as {kind:?}");
        }
    }

    #[test]
    fn an_address_needs_no_quotes() {
        assert_eq!(Scalar(&Kind::Bool).in_address("true"), Ok(Value::Bool(true)));
        assert_eq!(Scalar(&Kind::Bool).in_address("yes"), Err("must be true or false".to_owned()));
        assert_eq!(Scalar(&Kind::Uint32).in_address("7"), Ok(Value::U32(7)));
        assert!(Scalar(&Kind::Uint32).in_address("").is_err());
    }
}
