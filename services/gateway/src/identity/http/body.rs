//! Bodies: JSON, and nothing in it that is not known.

use bytes::Bytes;
use chassis::{Fault, data::SecretText};
use http::{HeaderMap, header};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::identity::error::Error;

/// Reads a body. It must say that it is JSON: no form of another site can, without asking this host first.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Fault::field("content-type", "json", "must be application/json").into());
    }
    serde_json::from_slice(body).map_err(|error| {
        // The library's text may repeat what was sent, which may be a password: only where it is wrong is told.
        let place = format!("cannot be read at line {}, column {}", error.line(), error.column());
        let known = "the guide lists the fields of each request";
        Fault::field("body", "json", format!("{place}: {known}")).into()
    })
}

/// A text that nobody prints.
#[derive(Clone, Debug)]
pub(super) struct Secret(pub(super) SecretText);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(SecretText::from(text)))
    }
}

/// A field that this request needs.
pub(super) fn need<T>(field: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Fault::field(field, "required", "is missing: set it").into())
}
