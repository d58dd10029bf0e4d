//! Service discovery: where the endpoint is, and what it speaks.

use super::{
    document::{Document, Value},
    settings::Open311Settings,
};

const SPECIFICATION: &str = "http://wiki.open311.org/GeoReport_v2";
/// When what discovery says last changed in kind.
const CHANGESET: &str = "2026-11-23T00:00:00+08:00";
const CONTACT: &str = "the office that runs this endpoint";
const KEY_SERVICE: &str =
    "Ask the office for an account with the role of a partner; its personal access tokens are keys (api_key).";

pub(super) fn document(settings: &Open311Settings, base: &str) -> Document {
    let text = |set: &str, default: &str| Value::text(if set.is_empty() { default } else { set });
    let formats = ["text/xml", "application/json"].map(Value::text).to_vec();
    let endpoint = Value::Fields(vec![
        ("specification", Value::text(SPECIFICATION)),
        ("url", Value::text(base)),
        ("changeset", Value::text(CHANGESET)),
        ("type", Value::text(if settings.test { "test" } else { "production" })),
        ("formats", Value::List("format", formats)),
    ]);
    let discovery = Value::Fields(vec![
        ("changeset", Value::text(CHANGESET)),
        ("contact", text(&settings.contact, CONTACT)),
        ("key_service", text(&settings.key_service, KEY_SERVICE)),
        ("endpoints", Value::List("endpoint", vec![endpoint])),
    ]);
    Document { root: "discovery", value: discovery }
}

#[cfg(test)]
mod tests {
    use super::{super::document::Format, *};

    #[test]
    fn discovery_names_endpoint_and_formats() {
        let document = document(&Open311Settings::default(), "https://linju.example.cn/open311/v2");
        insta::assert_snapshot!(document.write(Format::Xml).replace("><", ">\n<"));
        let json: serde_json::Value = serde_json::from_str(&document.write(Format::Json)).unwrap_or_default();
        assert_eq!(json["endpoints"][0]["formats"][1], "application/json");
    }
}
