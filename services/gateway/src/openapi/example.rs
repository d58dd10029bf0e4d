//! Requests that are valid by their rules, for readers and for machines that try the interface.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use regex_lite::Regex;
use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};
use serde_json::{Map, Value, json};

use super::{rules::Rules, schema::Schemas};
use crate::transcode::form;

/// Tried before a text is made up: a reader learns more from these.
const SAMPLES: [&str; 7] =
    ["2026-11-23", "511903001008002", "511903001008", "511903001", "zhang.qingxiu", "incidents", "0577"];
pub(super) const UUID: &str = "01939c5e-7b1a-7cc3-98a5-2f6d1f0c8e11";
/// Deeper messages are left out.
const DEEPEST: usize = 4;

/// A message with every field that it must have, and those that show what it is for.
pub(super) fn of_message(message: &MessageDescriptor, schemas: &Schemas<'_>, without: &[FieldDescriptor]) -> Value {
    object(message, schemas, without, 0)
}

fn object(message: &MessageDescriptor, schemas: &Schemas<'_>, without: &[FieldDescriptor], depth: usize) -> Value {
    let mut fields = Map::new();
    for field in message.fields().filter(|field| !without.contains(field)) {
        let rules = schemas.rules(&field);
        let first_of_oneof =
            field.containing_oneof().is_none_or(|o| o.is_synthetic() || o.fields().next() == Some(field.clone()));
        // Beside what is needed, plain fields at the top: what lies deeper would only be long.
        let shown =
            rules.is_required(&field) || (depth == 0 && first_of_oneof && !matches!(field.kind(), Kind::Message(_)));
        if shown
            && !schemas.is_output_only(&field)
            && let Some(value) = of_field(&field, &rules, schemas, depth)
        {
            fields.insert(field.json_name().to_owned(), value);
        }
    }
    fields.into()
}

/// A field's value; nothing where none is needed or can be made.
fn of_field(field: &FieldDescriptor, rules: &Rules, schemas: &Schemas<'_>, depth: usize) -> Option<Value> {
    if field.is_map() {
        return None;
    }
    if field.is_list() {
        let item = of_value(field, &field.kind(), &rules.items(), schemas, depth)?;
        let count = usize::try_from(rules.min_items().max(1)).ok()?;
        return Some(vec![item; count].into());
    }
    of_value(field, &field.kind(), rules, schemas, depth)
}

/// One value of a field's kind.
pub(super) fn of_value(
    field: &FieldDescriptor,
    kind: &Kind,
    rules: &Rules,
    schemas: &Schemas<'_>,
    depth: usize,
) -> Option<Value> {
    Some(match kind {
        Kind::String => of_text(field, rules).into(),
        Kind::Bytes => "bGluanU=".into(),
        Kind::Bool => true.into(),
        Kind::Enum(kind) => {
            let choices = rules.choices(kind);
            choices.get(1).filter(|_| choices[0].ends_with("_UNSPECIFIED")).or(choices.first())?.as_str().into()
        }
        Kind::Double | Kind::Float => json!(rules.at_least().unwrap_or(0.0).max(1.0)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => "1".into(),
        Kind::Message(message) => match message.name() {
            "Timestamp" if form(message).is_some() => "2026-11-23T08:00:00Z".into(),
            "Duration" if form(message).is_some() => "60s".into(),
            _ if form(message).is_some() || depth == DEEPEST => return None,
            _ => object(message, schemas, &[], depth + 1),
        },
        #[expect(clippy::cast_possible_truncation, reason = "a rule of a 32-bit field")]
        _ => json!(rules.at_least().unwrap_or(0.0).max(1.0) as i64),
    })
}

fn of_text(field: &FieldDescriptor, rules: &Rules) -> String {
    if rules.is_uuid() {
        return UUID.to_owned();
    }
    if let Some(text) = rules.texts().into_iter().next() {
        return text;
    }
    if let Some(pattern) = rules.pattern() {
        return like(&pattern);
    }
    // Opaque: any other text would be refused.
    if matches!(field.name(), "page_token" | "after") {
        return String::new();
    }
    let text = field.name().replace('_', " ");
    let least = usize::try_from(rules.min_len()).unwrap_or(0);
    let missing = least.saturating_sub(text.chars().count());
    text + &"x".repeat(missing)
}

/// A text of a pattern.
fn like(pattern: &str) -> String {
    if let Ok(pattern) = Regex::new(pattern)
        && let Some(sample) = SAMPLES.iter().find(|sample| pattern.is_match(sample))
    {
        return (*sample).to_owned();
    }
    let mut text = String::new();
    if let Ok(hir) = regex_syntax::parse(pattern) {
        write(&hir, &mut text);
    }
    text
}

/// The first text that an expression means: first characters of classes, fewest repetitions, first alternatives.
fn write(hir: &Hir, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => text.extend(class.ranges().last().map(ClassUnicodeRange::start)),
        HirKind::Class(Class::Bytes(class)) => {
            text.extend(class.ranges().last().map(|range| char::from(range.start())));
        }
        HirKind::Repetition(repetition) => (0..repetition.min).for_each(|_| write(&repetition.sub, text)),
        HirKind::Capture(capture) => write(&capture.sub, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, text)),
        HirKind::Alternation(parts) => parts.first().into_iter().for_each(|part| write(part, text)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_text_like_a_pattern_matches_it() {
        for pattern in [
            "^[0-9]{6}([0-9]{3}){0,3}$",
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "^[0-9]{15}$",
            "^([1-9][0-9]{0,3}(m|h|d|wh|wd))?$",
            "^[a-z]+/[0-9a-f-]{36}$",
            "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$",
            "^(a|b)c{2,3}d?$",
        ] {
            let text = like(pattern);
            assert!(Regex::new(pattern).unwrap().is_match(&text), "{text:?} is not like {pattern}");
        }
    }
}
