//! What differs, and by which rule of docs/adr/0008-transcoding-differs-from-envoy.md.

use serde_json::{Value, json};

use super::{proxy::Answer, requests::Sent};

/// A difference that is meant.
pub(super) struct Rule {
    pub(super) name: &'static str,
    explains: fn(&Sent, &Answer, &Answer) -> bool,
}

/// In the order of the decision's list.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "a known path with another method is 405",
        explains: |_, ours, theirs| (ours.code, theirs.code) == (405, 404),
    },
    Rule {
        name: "an empty segment is no segment's value",
        explains: |sent, ours, _| has_empty_segment(sent) && ours.code == 404,
    },
    Rule { name: "unknown fields are refused", explains: |_, ours, _| broke(ours, "json.unknown_field") },
    Rule { name: "a key is given once", explains: |_, ours, _| broke(ours, "json.duplicate") },
    Rule { name: "a body is JSON by its type", explains: |_, ours, _| ours.code == 415 },
    Rule { name: "a body is sent only where one is taken", explains: |_, ours, _| broke(ours, "body.none") },
    Rule { name: "a field comes from one place", explains: |_, ours, _| broke(ours, "query.elsewhere") },
    Rule { name: "a parameter is given once", explains: |_, ours, _| broke(ours, "query.duplicate") },
];

/// The rule by which the two differ, `same` where they do not, or how they differ without a reason.
pub(super) fn explain(sent: &Sent, ours: &Answer, theirs: &Answer) -> Result<&'static str, &'static str> {
    let same =
        |ours: &Answer| ours.json.as_ref().map(one_kind_of_number) == theirs.json.as_ref().map(one_kind_of_number);
    if ours.code == theirs.code && (refused_by_us(ours) || same(ours)) {
        return Ok("same");
    }
    let rule = RULES.iter().find(|rule| (rule.explains)(sent, ours, theirs));
    let differs = if ours.code == theirs.code { "the bodies differ" } else { "the codes differ" };
    rule.map(|rule| rule.name).ok_or(differs)
}

/// JSON has one kind of number: `20` is `20.0`.
fn one_kind_of_number(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(one_kind_of_number).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), one_kind_of_number(value))).collect(),
        other => other.clone(),
    }
}

fn has_empty_segment(sent: &Sent) -> bool {
    let path = sent.path.split('?').next().unwrap_or_default();
    path.ends_with('/') || path.contains("//") || path.contains("/:")
}

/// Whether the service was not asked. Envoy tells such a thing with a text of its own, if it tells it at all.
fn refused_by_us(ours: &Answer) -> bool {
    let wings = ["json.", "query.", "path.", "body.", "header."];
    let by_path = ["NO_SUCH_PATH", "METHOD_NOT_ALLOWED", "MALFORMED_JSON", "WRONG_CONTENT_TYPE"];
    details(ours).any(|detail| by_path.iter().any(|reason| detail["reason"] == *reason))
        || rules(ours).any(|rule| wings.iter().any(|wing| rule.starts_with(wing)))
}

fn broke(ours: &Answer, wanted: &str) -> bool {
    ours.code == 400 && rules(ours).any(|rule| rule == wanted)
}

fn details(ours: &Answer) -> impl Iterator<Item = &Value> {
    ours.json.iter().filter_map(|json| json["details"].as_array()).flatten()
}

/// The rules that the request breaks.
fn rules(ours: &Answer) -> impl Iterator<Item = &str> {
    details(ours)
        .filter_map(|detail| detail["fieldViolations"].as_array())
        .flatten()
        .filter_map(|v| v["reason"].as_str())
}
